"""From what each attempt was planned and decided, so that it can be run again."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("crmhub", "0011_lost_links_are_rebuilt")]

    operations = [
        migrations.AddField("attempt", "intent", models.JSONField(blank=True, null=True)),
        migrations.AddField("attempt", "settled", models.JSONField(blank=True, null=True)),
    ]
