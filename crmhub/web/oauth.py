"""Where a CRM sends staff back to, when they have agreed to let our app in or have not."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from crmhub import services
from crmhub.models import Connection
from crmhub.sync import NotLetIn, check_connection, let_in

LONGEST_QUOTE = 200  # characters of a vendor's own words, which anybody can write into an address

NOT_BEGUN_HERE = "This authorisation was not begun here by you, was used already, or is older than ten minutes. Begin it again on the connection's page."


@require_GET
@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """Take the code, store the tokens, ask who we are there, and show the connection with what came of it.

    Believes nothing that does not carry the state of a trip which this person began in this session.
    """
    if isinstance(request.user, AnonymousUser):
        messages.error(request, NOT_BEGUN_HERE)
        return HttpResponseRedirect(reverse("admin:login"))
    returned = services.finish_authorisation(
        state=request.GET.get("state", ""), by=request.user, session_key=request.session.session_key or ""
    )
    if returned is None:
        messages.error(request, NOT_BEGUN_HERE)
        return HttpResponseRedirect(reverse("admin:index"))
    if not request.user.has_perm("crmhub.change_connection"):
        raise PermissionDenied
    connection = returned.connection
    if request.GET.get("code") and not request.GET.get("error"):
        _let_in(request, connection, code=request.GET["code"], verifier=returned.verifier)
    else:
        messages.error(
            request, f"{connection.capabilities.label} did not let the app in: {_refusal(request)}"
        )
    return HttpResponseRedirect(reverse("admin:crmhub_connection_change", args=[connection.pk]))


def _refusal(request: HttpRequest) -> str:
    """Return what the vendor said instead of a code."""
    error = request.GET.get("error", "")[:LONGEST_QUOTE]
    if not error:
        return "it sent neither a code nor a reason. Begin again."
    if error == "access_denied":
        return "whoever was asked there did not agree (access_denied). Begin again when they do."
    more = request.GET.get("error_description", "")[:LONGEST_QUOTE]
    return f"{error}{f' ({more})' if more else ''}."


def _let_in(request: HttpRequest, connection: Connection, *, code: str, verifier: str) -> None:
    try:
        let_in(connection, code=code, verifier=verifier)
    except NotLetIn as refusal:
        messages.error(request, str(refusal))
        return
    messages.success(
        request, f"The app was let in: {connection.name} renews its access by itself from now on."
    )
    checkup = check_connection(connection)
    if checkup.is_well:
        messages.success(request, " · ".join(checkup.lines))
    else:
        messages.error(request, f"{connection.name} does not work yet: {checkup.error}")
