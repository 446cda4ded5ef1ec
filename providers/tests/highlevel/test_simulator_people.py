"""The simulated HighLevel's contacts and users over plain HTTP."""

from __future__ import annotations

import pytest

from providers.tests.highlevel.examples import error


def test_a_duplicate_is_refused_with_the_contact_in_the_way(raw, location, contact):
    reply = raw.post("/contacts/", json={"locationId": location, "email": "GRACE@client.example"})

    assert error(reply) == (400, "This location does not allow duplicated contacts.")
    assert reply.json()["meta"] == {
        "contactId": contact,
        "contactName": "Grace Hopper",
        "matchingField": "email",
    }


def test_a_duplicate_is_made_where_the_account_allows_it(raw, simulator, location, contact):
    simulator.allow_duplicates = True

    reply = raw.post("/contacts/", json={"locationId": location, "phone": "+1 202 555 0123"})

    assert reply.status_code == 201
    assert reply.json()["contact"]["phone"] == "+12025550123"


@pytest.mark.parametrize(("email", "is_new"), [("grace@client.example", False), ("ida@client.example", True)])
def test_an_upsert_changes_the_contact_that_is_there_and_makes_one_that_is_not(
    raw, location, contact, email, is_new
):
    reply = raw.post("/contacts/upsert", json={"locationId": location, "email": email, "lastName": "Murray"})

    assert reply.json()["new"] is is_new
    assert (reply.json()["contact"]["id"] == contact) is not is_new
    assert raw.get(f"/contacts/{contact}").json()["contact"]["lastName"] == ("Hopper" if is_new else "Murray")


@pytest.mark.parametrize("name", ["locationId", "companyName", "jobTitle"])
def test_an_update_of_a_contact_refuses_what_belongs_to_the_create(raw, contact, name):
    reply = raw.put(f"/contacts/{contact}", json={name: "x"})

    assert error(reply) == (422, [f"property {name} should not exist"])


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ({"email": "Grace@client.example"}, True),
        ({"number": "+12025550123"}, True),
        ({"email": "no@x.example"}, False),
    ],
)
def test_the_duplicate_look_up_is_exact(raw, location, contact, query, is_found):
    reply = raw.get("/contacts/search/duplicate", params={"locationId": location, **query})

    assert reply.status_code == 200
    assert (reply.json()["contact"] is not None) is is_found


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ([{"field": "email", "operator": "eq", "value": "GRACE@client.example"}], 1),
        ([{"field": "email", "operator": "not_eq", "value": "grace@client.example"}], 1),
        ([{"field": "lastName", "operator": "contains", "value": "ark"}], 1),
        ([{"field": "phone", "operator": "not_exists"}], 1),
        (
            [
                {
                    "group": "OR",
                    "filters": [
                        {"field": "firstName", "operator": "eq", "value": n} for n in ("Grace", "Edith")
                    ],
                }
            ],
            2,
        ),
        ([], 2),
    ],
)
def test_the_contact_search_understands_its_filters(raw, simulator, location, contact, filters, count):
    simulator.seed({"contacts": [{"first_name": "Edith", "last_name": "Clarke"}]})

    reply = raw.post("/contacts/search", json={"locationId": location, "pageLimit": 20, "filters": filters})

    assert (reply.json()["total"], len(reply.json()["contacts"])) == (count, count)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"pageLimit": None}, 422),
        ({"pageLimit": 501}, 422),
        ({"locationId": None}, 422),
        ({"filters": [{"field": "email", "operator": "like", "value": "x"}]}, 422),
        ({"pageLimit": 100, "page": 101}, 400),
        ({"limit": 3}, 422),
    ],
)
def test_a_contact_search_that_is_not_understood_is_refused(raw, location, change, status):
    asked = {"locationId": location, "pageLimit": 20, **change}

    reply = raw.post(
        "/contacts/search", json={name: value for name, value in asked.items() if value is not None}
    )

    assert error(reply)[0] == status


def test_contacts_are_walked_in_the_order_in_which_they_changed(raw, simulator, location):
    people = simulator.seed({"contacts": [{"first_name": name} for name in "ABCDE"]})["contacts"]
    simulator.move_clock(60)
    raw.put(f"/contacts/{people[1]}", json={"firstName": "Z"})
    asked = {"locationId": location, "pageLimit": 2, "sort": [{"field": "dateUpdated", "direction": "asc"}]}
    seen = []
    while rows := raw.post("/contacts/search", json=asked).json()["contacts"]:
        seen += [row["id"] for row in rows]
        asked["searchAfter"] = rows[-1]["searchAfter"]

    assert sorted(seen) == sorted(people)
    assert seen[-1] == people[1]


def test_a_deleted_contact_stays_in_the_search_for_a_while_and_takes_its_tasks_along(
    raw, simulator, location, contact, task
):
    simulator.move_clock(60)
    simulator.find_lag = 30.0
    asked = {"locationId": location, "pageLimit": 20}

    assert raw.delete(f"/contacts/{contact}").json()["succeded"] is True

    assert raw.post("/contacts/search", json=asked).json()["total"] == 1
    simulator.move_clock(31)
    assert raw.post("/contacts/search", json=asked).json()["total"] == 0
    assert [one["deleted"] for one in simulator.tasks()] == [True]


def test_the_old_list_of_contacts_is_gone_in_v3(raw, location, contact):
    reply = raw.get("/contacts/", params={"locationId": location})

    assert [row["id"] for row in reply.json()["contacts"]] == [contact]
    assert (
        raw.get("/contacts/", params={"locationId": location}, headers={"Version": "v3"}).status_code == 400
    )


def test_users_are_listed_searched_and_shown(raw, ids, location):
    [user] = ids["users"]

    assert [one["id"] for one in raw.get("/users/", params={"locationId": location}).json()["users"]] == [
        user
    ]
    assert raw.get("/users/search", params={"companyId": "x", "query": "ADA@"}).json()["count"] == 1
    assert error(raw.get("/users/search"))[0] == 422
    assert raw.get(f"/users/{user}").json()["email"] == "ada@hub.example"
    assert error(raw.get("/users/Nobody")) == (401, "The user does not exist.")
