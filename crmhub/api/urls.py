"""The addresses of the API; none ends in a slash."""

from __future__ import annotations

from django.urls import path

from crmhub.api.views import connections, contacts, records, tasks

app_name = "api"

urlpatterns = [
    path("tasks", tasks.Tasks.as_view(), name="tasks"),
    path("tasks/<uuid:task_id>", tasks.OneTask.as_view(), name="task"),
    path("tasks/<uuid:task_id>/completed", tasks.TaskCompletion.as_view(), name="task_completed"),
    path("tasks/<uuid:task_id>/restore", tasks.TaskRestoration.as_view(), name="task_restore"),
    path("tasks/<uuid:task_id>/links", tasks.TaskLinks.as_view(), name="task_links"),
    path("contacts", contacts.Contacts.as_view(), name="contacts"),
    path("contacts/<uuid:contact_id>", contacts.OneContact.as_view(), name="contact"),
    path("records", records.Records.as_view(), name="records"),
    path("records/<uuid:record_id>", records.OneRecord.as_view(), name="record"),
    path("connections", connections.Connections.as_view(), name="connections"),
]
