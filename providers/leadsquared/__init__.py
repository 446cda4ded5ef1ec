"""LeadSquared: REST under `/v2/`, JSON, GET and POST only, the two keys of one user in the headers `x-LSQ-AccessKey` and
`x-LSQ-SecretKey`; every region has a host of its own. Oddities: errors may come as 200 with `"Status": "Error"`, a 500 that
names an `MX…Exception` is a refusal, marking a task completed is a GET, a task has one related record and always a due date,
nothing reopens a task, deletion is asynchronous, there is no list of all tasks and none by change, webhooks carry a secret and
no signature, and there is no idempotency key: the hub's key travels as the last line of the description. Documentation:
https://apidocs.leadsquared.com/ (read in November 2026); what those pages leave open is said beside the code that had to choose.
"""
