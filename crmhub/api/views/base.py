"""What every call has in common: keys and scopes, strict JSON, problems in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.http import Http404
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.exceptions import NotAuthenticated, ParseError, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from crmhub.api.access import ApiKeyAuthentication, HasScope
from crmhub.api.paging import PARAMETERS, KeysetPagination
from crmhub.api.parsing import StrictJSONParser, refuse_odd_size
from crmhub.api.problems import answer_problem
from crmhub.api.schema import HubSchema
from crmhub.clock import database_now

AnyModel = TypeVar("AnyModel", bound=Model)


class ByHeaderAlone(DefaultContentNegotiation):
    """Chooses the form of the answer by `Accept`; a parameter `format` is unknown here, like any other."""

    def filter_renderers(self, renderers: Any, format: str) -> Any:
        """Return all renderers."""
        return renderers


class HubView(GenericAPIView[Any]):
    """One address. `scopes` names for each method the scopes of which a key needs one; `parameters` what may stand behind the `?`.

    `problems` are the statuses with which a method can refuse, beside those that any can.
    """

    authentication_classes = [ApiKeyAuthentication]
    permission_classes = [HasScope]
    parser_classes = [StrictJSONParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = ByHeaderAlone
    # What OPTIONS could tell stands better in the OpenAPI description.
    metadata_class = None
    filter_backends: Any = []
    pagination_class: Any = None
    schema = HubSchema()

    scopes: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    parameters: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    problems: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Let in whoever may come in, and refuse what nobody understands."""
        super().initial(request, *args, **kwargs)
        refuse_odd_size(request)
        self._refuse_unknown_parameters(request)

    def permission_denied(
        self, request: Request, message: str | None = None, code: str | None = None
    ) -> NoReturn:
        """Tell a stranger how to come in."""
        if request.auth is None:
            raise NotAuthenticated("Send a key: Authorization: Bearer <key>.")
        super().permission_denied(request, message, code)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Return what turns errors into problems."""
        return answer_problem

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Keep answers out of caches: sync status changes without the version doing so."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    def body(self, serializer: Any, request: Request, **kwargs: Any) -> dict[str, Any]:
        """Return the values of the request's body. Raises `ValidationError` by field."""
        if not isinstance(request.data, Mapping):
            raise ParseError("The body must be a JSON object.")
        given = serializer(data=request.data, **kwargs)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def _known_parameters(self, request: Request) -> set[str]:
        return set(self.parameters.get(str(request.method), ()))

    def _refuse_unknown_parameters(self, request: Request) -> None:
        known = self._known_parameters(request)
        unknown = [name for name in request.query_params if name not in known]
        if unknown:
            can = f"It takes {', '.join(sorted(known))}." if known else "It takes none."
            raise ValidationError({name: [f"There is no such parameter here. {can}"] for name in unknown})


class ListView(HubView):
    """A list in pages. `orderings` names the columns it can be in the order of; the first is the default."""

    filter_backends = [DjangoFilterBackend]
    pagination_class = KeysetPagination
    filterset_class: ClassVar[Any] = None
    orderings: ClassVar[tuple[str, ...]] = ("updated_at",)

    def page(self) -> Response:
        """Return the page that was asked for, of the rows in `queryset`, each as `serializer_class` shows it."""
        found = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        shape: Any = self.serializer_class
        return self.get_paginated_response(shape(found, many=True, context={"now": database_now()}).data)

    def _known_parameters(self, request: Request) -> set[str]:
        if request.method not in ("GET", "HEAD"):
            return set()
        return {*self.filterset_class.base_filters, *PARAMETERS}


def existing(model: type[AnyModel], key: UUID, read: Callable[[UUID], AnyModel] | None = None) -> AnyModel:
    """Return the row with this id, read by `read` where one is given. Raises `Http404` in words."""
    try:
        return read(key) if read is not None else model._default_manager.get(pk=key)
    except ObjectDoesNotExist as error:
        raise Http404(f"There is no {model._meta.verbose_name} {key}.") from error


def shown(shape: Any, row: Any, *, status: int = 200, at: str = "", **context: Any) -> Response:
    """Return one row as the answer, with its version as the ETag; `at` is the address of a new one."""
    headers = {"ETag": f'"{row.version}"', **({"Location": at} if at else {})}
    return Response(shape(row, context=context).data, status=status, headers=headers)
