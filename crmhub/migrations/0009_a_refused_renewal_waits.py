"""An app whose renewal was refused goes on until its access token ends; the connection remembers since when."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("crmhub", "0008_credentials_are_tested")]

    operations = [
        migrations.AddField(
            "connection", "renewal_refused_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
    ]
