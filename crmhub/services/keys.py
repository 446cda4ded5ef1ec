"""Making and revoking API keys."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from crmhub.models import ApiKey
from crmhub.models.access import Scope

USED_EVERY = timedelta(minutes=1)


def create_key(
    *, name: str, scopes: Collection[str], expires_in: timedelta | None = None
) -> tuple[ApiKey, str]:
    """Make a key and return it with its text, which is shown this once and not kept.

    Each key has an inactive service user of its own, so that what it changes is told apart. Raises `ValidationError` for an unknown scope,
    none at all, or a name that is taken, empty or too long.
    """
    unknown = sorted(set(scopes) - {scope.value for scope in Scope})
    if unknown or not scopes:
        known = ", ".join(scope.value for scope in Scope)
        what = f"Unknown: {', '.join(unknown)}." if unknown else "A key needs at least one scope."
        raise ValidationError({"scopes": [f"{what} The scopes are {known}."]})
    name = name.strip()
    longest = ApiKey._meta.get_field("name").max_length or 0
    if not name or len(name) > longest or not name.isprintable():
        raise ValidationError({"name": [f"The name must have 1 to {longest} printable characters."]})
    if ApiKey.objects.filter(name=name).exists():
        raise ValidationError({"name": [f"There is a key named {name} already."]})
    with transaction.atomic():
        user = get_user_model()(username=_free_username(name), is_active=False)
        user.set_unusable_password()
        user.save()
        key, text = ApiKey.objects.create(user=user, expiry=expires_in, name=name, scopes=sorted(set(scopes)))
    return key, text


def note_key_used(*, key: ApiKey, now: datetime | None = None) -> None:
    """Remember when the key was last used; written at most once a minute, so that reading does not become writing."""
    now = now or timezone.now()
    if key.last_used_at is None or key.last_used_at <= now - USED_EVERY:
        key.last_used_at = now
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def revoke_key(*, key: ApiKey) -> None:
    """Revoke the key at once; its service user stays, because the history names it."""
    key.delete()


def _free_username(name: str) -> str:
    base = f"service-{slugify(name) or 'key'}"[:140]
    taken = set(get_user_model().objects.filter(username__startswith=base).values_list("username", flat=True))
    if base not in taken:
        return base
    return next(f"{base}-{n}" for n in range(2, len(taken) + 3) if f"{base}-{n}" not in taken)
