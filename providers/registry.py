"""The CRMs that the hub knows: one line each."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.base import Provider
    from providers.capabilities import Capabilities

PROVIDERS = {
    "hubspot": "providers.hubspot.provider.HubSpot",
    "highlevel": "providers.highlevel.provider.HighLevel",
    "leadsquared": "providers.leadsquared.provider.LeadSquared",
    "leadlex": "providers.leadlex.provider.LeadLex",
}


def codes() -> tuple[str, ...]:
    """Return the codes of all providers, in the order that staff see them."""
    return tuple(PROVIDERS)


def provider_class(code: str) -> type[Provider]:
    """Return the provider's class. Raises `LookupError` for a code that is not registered."""
    if code not in PROVIDERS:
        raise LookupError(f"There is no provider {code!r}; the hub knows {', '.join(PROVIDERS)}.")
    return _load(PROVIDERS[code])


def capabilities(code: str) -> Capabilities:
    """Return what the provider can do. Raises `LookupError` for a code that is not registered."""
    return provider_class(code).capabilities


@cache
def _load(path: str) -> type[Provider]:
    module, _, name = path.rpartition(".")
    loaded: type[Provider] = getattr(import_module(module), name)
    return loaded
