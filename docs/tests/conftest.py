"""The engine's hub with its simulated CRMs, for the tests of what the documents say about it."""

from __future__ import annotations

from crmhub.tests.engine.conftest import code, grace, hub

__all__ = ["code", "grace", "hub"]
