"""Replays of many links, which can be watched, stopped and gone on with."""

from __future__ import annotations

import crmhub.models.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """See above."""

    dependencies = [
        ('crmhub', '0012_intent'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Replay',
            fields=[
                ('id', models.UUIDField(default=crmhub.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('selection', models.JSONField(default=dict, editable=False)),
                ('what', models.CharField(editable=False, max_length=500)),
                ('origin', models.CharField(default='system', editable=False, max_length=80)),
                ('is_in_background', models.BooleanField(default=True, editable=False)),
                ('by_connection', models.JSONField(default=list, editable=False)),
                ('total', models.PositiveIntegerField(default=0, editable=False)),
                ('left_out', models.PositiveIntegerField(default=0, editable=False)),
                ('done', models.PositiveIntegerField(default=0, editable=False)),
                ('place_kind', models.CharField(blank=True, editable=False, max_length=7)),
                ('place_id', models.UUIDField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(editable=False, verbose_name='begun')),
                ('stopped_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='stopped')),
                ('ended_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='ended')),
                ('by', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-created_at', '-id'),
                'indexes': [models.Index(fields=['-created_at', '-id'], name='replay_by_beginning'), models.Index(condition=models.Q(('ended_at__isnull', True), ('is_in_background', True), ('stopped_at__isnull', True)), fields=['id'], name='replay_unfinished')],
            },
        ),
    ]
