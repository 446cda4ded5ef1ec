"""HubSpot as a provider: its calls stand in the rooms that this one joins."""

from __future__ import annotations

from providers.hubspot.listings import ListingCalls
from providers.hubspot.people import PeopleCalls
from providers.hubspot.tasks import TaskCalls


class HubSpot(TaskCalls, ListingCalls, PeopleCalls):
    """One HubSpot account: tasks, listings, people and records."""
