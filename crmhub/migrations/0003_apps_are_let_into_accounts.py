"""An app is let into an account: the life of its access token, whose account it is, and who is on the way there and back."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """See above."""

    dependencies = [
        ("crmhub", "0002_names_and_ids_are_unique"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "connection", "account_id", models.CharField(blank=True, editable=False, max_length=200)
        ),
        migrations.AddField(
            "connection", "token_obtained_at", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.AddField(
            "connection",
            "token_expires_at",
            models.DateTimeField("access token ends", blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            "connection", "refreshing_until", models.DateTimeField(blank=True, editable=False, null=True)
        ),
        migrations.CreateModel(
            "Authorisation",
            fields=[
                ("state_digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("session_digest", models.CharField(max_length=64)),
                ("sealed_verifier", models.TextField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="crmhub.connection",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
    ]
