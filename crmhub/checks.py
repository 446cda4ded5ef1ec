"""What must hold between settings before the hub may run."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from crmhub import kill_points
from providers import registry


@register()
def limits_are_in_order(**_: Any) -> list[Error]:
    """Refuse limits by which a job could outlive the lease on the links it holds."""
    order = ("HTTP_DEADLINE_SECONDS", "JOB_SOFT_LIMIT", "JOB_HARD_LIMIT", "LEASE_SECONDS")
    values = [getattr(settings, name) for name in order]
    if all(first < second for first, second in pairwise(values)):
        return []
    shown = " < ".join(f"{name} ({value:g})" for name, value in zip(order, values, strict=True))
    return [
        Error(
            f"The time limits are not in order: {shown} must hold.",
            hint="Set LEASE_SECONDS alone: the others follow from it.",
            id="crmhub.E001",
        )
    ]


@register()
def providers_can_be_loaded(**_: Any) -> list[Error]:
    """Name every registered CRM whose module cannot be loaded."""
    problems = []
    for code in registry.codes():
        try:
            registry.provider_class(code)
        except (ImportError, AttributeError) as error:
            problems.append(Error(f"The CRM {code!r} cannot be loaded: {error}.", id="crmhub.E002"))
    return problems


@register(deploy=True)
def secrets_stay_with_the_vendors(**_: Any) -> list[Error]:
    """Refuse to send credentials to hosts that are not the vendors' own when deploying."""
    if not settings.ALLOW_CUSTOM_CRM_HOSTS:
        return []
    return [
        Error(
            "ALLOW_CUSTOM_CRM_HOSTS is on: the hub can be talked into sending its credentials anywhere.",
            hint="It is for demo and tests only; leave it out.",
            id="crmhub.E003",
        )
    ]


@register(deploy=True)
def no_process_dies_on_purpose(**_: Any) -> list[Error]:
    """Refuse to deploy a hub whose processes are told to die at a kill point."""
    if not os.environ.get(kill_points.VARIABLE):
        return []
    return [
        Error(
            f"{kill_points.VARIABLE} is set: processes of the hub die on purpose.",
            hint="It is for the tests of faults only; leave it out.",
            id="crmhub.E004",
        )
    ]
