"""Each account's pace has a row, which keeps it where Redis cannot."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """See above."""

    dependencies = [("crmhub", "0009_a_refused_renewal_waits")]

    operations = [
        migrations.CreateModel(
            name="Pace",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="crmhub.connection",
                    ),
                ),
                ("kept", models.TextField()),
                ("version", models.PositiveBigIntegerField(default=0)),
            ],
            options={"default_permissions": ()},
        ),
    ]
