"""LeadLex's listings: every row that is there all the time is read, however much the others come and go meanwhile."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.capabilities import Limit
from providers.error_cases import Answer
from providers.errors import RateLimited, Rejected, Transient, Unsupported
from providers.leadlex.listings import MOST_WALKS, PER_PAGE, page_of, pages
from providers.leadlex.provider import LeadLex
from providers.leadlex.simulator import LeadLexSimulator
from providers.types import Field, HubKey, RemoteRef

SIZE = 3  # rows to a page of the listing that changes
ORDERS = {  # where a new row comes in, and where one that is changed goes: to the front, or nowhere
    "newest first": (0, None),
    "oldest first": (-1, None),
    "last changed first": (0, 0),
}


class Restless:
    """A listing in which something happens before each call: the words in `happenings`, with the place they strike."""

    def __init__(self, count, order, happenings, *, tells_total=True, without_id=()):
        self.ids = [f"old-{number}" for number in range(count)]
        self.without_id = without_id
        self.comes_in, self.goes_to = ORDERS[order]
        self.happenings = iter(happenings)
        self.tells_total = tells_total
        self.stayed = set(self.ids)
        self.calls = self.made = 0

    def call(self, method, path, *, query):
        self.calls += 1
        for word, at in next(self.happenings, ()):
            getattr(self, word)(at % max(len(self.ids), 1))
        begin = (query["page"] - 1) * SIZE
        meta = {"per_page": SIZE, **({"total": len(self.ids)} if self.tells_total else {})}
        rows = [{} if one in self.without_id else {"id": one} for one in self.ids[begin : begin + SIZE]]
        return Answer(200, {}, {"data": {"things": rows}, "meta": meta})

    def come(self, _at):
        self.made += 1
        self._put(f"new-{self.made}", self.comes_in)

    def go(self, at):
        if self.ids:
            self.stayed.discard(self.ids.pop(at))

    def change(self, at):
        if self.ids and self.goes_to is not None:
            self._put(self.ids.pop(at), self.goes_to)

    def _put(self, one, where):
        self.ids.insert(where if where == 0 else len(self.ids), one)

    def walk(self):
        return [row["id"] for row in pages(self, "/v1/things", "things", {})]


HAPPENINGS = st.lists(
    st.lists(st.tuples(st.sampled_from(["come", "go", "change"]), st.integers(0, 20)), max_size=2),
    max_size=12,
)


@given(st.integers(0, 14), st.sampled_from(sorted(ORDERS)), HAPPENINGS)
def test_what_stays_is_never_missed(count, order, happenings):
    listing = Restless(count, order, happenings)

    read = listing.walk()

    assert listing.stayed <= set(read)
    assert len(read) == len(set(read))


@pytest.mark.parametrize("tells_total", [True, False])
@pytest.mark.parametrize(("count", "calls"), [(0, 1), (2, 1), (4, 4), (7, 6)])
def test_a_listing_at_rest_costs_two_calls_a_page(count, calls, tells_total):
    listing = Restless(count, "newest first", (), tells_total=tells_total)

    assert listing.walk() == [f"old-{number}" for number in range(count)]
    assert listing.calls == calls


@pytest.mark.parametrize("tells_total", [True, False])
@pytest.mark.parametrize("at", range(6))
def test_a_row_that_has_no_id_does_not_end_the_listing(at, tells_total):
    nobody = f"old-{at}"
    listing = Restless(8, "newest first", (), tells_total=tells_total, without_id=(nobody,))

    assert set(listing.walk()) == listing.stayed - {nobody}


def test_new_rows_in_front_do_not_send_the_walk_back():
    listing = Restless(12, "newest first", [[], [], [("come", 0)], [], [], [("come", 0)]])

    listing.walk()

    assert listing.calls <= 10


def test_a_listing_that_never_rests_is_left_for_later():
    listing = Restless(400, "oldest first", [[("go", 0), ("come", 0)]] * 400)

    with pytest.raises(Transient, match="changed each time it was read"):
        listing.walk()
    assert listing.calls <= MOST_WALKS * 3


@pytest.mark.parametrize(
    "cursor", ["", "x", "7", "{}", "[0, 0]", '["a"]', "[1, 1, 2, 3, 4, 5, 6, 7]", "[-1, 1, 0, 0, 0]"]
)
def test_a_cursor_of_somebody_elses_is_refused(cursor):
    with pytest.raises(Rejected, match="cursor"):
        page_of(Restless(1, "newest first", ()), "/v1/things", "things", {}, cursor)


# Over HTTP


@pytest.fixture
def simulator():
    return LeadLexSimulator(limits=(Limit(10_000, 86_400.0, is_fixed=True),))


@pytest.fixture
def many(provider, draft):
    return [provider.create_task(draft(), key=HubKey(uuid.uuid4())).ref.id for _ in range(205)]


def listed(ask):
    ids, cursor, is_more = [], None, True
    while is_more:
        page = ask(cursor)
        ids += [one.ref.id for one in page.items]
        cursor, is_more = page.cursor, page.cursor is not None
    return ids


@pytest.mark.parametrize("order", ["newest first", "oldest first", "last changed first"])
def test_every_task_is_listed_in_whichever_order_they_come(provider, simulator, many, order):
    simulator.lists = order

    assert set(listed(provider.list_tasks)) == set(many)
    assert {entry["query"]["per_page"] for entry in simulator.log if entry["method"] == "GET"} == {"100"}


def test_a_task_is_not_missed_when_another_one_is_deleted_between_two_pages(provider, simulator, many):
    first = provider.list_tasks()
    provider.delete_task(first.items[0].ref)

    rest = listed(lambda cursor: provider.list_tasks(cursor or first.cursor))

    assert {one.ref.id for one in first.items} | set(rest) == set(many)
    assert set(rest) == set(many) - {first.items[0].ref.id}


class Meddling:
    """A transport that lets somebody else act once, right after the second page of a listing was read."""

    def __init__(self, inner, act):
        self.inner, self.act = inner, act

    def send(self, request):
        response = self.inner.send(request)
        if "page=2&" in request.url and self.act is not None:
            self.act, act = None, self.act
            act()
        return response


@pytest.mark.parametrize("order", ["newest first", "oldest first"])
def test_our_task_is_found_though_another_one_goes_and_one_comes_while_we_look(
    provider, account, transport, simulator, draft, key, ids, order
):
    simulator.lists = order
    refs = [provider.create_task(draft(), key=HubKey(uuid.uuid4())).ref for _ in range(120)]
    provider.create_task(draft(), key=key)
    refs += [provider.create_task(draft(), key=HubKey(uuid.uuid4())).ref for _ in range(120)]

    def meddle():
        provider.delete_task(refs[0])
        provider.delete_task(refs[-1])
        provider.create_task(draft(), key=HubKey(uuid.uuid4()))

    found = LeadLex(account, Meddling(transport, meddle)).find_task(key, draft())

    assert found is not None
    assert found.key == str(key)


def test_the_questions_of_the_vendors_agent_are_no_tasks_of_ours(provider, simulator, send, draft, key, ids):
    made = provider.create_task(draft(), key=key)
    send(
        "POST",
        "/v1/tasks",
        {"title": "Approve?", "task_type": "lexi_action", "contact_id": ids["contacts"][0]},
    )

    assert listed(provider.list_tasks) == [made.ref.id]
    assert listed(lambda at: provider.list_tasks_of_contact(RemoteRef(ids["contacts"][0]), at)) == [
        made.ref.id
    ]


def test_a_contact_that_is_not_there_has_no_tasks(provider, ids):
    assert listed(lambda at: provider.list_tasks_of_contact(RemoteRef(str(uuid.uuid4())), at)) == []


def test_a_listed_task_tells_more_than_the_answer_to_its_create(provider, draft, key):
    provider.create_task(draft(body="Bring the chart.", type="call"), key=key)

    [task] = provider.list_tasks().items

    assert (task.holds[Field.BODY], task.holds[Field.TYPE], task.key) == (
        "Bring the chart.",
        "call",
        str(key),
    )


def test_contacts_are_listed_newest_first(provider, simulator, ids):
    more = [{"first_name": "N", "email": f"n{number}@client.example"} for number in range(150)]
    seeded = simulator.seed({"contacts": more})["contacts"]

    assert set(listed(provider.list_contacts)) == {*ids["contacts"], *seeded}
    assert simulator.log[-1]["query"]["sort"] == "-created_at"


def test_changes_are_not_listed(provider, simulator):
    with pytest.raises(Unsupported):
        provider.list_changed(simulator.now())

    assert not simulator.log


class TestAtThePlanForStarters:
    @pytest.fixture
    def simulator(self):
        return LeadLexSimulator(limits=(Limit(100, 86_400.0, is_fixed=True), Limit(10, 60.0)))

    def test_a_walk_that_is_stopped_by_the_limit_goes_on_where_it_stood(
        self, provider, simulator, draft, ids
    ):
        simulator.seed(
            {"contacts": [{"first_name": "N", "email": f"n{number}@x.example"} for number in range(700)]}
        )
        seen, cursor = [], None
        for _ in range(40):
            try:
                page = provider.list_contacts(cursor)
            except RateLimited as error:
                simulator.move_clock(error.retry_after)
                continue
            seen += page.items
            cursor = page.cursor
            if cursor is None:
                break

        assert cursor is None
        assert len({one.ref.id for one in seen}) == 702


def test_a_vendor_that_never_turns_the_page_is_not_read_for_ever():
    rows = [{"id": str(number)} for number in range(PER_PAGE)]

    class Stuck:
        def call(self, *_, **__):
            return Answer(200, {}, {"data": rows})

    with pytest.raises(Transient, match="every page with the same rows"):
        list(pages(Stuck(), "/v1/tasks", "tasks", {}))
