"""Every write of the hub: keyword-only, one transaction each. Forms, the API, jobs and commands all come through here."""

from __future__ import annotations

from crmhub.services.associations import Associated, Associations
from crmhub.services.authorisations import begin_authorisation, finish_authorisation
from crmhub.services.choices import choose_for_task
from crmhub.services.connections import (
    change_connection,
    connect_account,
    disconnect_account,
    note_backfill,
    note_check,
    pause_connection,
    resume_connection,
    switch_on,
)
from crmhub.services.counterparts import (
    Counterpart,
    Known,
    end_loss,
    link_counterparts,
    link_people,
    question_links,
    send_missing,
    set_aside,
)
from crmhub.services.credentials import replace_secrets, reseal_secrets
from crmhub.services.keys import create_key, note_key_used, revoke_key
from crmhub.services.links import (
    add_to_crm,
    choose_candidate,
    exclude_link,
    link_record,
    replay_links,
    unlink_record,
)
from crmhub.services.owing import owe, owe_contact, owe_task
from crmhub.services.people import save_contact
from crmhub.services.profiles import save_profile
from crmhub.services.records import save_record
from crmhub.services.replays import (
    begin_replay,
    go_on_with_replay,
    preview_replay,
    resume_replay,
    stop_replay,
    work_on_replay,
)
from crmhub.services.retention import Pruned, prune_attempts, prune_step_by_step
from crmhub.services.tasks import (
    Saved,
    StaleVersion,
    complete_task,
    create_tasks,
    delete_task,
    restore_task,
    save_task,
)
from crmhub.services.unmatched import (
    Stranger,
    forget_unmatched,
    keep_unmatched,
    leave_unmatched,
    match_unmatched,
)

__all__ = [
    "Associated",
    "Associations",
    "Counterpart",
    "Known",
    "Pruned",
    "Saved",
    "StaleVersion",
    "Stranger",
    "add_to_crm",
    "begin_authorisation",
    "begin_replay",
    "change_connection",
    "choose_candidate",
    "choose_for_task",
    "complete_task",
    "connect_account",
    "create_key",
    "create_tasks",
    "delete_task",
    "disconnect_account",
    "end_loss",
    "exclude_link",
    "finish_authorisation",
    "forget_unmatched",
    "go_on_with_replay",
    "keep_unmatched",
    "leave_unmatched",
    "link_counterparts",
    "link_people",
    "link_record",
    "match_unmatched",
    "note_backfill",
    "note_check",
    "note_key_used",
    "owe",
    "owe_contact",
    "owe_task",
    "pause_connection",
    "preview_replay",
    "prune_attempts",
    "prune_step_by_step",
    "question_links",
    "replace_secrets",
    "replay_links",
    "reseal_secrets",
    "restore_task",
    "resume_connection",
    "resume_replay",
    "revoke_key",
    "save_contact",
    "save_profile",
    "save_record",
    "save_task",
    "send_missing",
    "set_aside",
    "stop_replay",
    "switch_on",
    "unlink_record",
    "work_on_replay",
]
