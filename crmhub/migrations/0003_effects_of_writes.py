"""What became of each field of a write: kept with the attempt, and with the link for the task as a whole."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("crmhub", "0002_names_and_ids_are_unique")]

    operations = [
        migrations.AddField("attempt", "effects", models.JSONField(blank=True, default=list)),
        migrations.AddField("tasklink", "effects", models.JSONField(blank=True, default=list, editable=False)),
    ]
