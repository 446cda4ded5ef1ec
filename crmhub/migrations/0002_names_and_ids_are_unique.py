"""The name of a disconnected account is free again, and two records cannot be the same one at a CRM."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

KINDS = [("company", "Company"), ("deal", "Deal"), ("ticket", "Ticket"), ("event", "Event")]


def fill_kinds(apps: Any, _: Any) -> None:
    """Copy each record's kind to its links; of records that claim one id, the one that was linked first keeps it."""
    links = apps.get_model("crmhub", "RecordLink").objects
    taken = set()
    for link in links.select_related("record").order_by("pk").iterator(chunk_size=1000):
        claim = (link.connection_id, link.record.kind, link.external_id)
        if claim in taken:
            link.delete()
            continue
        taken.add(claim)
        links.filter(pk=link.pk).update(kind=link.record.kind)


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("crmhub", "0001_first")]

    operations = [
        migrations.AlterField("connection", "name", models.CharField(max_length=100)),
        migrations.AlterField("historicalconnection", "name", models.CharField(max_length=100)),
        migrations.AddConstraint(
            "connection",
            models.UniqueConstraint(
                fields=["name"],
                name="one_live_connection_per_name",
                condition=models.Q(disconnected_at__isnull=True),
                violation_error_message="There is a connection of this name already.",
            ),
        ),
        migrations.AddField(
            "recordlink",
            "kind",
            models.CharField(choices=KINDS, default="company", editable=False, max_length=10),
            preserve_default=False,
        ),
        migrations.RunPython(fill_kinds, migrations.RunPython.noop),
        migrations.AddConstraint(
            "recordlink",
            models.UniqueConstraint(
                fields=["connection", "kind", "external_id"], name="one_record_per_external_id"
            ),
        ),
    ]
