"""LeadLex, a CRM for law firms: API v1 behind one gateway, read in November 2026.

A workspace's key goes with every request (`Authorization: Bearer wbk_…`); what it may do is chosen when it is made, and tasks need
`activities:read` and `activities:write`. The oddities: no task without a contact, deal or event; what is sent as `assignee_id` comes
back as `assigned_to_user_id`; `open` may come back as `pending`; descriptions are markdown; there is no search and no "changed since"
for tasks, so the hub's key travels as the last line of the description and is looked for in listings. The quota is counted per minute
and, to midnight UTC, per day. Changing and deleting a task are not on the vendor's pages; both are asked for as the pages on contacts
suggest, and a workspace that has no such call is told apart from a task that is gone. Pages: https://docs.leadlex.com (read 2026-11-22).
"""
