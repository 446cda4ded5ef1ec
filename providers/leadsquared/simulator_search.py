"""The simulated LeadSquared account: searching its leads, and its opportunities."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from providers.leadsquared.simulator_leads import ATTRIBUTES, LEADS, LeadsSimulator
from providers.leadsquared.simulator_shapes import (
    PAGING_SHAPE,
    Refusal,
    body_of,
    direction_in,
    invalid,
    is_object,
    is_text,
    refusing,
    shaped,
)
from providers.simulator import Call, Reply, route

COLUMNS = ("ProspectID", "CreatedOn", *ATTRIBUTES)
LARGEST_PAGE = 1000
OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "LIKE": lambda held, asked: (
        re.fullmatch(re.escape(asked).replace("%", ".*"), held, re.DOTALL) is not None
    ),
}


class SearchSimulator(LeadsSimulator):
    """The part of the account that finds leads by a condition, and the opportunities of a lead.

    While `ties_move`, rows that are equal in the column a listing is sorted by come in another order each time. With `lists_in_objects` a
    search answers with a list inside an object, as some accounts do.
    """

    def reset(self) -> None:
        """Empty the account."""
        super().reset()
        self.ties_move = True
        self.lists_in_objects = False

    @route("POST", LEADS + "Leads.Get")
    @refusing
    def search_leads(self, call: Call) -> Reply:
        """Return the leads that fit one condition, sorted by one column; equal ones in any order, another one each time."""
        shape = dict.fromkeys(("Parameter", "Columns", "Sorting", "Paging"), is_object)
        body = body_of(call, shape, ["Parameter"])
        fits = self._condition(body["Parameter"])
        column, is_reversed = direction_in(body.get("Sorting", {}), COLUMNS, "CreatedOn")
        paging = shaped(body.get("Paging", {}), PAGING_SHAPE)
        index, size = int(paging.get("PageIndex", 1)), int(paging.get("PageSize", 100))
        if index < 1 or not 1 <= size <= LARGEST_PAGE:
            raise invalid("Invalid Paging")
        found = [shown for shown in map(self._shown, self._findable()) if fits(shown)]
        self._mix(found)
        found.sort(key=lambda one: one[column] or "", reverse=is_reversed)
        wanted = re.split(r"\s*,\s*", str(body.get("Columns", {}).get("Include_CSV") or ""))
        rows = [_only(one, wanted) for one in found[(index - 1) * size : index * size]]
        return Reply(200, {"List": rows} if self.lists_in_objects else rows)

    def _mix(self, rows: list[dict[str, Any]]) -> None:
        if self.ties_move:
            self._chance.shuffle(rows)

    def _condition(self, given: Any) -> Callable[[Mapping[str, Any]], bool]:
        asked = shaped(given, dict.fromkeys(("LookupName", "LookupValue", "SqlOperator"), is_text))
        name, value = asked.get("LookupName", ""), asked.get("LookupValue", "").lower()
        if name not in COLUMNS:
            raise Refusal("MXUnknownAttributeException", f"Unknown attribute {name}")
        compare = OPERATORS.get(asked.get("SqlOperator", "="))
        if compare is None:
            raise invalid("Invalid SqlOperator")
        return lambda shown: compare(str(shown[name] or "").lower(), value)

    # Opportunities

    @route("GET", "/v2/OpportunityManagement.svc/IsOpportunityEnabled")
    def has_opportunities(self, call: Call) -> Reply:
        """Say that the account has opportunities."""
        return Reply(200, {"OpportunityManagement": "Enabled"})

    @route("POST", "/v2/OpportunityManagement.svc/GetOpportunitiesOfLead")
    @refusing
    def opportunities_of_lead(self, call: Call) -> Reply:
        """List the opportunities of a lead."""
        body_of(call, {"Columns": is_object, "Sorting": is_object, "Paging": is_object})
        found = [one for one in self.opportunities.values() if one.lead == call.query.get("leadId")]
        rows = [{"OpportunityId": one.id, "ProspectId": one.lead, "mx_Custom_1": one.name} for one in found]
        return Reply(200, {"RecordCount": len(rows), "List": rows})


def _only(shown: Mapping[str, Any], wanted: list[str]) -> dict[str, Any]:
    return {
        name: value
        for name, value in shown.items()
        if wanted == [""] or name in wanted or name == "ProspectID"
    }
