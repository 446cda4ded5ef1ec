"""The simulated HighLevel's contacts, users and location."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.highlevel import simulator_records as records
from providers.highlevel.simulator_account import COMPANY, Refused, handles
from providers.highlevel.simulator_apps import SimulatedApps
from providers.highlevel.simulator_records import Record
from providers.simulator import Call, Reply, route

LONGEST_PAGE = 500  # accepted by the searches in recorded calls
LONGEST_LIST = 100


class SimulatedPeople(SimulatedApps):
    """The part of the sub-account that knows people. `reach` is how many records `page` × `pageLimit` reaches; further ones only `searchAfter`."""

    reach = 10_000

    # Contacts

    @route("POST", "/contacts/")
    @handles
    def create_contact(self, call: Call) -> Reply:
        """Create; a duplicate is refused with the id of the contact in the way, unless the account allows duplicates."""
        body = self._body(call, records.NEW_CONTACT)
        self._check_location(body["locationId"])
        self._refuse_duplicate(body)
        contact = self._add_contact(body)
        self.tell_of_contact("ContactCreate", contact)
        return Reply(201, {"contact": self._shown(contact)})

    @route("POST", "/contacts/upsert")
    @handles
    def upsert_contact(self, call: Call) -> Reply:
        """Update the contact with this e-mail or phone, else create it."""
        body = dict(self._body(call, records.UPSERTED_CONTACT))
        self._check_location(body["locationId"])
        may_double = body.pop("createNewIfDuplicateAllowed", False) and self.allow_duplicates
        found, _ = (None, "") if may_double else self._duplicate(body.get("email"), body.get("phone"))
        contact = self._add_contact(body) if found is None else self._change_contact(found, body)
        self.tell_of_contact("ContactCreate" if found is None else "ContactUpdate", contact)
        shown = self._shown(contact)
        return Reply(200, {"new": found is None, "contact": shown, "succeded": True, "succeeded": True})

    @route("GET", "/contacts/{contact}")
    @handles
    def get_contact(self, call: Call) -> Reply:
        """One contact."""
        return Reply(200, {"contact": self._shown(self._contact(call))})

    @route("PUT", "/contacts/{contact}")
    @handles
    def update_contact(self, call: Call) -> Reply:
        """Change what is given; `locationId` and `companyName` are refused."""
        contact = self._contact(call)
        body = self._body(call, records.CHANGED_CONTACT)
        self._refuse_duplicate(body, but=contact)
        shown = self._shown(self._change_contact(contact, body))
        self.tell_of_contact("ContactUpdate", contact)
        return Reply(200, {"succeded": True, "succeeded": True, "contact": shown})

    @route("DELETE", "/contacts/{contact}")
    @handles
    def delete_contact(self, call: Call) -> Reply:
        """Delete the contact and its tasks."""
        self.remove_contact(self._contact(call)["id"])
        return Reply(200, {"succeded": True, "succeeded": True})

    def remove_contact(self, id_: str) -> None:
        """Delete the contact and its tasks."""
        contact = self._contacts[id_]
        contact.update(deleted=True, deleted_at=self.now())
        for task in self._tasks.values():
            if task["contactId"] == id_:
                task["deleted"] = True
                self._index(task)
        self.tell_of_contact("ContactDelete", contact)

    def remove_user(self, id_: str) -> None:
        """Take a user out of the sub-account, as an administrator does."""
        del self._users[id_]

    def merge_contacts(self, primary: str, other: str) -> None:
        """Merge a contact into another one, which takes what it lacks, as a person does there; that its tasks move is assumed (2026-11)."""
        kept, gone = self._contacts[primary], self._contacts[other]
        kept.update({name: gone[name] for name in gone if kept.get(name) in (None, "")})
        for task in self._tasks.values():
            if task["contactId"] == other:
                task["contactId"] = primary
                self._index(task)
        self.remove_contact(other)

    @route("GET", "/contacts/search/duplicate")
    @handles
    def find_duplicate(self, call: Call) -> Reply:
        """The contact with exactly this e-mail or phone, else null; does not lag."""
        self._check_location(call.query.get("locationId"))
        found, field = self._duplicate(call.query.get("email"), call.query.get("number"))
        if found is None:
            return Reply(200, {"contact": None})
        shown = {**self._shown(found), "additionalEmails": [], "additionalPhones": []}
        return Reply(200, {"contact": shown, "matchingField": field})

    @route("POST", "/contacts/search")
    @handles
    def search_contacts(self, call: Call) -> Reply:
        """Search by filters, newest first unless sorted; lags behind creates and deletes."""
        body = self._body(call, records.CONTACT_SEARCH)
        self._check_location(body["locationId"])
        size, page = int(body["pageLimit"]), int(body.get("page", 1))
        if not 1 <= size <= LONGEST_PAGE:
            raise Refused(422, [f"pageLimit must not be greater than {LONGEST_PAGE}"])
        if size * page > self.reach:
            raise Refused(400, f"Use searchAfter to read beyond {self.reach} records")
        rows = self._searched(body)
        after = body.get("searchAfter")
        start = 0 if after else (page - 1) * size
        left = _after(rows, after, is_rising=_is_rising(body)) if after else rows
        return Reply(200, {"contacts": left[start : start + size], "total": len(rows)})

    @route("GET", "/contacts/")
    @handles
    def list_contacts(self, call: Call) -> Reply:
        """The old list, newest first; gone in v3."""
        self._check_location(call.query.get("locationId"))
        self._refuse_in_v3(call)
        limit = call.query.get("limit", "20")
        if not limit.isdigit() or not 1 <= int(limit) <= LONGEST_LIST:
            raise Refused(422, [f"limit must not be greater than {LONGEST_LIST}"])
        rows = self._searched({"query": call.query.get("query", "")})
        if call.query.get("startAfter", "").isdigit() and "startAfterId" in call.query:
            place = [int(call.query["startAfter"]), call.query["startAfterId"]]
            rows = _after(rows, place, is_rising=False)
        return Reply(200, {"contacts": rows[: int(limit)], "count": len(rows)})

    # Users and the location

    @route("GET", "/users/")
    @handles
    def list_users(self, call: Call) -> Reply:
        """All users of the location; gone in v3."""
        self._refuse_in_v3(call)
        self._check_location(call.query.get("locationId"))
        return Reply(200, {"users": list(self._users.values())})

    @route("GET", "/users/search")
    @handles
    def find_users(self, call: Call) -> Reply:
        """Users of the company by name, e-mail or phone."""
        if "companyId" not in call.query:
            raise Refused(422, ["companyId should not be empty"])
        wanted = call.query.get("query", "").casefold()
        found = [
            user
            for user in self._users.values()
            if wanted in f"{user['name']} {user['email']}".casefold()
            and call.query.get("locationId", self.setting["location_id"]) in user["roles"]["locationIds"]
        ]
        skip, limit = (int(call.query.get(name, usual)) for name, usual in (("skip", "0"), ("limit", "25")))
        return Reply(200, {"users": found[skip : skip + limit], "count": len(found)})

    # Named to come after `find_users`: routes are tried in the order of their names.
    @route("GET", "/users/{user}")
    @handles
    def get_user(self, call: Call) -> Reply:
        """One user; one that never was is answered with 401."""
        user = self._users.get(call.captured["user"])
        if user is None:
            raise Refused(401, "The user does not exist.")
        return Reply(200, user)

    @route("GET", "/locations/{location}")
    @handles
    def get_location(self, call: Call) -> Reply:
        """The sub-account itself."""
        self._check_location(call.captured["location"])
        location = {
            "id": self.setting["location_id"],
            "companyId": COMPANY,
            "name": "Simulated Sub-Account",
            "timezone": self.time_zone,
            "country": "US",
            "email": "office@example.com",
        }
        return Reply(200, {"location": location})

    # Behind the handlers

    def _refuse_in_v3(self, call: Call) -> None:
        if call.headers.get("version") == "v3":
            raise Refused(400, f"Endpoint {call.path} not available in API version v3.")

    def _add_contact(self, given: Record) -> Record:
        contact: Record = {
            "id": self._new_id(),
            "type": "lead",
            "tags": [],
            "customFields": [],
            "deleted": False,
            "added": self.now(),
        }
        self._contacts[contact["id"]] = contact
        return self._change_contact(contact, given)

    def _change_contact(self, contact: Record, given: Record) -> Record:
        given = {name: value for name, value in given.items() if name != "locationId"}
        if given.get("name") and not given.get("firstName"):
            given["firstName"], _, given["lastName"] = given["name"].partition(" ")
        given.pop("name", None)
        if "phone" in given:
            given["phone"] = records.phone_of(given["phone"])
        contact.update(given, updated=self.now())
        return contact

    def _refuse_duplicate(self, given: Record, *, but: Record | None = None) -> None:
        found, field = self._duplicate(given.get("email"), given.get("phone"), but=but)
        if found is not None and not self.allow_duplicates:
            name = f"{found.get('firstName') or ''} {found.get('lastName') or ''}".strip()
            meta = {"contactId": found["id"], "contactName": name, "matchingField": field}
            raise Refused(400, "This location does not allow duplicated contacts.", meta=meta)

    def _duplicate(
        self, email: str | None, phone: str | None, *, but: Record | None = None
    ) -> tuple[Record | None, str]:
        held = [
            contact for contact in self._contacts.values() if not contact["deleted"] and contact is not but
        ]
        for contact in held:
            if email and (contact.get("email") or "").casefold() == email.casefold():
                return contact, "email"
        for contact in held:
            if phone and contact.get("phone") == records.phone_of(phone):
                return contact, "phone"
        return None, ""

    def _searched(self, asked: Record) -> list[Record]:
        order = _order(asked)
        location = self.setting["location_id"]
        rows = [
            records.contact_row(contact, location, str(order.get("field")))
            for contact in self._contacts.values()
            if self._is_indexed(contact)
        ]
        words = asked.get("query", "").casefold()
        try:
            for one in asked.get("filters", []):
                records.fits({}, [one])
            found = [
                row for row in rows if records.fits(row, asked.get("filters", [])) and words in _words(row)
            ]
        except ValueError as error:
            raise Refused(422, [str(error)]) from error
        found.sort(key=lambda row: tuple(row["searchAfter"]), reverse=not _is_rising(asked))
        return found

    def _is_indexed(self, contact: Record) -> bool:
        if not contact["deleted"]:
            return self.is_found(contact["added"])
        return bool(contact["deleted_at"] + timedelta(seconds=self.find_lag) > self.now())

    def _shown(self, contact: Record) -> Record:
        return records.shown_contact(contact, self.setting["location_id"])

    # What people put there

    def _add_user(self, user: Mapping[str, Any]) -> str:
        first, _, last = str(user.get("name", "")).partition(" ")
        made = {
            "id": self._new_id(),
            "name": user.get("name", ""),
            "firstName": first,
            "lastName": last,
            "email": user["email"],
            "deleted": False,
            "roles": {"type": "account", "role": "user", "locationIds": [self.setting["location_id"]]},
        }
        self._users[made["id"]] = made
        return str(made["id"])

    def _add_person(self, person: Mapping[str, Any]) -> str:
        names = {
            "first_name": "firstName",
            "last_name": "lastName",
            "email": "email",
            "phone": "phone",
            "company": "companyName",
        }
        given = {theirs: person[ours] for ours, theirs in names.items() if person.get(ours)}
        return str(self._add_contact(given)["id"])


def _words(row: Record) -> str:
    return " ".join(
        str(row.get(name) or "") for name in ("firstName", "lastName", "email", "phone")
    ).casefold()


def _order(asked: Record) -> Record:
    first: Record = (asked.get("sort") or [{"field": "dateAdded", "direction": "desc"}])[0]
    return first


def _is_rising(asked: Record) -> bool:
    return bool(_order(asked).get("direction") == "asc")


def _after(rows: list[Record], pair: list[Any], *, is_rising: bool) -> list[Record]:
    """Return the rows behind this `searchAfter` pair, whether the row that had it is still there or not."""
    return [row for row in rows if (row["searchAfter"] > pair) == is_rising and row["searchAfter"] != pair]
