"""HubSpot's JSON, one step above HTTP: records that are really there, listings to their last page, search, associations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from providers.error_cases import Answer, vendor_words
from providers.errors import NotFound, Permanent, Transient, Unconfirmed
from providers.http import Transport
from providers.hubspot.batches import MOST, errors_in
from providers.hubspot.error_cases import CASES, TOKEN_CASES, error_inside
from providers.hubspot.json_shapes import mapping, mappings, words
from providers.hubspot.labels import LinkType
from providers.hubspot.paths import path_in
from providers.json_api import JsonApi

LARGEST_SEARCH = 10_000  # results; HubSpot refuses to page further
MOST_LINKS = 500  # associations on one page
NO_LINKS = "crm.associations.NO_ASSOCIATIONS_FOUND"


class Client:
    """One token at HubSpot. Every method may raise any `ProviderError`; none repeats a call.

    Paths are given in their numbered form; `release` names the one that they are sent as, "" sends them as they are.
    """

    def __init__(
        self, transport: Transport, *, label: str, base_url: str, token: str, release: str = ""
    ) -> None:
        """Keep what every call carries; opens nothing."""
        headers = {"Authorization": f"Bearer {token}".strip()}
        self._api = JsonApi(transport, vendor=label, base_url=base_url, headers=headers, cases=CASES)
        self._open_api = JsonApi(transport, vendor=label, base_url=base_url, headers={}, cases=TOKEN_CASES)
        self._release = release

    def call(
        self,
        method: str,
        path: str,
        *,
        json_body: object = None,
        query: Mapping[str, object] | None = None,
        writes: bool | None = None,
        budget: str = "all",
    ) -> Answer:
        """Send and return a good answer, as `JsonApi.call` does."""
        path = path_in(self._release, path)
        return self._api.call(method, path, json_body=json_body, query=query, writes=writes, budget=budget)

    def call_for_tokens(self, path: str, form: Mapping[str, str], *, writes: bool = True) -> Answer:
        """Send a web form to a path where the app proves itself in the body, and no token is asked for."""
        return self._open_api.call("POST", path_in(self._release, path), form=form, writes=writes)

    def page(
        self, path: str, query: Mapping[str, object], after: str | None, *, budget: str = "all"
    ) -> tuple[list[Mapping[str, Any]], str | None]:
        """Return one page of a listing and the cursor of the next one; None on the last."""
        asked = {**query, **({"after": after} if after else {})}
        answer = self.call("GET", path, query=asked, budget=budget)
        following = next_page(answer.json)
        return results(answer), following if following and following != after else None

    def pages(
        self, path: str, query: Mapping[str, object], *, budget: str = "all"
    ) -> Iterator[Mapping[str, Any]]:
        """Yield every record of a listing, page after page."""
        after: str | None = None
        while True:
            found, after = self.page(path, query, after, budget=budget)
            yield from found
            if after is None:
                return

    def search_page(self, plural: str, body: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], str]:
        """Return one page of what a search finds, and where the next one begins ("" on the last)."""
        path = f"/crm/v3/objects/{plural}/search"
        answer = self.call("POST", path, json_body=body, writes=False, budget="search")
        return [one for one in results(answer) if one.get("id")], next_page(answer.json)

    def search(self, plural: str, body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield what a search finds, page after page.

        Raises `Permanent` where there is more than HubSpot shows: what was not shown may be what was looked for.
        """
        seen, after = 0, "0"
        while True:
            page, after = self.search_page(plural, {**body, "after": after})
            yield from page
            seen += len(page)
            if not after or not page:
                return
            if seen >= LARGEST_SEARCH:
                raise Permanent(
                    f"HubSpot finds more than the {LARGEST_SEARCH} {plural} that it shows. Look there by hand."
                )

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
            found = results(self.call("POST", path, json_body=body, writes=False))
            yield from (one for one in found if one.get("id"))

    def read_by(
        self, name: str, plural: str, values: Sequence[str], properties: Collection[str]
    ) -> list[Mapping[str, Any]]:
        """Return the records whose unique property has one of these values, at most a hundred.

        What is not there is missing. Raises the error of anything that HubSpot could not read, and `Transient` for half an answer.
        """
        body = {
            "inputs": [{"id": one} for one in dict.fromkeys(values)],
            "properties": list(properties),
            "propertiesWithHistory": [],
            "idProperty": name,
        }
        answer = self.call("POST", f"/crm/v3/objects/{plural}/batch/read", json_body=body, writes=False)
        found, told = results(answer), mapping(answer.json)
        errors = [meaning for _, meaning in errors_in(answer)]
        for error in errors:
            if not isinstance(error, NotFound):
                raise error
        is_whole = str(told.get("status") or "COMPLETE") == "COMPLETE" and all(one.get("id") for one in found)
        if not is_whole or (told.get("numErrors") and not errors):
            raise Transient("HubSpot did not say of each whether it is there.", status=answer.status)
        return found

    def links(self, from_type: str, id_: str, to_type: str) -> dict[str, tuple[LinkType, ...]]:
        """Return the records of a type that a record is associated with, and with which types. `NotFound` when it is gone."""
        path = f"/crm/v4/objects/{from_type}/{quote(id_, safe='')}/associations/{to_type}"
        return held_in(self.pages(path, {"limit": MOST_LINKS}, budget="associations"))

    def links_of_many(
        self, from_type: str, ids: Sequence[str], to_type: str
    ) -> dict[str, dict[str, tuple[LinkType, ...]]]:
        """Return the same for many records, by their ids, a hundred to a call; those that are gone, or have more than a page, may be missing.

        A record without any such association stands among the errors of the answer, which is 207 then (integrators' code, read 2026-11-30).
        """
        path = f"/crm/v4/associations/{from_type}/{to_type}/batch/read"
        found: dict[str, dict[str, tuple[LinkType, ...]]] = {}
        for start in range(0, len(ids), MOST):
            asked = list(dict.fromkeys(ids[start : start + MOST]))
            body = {"inputs": [{"id": one} for one in asked]}
            answer = self.call("POST", path, json_body=body, writes=False, budget="associations")
            for one in results(answer):
                if not one.get("paging"):
                    found[str(mapping(one.get("from")).get("id"))] = held_in(mappings(one.get("to")))
            for error in mappings(mapping(answer.json).get("errors")):
                if error.get("subCategory") == NO_LINKS:
                    found |= {one: {} for one in words(mapping(error.get("context")).get("fromObjectId"))}
        return found

    def pins(self, plural: str, ids: Sequence[str], name: str) -> dict[str, str]:
        """Return what is pinned on each of these records; `name` is the property that says it. No call for no records."""
        told = self.read_batch(plural, ids, (name,))
        return {str(one.get("id")): str(mapping(one.get("properties")).get(name) or "") for one in told}

    def labels(self, from_type: str, to_type: str) -> tuple[LinkType, ...]:
        """Return the association types that there are between two object types, the account's own labels too."""
        path = f"/crm/v4/associations/{from_type}/{to_type}/labels"
        return tuple(map(LinkType.read, results(self.call("GET", path, budget="associations"))))

    def associate(self, from_type: str, to_type: str, inputs: Sequence[Mapping[str, Any]]) -> None:
        """Make associations. Raises the error of the first that was refused."""
        self._change_links(f"/crm/v4/associations/{from_type}/{to_type}/batch/create", inputs)

    def dissociate(self, from_type: str, id_: str, to_type: str, others: Collection[str]) -> None:
        """Remove every association of a record with these others."""
        inputs = [{"from": {"id": id_}, "to": [{"id": other} for other in sorted(others)]}]
        self._change_links(f"/crm/v4/associations/{from_type}/{to_type}/batch/archive", inputs)

    def remove_labels(self, from_type: str, to_type: str, inputs: Sequence[Mapping[str, Any]]) -> None:
        """Remove single types of associations; the others stay. The default type must not be among them: it takes all with it."""
        self._change_links(f"/crm/v4/associations/{from_type}/{to_type}/batch/labels/archive", inputs)

    def _change_links(self, path: str, inputs: Sequence[Mapping[str, Any]]) -> None:
        answer = self.call("POST", path, json_body={"inputs": inputs}, budget="associations")
        for error in mappings(mapping(answer.json).get("errors")):
            refused = answer.as_error(error)
            raise error_inside(refused, vendor_words(refused.json))


def held_in(told: Iterable[Mapping[str, Any]]) -> dict[str, tuple[LinkType, ...]]:
    """Return the records in an answer about associations, and the types of each."""
    held: dict[str, tuple[LinkType, ...]] = {}
    for one in told:
        if (other := str(one.get("toObjectId") or "")) != "":
            types = tuple(map(LinkType.read, mappings(one.get("associationTypes"))))
            held[other] = (*held.get(other, ()), *types)
    return held


def record(answer: Answer, name: str, *, writes: bool) -> Mapping[str, Any]:
    """Return the JSON object in an answer that must tell `name`; one that does not is no verdict."""
    told = mapping(answer.json)
    if isinstance(told.get(name), (str, int)) and told[name]:
        return told
    what = f"HubSpot answered {answer.status} without what was asked for"
    if writes:
        raise Unconfirmed(f"{what}; the request may have landed.", status=answer.status)
    raise Transient(f"{what}.", status=answer.status)


def results(answer: Answer) -> list[Mapping[str, Any]]:
    """Return the records of a read that tells several. An answer without a list of them is `Transient`: it is not a no."""
    found = mapping(answer.json).get("results")
    if not isinstance(found, list):
        raise Transient(f"HubSpot answered {answer.status} without a list.", status=answer.status)
    return list(mappings(found))


def next_page(body: Any) -> str:
    """Return the cursor of the next page, "" on the last one."""
    following = mapping(mapping(mapping(body).get("paging")).get("next"))
    return str(following.get("after") or "")
