"""Replays: many links that are sent again, a part at a time."""

from __future__ import annotations

from enum import StrEnum

from django.conf import settings
from django.db import models

from crmhub.models.ids import new_id


class Replay(models.Model):
    """One replay of a crowd of links, and how far it is.

    `selection` says which links are meant, `what` the same in words. `total` and `left_out` are the counts as they were at the beginning, for
    each connection in `by_connection`; `done` is how many are marked by now. Links are marked in the order of their ids, contacts first:
    `place_kind` and `place_id` are the last one looked at. With `is_in_background` workers go on with it; otherwise whoever began it does.
    """

    class State(StrEnum):
        """How it stands."""

        RUNNING = "running"
        STOPPED = "stopped"
        DONE = "done"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    selection = models.JSONField(default=dict, editable=False)
    what = models.CharField(max_length=500, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )
    origin = models.CharField(max_length=80, default="system", editable=False)
    is_in_background = models.BooleanField(default=True, editable=False)
    by_connection = models.JSONField(default=list, editable=False)
    total = models.PositiveIntegerField(default=0, editable=False)
    left_out = models.PositiveIntegerField(default=0, editable=False)
    done = models.PositiveIntegerField(default=0, editable=False)
    place_kind = models.CharField(max_length=7, blank=True, editable=False)
    place_id = models.UUIDField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField("begun", editable=False)
    stopped_at = models.DateTimeField("stopped", null=True, blank=True, editable=False)
    ended_at = models.DateTimeField("ended", null=True, blank=True, editable=False)

    class Meta:
        ordering = ("-created_at", "-id")
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="replay_by_beginning"),
            # What the sweep looks for. Nearly always empty.
            models.Index(
                fields=["id"],
                name="replay_unfinished",
                condition=models.Q(ended_at__isnull=True, stopped_at__isnull=True, is_in_background=True),
            ),
        ]

    def __str__(self) -> str:
        return self.what

    @property
    def state(self) -> State:
        """Return how it stands."""
        if self.ended_at is not None:
            return self.State.DONE
        return self.State.STOPPED if self.stopped_at is not None else self.State.RUNNING
