"""HubSpot: CRM objects API v3 and associations API v4 at api.hubapi.com, or their dated successors, opened with one bearer token.

A private-app token, a service key, the token of a project app with static auth and the access token of an app that was let in are all the
same string to us. Its calls stand in rooms: account, tasks, listings, people; `provider` joins them. Oddities: a task must have
a due moment and there are no date-only tasks; the body is HTML; ids are digits in strings; answers hold every property as text or null;
search is behind the store and has a tighter rate of its own; a batch reports its errors item by item only when every input carries an
`objectWriteTraceId`; a deleted task can be restored by hand only; nothing makes a repeated create safe but a custom property with unique
values, which `prepare` tries to make; a pin is a property of the record that the task is pinned on; a merged contact gets a new id, mostly.
https://developers.hubspot.com/docs/api-reference/legacy/crm/activities/tasks/guide (read 2026-11).
"""
