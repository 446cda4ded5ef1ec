"""HighLevel (GoHighLevel, LeadConnector), one sub-account ("location") to a connection.

API 2.0 at services.leadconnectorhq.com with `Version: 2021-07-28` on every request (`v3` is a switch in the settings) and a private
integration token of the sub-account, or the tokens of a marketplace app, whose refresh token works once. Apps are told of tasks and
contacts by webhook, signed with Ed25519 and, until that is given up, RSA. A task is filed under exactly one contact, needs a due moment and knows open and completed
only. Nothing makes a create idempotent, so our key is the last line of the body. Oddities: a missing contact answers 400, a missing
scope 401, the task search 201; a deleted record says `succeded`; `id` at the contact is `_id` in the search; no answer at the contact
tells when a task changed.

Source: https://marketplace.gohighlevel.com/docs/ and https://github.com/GoHighLevel/highlevel-api-docs (read 2026-11-22).
"""
