"""What the simulated CRMs share: a server on a real port, a fault menu, a movable clock, rate windows, a log.

Each vendor's room has a `simulator.py` with a small stateful CRM that speaks that vendor's HTTP: its paths, shapes, required headers,
statuses and error bodies, so that a wrong call fails as it would there.
"""

from __future__ import annotations

from providers.simulator.crm import Simulator, route
from providers.simulator.faults import Fault
from providers.simulator.server import Call, Reply, Server

__all__ = ["Call", "Fault", "Reply", "Server", "Simulator", "route"]
