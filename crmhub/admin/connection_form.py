"""The form of a connection: exactly the fields that its CRM asks for. Secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings as hub_settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from crmhub.models import Connection
from providers.capabilities import Capabilities, Secret, Setting

SECRET, SETTING = "secret_", "setting_"


class ConnectionForm(forms.Form):
    """An account at one CRM. `connection` is None for a new one; then every secret must be given."""

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
        fields = {f"{SECRET}{one.name}": _secret_field(one, is_new=connection is None) for one in can.secrets}
        for setting in can.settings:
            fields[f"{SETTING}{setting.name}"] = _setting_field(setting)
            self.initial[f"{SETTING}{setting.name}"] = _as_text(stored.get(setting.name, setting.default))
        name, *others = self.fields.items()
        self.fields = {name[0]: name[1], **fields, **dict(others), "base_url": self._address()}

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
        secrets = [self[name] for name in self.fields if name.startswith(SECRET)]
        settings = [self[name] for name in self.fields if name.startswith(SETTING)]
        return [
            ("Account", [self["name"], *secrets]),
            ("What goes there", [self["scope"], self["contacts"]]),
            (f"Settings for {self.can.label}", settings),
            ("Address", [self["base_url"]]),
        ]

    def values(self) -> dict[str, Any]:
        """Return what was entered, as the services take it; secrets that were left empty are left out."""
        data = self.cleaned_data
        secrets = {
            name.removeprefix(SECRET): text for name, text in data.items() if name.startswith(SECRET) and text
        }
        settings = {
            name.removeprefix(SETTING): value
            for name, value in data.items()
            if name.startswith(SETTING) and value not in ("", None)
        }
        plain = {name: data[name] for name in ("name", "scope", "contacts", "base_url")}
        return {**plain, "secrets": secrets, "settings": settings}

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


def _secret_field(secret: Secret, *, is_new: bool) -> forms.Field:
    kept = "" if is_new else "Stored, and never shown. Leave it empty to keep it. "
    return forms.CharField(
        label=secret.label,
        required=is_new,
        strip=True,
        help_text=f"{kept}{secret.help}",
        # `render_value` stays off: what was typed is not sent back, not even with an error beside it.
        widget=_Password(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )


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
