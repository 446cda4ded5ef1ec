"""HubSpot: CRM objects API v3 and associations API v4 at api.hubapi.com, opened with one bearer token.

A private-app token, a service key and the token of a project app with static auth are all the same string to us. Oddities: a task must have
a due moment and there are no date-only tasks; the body is HTML; ids are digits in strings; answers hold every property as text or null;
search is behind the store and has a tighter rate of its own; a batch reports its errors item by item only when every input carries an
`objectWriteTraceId`; a deleted task can be restored by hand only; nothing makes a repeated create safe but a custom property with unique
values, which `prepare` tries to make. The v3 and v4 paths leave support during 2027; the date-based ones that follow have the same shapes.
https://developers.hubspot.com/docs/api-reference/legacy/crm/activities/tasks/guide (read 2026-11).
"""
