"""The form of a connection: exactly the fields that its CRM asks for. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings as hub_settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from crmhub.admin.connection_words import is_app
from crmhub.models import Connection
from crmhub.services.accounts import app_secrets, needed_secrets
from providers.capabilities import Capabilities, Secret, Setting

SECRET, SETTING = "secret_", "setting_"
PLAIN, APP = "plain", "app"
WAYS = ((PLAIN, "with a token or key of the account"), (APP, "by an app that is let in (OAuth)"))


class ConnectionForm(forms.Form):
    """An account at one CRM. `connection` is None for a new one; then every secret of one way in must be given.

    Where the CRM lets apps in, `way` says which; the secrets of the other way are left out of what is stored. `asks`: what was entered is to be
    saved a second time before it is stored.
    """

    asks = False

    name = forms.CharField(
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="What this account is called here, such as “Sales Europe”.",
    )
    scope = forms.ChoiceField(
        choices=Connection.Scope.choices, label="Tasks that go there", widget=UnfoldAdminSelectWidget
    )
    contacts = forms.ChoiceField(
        choices=Connection.Contacts.choices, label="Contacts there", widget=UnfoldAdminSelectWidget
    )

    def __init__(
        self, *args: Any, can: Capabilities, connection: Connection | None = None, **kwargs: Any
    ) -> None:
        """Make the fields that the CRM's capabilities name, filled from the connection but for its secrets."""
        super().__init__(*args, **kwargs)
        self.can, self.connection = can, connection
        if connection is not None:
            self.initial = {
                "name": connection.name,
                "scope": connection.scope,
                "contacts": connection.contacts,
            }
        else:
            self.initial = {"name": can.label, "contacts": Connection.Contacts.CREATE}
        stored: Mapping[str, Any] = connection.settings if connection is not None else {}
        fields: dict[str, forms.Field] = {}
        if can.oauth is not None:
            fields["way"] = forms.ChoiceField(
                choices=WAYS,
                required=False,
                label="How it is opened",
                widget=UnfoldAdminSelectWidget,
                help_text="Fill in the fields of that way only.",
            )
            self.initial["way"] = APP if connection is not None and is_app(connection) else PLAIN
        for secret in (*can.secrets, *self._of_the_app()):
            fields[f"{SECRET}{secret.name}"] = self._secret_field(secret)
        for setting in can.settings:
            fields[f"{SETTING}{setting.name}"] = _setting_field(setting)
            self.initial[f"{SETTING}{setting.name}"] = _as_text(stored.get(setting.name, setting.default))
        name, *others = self.fields.items()
        self.fields = {name[0]: name[1], **fields, **dict(others), "base_url": self._address()}

    def _of_the_app(self) -> list[Secret]:
        # An access token is made from the refresh token, and one of the plain secrets may bear its name.
        return [one for one in app_secrets(self.can) if one.name != "access_token"]

    def _secret_field(self, secret: Secret) -> forms.Field:
        is_stored = self.connection is not None and self.initial.get("way", PLAIN) == self._way_of(secret)
        kept = "Stored, and never shown. Leave it empty to keep it. " if is_stored else ""
        return forms.CharField(
            label=secret.label,
            # With two ways in, the chosen one decides, see `clean`.
            required=self.connection is None and secret.is_required and self.can.oauth is None,
            strip=True,
            help_text=f"{kept}{secret.help}",
            # `render_value` stays off: what was typed is not sent back, not even with an error beside it.
            widget=_Password(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        )

    def _way_of(self, secret: Secret) -> str:
        return APP if secret in self._of_the_app() else PLAIN

    def clean(self) -> dict[str, Any]:
        """Ask for the secrets of the chosen way, and of no other, where none are stored for it."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        way = self._way()
        if self.can.oauth is None or (self.connection is not None and way == self.initial["way"]):
            return data
        for one in needed_secrets(self.can, {"client_id": "x"} if way == APP else {}):
            if not data.get(f"{SECRET}{one.name}"):
                self.add_error(f"{SECRET}{one.name}", self.fields["name"].error_messages["required"])
        return data

    def _way(self) -> str:
        given = self.cleaned_data.get(f"{SECRET}client_id")
        return str(self.cleaned_data.get("way") or (APP if given else self.initial.get("way", PLAIN)))

    def _address(self) -> forms.Field:
        may = hub_settings.ALLOW_CUSTOM_CRM_HOSTS
        hosts = ", ".join(self.can.hosts)
        self.initial["base_url"] = self.connection.base_url if self.connection is not None else ""
        return forms.CharField(
            required=False,
            max_length=500,
            label="Address of its API",
            widget=UnfoldAdminTextInputWidget({"placeholder": self.can.default_base_url}),
            help_text=(
                f"Empty for {self.can.default_base_url}. "
                + ("Any address is taken here. " if may else f"Only https and {hosts} are taken. ")
                + "When it changes, every secret must be given again."
            ),
        )

    def fieldsets(self) -> list[tuple[str, list[Any]]]:
        """Return the fields in the groups that the page shows."""
        plain = [self[f"{SECRET}{one.name}"] for one in self.can.secrets]
        app = [self[f"{SECRET}{one.name}"] for one in self._of_the_app()]
        settings = [self[name] for name in self.fields if name.startswith(SETTING)]
        account = [self["name"], *plain] if not app else [self["name"], self["way"]]
        return [
            ("Account", account),
            *([("With a token or key", plain), ("By an app", app)] if app else []),
            ("What goes there", [self["scope"], self["contacts"]]),
            (f"Settings for {self.can.label}", settings),
            ("Address", [self["base_url"]]),
        ]

    @property
    def changes_what_is_possible(self) -> bool:
        """Return whether a setting was changed by which a CRM takes tasks or contacts that it could not take before."""
        return any(name == "contacts" or name.startswith(SETTING) for name in self.changed_data)

    def values(self) -> dict[str, Any]:
        """Return what was entered, as the services take it; secrets that were left empty are left out."""
        data = self.cleaned_data
        way = self._way()
        secrets = {
            one.name: data[f"{SECRET}{one.name}"]
            for one in (*self.can.secrets, *self._of_the_app())
            if data.get(f"{SECRET}{one.name}") and self._serves(one, way)
        }
        settings = {
            name.removeprefix(SETTING): value
            for name, value in data.items()
            if name.startswith(SETTING) and value not in ("", None)
        }
        plain = {name: data[name] for name in ("name", "scope", "contacts", "base_url")}
        return {**plain, "secrets": secrets, "settings": settings}

    def _serves(self, secret: Secret, way: str) -> bool:
        """Return whether the secret belongs to this way in, or beside both (webhooks)."""
        own = self._way_of(secret)
        return own == way or (own == PLAIN and not secret.is_required)

    def take(self, error: ValidationError) -> None:
        """Show what a service refused beside the fields that it concerns."""
        for name, words in error.message_dict.items():
            for text in words:
                self._show(name, text)

    def _show(self, name: str, text: str) -> None:
        if name in self.fields:
            self.add_error(name, text)
            return
        prefix = {"secrets": SECRET, "settings": SETTING}.get(name, "")
        # The services name the secret or setting first; the form says it beside that field.
        field = next((f"{prefix}{word}" for word in [text.partition(" ")[0].rstrip(":")] if prefix), "")
        self.add_error(field if field in self.fields else None, text)


class _Password(UnfoldAdminTextInputWidget):
    """A password input in the theme's clothes, which never holds a value when it is drawn."""

    input_type = "password"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """Return what is drawn, with the value left out."""
        return super().get_context(name, None, attrs)


def _setting_field(setting: Setting) -> forms.Field:
    shared: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.help,
        "required": setting.is_required,
    }
    if setting.kind == "choice":
        choices: Sequence[tuple[str, str]] = setting.choices
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **shared)
    if setting.kind == "number":
        return forms.FloatField(widget=UnfoldAdminTextInputWidget({"inputmode": "decimal"}), **shared)
    hint = {"placeholder": "call=Phone call, email=E-mail"} if setting.kind == "map" else {}
    return forms.CharField(max_length=2000, widget=UnfoldAdminTextInputWidget(hint), **shared)


def _as_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={text}" for key, text in value.items())
    return value
