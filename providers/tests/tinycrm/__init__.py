"""TinyCRM: a fifth CRM, as small as one can be. It exists in tests only, which copy this folder to `providers/` and add a line to the registry."""

from __future__ import annotations
