"""What LeadLex's page on creating a task says, item by item, and the test that holds the hub and the simulated workspace to it."""

from __future__ import annotations

_HERE = "providers/tests/leadlex"

SEED: tuple[tuple[str, str], ...] = (
    ("POST /v1/tasks", f"{_HERE}/test_simulator.py::test_the_pages_example_is_answered_as_documented"),
    ("POST /v1/tasks, sent by the hub", f"{_HERE}/test_seed.py::test_the_hub_sends_the_pages_example"),
    (
        "base URL https://data.leadlex.com/functions/v1/api-gateway",
        f"{_HERE}/test_provider.py::test_the_key_is_sent_to_the_vendors_own_address_unless_told_otherwise",
    ),
    (
        "header Authorization: Bearer wbk_…",
        f"{_HERE}/test_seed.py::test_every_call_carries_the_pages_headers",
    ),
    (
        "header Content-Type: application/json",
        f"{_HERE}/test_seed.py::test_every_call_carries_the_pages_headers",
    ),
    (
        "at least one parent link is required",
        f"{_HERE}/test_payloads.py::test_a_task_without_a_parent_is_refused_before_it_is_sent",
    ),
    (
        "orphan tasks are rejected with 400",
        f"{_HERE}/test_simulator.py::test_a_task_without_parent_is_refused_as_the_page_shows",
    ),
    (
        "orphan-task rejection example",
        f"{_HERE}/test_error_cases.py::test_an_orphan_is_told_as_what_is_missing",
    ),
    (
        "company_id in the message, not among the parameters",
        f"{_HERE}/test_simulator.py::test_a_company_alone_is_no_parent",
    ),
    ("field title", f"{_HERE}/test_payloads.py::test_a_new_task_sends_what_it_has_and_nothing_else"),
    ("field title is required", f"{_HERE}/test_simulator.py::test_a_missing_title_is_refused"),
    ("field description", f"{_HERE}/test_payloads.py::test_a_field_of_ours_has_one_of_theirs"),
    (
        "field status (open, in_progress, completed)",
        f"{_HERE}/test_seed.py::test_each_word_for_a_status_is_sent",
    ),
    (
        "field status, default open",
        f"{_HERE}/test_simulator.py::test_the_pages_example_is_answered_as_documented",
    ),
    ("field priority (low, medium, high)", f"{_HERE}/test_seed.py::test_each_word_for_a_priority_is_sent"),
    ("field task_type", f"{_HERE}/test_payloads.py::test_our_types_are_sent_in_the_workspaces_words"),
    (
        "field due_date (ISO 8601 or YYYY-MM-DD)",
        f"{_HERE}/test_round_trip.py::test_a_due_date_stays_the_day_or_the_moment_that_it_is",
    ),
    ("field assignee_id", f"{_HERE}/test_payloads.py::test_a_field_of_ours_has_one_of_theirs"),
    ("field contact_id", f"{_HERE}/test_seed.py::test_the_hub_sends_the_pages_example"),
    (
        "field contact_id must belong to your workspace",
        f"{_HERE}/test_provider.py::test_a_contact_of_another_workspace_is_refused_by_name",
    ),
    (
        "field contact_name, fuzzy-matched within your workspace",
        f"{_HERE}/test_names.py::test_a_task_with_a_name_alone_is_filed_under_whom_it_fits",
    ),
    (
        "400 ambiguous_reference with candidate UUIDs",
        f"{_HERE}/test_names.py::test_a_name_of_several_is_for_a_person_to_choose",
    ),
    (
        "field company_name, fuzzy Company match",
        f"{_HERE}/test_names.py::test_the_company_goes_along_as_it_was_typed",
    ),
    ("field deal_id", f"{_HERE}/test_provider.py::test_a_task_is_found_wherever_it_is_filed"),
    ("field event_id", f"{_HERE}/test_provider.py::test_a_task_is_found_wherever_it_is_filed"),
    (
        "field created_date, honored verbatim within 5 years and 24 h",
        f"{_HERE}/test_simulator.py::test_the_moment_of_creation_is_kept_within_its_bounds",
    ),
    (
        "field created_date, otherwise the server's now()",
        f"{_HERE}/test_provider.py::test_a_moment_of_creation_too_long_ago_comes_back_as_the_vendors_own",
    ),
    ("field created_date, never null", f"{_HERE}/test_seed.py::test_the_moment_of_creation_is_never_null"),
    ("response data, its ten fields", f"{_HERE}/test_seed.py::test_the_answer_is_read_field_by_field"),
    (
        "response field assigned_to_user_id",
        f"{_HERE}/test_payloads.py::test_the_assignee_is_read_under_its_other_name",
    ),
    (
        "error 400 validation_error",
        f"{_HERE}/test_error_catalogue.py::test_a_documented_refusal_has_its_class_and_a_sentence_that_helps",
    ),
    (
        "error 403 insufficient_permissions",
        f"{_HERE}/test_provider.py::test_a_key_that_may_only_read_is_told_what_it_lacks",
    ),
)
