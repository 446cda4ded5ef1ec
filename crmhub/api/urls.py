"""The addresses of the API; none ends in a slash."""

from __future__ import annotations

from django.urls import path

from crmhub.api.views import connections, contacts, records, replays, tasks

app_name = "api"

urlpatterns = [
    path("tasks", tasks.Tasks.as_view(), name="tasks"),
    path("tasks/batch", tasks.TaskBatch.as_view(), name="task_batch"),
    path("tasks/<uuid:task_id>", tasks.OneTask.as_view(), name="task"),
    path("tasks/<uuid:task_id>/completed", tasks.TaskCompletion.as_view(), name="task_completed"),
    path("tasks/<uuid:task_id>/restore", tasks.TaskRestoration.as_view(), name="task_restore"),
    path("tasks/<uuid:task_id>/links", tasks.TaskLinks.as_view(), name="task_links"),
    path("contacts", contacts.Contacts.as_view(), name="contacts"),
    path("contacts/<uuid:contact_id>", contacts.OneContact.as_view(), name="contact"),
    path("records", records.Records.as_view(), name="records"),
    path("records/<uuid:record_id>", records.OneRecord.as_view(), name="record"),
    path("failures", replays.Failures.as_view(), name="failures"),
    path("replays", replays.Replays.as_view(), name="replays"),
    path("replays/<uuid:replay_id>", replays.OneReplay.as_view(), name="replay"),
    path("replays/<uuid:replay_id>/stop", replays.ReplayStop.as_view(), name="replay_stop"),
    path("replays/<uuid:replay_id>/resume", replays.ReplayResumption.as_view(), name="replay_resume"),
    path("connections", connections.Connections.as_view(), name="connections"),
]
