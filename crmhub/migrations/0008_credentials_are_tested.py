"""Nothing is sent with new credentials before a test of the account has passed. Accounts that are there count as tested."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("crmhub", "0007_old_payloads_are_found_by_index")]

    operations = [
        migrations.AddField(
            "connection", "untested_since", models.DateTimeField(blank=True, editable=False, null=True)
        ),
    ]
