"""What the vendor's page on creating a to-do says, item by item in its own words, and the test that holds us to it."""

from __future__ import annotations

_HERE = "providers/tests/leadsquared/"
_PAGE = _HERE + "test_simulator.py::"
_SENT = _HERE + "test_payloads.py::"
_SAID = _HERE + "test_catalogue.py::"

SEED: tuple[tuple[str, str], ...] = (
    ("Create a To-Do", _PAGE + "test_the_example_of_the_page_makes_a_to_do"),
    ("associate it with a lead: RelatedEntity “1”", _PAGE + "test_a_to_do_of_a_lead_belongs_to_it"),
    (
        "without associating it with a lead: RelatedEntity “0”",
        _PAGE + "test_a_related_id_is_ignored_where_the_entity_is_none",
    ),
    ("either the OwnerId or OwnerEmailAddress", _PAGE + "test_the_owner_is_named_by_id_or_by_email"),
    ("Get list of Task Types", _PAGE + "test_the_task_types_are_listed"),
    (
        "due date and end date will be taken as the current day",
        _PAGE + "test_a_to_do_without_dates_is_due_today_in_the_accounts_zone",
    ),
    ("Content-Type: application/json", _PAGE + "test_another_content_type_is_a_bad_request"),
    ("field Name", _SENT + "test_brackets_are_replaced_and_the_key_is_the_last_line"),
    ("field Description", _SENT + "test_brackets_are_replaced_and_the_key_is_the_last_line"),
    (
        "field RelatedEntity",
        _SENT + "test_a_task_has_one_related_record_the_deal_before_the_contact",
    ),
    (
        "field RelatedEntityId",
        _SENT + "test_a_task_has_one_related_record_the_deal_before_the_contact",
    ),
    ("field DueDate", _SENT + "test_due_and_end_are_always_sent_and_a_day_is_one_of_the_account"),
    ("field EndDate", _SENT + "test_due_and_end_are_always_sent_and_a_day_is_one_of_the_account"),
    ("“yyyy-mm-dd hh:mm:ss” format", _PAGE + "test_a_wrong_value_is_a_500_with_the_vendors_type"),
    (
        "‘Pending’ until the end date, then ‘Overdue’",
        _PAGE + "test_a_task_is_pending_until_its_end_and_overdue_after_it",
    ),
    (
        "field ReminderBeforeDays",
        _SENT + "test_a_to_do_reminds_at_a_time_of_day_and_an_appointment_by_minutes",
    ),
    (
        "field ReminderTime",
        _SENT + "test_a_to_do_reminds_at_a_time_of_day_and_an_appointment_by_minutes",
    ),
    ("ReminderTime in “hh:mm:ss” format", _PAGE + "test_a_wrong_value_is_a_500_with_the_vendors_type"),
    (
        "field NotifyBy: 1100 by email, 1000 no notifications",
        _SENT + "test_the_owner_is_notified_by_mail_or_not_at_all",
    ),
    ("field OwnerId", _SENT + "test_an_assignee_is_named_by_id"),
    ("field OwnerEmailAddress", _SENT + "test_an_assignee_may_be_given_by_email"),
    ("field TaskType", _SENT + "test_the_task_type_is_mapped_known_or_the_default"),
    ("200 OK", _PAGE + "test_the_example_of_the_page_makes_a_to_do"),
    ("401 Unauthorized", _PAGE + "test_wrong_or_missing_keys_are_refused"),
    (
        "401 Unauthorized: invalid access credentials",
        _SAID + "test_a_documented_status_has_its_class_and_says_what_to_do",
    ),
    ("400 Bad Request", _PAGE + "test_a_body_of_another_shape_is_a_bad_request"),
    (
        "400 Bad Request: attribute names and structure",
        _SAID + "test_a_documented_status_has_its_class_and_says_what_to_do",
    ),
    ("404 Not Found", _PAGE + "test_an_unknown_path_is_not_found"),
    (
        "404 Not Found: check the API signature",
        _SAID + "test_a_documented_status_has_its_class_and_says_what_to_do",
    ),
    ("429 Too Many Requests", _PAGE + "test_one_call_too_many_is_throttled_in_the_vendors_words"),
    (
        "429: the limit of 25 in 5 second(s)",
        _HERE + "test_error_cases.py::test_a_limit_is_waited_for_as_long_as_its_window",
    ),
    (
        "500 Internal Server Error",
        _SAID + "test_a_500_without_a_verdict_is_in_doubt_for_a_write_and_nothing_for_a_read",
    ),
    ("500: check the exception message", _SAID + "test_every_type_that_was_seen_has_a_row"),
)
