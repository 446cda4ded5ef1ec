"""TinyCRM under the names of those who get it wrong; the vendor itself is well."""

from __future__ import annotations

from providers.tests.tinycrm.simulator import TinySimulator


class Right(TinySimulator):
    """The control."""

    code = "right"


class CreatesTwice(TinySimulator):
    """See the provider."""

    code = "creates_twice"


class IgnoresTheKey(TinySimulator):
    """See the provider."""

    code = "ignores_the_key"


class DropsAField(TinySimulator):
    """See the provider."""

    code = "drops_a_field"


class SkipsAPage(TinySimulator):
    """See the provider."""

    code = "skips_a_page"


class AcceptsAForgery(TinySimulator):
    """See the provider."""

    code = "accepts_a_forgery"


class LeaksASecret(TinySimulator):
    """See the provider."""

    code = "leaks_a_secret"
