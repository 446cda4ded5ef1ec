"""The simulated LeadSquared answers raw HTTP as the vendor's pages say."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest

from providers.capabilities import Limit
from providers.http import HttpTransport, Request
from providers.leadsquared.simulator import LeadSquaredSimulator
from providers.simulator import Server
from providers.simulator.__main__ import simulator_class

CREATE = "/v2/Task.svc/Create"
TODOS = "/v2/Task.svc/RetrieveToDos/ByUserEmailAddress"
LEAD = "/v2/LeadManagement.svc/"
JSON = {"Content-Type": "application/json"}
NOBODY = "11111111-2222-3333-4444-555555555555"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# The example of the page on creating a to-do.
TODO = {
    "Name": "Todo: Item",
    "Description": "Describing the task",
    "RelatedEntity": 0,
    "RelatedEntityId": "",
    "DueDate": "2020-11-11 10:30:00",
    "EndDate": "2020-11-12 10:29:00",
    "ReminderBeforeDays": "1",
    "ReminderTime": "10:00:00",
    "NotifyBy": "1100",
    "OwnerEmailAddress": "",
    "TaskType": {"Name": "Revive Old Lead"},
}


def made(ask, **changes):
    status, answer = ask("POST", CREATE, {**TODO, **changes})
    assert status == 200, answer
    return answer["Message"]["Id"]


def fetched(ask, id):
    return ask("GET", f"/v2/Task.svc/Retrieve.GetById?id={id}")[1][0]


def refused(answer):
    assert answer["Status"] == "Error"
    return answer["ExceptionType"]


@pytest.fixture
def ada(simulator):
    return simulator.seed({"users": [{"email": "ada@hub.example", "name": "Ada Byron"}]})["users"][0]


@pytest.fixture
def grace(simulator):
    person = {"first_name": "Grace", "email": "grace@client.example", "phone": "+1-2025550123"}
    return simulator.seed({"contacts": [person]})["contacts"][0]


# Keys


def test_the_keys_are_taken_from_the_query_too(simulator, ask):
    keys = "accessKey={access_key}&secretKey={secret_key}".format(**simulator.secret).replace("$", "%24")

    status, users = ask("GET", f"/v2/UserManagement.svc/Users.Get?{keys}", headers={})

    assert (status, [one["StatusCode"] for one in users]) == (200, [0])


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-LSQ-AccessKey": "wrong", "x-LSQ-SecretKey": "wrong"}, {"Authorization": "Bearer token"}],
)
def test_wrong_or_missing_keys_are_refused(ask, headers):
    status, answer = ask("POST", CREATE, TODO, headers={**JSON, **headers})

    assert (status, refused(answer)) == (401, "MXUnAuthorizedAccessException")


def test_another_regions_host_names_the_right_one(simulator, ask):
    simulator.home = "api-us11.leadsquared.com"

    status, answer = ask("GET", "/v2/UserManagement.svc/Users.Get")
    who, user = ask("GET", "/v2/Authentication.svc/UserByAccessKey.Get")

    assert status == 401
    assert "api-us11.leadsquared.com" in answer["ExceptionMessage"]
    assert (who, user["LSQCommonServiceURLs"]["api"]) == (200, "api-us11.leadsquared.com")


# A to-do, as its page has it


def test_the_example_of_the_page_makes_a_to_do(ask, simulator):
    status, answer = ask("POST", CREATE, TODO)

    assert status == 200
    assert answer["Status"] == "Success"
    assert GUID.fullmatch(answer["Message"]["Id"])
    task = fetched(ask, answer["Message"]["Id"])
    assert (task["Name"], task["Category"], task["NotifyBy"]) == ("Todo: Item", 1, "1100")
    assert (task["DueDate"], task["EndDate"]) == ("2020-11-11 10:30:00.000", "2020-11-12 10:29:00.000")
    assert (task["StatusCode"], task["CompletedOn"]) == (0, "0001-01-01 00:00:00.000")
    assert task["OwnerId"] == simulator.me.id


def test_a_to_do_of_a_lead_belongs_to_it(ask, grace):
    id = made(ask, RelatedEntity=1, RelatedEntityId=grace)

    status, answer = ask("GET", f"{LEAD}RetrieveTaskByLeadId?leadId={grace}")

    assert (status, answer["RecordCount"]) == (200, 1)
    [row] = answer["TaskList"]
    assert (row["TaskID"], row["Status"], row["DueDate"]) == (id, "Overdue", "2020-11-11 10:30:00")
    assert "ModifiedOn" not in row
    assert "EndDate" not in row


def test_a_task_is_pending_until_its_end_and_overdue_after_it(ask, simulator, grace):
    end = simulator.now() + timedelta(hours=1)
    id = made(ask, RelatedEntity=1, RelatedEntityId=grace, EndDate=f"{end:%Y-%m-%d %H:%M:%S}")

    def status():
        return ask("GET", f"{LEAD}RetrieveTaskByLeadId?leadId={grace}")[1]["TaskList"][0]["Status"]

    before = status()
    simulator.move_clock(3700)
    after = status()
    ask("GET", f"/v2/Task.svc/MarkComplete?id={id}")

    assert (before, after, status()) == ("Pending", "Overdue", "Completed")


def test_a_related_id_is_ignored_where_the_entity_is_none(ask, grace):
    task = fetched(ask, made(ask, RelatedEntity=0, RelatedEntityId=grace))

    assert task["RelatedEntityId"] == ""


@pytest.mark.parametrize("name", ["OwnerEmailAddress", "OwnerId"])
def test_the_owner_is_named_by_id_or_by_email(ask, ada, name):
    owner = {"OwnerEmailAddress": " Ada@hub.example", "OwnerId": ada}[name]
    body = {key: value for key, value in TODO.items() if key != "OwnerEmailAddress"}

    _, answer = ask("POST", CREATE, {**body, name: owner})

    assert fetched(ask, answer["Message"]["Id"])["OwnerId"] == ada


def test_a_to_do_without_dates_is_due_today_in_the_accounts_zone(ask):
    body = {name: value for name, value in TODO.items() if name not in ("DueDate", "EndDate")}

    _, answer = ask("POST", CREATE, body)

    task = fetched(ask, answer["Message"]["Id"])
    assert task["DueDate"].endswith("18:30:00.000")
    assert task["EndDate"].endswith("18:29:59.000")


def test_the_task_types_are_listed(ask):
    _, all_types = ask("GET", "/v2/Task.svc/RetrieveTaskType")
    _, appointments = ask("GET", "/v2/Task.svc/RetrieveTaskType?ColumnName=Category&ColumnValue=0")

    assert "Revive Old Lead" in [one["Name"] for one in all_types]
    assert [one["Name"] for one in appointments] == ["Meeting"]
    assert all_types[0]["CreatedOn"].startswith("/Date(")


# What its page says goes wrong


@pytest.mark.parametrize(
    "body",
    [
        b"not JSON",
        b"",
        [TODO],
        {"Task": TODO},
        {**TODO, "Title": "unknown name"},
        {**TODO, "TaskType": "Follow-Up"},
        {**TODO, "TaskType": {"Id": "7"}},
        {**TODO, "Name": 7},
        {**TODO, "RelatedEntity": "lead"},
        {**TODO, "ReminderBeforeDays": None},
        {name: value for name, value in TODO.items() if name != "TaskType"},
    ],
    ids=range(11),
)
def test_a_body_of_another_shape_is_a_bad_request(ask, simulator, body):
    status, answer = ask("POST", CREATE, body)

    assert (status, answer["Status"]) == (400, "Error")
    assert simulator.tasks() == []


def test_another_content_type_is_a_bad_request(ask, simulator):
    keys = {
        "x-LSQ-AccessKey": simulator.secret["access_key"],
        "x-LSQ-SecretKey": simulator.secret["secret_key"],
    }

    assert ask("POST", CREATE, TODO, headers={**keys, "Content-Type": "text/plain"})[0] == 400


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"Name": ""}, "MXMandatoryAttributeMissingException"),
        ({"TaskType": {"Name": "Unheard Of"}}, "MXInvalidInputException"),
        ({"DueDate": "2020-11-11T10:30:00Z"}, "MXInvalidInputException"),
        ({"DueDate": "2020-13-11 10:30:00"}, "MXInvalidInputException"),
        ({"EndDate": "2020-11-10 10:30:00"}, "MXInvalidInputException"),
        ({"NotifyBy": "1ooo"}, "MXInvalidInputException"),
        ({"ReminderTime": "25:00:00"}, "MXInvalidInputException"),
        ({"OwnerEmailAddress": "mallory@hub.example"}, "MXInvalidInputException"),
        ({"OwnerEmailAddress": "admin@crm.example", "OwnerId": NOBODY}, "MXInvalidInputException"),
        ({"RelatedEntity": 2}, "MXInvalidInputException"),
        ({"RelatedEntity": 1, "RelatedEntityId": NOBODY}, "MXInvalidLeadException"),
        ({"RelatedEntity": 5, "RelatedEntityId": NOBODY}, "MXInvalidInputException"),
        ({"Description": "<script>x</script>"}, "MXXSSException"),
    ],
)
def test_a_wrong_value_is_a_500_with_the_vendors_type(ask, simulator, changes, kind):
    status, answer = ask("POST", CREATE, {**TODO, **changes})

    assert (status, refused(answer)) == (500, kind)
    assert simulator.tasks() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v2/Task.svc/Make"), ("GET", CREATE), ("POST", "/v3/Task.svc/Create"), ("PUT", CREATE)],
)
def test_an_unknown_path_is_not_found(ask, method, path):
    assert ask(method, path, TODO if method != "GET" else None)[0] == 404


def test_one_call_too_many_is_throttled_in_the_vendors_words():
    simulator = LeadSquaredSimulator()
    transport = HttpTransport((), any_host=True)
    keys = {
        "x-LSQ-AccessKey": simulator.secret["access_key"],
        "x-LSQ-SecretKey": simulator.secret["secret_key"],
    }
    with Server(simulator) as server:
        request = Request("GET", f"{server.url}/v2/UserManagement.svc/Users.Get", keys)
        answers = [transport.send(request) for _ in range(26)]
        simulator.move_clock(5.1)
        later = transport.send(request)
    transport.close()

    assert [one.status for one in answers] == [200] * 25 + [429]
    assert b"MXAPIRateLimitExceededException" in answers[-1].body
    assert b"API calls exceeded the limit of 25 in 5 second(s)" in answers[-1].body
    assert later.status == 200


def test_some_accounts_tell_of_the_limit_under_a_200():
    simulator = LeadSquaredSimulator(limits=[Limit(1, 5.0)])
    simulator.throttles_in_200 = True

    reply = simulator.throttled(Limit(20, 5.0), 1.0)

    assert reply.status == 200
    assert reply.body["ExceptionMessage"] == "API calls exceeded the limit of 20 in 5 second(s)"


def test_trouble_of_the_platform_has_no_mx_type(simulator, ask):
    simulator.fail_next("status", status=500)

    status, answer = ask("POST", CREATE, TODO)

    assert (status, refused(answer)) == (500, "Exception")


# Updating, completing, deleting


def test_the_example_of_the_page_on_updating_works(ask, ada, grace):
    id = made(ask)
    body = {
        "UserTaskId": id,
        "Name": "Document Collection",
        "Description": "I'm assigning a new task",
        "RelatedEntity": 1,
        "RelatedEntityId": grace,
        "DueDate": "2022-10-10 10:11:23",
        "Reminder": 30,
        "NotifyBy": "1000",
        "OwnerId": ada,
    }

    status, answer = ask("POST", "/v2/Task.svc/Update", body)

    assert (status, answer) == (200, {"Status": "Success", "Message": {"AffectedRows": 1, "AutoId": 325}})
    task = fetched(ask, id)
    assert {name: task[name] for name in body if name != "DueDate"} == {
        **{k: body[k] for k in body if k != "DueDate"}
    }
    assert task["DueDate"] == "2022-10-10 10:11:23.000"


@pytest.mark.parametrize(
    "part", [{"TaskType": {"Name": "Follow-Up"}}, {"StatusCode": 1}, {"Location": "Room 2"}]
)
def test_neither_type_nor_status_nor_location_can_be_updated(ask, part):
    assert ask("POST", "/v2/Task.svc/Update", {"UserTaskId": made(ask), **part})[0] == 400


@pytest.mark.parametrize(
    ("body", "status"), [({"UserTaskId": NOBODY, "Name": "x"}, 500), ({"Name": "x"}, 400)]
)
def test_an_update_of_nothing_is_refused(ask, body, status):
    assert ask("POST", "/v2/Task.svc/Update", body)[0] == status


def test_a_refused_update_changes_nothing(ask):
    id = made(ask)
    before = fetched(ask, id)

    ask("POST", "/v2/Task.svc/Update", {"UserTaskId": id, "Name": "New", "OwnerId": NOBODY})

    assert fetched(ask, id) == before


def test_a_task_is_completed_by_a_get(ask):
    id = made(ask)

    status, answer = ask("GET", f"/v2/Task.svc/MarkComplete?id={id}")

    task = fetched(ask, id)
    assert (status, answer["Status"], task["StatusCode"]) == (200, "Success", 1)
    assert not task["CompletedOn"].startswith("0001")
    assert ask("GET", f"/v2/Task.svc/MarkComplete?id={NOBODY}")[0] == 500


def test_tasks_are_deleted_in_a_list(ask):
    ids = [made(ask), made(ask)]

    status, answer = ask("POST", "/v2/Task.svc/DeleteTasks", {"TaskIds": [*ids, NOBODY]})

    assert status == 200
    assert answer == {
        "Status": "Success",
        "Operation": "Bulk Delete Tasks",
        "TasksCount": 3,
        "DeletedTasksCount": 2,
        "FailureReason": None,
    }
    assert ask("GET", f"/v2/Task.svc/Retrieve.GetById?id={ids[0]}") == (200, [])
    assert ask("POST", "/v2/Task.svc/DeleteTasks", {"TaskIds": [str(uuid.uuid4())] * 5001})[0] == 500


def test_at_most_fifty_tasks_are_made_at_once_and_their_ids_are_not_told(ask, simulator):
    status, answer = ask(
        "POST",
        "/v2/Task.svc/Bulk/Create",
        {"TaskList": [TODO, TODO], "StatusWebhookURL": "https://hub.example/"},
    )
    too_many, _ = ask("POST", "/v2/Task.svc/Bulk/Create", {"TaskList": [TODO] * 51})

    assert (status, answer["Message"]["IsSuccessful"], too_many) == (200, True, 500)
    assert answer["Message"]["Id"] not in [task["id"] for task in simulator.tasks()]
    assert len(simulator.tasks()) == 2


# Listings


def test_to_dos_of_several_users_come_in_pages(ask, ada):
    ids = {
        made(ask),
        made(ask),
        made(ask, OwnerEmailAddress="ada@hub.example"),
        made(ask, TaskType={"Name": "Meeting"}),
    }
    asked = {
        "FromDate": "2020-11-01",
        "ToDate": "2020-11-30",
        "Users": ["admin@crm.example", "ada@hub.example"],
    }

    pages = [ask("POST", TODOS, {**asked, "Paging": {"PageIndex": at, "PageSize": 2}})[1] for at in (1, 2, 3)]

    assert [(page["RecordCount"], len(page["List"])) for page in pages] == [(3, 2), (3, 1), (3, 0)]
    assert {one["UserTaskId"] for page in pages for one in page["List"]} < ids


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"ToDate": "2021-02-09"}, 200),
        ({"ToDate": "2021-02-10"}, 500),
        ({"ToDate": "2020-10-01"}, 500),
        ({"FromDate": "2020-11-01 00:00:00"}, 500),
        ({"Paging": {"PageIndex": 0, "PageSize": 2}}, 500),
        ({"Users": []}, 400),
        ({"Users": "admin@crm.example"}, 400),
    ],
)
def test_a_listing_covers_at_most_a_hundred_days(ask, changes, status):
    body = {"FromDate": "2020-11-01", "ToDate": "2020-11-30", "Users": ["admin@crm.example"], **changes}

    assert ask("POST", TODOS, body)[0] == status


def test_one_owners_tasks_are_told_apart_by_state(ask, ada):
    done, _ = made(ask), made(ask)
    ask("GET", f"/v2/Task.svc/MarkComplete?id={done}")
    parameter = {
        "LookupName": "OwnerEmailAddress",
        "LookupValue": "admin@crm.example",
        "FromDate": "2020-01-01 00:00:00",
        "ToDate": "2020-12-31 00:00:00",
        "StatusCode": 1,
    }
    body = {"Parameter": parameter, "Sorting": {"ColumnName": "CreatedOn", "Direction": "1"}}

    status, answer = ask("POST", "/v2/Task.svc/Retrieve", {**body, "Paging": {"Offset": 0, "RowCount": 200}})

    assert (status, [one["UserTaskId"] for one in answer["List"]]) == (200, [done])


def test_look_ups_lag_and_reading_by_id_does_not(ask, simulator, grace):
    simulator.find_lag = 10
    id = made(ask, RelatedEntity=1, RelatedEntityId=grace)

    assert fetched(ask, id)["UserTaskId"] == id
    simulator.move_clock(-1)
    assert ask("GET", f"{LEAD}RetrieveTaskByLeadId?leadId={grace}")[1]["RecordCount"] == 0
    simulator.move_clock(12)
    assert ask("GET", f"{LEAD}RetrieveTaskByLeadId?leadId={grace}")[1]["RecordCount"] == 1


# Leads


def test_a_lead_is_made_from_a_list_of_attributes(ask):
    body = [
        {"Attribute": "FirstName", "Value": "Ida"},
        {"Attribute": "EmailAddress", "Value": "ida@client.example"},
    ]

    status, answer = ask("POST", f"{LEAD}Lead.Create", body)

    [lead] = ask("GET", f"{LEAD}Leads.GetByEmailaddress?emailaddress=IDA%40client.example")[1]
    assert (status, lead["ProspectID"], lead["LastName"]) == (200, answer["Message"]["Id"], None)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ([{"Attribute": "Phone", "Value": "+12025550123"}], 200, "MXDuplicateEntryException"),
        ([{"Attribute": "EmailAddress", "Value": "Grace@Client.example"}], 200, "MXDuplicateEntryException"),
        ([{"Attribute": "Company", "Value": "Compilers"}], 500, "MXMandatoryAttributeMissingException"),
        ([{"Attribute": "Firstname", "Value": "Ida"}], 500, "MXUnknownAttributeException"),
        ({"FirstName": "Ida"}, 400, "MXInvalidInputException"),
        ([{"Attribute": "FirstName"}], 400, "MXInvalidInputException"),
    ],
)
def test_a_lead_is_refused_as_the_vendor_does(ask, grace, body, status, kind):
    answered, answer = ask("POST", f"{LEAD}Lead.Create", body)

    assert (answered, refused(answer)) == (status, kind)


def test_create_or_update_finds_the_lead_by_what_it_is_told_to(ask, grace):
    body = [
        {"Attribute": "EmailAddress", "Value": "grace@client.example"},
        {"Attribute": "LastName", "Value": "Hopper"},
        {"Attribute": "SearchBy", "Value": "EmailAddress"},
    ]

    status, answer = ask("POST", f"{LEAD}Lead.CreateOrUpdate?postUpdatedLead=false", body)

    assert (status, answer["Message"]) == (200, {"Id": grace, "AffectedRows": 1})
    assert ask("GET", f"{LEAD}Leads.GetById?id={grace}")[1][0]["LastName"] == "Hopper"


@pytest.mark.parametrize("phone", ["12025550123", "2025550123", "%2B12025550123"])
def test_a_lead_is_found_by_its_digits_with_or_without_the_country(ask, grace, phone):
    status, [lead] = ask("GET", f"{LEAD}RetrieveLeadByPhoneNumber?phone={phone}")

    assert (status, lead["ProspectID"]) == (200, grace)


def test_a_lead_is_found_by_one_condition_with_the_columns_asked_for(ask, grace):
    parameter = {"LookupName": "Phone", "LookupValue": "+1-2025550123", "SqlOperator": "="}

    status, found = ask(
        "POST", f"{LEAD}Leads.Get", {"Parameter": parameter, "Columns": {"Include_CSV": "FirstName"}}
    )
    wrong, _ = ask("POST", f"{LEAD}Leads.Get", {"Parameter": {**parameter, "LookupName": "phone"}})

    assert (status, found) == (200, [{"ProspectID": grace, "FirstName": "Grace"}])
    assert wrong == 500


def test_opportunities_belong_to_a_lead(ask, simulator, grace):
    [deal] = simulator.seed({"deals": [{"name": "Renewal"}]})["deals"]

    status, answer = ask("POST", f"/v2/OpportunityManagement.svc/GetOpportunitiesOfLead?leadId={grace}", {})
    _, enabled = ask("GET", "/v2/OpportunityManagement.svc/IsOpportunityEnabled?orgId=61234")

    assert (status, [one["OpportunityId"] for one in answer["List"]]) == (200, [deal])
    assert enabled == {"OpportunityManagement": "Enabled"}


# Its own pages


def test_the_account_is_told_in_plain_words(ask, simulator, grace):
    id = made(
        ask,
        RelatedEntity=1,
        RelatedEntityId=grace,
        DueDate="2020-11-10 18:30:00",
        EndDate="2020-11-11 18:29:59",
    )

    status, tasks = ask("GET", "/_sim/tasks")

    assert (status, tasks) == (
        200,
        [
            {
                "id": id,
                "title": "Todo: Item",
                "body": "Describing the task",
                "status": "open",
                "due_at": "2020-11-11",
                "contact": "grace@client.example",
                "hub_key": "",
                "deleted": False,
            }
        ],
    )


def test_a_reset_leaves_the_user_of_the_keys(ask, simulator, ada, grace):
    made(ask)
    me = simulator.me.id

    ask("POST", "/_sim/reset", {})

    assert (simulator.tasks(), simulator.contacts()) == ([], [])
    assert [one.id for one in simulator.users] == [me]


def test_the_simulator_is_found_by_its_code():
    assert simulator_class("leadsquared") is LeadSquaredSimulator
