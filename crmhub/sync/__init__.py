"""Bringing the CRMs into step with the hub; the only room that calls a provider.

A push has four steps: **claim** due links, **plan** what each needs, **perform** it at the vendor, **settle** what came of it. The rules that keep
it exact are told in docs/sync.md, each with the test that holds it.
"""

from __future__ import annotations

from crmhub.sync.authorise import NotLetIn, let_in, page_to_agree_at, redirect_uri
from crmhub.sync.backfill import Backfilled, Wish, backfill
from crmhub.sync.checkup import Checkup, check_connection
from crmhub.sync.counterparts import match_by_hand
from crmhub.sync.journal import Recorded, Unreadable, read_file, write_file
from crmhub.sync.losses import expected_losses, field_in_words, loss_in_words
from crmhub.sync.patience import Clock
from crmhub.sync.preview import Preview, preview_task
from crmhub.sync.push import Pushed, push_due
from crmhub.sync.relink import Relinked, relink
from crmhub.sync.rerun import Rerun, Total, rerun
from crmhub.sync.stock import CannotBegin, Stock
from crmhub.sync.sweep import sweep, sweep_replays

__all__ = [
    "Backfilled",
    "CannotBegin",
    "Checkup",
    "Clock",
    "NotLetIn",
    "Preview",
    "Pushed",
    "Recorded",
    "Relinked",
    "Rerun",
    "Stock",
    "Total",
    "Unreadable",
    "Wish",
    "backfill",
    "check_connection",
    "expected_losses",
    "field_in_words",
    "let_in",
    "loss_in_words",
    "match_by_hand",
    "page_to_agree_at",
    "preview_task",
    "push_due",
    "read_file",
    "redirect_uri",
    "relink",
    "rerun",
    "sweep",
    "sweep_replays",
    "write_file",
]
