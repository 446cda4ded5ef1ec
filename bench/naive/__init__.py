"""What one would write instead of the hub: a small Django and Celery project that posts each save to the CRM.

`post_save` → one job per save → one POST → the status is saved. It is written as its authors would write it, with what their books
recommend: jobs are sent after the commit, connections are kept open, acknowledgement and retries are settings (`settings.py`).
"""
