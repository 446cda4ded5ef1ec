"""The tasks of the made-up firm, each with what becomes of it and with what every CRM must hold in the end."""

from __future__ import annotations

from crmhub.demo.daily import DAILY
from crmhub.demo.special import SPECIAL
from crmhub.demo.words import Story

STORIES: tuple[Story, ...] = (*DAILY, *SPECIAL)
