"""HubSpot's JSON, one step above HTTP: records that are really there, listings to their last page, search, associations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from providers.error_cases import Answer, vendor_words
from providers.errors import Transient, Unconfirmed
from providers.http import JsonApi, Transport
from providers.hubspot.batches import MOST
from providers.hubspot.error_cases import CASES, error_inside

LARGEST_SEARCH = 10_000  # results; HubSpot refuses to page further
MOST_LINKS = 500  # associations on one page


class Client:
    """One token at HubSpot. Every method may raise any `ProviderError`; none repeats a call."""

    def __init__(self, transport: Transport, *, label: str, base_url: str, token: str) -> None:
        """Keep what every call carries; opens nothing."""
        headers = {"Authorization": f"Bearer {token}".strip()}
        self._api = JsonApi(transport, vendor=label, base_url=base_url, headers=headers, cases=CASES)
        self.call = self._api.call

    def pages(
        self, path: str, query: Mapping[str, object], *, budget: str = "all"
    ) -> Iterator[Mapping[str, Any]]:
        """Yield every record of a listing, page after page."""
        after: str | None = None
        while True:
            answer = self.call(
                "GET", path, query={**query, **({"after": after} if after else {})}, budget=budget
            )
            yield from results(answer)
            last, after = after, next_page(answer.json)
            if not after or after == last:
                return

    def search(self, plural: str, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield what a search finds, page after page, as far as HubSpot lets one page."""
        seen, after = 0, "0"
        while True:
            answer = self.call(
                "POST",
                f"/crm/v3/objects/{plural}/search",
                json_body={**body, "after": after},
                writes=False,
                budget="search",
            )
            page = results(answer)
            yield from page
            seen += len(page)
            after = next_page(answer.json)
            if not after or not page or seen >= LARGEST_SEARCH:
                return

    def read_batch(
        self, plural: str, ids: Sequence[str], properties: Collection[str]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the records with these ids, a hundred to a call; those that are gone are missing."""
        for start in range(0, len(ids), MOST):
            body = {
                "inputs": [{"id": one} for one in dict.fromkeys(ids[start : start + MOST])],
                "properties": list(properties),
                "propertiesWithHistory": [],
            }
            path = f"/crm/v3/objects/{plural}/batch/read"
            yield from results(self.call("POST", path, json_body=body, writes=False))

    def associated(self, from_type: str, id_: str, to_type: str) -> list[str]:
        """Return the ids of all records of a type that a record is associated with. `NotFound` when it is gone."""
        path = f"/crm/v4/objects/{from_type}/{quote(id_, safe='')}/associations/{to_type}"
        told = self.pages(path, {"limit": MOST_LINKS}, budget="associations")
        return list(dict.fromkeys(str(one["toObjectId"]) for one in told))

    def associate(self, from_type: str, to_type: str, inputs: Sequence[Mapping[str, Any]]) -> None:
        """Make associations. Raises the error of the first that was refused."""
        path = f"/crm/v4/associations/{from_type}/{to_type}/batch/create"
        answer = self.call("POST", path, json_body={"inputs": inputs}, budget="associations")
        for error in answer.json.get("errors") or () if isinstance(answer.json, Mapping) else ():
            refused = answer.as_error(error)
            raise error_inside(refused, vendor_words(refused.json))

    def dissociate(self, from_type: str, id_: str, to_type: str, others: Collection[str]) -> None:
        """Remove every association of a record with these others."""
        path = f"/crm/v4/associations/{from_type}/{to_type}/batch/archive"
        inputs = [{"from": {"id": id_}, "to": [{"id": other} for other in sorted(others)]}]
        self.call("POST", path, json_body={"inputs": inputs}, budget="associations")


def record(answer: Answer, name: str, *, writes: bool) -> Mapping[str, Any]:
    """Return the JSON object in an answer that must tell `name`; one that does not is no verdict."""
    if isinstance(answer.json, Mapping) and answer.json.get(name):
        return answer.json
    what = f"HubSpot answered {answer.status} without what was asked for"
    if writes:
        raise Unconfirmed(f"{what}; the request may have landed.", status=answer.status)
    raise Transient(f"{what}.", status=answer.status)


def results(answer: Answer) -> list[Mapping[str, Any]]:
    """Return the records of a read that tells several. An answer without a list of them is `Transient`: it is not a no."""
    found = answer.json.get("results") if isinstance(answer.json, Mapping) else None
    if not isinstance(found, list):
        raise Transient(f"HubSpot answered {answer.status} without a list.", status=answer.status)
    return [one for one in found if isinstance(one, Mapping)]


def next_page(body: Any) -> str:
    """Return the cursor of the next page, "" on the last one."""
    paging = body.get("paging") if isinstance(body, Mapping) else None
    following = paging.get("next") if isinstance(paging, Mapping) else None
    return str(following.get("after") or "") if isinstance(following, Mapping) else ""
