"""Connections: one account at one CRM each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords

from crmhub.crypto import unseal
from crmhub.models.ids import new_id
from providers import registry
from providers.capabilities import Capabilities

TESTED_BY_HAND = timedelta(minutes=1)  # in which whoever stores credentials tests them
RENEWED_AT = 0.8  # of an access token's life: what is left is for a vendor that is unwell just then


def provider_choices() -> list[tuple[str, str]]:
    """Return code and label of every registered provider."""
    return [(code, _label(code)) for code in registry.codes()]


def _label(code: str) -> str:
    try:
        return registry.capabilities(code).label
    except (ImportError, AttributeError):
        # A system check says what is wrong with it; it could not, if the choices were not to be had.
        return code


class Connection(models.Model):
    """One account at one provider: credentials, switches, health, and when it may be called again.

    `wait_until` holds the whole account back (quota, circuit); `wait_reason` says why in words. `failures` counts transient failures in a
    row. `reauthorise_since` is set when the credentials were refused, `untested_since` when others were stored and until a test with them has
    passed: they may open another account. Links then stay pending. `switched_off` maps an operation to the scope
    that it lacks. `credentials_version` grows with every change of the secrets, so that a late refusal of old ones is ignored.
    `token_obtained_at` and `token_expires_at` are the life of an app's access token, null where it is not known; until `refreshing_until` one
    worker renews it and no other asks. `renewal_refused_at` is set when the CRM refused to, while the token goes on to its end. `last_success_at` and `last_checked_at` are when the account last answered a push and last passed a
    test: only what went well counts. `account_id` is the vendor's id of the account, "" until it was told.
    `linked_at` is when the first task was linked there, null before that; `links_lost_at` when its links turned out to be lost: nothing is
    sent until they are rebuilt. `backfill` holds what a back-fill was asked for that has not come to its end.
    `disconnected_at` ends it; its links stay as history.
    """

    class Scope(models.TextChoices):
        """Which tasks go to this CRM."""

        ALL = "all", "every task saved from now on"
        LINKED = "linked", "tasks whose contact or record is linked there"
        MANUAL = "manual", "only tasks that staff add"

    class Contacts(models.TextChoices):
        """What happens with contacts at this CRM."""

        LOOKUP = "lookup", "are only looked up"
        CREATE = "create", "are created when missing"
        SYNC = "sync", "are kept in sync with every save"

    class Health(models.TextChoices):
        """How the connection is, in one word."""

        HEALTHY = "healthy", "Healthy"
        DEGRADED = "degraded", "Degraded"
        REAUTHORISE = "needs_reauthorisation", "Needs re-authorisation"
        PAUSED = "paused", "Paused"
        LINKS_LOST = "links_lost", "Links lost"
        DISCONNECTED = "disconnected", "Disconnected"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    provider = models.CharField("CRM", max_length=32, choices=provider_choices)
    name = models.CharField(max_length=100)
    base_url = models.CharField("base URL", blank=True, max_length=500)
    sealed_secrets = models.TextField(blank=True, editable=False)
    credentials_version = models.PositiveIntegerField(default=1, editable=False)
    settings = models.JSONField(default=dict, blank=True)
    learned = models.JSONField(default=dict, blank=True, editable=False)
    scope = models.CharField("tasks", max_length=6, choices=Scope, default=Scope.ALL)
    contacts = models.CharField(max_length=6, choices=Contacts, default=Contacts.CREATE)
    account_name = models.CharField("account there", max_length=300, blank=True, editable=False)
    account_id = models.CharField(max_length=200, blank=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)
    reauthorise_since = models.DateTimeField(null=True, blank=True, editable=False)
    untested_since = models.DateTimeField(null=True, blank=True, editable=False)
    token_obtained_at = models.DateTimeField(null=True, blank=True, editable=False)
    token_expires_at = models.DateTimeField("access token ends", null=True, blank=True, editable=False)
    refreshing_until = models.DateTimeField(null=True, blank=True, editable=False)
    renewal_refused_at = models.DateTimeField(null=True, blank=True, editable=False)
    wait_until = models.DateTimeField(null=True, blank=True, editable=False)
    wait_reason = models.CharField(max_length=500, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    last_success_at = models.DateTimeField("last success", null=True, blank=True, editable=False)
    last_checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    owners_read_at = models.DateTimeField(null=True, blank=True, editable=False)
    switched_off = models.JSONField(default=dict, blank=True, editable=False)
    linked_at = models.DateTimeField(null=True, blank=True, editable=False)
    links_lost_at = models.DateTimeField(null=True, blank=True, editable=False)
    backfill = models.JSONField(default=dict, blank=True, editable=False)

    history: Any = HistoricalRecords(
        excluded_fields=[
            "sealed_secrets",
            "credentials_version",
            "learned",
            "account_id",
            "untested_since",
            "token_obtained_at",
            "token_expires_at",
            "refreshing_until",
            "renewal_refused_at",
            "wait_until",
            "wait_reason",
            "failures",
            "last_error",
            "last_success_at",
            "last_checked_at",
            "owners_read_at",
            "switched_off",
            "linked_at",
            "links_lost_at",
            "backfill",
        ]
    )

    class Meta:
        ordering = ("name",)
        indexes = [
            models.Index(
                fields=["provider", "name"],
                name="connection_live",
                condition=models.Q(disconnected_at__isnull=True),
            )
        ]
        constraints = [
            # The name of one that was disconnected is free again; that one is history.
            models.UniqueConstraint(
                fields=["name"],
                name="one_live_connection_per_name",
                condition=models.Q(disconnected_at__isnull=True),
                violation_error_message="There is a connection of this name already.",
            ),
            models.CheckConstraint(
                condition=models.Q(scope__in=["all", "linked", "manual"]), name="connection_scope_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(contacts__in=["lookup", "create", "sync"]),
                name="connection_contacts_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def capabilities(self) -> Capabilities:
        """Return what this connection's CRM can do."""
        return registry.capabilities(self.provider)

    @property
    def is_known(self) -> bool:
        """Return whether this version of the hub knows the CRM. While a newer one is rolled out or back, it may not."""
        return self.provider in registry.codes()

    @property
    def can_find(self) -> bool:
        """Return whether its CRM can be asked for a task by the hub's key; taken to be so where the CRM is not known."""
        return not self.is_known or self.capabilities.can_find

    @property
    def secrets(self) -> dict[str, str]:
        """Return the credentials. Raises `SecretsUnreadable` when the key that sealed them is missing."""
        return unseal(self.sealed_secrets)

    @property
    def is_app(self) -> bool:
        """Return whether an app is let into the account, instead of a plain token opening it. Raises `SecretsUnreadable`."""
        return self.capabilities.oauth is not None and bool(self.secrets.get("client_id"))

    @property
    def token_renewal_at(self) -> datetime | None:
        """Return from when on the access token is to be renewed; None where its life is not known, which is at once."""
        if self.token_expires_at is None or self.token_obtained_at is None:
            return self.token_expires_at
        return self.token_obtained_at + RENEWED_AT * (self.token_expires_at - self.token_obtained_at)

    @property
    def is_live(self) -> bool:
        """Return whether tasks are still marked for this connection (a paused one keeps its queue)."""
        return self.disconnected_at is None

    def health(self, now: datetime) -> Health:
        """Return how the connection is at this moment."""
        if self.disconnected_at is not None:
            return self.Health.DISCONNECTED
        if self.links_lost_at is not None:
            return self.Health.LINKS_LOST
        if self.paused_at is not None:
            return self.Health.PAUSED
        if self.reauthorise_since is not None:
            return self.Health.REAUTHORISE
        is_held_back = self.untested_since or (self.wait_until and self.wait_until > now)
        if self.failures or self.switched_off or self.renewal_refused_at or is_held_back:
            return self.Health.DEGRADED
        return self.Health.HEALTHY

    def may_be_called(self, now: datetime) -> bool:
        """Return whether anything may be sent there now."""
        return self.untested_since is None and self._may_be_asked(now)

    def is_to_be_tested(self, now: datetime) -> bool:
        """Return whether a worker is to test the credentials: whoever stored them did not, or had no answer."""
        since = self.untested_since
        return since is not None and since + TESTED_BY_HAND <= now and self._may_be_asked(now)

    def _may_be_asked(self, now: datetime) -> bool:
        return (
            self.is_known
            and self.disconnected_at is None
            and self.links_lost_at is None
            and self.paused_at is None
            and self.reauthorise_since is None
            and (self.wait_until is None or self.wait_until <= now)
        )
