"""The page that HubSpot's part began from, the guide to its tasks, point by point: in its words, and the test that shows it."""

from __future__ import annotations

_HERE = "providers/tests/hubspot"

SEED: tuple[tuple[str, str], ...] = (
    (
        "POST /crm/v3/objects/tasks",
        f"{_HERE}/test_simulator.py::test_the_guide_s_create_makes_a_task_for_two_contacts",
    ),
    (
        "field hs_timestamp: required",
        f"{_HERE}/test_guide.py::test_a_task_without_a_due_moment_is_refused_and_the_hub_puts_one_in",
    ),
    (
        "field hs_timestamp: Unix timestamp in milliseconds or UTC format",
        f"{_HERE}/test_guide.py::test_a_due_moment_is_taken_as_text_in_utc_or_in_milliseconds",
    ),
    ("field hs_task_body", f"{_HERE}/test_guide.py::test_notes_are_sent_as_html_and_read_as_text"),
    ("field hubspot_owner_id", f"{_HERE}/test_guide.py::test_the_owner_is_the_user_that_it_is_assigned_to"),
    ("field hs_task_subject", f"{_HERE}/test_guide.py::test_the_subject_is_the_title"),
    (
        "field hs_task_status: COMPLETED or NOT_STARTED, and WAITING in the example",
        f"{_HERE}/test_guide.py::test_each_status_is_sent_by_its_word",
    ),
    (
        "field hs_task_priority: LOW, MEDIUM or HIGH",
        f"{_HERE}/test_guide.py::test_each_priority_is_sent_by_its_word",
    ),
    (
        "field hs_task_type: EMAIL, CALL or the default, a to-do",
        f"{_HERE}/test_guide.py::test_each_type_is_sent_by_its_word",
    ),
    (
        "field hs_task_reminders: Unix timestamp in milliseconds",
        f"{_HERE}/test_guide.py::test_a_reminder_is_sent_in_milliseconds_and_an_iso_text_is_refused",
    ),
    (
        "associations: to and types with associationCategory and associationTypeId",
        f"{_HERE}/test_guide.py::test_two_contacts_are_associated_by_category_and_type",
    ),
    (
        "associations with several records",
        f"{_HERE}/test_linking.py::test_a_task_is_made_with_several_records_of_each_kind",
    ),
    (
        "custom association types (labels)",
        f"{_HERE}/test_labels.py::test_a_label_is_given_by_name_or_by_number",
    ),
    (
        "batch creating tasks",
        f"{_HERE}/test_batches.py::test_a_batch_is_one_request_and_its_answers_are_not_matched_by_position",
    ),
    (
        "GET /crm/v3/objects/tasks/{taskId}",
        f"{_HERE}/test_simulator.py::test_a_task_is_read_with_what_was_asked_for_and_no_more",
    ),
    (
        "parameter properties",
        f"{_HERE}/test_simulator.py::test_a_task_is_read_with_what_was_asked_for_and_no_more",
    ),
    (
        "parameter associations: those that don't exist will not be returned",
        f"{_HERE}/test_guide.py::test_an_association_that_does_not_exist_is_not_in_the_answer",
    ),
    (
        "GET crm/v3/objects/tasks, parameter limit",
        f"{_HERE}/test_listings.py::test_a_page_has_a_hundred_tasks_with_their_associations",
    ),
    (
        "GET crm/v3/objects/tasks, parameter properties",
        f"{_HERE}/test_simulator.py::test_a_listing_names_the_properties_asked_for",
    ),
    ("retrieve in bulk", f"{_HERE}/test_simulator_batches.py::test_a_batch_of_reads_names_what_is_missing"),
    (
        "PATCH /crm/v3/objects/tasks/{taskId}",
        f"{_HERE}/test_simulator.py::test_the_guide_s_update_closes_the_deal",
    ),
    (
        "HubSpot will ignore values for read-only and non-existent properties",
        f"{_HERE}/test_portals.py::test_the_guide_s_portal_ignores_properties_that_do_not_exist_or_are_read_only",
    ),
    (
        "… which live portals refuse",
        f"{_HERE}/test_portals.py::test_live_portals_refuse_properties_that_do_not_exist_or_are_read_only",
    ),
    (
        "to clear a property value, pass an empty string",
        f"{_HERE}/test_guide.py::test_what_is_empty_is_cleared_by_an_empty_text",
    ),
    ("batch updating", f"{_HERE}/test_batches.py::test_bad_items_of_a_batch_of_updates_are_found_too"),
    (
        "PUT /crm/v3/objects/tasks/{taskId}/associations/{toObjectType}/{toObjectId}/{associationTypeId}",
        f"{_HERE}/test_simulator.py::test_the_guide_s_association_is_made_and_removed",
    ),
    (
        "associationTypeId numerically or in snake case",
        f"{_HERE}/test_simulator_links.py::test_the_guide_s_association_takes_a_custom_label_by_number_or_in_snake_case",
    ),
    (
        "associate an existing task with records",
        f"{_HERE}/test_provider.py::test_changed_associations_are_added_and_removed",
    ),
    (
        "DELETE /crm/v3/objects/tasks/{taskId}/associations/{toObjectType}/{toObjectId}/{associationTypeId}",
        f"{_HERE}/test_simulator.py::test_the_guide_s_association_is_made_and_removed",
    ),
    (
        "remove an association",
        f"{_HERE}/test_labels.py::test_a_label_is_changed_and_taken_away_and_its_contact_stays",
    ),
    (
        "pin a task: hs_pinned_engagement_id",
        f"{_HERE}/test_pins.py::test_a_task_is_pinned_on_a_record_when_it_is_made",
    ),
    (
        "pin a task: it must already be associated",
        f"{_HERE}/test_simulator.py::test_a_task_is_pinned_on_a_record_that_it_is_associated_with",
    ),
    (
        "pin a task: one activity per record",
        f"{_HERE}/test_pins.py::test_a_pin_of_another_task_is_not_taken_away",
    ),
    (
        "pin on companies, contacts, deals and tickets",
        f"{_HERE}/test_pins.py::test_a_pin_is_set_and_taken_away_later",
    ),
    (
        "pin on custom objects: not supported",
        f"{_HERE}/test_seed.py::test_that_custom_objects_are_not_pinned_on_is_said",
    ),
    (
        "DELETE /crm/v3/objects/tasks/{taskId}",
        f"{_HERE}/test_simulator.py::test_a_deleted_task_is_in_the_recycling_bin_until_a_person_restores_it",
    ),
    (
        "restore the task from the record timeline",
        f"{_HERE}/test_guide.py::test_a_task_that_was_deleted_waits_in_the_recycling_bin",
    ),
    (
        "batch deleting",
        f"{_HERE}/test_batches.py::test_deleting_a_batch_with_doubles_and_unknown_ids_is_no_error",
    ),
)
