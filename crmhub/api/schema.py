"""The OpenAPI description: what each call takes and answers, its problems and its scopes included."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from crmhub.api.problems import MEDIA_TYPE

IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of what was read; the change is refused with 412 when somebody was faster.",
)

PROBLEMS = {
    "400": "The request cannot be read, or a value is refused; `errors` names the fields.",
    "401": "There is no key, or it is mistyped, revoked or expired.",
    "403": "The key lacks the scope for this call.",
    "404": "There is nothing under this id.",
    "405": "The address does not know this method.",
    "406": "The answer is JSON, which the request does not accept.",
    "409": "It is more at once than `BRAKE_TASKS` or `BRAKE_PERCENT` allow, and not confirmed.",
    "411": "The body has no Content-Length.",
    "412": "`If-Match` names another version than the present one.",
    "413": "The body is larger than 1,000,000 bytes.",
    "415": "The body is not JSON.",
    "503": "The database does not answer now.",
}
ALWAYS = ("400", "401", "403", "405", "406", "503")
WITH_BODY = ("411", "413", "415")


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, as RFC 9457 describes it."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(
        help_text="The same thing always has the same code, such as `stale_version`."
    )
    detail = serializers.CharField(help_text="What is wrong, in words.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a field of this name hides nothing that is used
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong with each field.",
    )


class HubSchema(AutoSchema):
    """Adds to each call the problems that it can answer with, and names the scope it needs."""

    def get_description(self) -> str:  # type: ignore[override]  # as the class above has it
        """Return the view's words, and which scope is needed."""
        scopes = getattr(self.view, "scopes", {}).get(self.method, ())
        needed = f"Scope: {' or '.join(f'`{scope}`' for scope in scopes)}." if scopes else ""
        return f"{super().get_description()}\n\n{needed}".strip()

    def _get_response_bodies(self, direction: Any = "response") -> Any:
        responses = super()._get_response_bodies(direction)
        for code in self._codes():
            problem = self._get_response_for_code(ProblemSerializer, code, [MEDIA_TYPE], direction)
            responses.setdefault(code, {**problem, "description": PROBLEMS[code]})
        return dict(sorted(responses.items()))

    def _codes(self) -> list[str]:
        codes = [*ALWAYS]
        if "{" in self.path:
            codes.append("404")
        if self.method in ("POST", "PUT", "PATCH") and self.get_request_serializer() is not None:
            codes += WITH_BODY
        if any(parameter["name"] == "If-Match" for parameter in self._get_parameters()):
            codes.append("412")
        return [*codes, *getattr(self.view, "problems", {}).get(self.method, ())]


class KeyScheme(OpenApiAuthenticationExtension):
    """Describes `Authorization: Bearer <key>`."""

    target_class = "crmhub.api.access.ApiKeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Return the scheme."""
        return {"type": "http", "scheme": "bearer", "description": "A key made by `manage.py createkey`."}
