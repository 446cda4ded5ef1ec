"""The API for services: `/api/v1/`, keys with scopes, JSON in and out, errors as RFC 9457 problems. `docs/api.md` is its reference."""
