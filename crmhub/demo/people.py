"""The people and records of the made-up firm: an agency that builds websites and shops for small companies."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """Someone who works here. Who `is_owner` also is a user of every CRM, so tasks can be theirs there."""

    first_name: str
    last_name: str
    is_owner: bool = True

    @property
    def username(self) -> str:
        """Return the name to sign in with."""
        return self.first_name.lower()

    @property
    def email(self) -> str:
        """Return the e-mail, by which the CRMs know them."""
        return f"{self.username}@fernhill.example"


@dataclass(frozen=True)
class Client:
    """A contact. One who `is_known` is found in the CRMs; the others are created there."""

    first_name: str
    last_name: str
    email: str = ""
    phone: str = ""
    company: str = ""
    job_title: str = ""
    is_known: bool = True


STAFF = {
    "ada": Member("Ada", "Byron"),
    "ines": Member("Inés", "Calderón"),
    "tom": Member("Tom", "Okafor"),
    # No CRM has a user with her e-mail: her tasks are unassigned there, and the hub says so.
    "hedy": Member("Hedy", "Lindqvist", is_owner=False),
}

CONTACTS = {
    "grace": Client(
        "Grace", "Hopkins", "grace@brightwater.example", "+1 202 555 0123", "Brightwater Bakery", "Owner"
    ),
    "edith": Client(
        "Edith", "Clark", "edith@northlight.example", "+44 20 7946 0958", "Northlight Optics", "Head of sales"
    ),
    "rosa": Client(
        "Rosa", "Marín", "rosa@casaverde.example", "+1 202 555 0147", "Casa Verde", "Managing director"
    ),
    "jun": Client("Jun", "Watanabe", "jun@kumo.example", "+1 202 555 0162", "Kumo Logistics", "IT lead"),
    "samir": Client(
        "Samir", "Haddad", "samir@cedarhouse.example", "+1 202 555 0175", "Cedar House Hotels", "Marketing"
    ),
    "lena": Client("Lena", "Fischer", "lena@alpenrad.example", "+49 30 901820", "Alpenrad", "Buyer"),
    "paul": Client(
        "Paul", "O'Brien", "paul@brightwater.example", "+1 202 555 0188", "Brightwater Bakery", "Accounts"
    ),
    "mei": Client("Mei", "Chen", "mei@kumo.example", "", "Kumo Logistics", "Operations"),
    "olu": Client(
        "Olu", "Adeyemi", "olu@sunfarm.example", "+1 202 555 0191", "Sunfarm", "Founder", is_known=False
    ),
    "nina": Client(
        "Nina",
        "Petrova",
        "nina@northlight.example",
        "+44 20 7946 0311",
        "Northlight Optics",
        "",
        is_known=False,
    ),
    "björk": Client(
        "Björk", "Jónsdóttir", "bjork@fjallkaffi.example", "", "Fjallkaffi", "Owner", is_known=False
    ),
    # Met at a fair; there is a number and nothing else.
    "walter": Client("Walter", "Quist", "", "+1 202 555 0116", "", "", is_known=False),
}

COMPANIES = {
    "brightwater": "Brightwater Bakery",
    "northlight": "Northlight Optics",
    "casaverde": "Casa Verde",
    "kumo": "Kumo Logistics",
    "cedarhouse": "Cedar House Hotels",
    "alpenrad": "Alpenrad",
}
DEALS = {
    "shop": "Brightwater: web shop",
    "relaunch": "Northlight: relaunch",
    "portal": "Kumo: driver portal",
    "booking": "Cedar House: booking page",
    "catalogue": "Alpenrad: catalogue 2027",
    "hosting": "Casa Verde: hosting contract",
}
TICKETS = {"checkout": "Checkout hangs on old phones", "fonts": "Fonts missing in the newsletter"}
EVENTS = {"fair": "Spring trade fair", "openday": "Open day at the studio"}

RECORDS: dict[str, tuple[str, str]] = {
    **{key: ("company", name) for key, name in COMPANIES.items()},
    **{key: ("deal", name) for key, name in DEALS.items()},
    **{key: ("ticket", name) for key, name in TICKETS.items()},
    **{key: ("event", name) for key, name in EVENTS.items()},
}
