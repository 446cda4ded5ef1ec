"""Reading what is wanted costs the same number of queries for one task as for a whole batch."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from crmhub.models import TaskLink
from crmhub.sync.mapping import read_tasks
from crmhub.tests.engine.conftest import Hub

pytestmark = pytest.mark.engine


def test_a_batch_is_read_in_as_many_queries_as_one_task(hub: Hub, grace, ada):
    hub.connect("hubspot")
    for number in range(30):
        hub.save_task(title=f"Task {number}", contacts=[grace], assignee=ada)
    links = list(TaskLink.objects.all())

    counts = []
    for some in (links[:1], links):
        with CaptureQueriesContext(database) as queries:
            assert len(read_tasks(hub.connections["hubspot"], some)) == len(some)
        counts.append(len(queries))

    assert counts[0] == counts[1]
