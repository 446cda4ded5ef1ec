"""What failed, and sending it again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crmhub.api.changes import author
from crmhub.api.problems import ManyAtOnce
from crmhub.api.sync_shapes import (
    FailuresShape,
    ReplayBody,
    ReplayCountsShape,
    ReplayShape,
    replays_for_reading,
)
from crmhub.api.views.base import HubView, existing
from crmhub.clock import database_now
from crmhub.models import Replay
from crmhub.models.access import Scope
from crmhub.queries.failures import failures
from crmhub.queries.weighing import is_large
from crmhub.services import begin_replay, preview_replay, resume_replay, stop_replay

READ = (Scope.SYNC_READ.value,)
REPLAY = (Scope.SYNC_REPLAY.value,)
CONNECTION = OpenApiParameter("connection", OpenApiTypes.UUID, description="At this connection only.")


class Failures(HubView):
    """What waits for a person."""

    scopes = {"GET": READ}
    parameters = {"GET": ("connection",), "HEAD": ("connection",)}

    @extend_schema(
        operation_id="list_failures", responses=FailuresShape, tags=["sync"], parameters=[CONNECTION]
    )
    def get(self, request: Request) -> Response:
        """Count what waits for a person, by connection, reason and age; the most first."""
        connection = _id(request.query_params.get("connection", ""))
        found = failures(now=database_now(), connection=connection)
        return Response(FailuresShape({"results": found}).data)


class Replays(HubView):
    """All replays."""

    scopes = {"POST": REPLAY}
    problems = {"POST": ("409",)}

    @extend_schema(
        operation_id="begin_replay",
        request=ReplayBody,
        responses={200: ReplayCountsShape, 202: ReplayShape},
        tags=["sync"],
    )
    def post(self, request: Request) -> Response:
        """Send all links again that meet what the body says. They are marked in the background; `dry_run` only counts.

        Of many at once only the number is told, unless they are `confirmed`.
        """
        wanted = self.body(ReplayBody, request)
        if wanted["dry_run"]:
            return Response(ReplayCountsShape(preview_replay(selection=wanted["selection"])).data)
        if not wanted["confirmed"]:
            _refuse_many(preview_replay(selection=wanted["selection"]).total)
        replay = begin_replay(selection=wanted["selection"], **author(request))
        at = reverse("api:replay", args=[replay.pk])
        return Response(ReplayShape(replay).data, status=202, headers={"Location": at})


class OneReplay(HubView):
    """One replay."""

    scopes = {"GET": (*READ, *REPLAY)}

    @extend_schema(operation_id="read_replay", responses=ReplayShape, tags=["sync"])
    def get(self, request: Request, replay_id: UUID) -> Response:
        """Read how far a replay is."""
        return _shown(replay_id)


class ReplayStop(HubView):
    """The way to stop a replay."""

    scopes = {"POST": REPLAY}

    @extend_schema(operation_id="stop_replay", request=None, responses={200: ReplayShape}, tags=["sync"])
    def post(self, request: Request, replay_id: UUID) -> Response:
        """Mark no more links; what is marked stays so. Nothing happens to one that has ended."""
        stop_replay(replay=existing(Replay, replay_id))
        return _shown(replay_id)


class ReplayResumption(HubView):
    """The way to go on with a replay."""

    scopes = {"POST": REPLAY}

    @extend_schema(operation_id="resume_replay", request=None, responses={200: ReplayShape}, tags=["sync"])
    def post(self, request: Request, replay_id: UUID) -> Response:
        """Go on where a replay was stopped. Nothing happens to one that has ended."""
        resume_replay(replay=existing(Replay, replay_id))
        return _shown(replay_id)


def _refuse_many(total: int) -> None:
    if is_large(total):
        raise ManyAtOnce(
            f"{total:,} links are many at once; nothing was done. `dry_run` tells at which CRM; send `confirmed` to send them all again."
        )


def _shown(replay_id: UUID) -> Response:
    def read(key: UUID) -> Any:
        return replays_for_reading().get(pk=key)

    return Response(ReplayShape(existing(Replay, replay_id, read)).data)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError as error:
        raise ValidationError({"connection": ["This is not an id."]}) from error
