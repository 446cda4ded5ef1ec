"""The simulated LeadSquared sorts, cuts and counts its listings as the vendor's pages say."""

from __future__ import annotations

import pytest

from providers.leadsquared.simulator_records import TaskType

TASKS = "/v2/Task.svc/"
LEADS = "/v2/LeadManagement.svc/"
TODO = {"Name": "Call", "DueDate": "2026-03-10 08:30:00", "TaskType": {"Name": "Follow-Up"}}


def made(ask, simulator, *names):
    ids = []
    for at, name in enumerate(names):
        simulator.move_clock(2)
        body = {**TODO, "Name": name, "DueDate": f"2026-03-{20 - at} 08:30:00"}
        ids.append(ask("POST", TASKS + "Create", body)[1]["Message"]["Id"])
    return ids


def retrieved(ask, simulator, **parts):
    parameter = {"LookupName": "OwnerId", "LookupValue": simulator.me.id, **parts.pop("Parameter", {})}
    return ask("POST", TASKS + "Retrieve", {"Parameter": parameter, **parts})


@pytest.mark.parametrize(
    ("sorting", "names"),
    [
        ({"ColumnName": "CreatedOn", "Direction": "0"}, "abc"),
        ({"ColumnName": "CreatedOn", "Direction": "1"}, "cba"),
        ({"ColumnName": "Duedate", "Direction": "0"}, "cba"),
        ({}, "cba"),
    ],
)
def test_an_owners_tasks_are_sorted_by_a_column(ask, simulator, sorting, names):
    made(ask, simulator, *"abc")

    status, answer = retrieved(ask, simulator, Sorting=sorting)

    assert (status, answer["RecordCount"]) == (200, 3)
    assert [one["Name"] for one in answer["List"]] == list(names)


def test_an_owners_tasks_are_cut_by_rows_to_skip(ask, simulator):
    made(ask, simulator, *"abcde")
    sorting = {"ColumnName": "CreatedOn", "Direction": "0"}

    pages = [
        retrieved(ask, simulator, Sorting=sorting, Paging={"Offset": at, "RowCount": 2})[1]
        for at in (0, 2, 4, 6)
    ]

    assert [[one["Name"] for one in page["List"]] for page in pages] == [["a", "b"], ["c", "d"], ["e"], []]
    assert {page["RecordCount"] for page in pages} == {5}


def test_columns_may_be_left_out(ask, simulator):
    made(ask, simulator, "a")

    _, answer = retrieved(ask, simulator, Columns={"Exclude_CSV": "Description,OwnerName"})

    assert not {"Description", "OwnerName"} & set(answer["List"][0])


@pytest.mark.parametrize(
    "parts",
    [
        {"Sorting": {"ColumnName": "Anything", "Direction": "0"}},
        {"Sorting": {"ColumnName": "CreatedOn", "Direction": "2"}},
        {"Paging": {"Offset": 0, "RowCount": 501}},
        {"Paging": {"Offset": 0, "RowCount": 0}},
        {"Parameter": {"LookupName": "Owner"}},
        {"Parameter": {"FromDate": "2026-03-10"}},
    ],
)
def test_a_listing_that_makes_no_sense_is_refused(ask, simulator, parts):
    made(ask, simulator, "a")

    status, answer = retrieved(ask, simulator, **parts)

    assert (status, answer["ExceptionType"]) == (500, "MXInvalidInputException")


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("=", "Ida", 1),
        ("<>", "Ida", 2),
        ("LIKE", "%a", 2),
        (">", "Grace", 1),
        (">=", "Grace", 2),
        ("<", "Grace", 1),
        ("<=", "Grace", 2),
    ],
)
def test_leads_are_compared_as_sql_does(ask, simulator, operator, value, found):
    simulator.seed({"contacts": [{"first_name": name} for name in ("Ada", "Grace", "Ida")]})
    parameter = {"LookupName": "FirstName", "LookupValue": value, "SqlOperator": operator}

    status, answer = ask("POST", LEADS + "Leads.Get", {"Parameter": parameter})

    assert (status, len(answer)) == (200, found)


def test_the_example_of_the_page_on_searching_leads_works(ask, simulator):
    for name in ("Ada", "Grace"):
        simulator.move_clock(2)
        simulator.seed({"contacts": [{"first_name": name}]})
    body = {
        "Parameter": {"LookupName": "CreatedOn", "LookupValue": "2015-01-01 14:36:59", "SqlOperator": ">"},
        "Columns": {"Include_CSV": "ProspectID, FirstName, LastName, EmailAddress"},
        "Sorting": {"ColumnName": "CreatedOn", "Direction": "1"},
        "Paging": {"PageIndex": 1, "PageSize": 100},
    }

    status, answer = ask("POST", LEADS + "Leads.Get", body)

    assert status == 200
    assert [one["FirstName"] for one in answer] == ["Grace", "Ada"]
    assert set(answer[0]) == {"ProspectID", "FirstName", "LastName", "EmailAddress"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"Parameter": {"LookupName": "firstname", "LookupValue": "Ida"}}, "MXUnknownAttributeException"),
        (
            {"Parameter": {"LookupName": "FirstName", "LookupValue": "Ida", "SqlOperator": "~"}},
            "MXInvalidInputException",
        ),
        ({"Paging": {"PageIndex": 0, "PageSize": 10}}, "MXInvalidInputException"),
        ({"Paging": {"PageIndex": 1, "PageSize": 1001}}, "MXInvalidInputException"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(ask, changes, kind):
    body = {"Parameter": {"LookupName": "FirstName", "LookupValue": "Ida", "SqlOperator": "="}, **changes}

    status, answer = ask("POST", LEADS + "Leads.Get", body)

    assert (status, answer["ExceptionType"]) == (500, kind)


def test_a_type_shows_which_columns_it_demands(ask, simulator):
    simulator.types.append(
        TaskType("t", "KYC", 1, mandatory=("mx_Custom_1",), custom={"mx_Custom_1": "Verified by"})
    )

    _, [kyc] = ask("GET", TASKS + "RetrieveTaskType?ColumnName=TaskName&ColumnValue=KYC")
    lacking, answer = ask("POST", TASKS + "Create", {**TODO, "TaskType": {"Name": "KYC"}})
    whole, _ = ask(
        "POST",
        TASKS + "Create",
        {**TODO, "TaskType": {"Name": "KYC"}, "CustomFields": {"mx_Custom_1": "Ada"}},
    )

    demanded = [one["DisplayName"] for one in kyc["ColumnConfiguration"] if one["Mandatory"]]
    assert demanded == ["OwnerId", "Name", "Verified by"]
    assert (lacking, answer["ExceptionType"]) == (500, "MXMandatoryAttributeMissingException")
    assert whole == 200


@pytest.mark.parametrize(("count", "status"), [(0, 500), (1, 200), (50, 200), (51, 500)])
def test_a_bulk_request_takes_up_to_fifty_tasks(ask, simulator, count, status):
    assert ask("POST", TASKS + "Bulk/Create", {"TaskList": [TODO] * count})[0] == status
    assert len(simulator.tasks()) == (count if status == 200 else 0)


def test_a_bulk_request_names_itself_and_no_task(ask, simulator):
    simulator.bulk_takes = 20

    _, answer = ask("POST", TASKS + "Bulk/Create", {"TaskList": [TODO, {**TODO, "NotifyBy": "7"}]})
    early = len(simulator.tasks())
    simulator.move_clock(21)

    assert answer["Message"]["IsSuccessful"] is True
    assert answer["Message"]["Id"] not in [one["id"] for one in simulator.tasks()]
    assert (early, len(simulator.tasks())) == (0, 1)
    assert simulator.bulk_reports == ["Call: Invalid value for NotifyBy"]
