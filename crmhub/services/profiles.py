"""Writing what a member of staff chose for themselves."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from crmhub.models import Profile


def save_profile(*, user: AbstractBaseUser, time_zone: str) -> Profile:
    """Save which zone the person sees times in, "" for the hub's own. Raises `ValidationError` by field for a zone that is not known here."""
    with transaction.atomic():
        profile = Profile.objects.select_for_update().filter(user=user.pk).first() or Profile(user_id=user.pk)
        profile.time_zone = time_zone
        profile.full_clean()
        profile.save()
    return profile
