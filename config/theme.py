"""How the admin looks: the theme's settings, and the menu with who sees which line of it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.text import format_lazy

# What the theme's menu looks for in each of its lines: Django's templates take as long to miss a name as to draw a line.
ASKED_FOR = {
    "title": "",
    "icon": "",
    "separator": False,
    "collapsible": False,
    "badge_callback": None,
    "link_callback": None,
}


def unfold_settings() -> dict[str, Any]:
    """Return the settings of Unfold."""
    return {
        "SITE_TITLE": "crmhub",
        "SITE_HEADER": "crmhub",
        "SITE_SYMBOL": "sync",
        "SHOW_HISTORY": True,
        "SHOW_VIEW_ON_SITE": False,
        "SITE_FAVICONS": [
            {"rel": "icon", "type": "image/svg+xml", "href": lambda _: static("crmhub/icon.svg")},
        ],
        "STYLES": [lambda _: static("crmhub/hub.css")],
        "DASHBOARD_CALLBACK": "crmhub.admin.dashboard.dashboard",
        "SIDEBAR": {
            "show_search": False,
            "show_all_applications": False,
            "navigation": [_complete(group) for group in _menu()],
        },
    }


def _menu() -> list[dict[str, Any]]:
    return [
        {
            "items": [
                {"title": "Today", "icon": "home", "link": reverse_lazy("admin:index")},
                _page("crmhub_task", icon="task_alt", title="Tasks", may="crmhub.view_task"),
                _page(
                    "crmhub_task",
                    icon="error",
                    title="Needs a person",
                    query="?sync=needs_a_person",
                    may="crmhub.view_task",
                    badge="crmhub.admin.dashboard.needing_a_person",
                ),
                _page("crmhub_deletedtask", icon="delete", title="Recycle bin", may="crmhub.view_task"),
            ],
        },
        {
            "title": "People and records",
            "separator": True,
            "items": [
                _page("crmhub_contact", icon="person", title="Contacts", may="crmhub.view_contact"),
                _page("crmhub_company", icon="domain", title="Companies", may="crmhub.view_record"),
                _page("crmhub_deal", icon="handshake", title="Deals", may="crmhub.view_record"),
                _page("crmhub_ticket", icon="confirmation_number", title="Tickets", may="crmhub.view_record"),
                _page("crmhub_event", icon="event", title="Events", may="crmhub.view_record"),
            ],
        },
        {
            "title": "CRMs",
            "separator": True,
            "items": [
                _page("crmhub_connection", icon="cable", title="Connections", may="crmhub.view_connection"),
                _page(
                    "crmhub_unmatched",
                    icon="join_inner",
                    title="Unmatched",
                    may="crmhub.view_unmatched",
                    badge="crmhub.admin.unmatched.waiting",
                ),
                _page("crmhub_attempt", icon="receipt_long", title="Attempts", may="crmhub.view_attempt"),
                _page("crmhub_replay", icon="replay", title="Replays", may="crmhub.change_tasklink"),
            ],
        },
        {
            "title": "Access",
            "separator": True,
            "items": [
                _page("crmhub_apikey", icon="key", title="API keys", may="crmhub.view_apikey"),
                _page("auth_user", icon="group", title="Users", may="auth.view_user"),
                _page("auth_group", icon="groups", title="Groups", may="auth.view_group"),
                _page("axes_accesslog", icon="login", title="Logins", may="axes.view_accesslog"),
                _page(
                    "axes_accessattempt",
                    icon="lock",
                    title="Failed logins",
                    may="axes.view_accessattempt",
                ),
            ],
        },
    ]


def _complete(group: dict[str, Any]) -> dict[str, Any]:
    return {**ASKED_FOR, **group, "items": [{**ASKED_FOR, **item} for item in group["items"]]}


def _page(
    name: str, *, icon: str, title: str, query: str = "", may: str = "", badge: str = ""
) -> dict[str, object]:
    """Return one line of the menu; `may` is the permission that it takes."""
    link = reverse_lazy(f"admin:{name}_changelist")
    item: dict[str, object] = {"title": title, "icon": icon, "link": format_lazy("{}{}", link, query)}
    # Two lines of the menu may lead to one list, narrowed and not.
    item["active"] = lambda request: (
        request.path.startswith(str(link)) and _is_narrowed(request) == bool(query)
    )
    if may:
        item["permission"] = lambda request: request.user.has_perm(may)
    if badge:
        item |= {"badge": badge, "badge_variant": "danger"}
    return item


def _is_narrowed(request: HttpRequest) -> bool:
    return "crm" not in request.GET and request.GET.get("sync") == "needs_a_person"
