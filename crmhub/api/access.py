"""Who calls the API, and what they may do: keys made by `manage.py createkey`, each with scopes."""

from __future__ import annotations

import re
from typing import Any

from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from crmhub.models import ApiKey
from crmhub.services import note_key_used

# Whatever else comes after "Bearer" is no key of ours; some databases cannot even look for it.
KEY = re.compile(rb"[A-Za-z0-9_]{16,200}")
NO_SUCH_KEY = "There is no such key: it is mistyped, revoked or expired."


class ApiKeyAuthentication(TokenAuthentication):
    """Finds the key behind `Authorization: Bearer <key>`; sets `request.auth` to it and `request.user` to its service user."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, ApiKey]:
        """Return user and key, and remember that the key was used."""
        if not KEY.fullmatch(token):
            raise AuthenticationFailed(NO_SUCH_KEY)
        try:
            user, key = super().authenticate_credentials(token)
        except AuthenticationFailed as error:
            raise AuthenticationFailed(NO_SUCH_KEY) from error
        note_key_used(key=key)
        return user, key

    def validate_user(self, auth_token: ApiKey) -> tuple[Any, ApiKey]:
        """Let the key's user pass: it is inactive on purpose, so that nobody can log in as a service."""
        return auth_token.user, auth_token


class HasScope(BasePermission):
    """Allows a call to keys with one of the scopes that the view names for the method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the call may go on. Raises `PermissionDenied` that names the missing scope."""
        if not isinstance(request.auth, ApiKey):
            return False
        method = "GET" if request.method == "HEAD" else request.method
        wanted = getattr(view, "scopes", {}).get(method, ())
        if wanted and not set(wanted) & set(request.auth.scopes):
            raise PermissionDenied(f"The key {request.auth.name} lacks the scope {' or '.join(wanted)}.")
        return True
