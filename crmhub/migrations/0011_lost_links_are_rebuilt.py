"""Links that were lost are noticed and rebuilt, and tasks at a CRM that nobody is sure of wait for a person."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Exists, F, OuterRef


def note_linked(apps: Any, _: Any) -> None:
    """Say of each connection that has links which came through that it has; since when exactly nobody asks."""
    links = apps.get_model("crmhub", "TaskLink").objects.filter(connection=OuterRef("pk"))
    connections = apps.get_model("crmhub", "Connection").objects
    connections.filter(Exists(links.exclude(external_id=""))).update(linked_at=F("created_at"))


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("crmhub", "0010_pace")]

    operations = [
        migrations.AddField(
            "connection", "linked_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AddField(
            "connection", "links_lost_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AddField(
            "connection", "backfill", models.JSONField(blank=True, default=dict, editable=False)
        ),
        migrations.CreateModel(
            "Unmatched",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("external_id", models.CharField(max_length=200)),
                ("external_parent_id", models.CharField(blank=True, max_length=200)),
                ("external_url", models.CharField(blank=True, max_length=1000)),
                ("key", models.CharField(blank=True, max_length=40)),
                ("holds", models.JSONField(blank=True, default=dict)),
                ("why", models.CharField(max_length=300)),
                ("found_at", models.DateTimeField()),
                ("left_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="unmatched",
                        to="crmhub.connection",
                    ),
                ),
                ("tasks", models.ManyToManyField(blank=True, related_name="unmatched", to="crmhub.task")),
            ],
            options={
                "verbose_name_plural": "unmatched",
                "indexes": [
                    models.Index(
                        condition=models.Q(("left_at__isnull", True)),
                        fields=["found_at", "id"],
                        name="unmatched_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["connection", "external_id"], name="unmatched_once_per_connection"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("external_id", ""), _negated=True), name="unmatched_has_an_id"
                    ),
                ],
            },
        ),
        migrations.RunPython(note_linked, migrations.RunPython.noop),
    ]
