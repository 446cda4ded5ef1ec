"""`manage.py demo`: show the hub with made-up data and four simulated CRMs."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError, CommandParser

from crmhub.demo import show, simulated
from crmhub.demo.run import Demo, Unsettled, run
from crmhub.demo.verify import differences
from crmhub.launcher import access
from crmhub.launcher.children import DidNotStart
from crmhub.launcher.hub import Hub
from crmhub.launcher.surroundings import CannotStart, Surroundings, current
from crmhub.management.base import HubCommand, number

MOST_TOLD = 40  # differences


class Command(HubCommand):
    """Builds the demo, shows it, and checks it or stays."""

    help = (
        "Shows the hub with made-up data and four simulated CRMs, in a database and a Valkey of its own, made anew at each start. "
        "Ctrl-C stops everything."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the port, and whether to end after a check."""
        parser.add_argument(
            "--once",
            action="store_true",
            help="check that every CRM holds what it should, and end: exit status 0 or 1",
        )
        parser.add_argument(
            "--port", type=number, help="a port of 127.0.0.1; by default 8000, or the next one that is free"
        )

    def handle(self, *_: Any, once: bool, port: int | None, **__: Any) -> None:
        """Run until it is checked, or until a signal comes."""
        try:
            surroundings = current()
            self._explain(surroundings)
            with Hub(surroundings, self.say) as hub:
                demo = run(hub, port=0 if once and port is None else port, say=self.say)
                self._show(demo)
                if once:
                    self._check(demo)
                else:
                    self._stay(demo)
        except (CannotStart, DidNotStart, Unsettled) as error:
            raise CommandError(str(error)) from error

    def _explain(self, surroundings: Surroundings) -> None:
        self.say("A demo of the hub: made-up data, four simulated CRMs, everything on this machine.")
        if surroundings.left_aside:
            names = ", ".join(surroundings.left_aside)
            self.say(f"It keeps to itself; not used: {names}.")

    def _show(self, demo: Demo) -> None:
        self.say("\n" + "\n".join(show.table(demo.world)))
        folder = demo.hub.surroundings.folder
        assert demo.way_in is not None
        told = access.tell(folder, hub=demo.hub.url, access=demo.way_in, simulators=_for_tools(demo))
        self.say(f"\nReady after {time.monotonic() - demo.began:.1f} s.")
        self.say(
            f"  admin        {demo.hub.url}/admin/ as {demo.way_in.username}, password {demo.way_in.password}"
        )
        self.say(f"  API          {demo.hub.url}/api/v1/, key in {told}")
        for code, simulator in demo.simulators.items():
            label = demo.world.connections[code].capabilities.label
            self.say(f"  {label:12} {simulator['url']}/_sim/tasks")
        self.say(f"  logs         {folder / 'log'}")

    def _check(self, demo: Demo) -> None:
        self.say("\nAsking the four CRMs what they hold …")
        held = {code: simulated.tasks(one["url"]) for code, one in demo.simulators.items()}
        wrong = differences(demo.world, held)
        for code, one in demo.simulators.items():
            statuses = simulated.statuses(one["url"])
            label = demo.world.connections[code].capabilities.label
            self.say(
                f"  {label}: {len(held[code])} tasks, {len(statuses)} requests, {statuses.count(429)} of them refused for their rate"
            )
            if 429 in statuses:
                wrong.append(f"{label}: refused {statuses.count(429)} requests for their rate")
        if wrong:
            for line in wrong[:MOST_TOLD]:
                self.say(f"  ✗ {line}")
            raise CommandError(
                f"{len(wrong)} differences between the CRMs and what this world names for them"
            )
        count = len(demo.world.tasks) * len(demo.world.connections)
        self.say(f"Checked: all {count} links are as this world names them, and the CRMs hold exactly that.")

    def _stay(self, demo: Demo) -> None:
        self.say("Ctrl-C stops everything.")
        # A signal is how it is meant to end.
        with suppress(KeyboardInterrupt):
            demo.hub.watch()


def _for_tools(demo: Demo) -> dict[str, dict[str, Any]]:
    return {code: {"url": one["url"], "secret": one["secret"]} for code, one in demo.simulators.items()}
