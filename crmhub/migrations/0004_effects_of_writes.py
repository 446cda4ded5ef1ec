"""What became of each field of a write: kept with the attempt, and with the link for the task as a whole."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("crmhub", "0003_apps_are_let_into_accounts")]

    operations = [
        migrations.AddField("attempt", "effects", models.JSONField(blank=True, default=list)),
        migrations.AddField("tasklink", "effects", models.JSONField(blank=True, default=list, editable=False)),
    ]
