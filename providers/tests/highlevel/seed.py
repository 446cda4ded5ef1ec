"""Which test shows what stands on the two pages that this provider was begun from: "Create Task" and "Update Task Completed"."""

from __future__ import annotations

_HERE = "providers/tests/highlevel/test_seed.py::"
_CREATE = "POST /contacts/:contactId/tasks"
_COMPLETED = "PUT /contacts/:contactId/tasks/:taskId/completed"

SEED: tuple[tuple[str, str], ...] = (
    (_CREATE, f"{_HERE}test_a_task_is_created_under_its_contact"),
    (f"{_CREATE}: path parameter contactId", f"{_HERE}test_a_task_is_created_under_its_contact"),
    (f"{_CREATE}: header Version", f"{_HERE}test_the_version_stands_on_every_request"),
    (f"{_CREATE}: header Version required", f"{_HERE}test_a_request_without_the_version_is_refused"),
    (f"{_CREATE}: scope contacts.write", f"{_HERE}test_the_scope_of_the_create_is_needed"),
    (f"{_CREATE}: OAuth Access Token", f"{_HERE}test_an_app_access_token_opens_the_sub_account"),
    (
        f"{_CREATE}: Private Integration Token",
        f"{_HERE}test_a_private_integration_token_opens_the_sub_account",
    ),
    (
        f"{_CREATE}: Sub-Account Token",
        "providers/tests/highlevel/test_apps.py::test_an_agency_that_was_chosen_instead_of_the_sub_account_is_told_as_such",
    ),
    (f"{_CREATE}: field title", f"{_HERE}test_the_title_is_sent_and_read"),
    (
        f"{_CREATE}: field title, dueDate, completed required",
        f"{_HERE}test_a_required_field_that_is_missing_is_a_422",
    ),
    (f"{_CREATE}: field body", f"{_HERE}test_the_body_is_sent_and_read"),
    (f"{_CREATE}: field dueDate", f"{_HERE}test_the_due_date_is_sent_and_read"),
    (f"{_CREATE}: field completed", f"{_HERE}test_whether_it_is_completed_is_sent_and_read"),
    (f"{_CREATE}: field assignedTo", f"{_HERE}test_the_assignee_is_sent_and_read"),
    (f"{_CREATE}: answer 201", f"{_HERE}test_the_create_is_answered_with_the_documented_fields"),
    (f"{_CREATE}: answer field id, contactId", f"{_HERE}test_the_id_and_the_contact_of_the_answer_are_kept"),
    (
        f"{_CREATE}: example of the request and of the answer",
        "providers/tests/highlevel/test_simulator.py::test_the_create_example_is_answered_as_documented",
    ),
    (f"{_CREATE}: error 400", f"{_HERE}test_a_create_that_is_a_bad_request_is_refused"),
    (
        f"{_CREATE}: error 400 of a missing contact",
        f"{_HERE}test_a_contact_that_is_not_there_is_a_bad_request_and_not_found",
    ),
    (f"{_CREATE}: error 401", f"{_HERE}test_a_create_with_an_invalid_token_is_unauthorized"),
    (f"{_CREATE}: error 422", f"{_HERE}test_a_create_that_cannot_be_processed_is_refused"),
    (_COMPLETED, f"{_HERE}test_completing_and_reopening_are_a_call_of_their_own"),
    (
        f"{_COMPLETED}: path parameters contactId, taskId",
        "providers/tests/highlevel/test_simulator.py::test_a_task_is_reached_through_its_own_contact_only",
    ),
    (f"{_COMPLETED}: header Version", f"{_HERE}test_the_version_stands_on_every_request"),
    (f"{_COMPLETED}: OAuth Access Token", f"{_HERE}test_an_app_access_token_opens_the_sub_account"),
    (
        f"{_COMPLETED}: Private Integration Token",
        f"{_HERE}test_a_private_integration_token_opens_the_sub_account",
    ),
    (
        f"{_COMPLETED}: Sub-Account Token",
        "providers/tests/highlevel/test_apps.py::test_an_agency_that_was_chosen_instead_of_the_sub_account_is_told_as_such",
    ),
    (f"{_COMPLETED}: field completed", f"{_HERE}test_completing_and_reopening_are_a_call_of_their_own"),
    (f"{_COMPLETED}: field completed required", f"{_HERE}test_completing_without_saying_so_is_a_422"),
    (f"{_COMPLETED}: answer 200", f"{_HERE}test_completing_is_answered_with_the_documented_fields"),
    (
        f"{_COMPLETED}: example of the answer",
        "providers/tests/highlevel/test_simulator.py::test_the_completed_example_is_answered_as_documented",
    ),
    (f"{_COMPLETED}: error 400", f"{_HERE}test_completing_that_is_a_bad_request_is_refused"),
    (f"{_COMPLETED}: error 401", f"{_HERE}test_completing_with_an_invalid_token_is_unauthorized"),
    (f"{_COMPLETED}: error 422", f"{_HERE}test_completing_that_cannot_be_processed_is_refused"),
)
