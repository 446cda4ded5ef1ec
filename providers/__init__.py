"""The CRMs: values in, HTTP out, values or a named error back. No Django, no database, no sleeping, no retries."""
