"""What holds of a share's life, in whatever order it is corrected, recalled, stopped and delivered: generated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from concern_relay.v1.codes_pb2 import AgencyClass, Outcome, RecallReason, Urgency
from concern_relay.v1.concerns_pb2 import WatchExpired
from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from concern_relay.v1.shares_pb2 import (
    BreachRecorded,
    CorrectionSent,
    DispatchBlocked,
    DispatchReleased,
    FrontDoorAlarmed,
    ShareAcknowledged,
    ShareDelivered,
    SharePlanned,
    ShareRecalled,
)
from services.chassis.arrangement import ArrangementBook
from services.chassis.event import Fact, Refused
from services.routing.core import RoutingCore
from services.routing.core.policy import POLICY_STALE, stale_ref
from services.routing.core.state import part_digest
from tests.unit.routing.routing_cases import (
    CONCERN,
    KENT,
    MONDAY,
    Bench,
    arrangement,
    assess,
    concern_of,
    corrected,
    detail,
    event,
    item,
    person,
    pid,
    raised,
)

CSC, POLICE, SCHOOL, HUB = "kent-csc", "kent-police", "stourside-academy", "maidstone-family-hub"
TOLD = (CSC, POLICE, SCHOOL, HUB)
MUST = {CSC, POLICE}
DECIDED = {
    AgencyClass.AGENCY_CLASS_EDUCATION: Outcome.OUTCOME_SHARE_POWER,
    AgencyClass.AGENCY_CLASS_FAMILY_HELP: Outcome.OUTCOME_SHARE_CONSENT,
}
WHO, WHY = NamedPerson(name="Ada Worker", role="duty"), Note(text="because")
ITEM = pid("item", "x")
#: What may happen, and to whom; a number draws how many hours pass first.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deliver", "deliver", "correct", "recall", "revoke", "renew", "acknowledge", "fire"]),
        st.sampled_from(TOLD),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=14,
)
URGENCIES = st.sampled_from([Urgency.URGENCY_ROUTINE, Urgency.URGENCY_URGENT])


@dataclass
class Life:
    """One concern, four recipients, and doors that look at agreements as every channel's do."""

    urgency: Urgency
    bench: Bench = field(default_factory=Bench)
    now: datetime = MONDAY
    gone: set[tuple[str, str]] = field(default_factory=set)
    facts: list[Fact] = field(default_factory=list)
    content: Part = field(default_factory=Part)
    test: bool = False

    def begin(self) -> Life:
        """Raise the concern; social care and police must be told, school and hub because somebody decided so."""
        child = person("tom", lives=KENT, school_agency_id=SCHOOL, known_to_agencies=[HUB])
        told = item("x", text="as first told", core=True)
        self.content = Part(item=told)
        self._fed(raised(detail(suspected_crime=1), child, told, urgency=self.urgency, test=self.test), "raised")
        return self

    def step(self, what: str, agency: str, hours: int) -> None:
        """Let one thing happen; what the core refuses has not happened."""
        self.now = max(self.now + timedelta(hours=hours), self.bench.now)
        self.bench.now = self.now
        try:
            getattr(self, what)(agency)
        except Refused:
            return

    def deliver(self, agency: str) -> None:
        """Let a worker try every share of an agency, those too that were stopped or recalled: a late worker does."""
        for planned in [p for p in self.bench.planned if p.recipient_agency_id == agency]:
            self._at_the_door(planned)

    def correct(self, agency: str) -> None:
        """The sender puts the item right."""
        del agency
        name = f"corrected {len(self.facts)}"
        told = item("x", text=name, core=True)
        self.content = Part(item=told)
        self._fed(corrected(told, changed=[ITEM], name=name, at=self.now), name)

    def recall(self, agency: str) -> None:
        """The sender calls back every share of who should not have had it, the newest first, as the route does."""
        stopped = {f.data.share_id for f in self.bench.recorded if isinstance(f.data, DispatchBlocked)}
        for share in reversed([p for p in self.bench.planned if p.recipient_agency_id == agency]):
            if share.share_id not in stopped:
                data = ShareRecalled(
                    concern_id=CONCERN,
                    share_id=share.share_id,
                    recipient_agency_id=agency,
                    agency_id="larkfield-primary",
                    reason=RecallReason.RECALL_REASON_WRONG_RECIPIENT,
                )
                self.bench.act(data, WHO, WHY, at=self.now)

    def revoke(self, agency: str) -> None:
        """Its agreement is revoked: what waits is looked at again."""
        self.gone.add((agency, _signed(agency)))
        left = {f.data.share_id for f in self.bench.recorded if isinstance(f.data, ShareDelivered)}
        for planned in [p for p in self.bench.planned if p.recipient_agency_id == agency]:
            if planned.share_id not in left and self._stale(planned):
                self._at_the_door(planned)

    def renew(self, agency: str) -> None:
        """It stands again: what was stopped is released."""
        self.gone.discard((agency, _signed(agency)))
        for blocked in [f.data for f in self.bench.recorded if isinstance(f.data, DispatchBlocked)]:
            if blocked.recipient_agency_id == agency:
                data = DispatchReleased(
                    concern_id=CONCERN,
                    share_id=blocked.share_id,
                    recipient_agency_id=agency,
                    agreement_ref=blocked.agreement_ref,
                )
                self.bench.act(data, at=self.now)

    def acknowledge(self, agency: str) -> None:
        """A named person has it."""
        self.bench.acknowledge(agency, at=self.now)

    def redirect(self, agency: str) -> None:
        """Whoever has it says that it belongs elsewhere."""
        if agency in self.bench.told:
            self.bench.redirect(agency, "medway-csc" if agency == CSC else CSC)

    def watch(self, agency: str) -> None:
        """Nobody had it in time."""
        del agency
        data = WatchExpired(concern_id=CONCERN, agency_id="larkfield-primary", test=self.test)
        data.due_at.FromDatetime(self.now)
        self.bench.feed(event(f"watch {len(self.facts)} {self.now}", data, {}, self.now))

    def fire(self, agency: str) -> None:
        """Let the earliest timer fall due."""
        del agency
        if self.bench.timers:
            self.bench.fire(min(self.bench.timers.values(), key=lambda timer: timer.due).name)
            self.now = max(self.now, self.bench.now)

    def end(self) -> Life:
        """Let the workers do what is left."""
        for _ in range(3):
            for agency in TOLD:
                self.deliver(agency)
        return self

    def _fed(self, fact: Fact, name: str) -> None:
        self.facts.append(fact)
        basis = assess(concern_of(*self.facts), assessed=name, at=self.now, outcomes=DECIDED)
        self.bench.feed(fact, basis)

    def _stale(self, planned: SharePlanned) -> str:
        return stale_ref(planned, arrangement(), arrangement(), frozenset(self.gone))

    def _at_the_door(self, planned: SharePlanned) -> None:
        ids = {
            "concern_id": CONCERN,
            "share_id": planned.share_id,
            "recipient_agency_id": planned.recipient_agency_id,
        }
        ref = self._stale(planned)
        data = DispatchBlocked(**ids, reason_code=POLICY_STALE, agreement_ref=ref) if ref else ShareDelivered(**ids)
        self.bench.act(data, at=self.now)


def _signed(agency: str) -> str:
    return arrangement().agencies[agency].agreement or ""


def lived(urgency: Urgency, steps: list[tuple[str, str, int]], *, test: bool = False) -> Life:
    """Live through steps, then let everything settle."""
    life = Life(urgency, test=test).begin()
    for step in steps:
        life.step(*step)
    return life.end()


def dates(life: Life, kind: type) -> dict[str, Fact]:
    """The first record of a kind, by share."""
    found: dict[str, Fact] = {}
    for fact in life.bench.recorded:
        if isinstance(fact.data, kind):
            found.setdefault(fact.data.share_id, fact)  # type: ignore[attr-defined]
    return found


@settings(max_examples=80, deadline=None)
@given(URGENCIES, STEPS)
def test_whoever_holds_old_content_is_told(urgency: Urgency, steps: list[tuple[str, str, int]]) -> None:
    """Each agency that has the item and was not called back ends with its newest words, agreement or not."""
    life = lived(urgency, steps)

    delivered = {data.share_id for data in (f.data for f in life.bench.recorded) if isinstance(data, ShareDelivered)}
    state = life.bench.state
    for agency in TOLD:
        holds = [s for s in state.shares_of(agency) if ITEM in s.digests and s.share_id in delivered]
        if holds:
            assert state.given(agency)[ITEM] == part_digest(life.content), agency
            assert all(s.share_id in delivered for s in state.shares_of(agency)), f"{agency}: something was left lying"


@settings(max_examples=80, deadline=None)
@given(URGENCIES, STEPS)
def test_what_was_put_right_keeps_the_first_clock(urgency: Urgency, steps: list[tuple[str, str, int]]) -> None:
    """A correction of what was delivered counts from that delivery, or from where that one's clock began."""
    life = lived(urgency, steps)

    planned, delivered, acknowledged = (dates(life, kind) for kind in (SharePlanned, ShareDelivered, ShareAcknowledged))
    order = [fact.id for fact in life.bench.recorded]
    for sent in (f.data for f in life.bench.recorded if isinstance(f.data, CorrectionSent)):
        before, after = planned[sent.corrects_share_id], planned[sent.share_id]
        arrived = delivered.get(sent.corrects_share_id)
        assert isinstance(before.data, SharePlanned)
        assert isinstance(after.data, SharePlanned)
        taken_on = acknowledged.get(sent.corrects_share_id)
        if taken_on is not None and order.index(taken_on.id) < order.index(after.id):
            continue  # that clock was stopped by a person; what is put right later is for a person anew
        if before.data.HasField("clock_from"):
            assert after.data.clock_from == before.data.clock_from
        elif arrived is not None and order.index(arrived.id) < order.index(after.id):
            assert after.data.clock_from.ToDatetime(tzinfo=MONDAY.tzinfo) == arrived.recorded


@settings(max_examples=80, deadline=None)
@given(URGENCIES, STEPS)
def test_only_what_rests_on_an_agreement_is_stopped(urgency: Urgency, steps: list[tuple[str, str, int]]) -> None:
    """Nobody who must be told is stopped, nothing urgent is, and every stop names the agreement."""
    life = lived(urgency, steps)

    for fact in life.bench.recorded:
        if isinstance(fact.data, DispatchBlocked):
            assert fact.data.recipient_agency_id not in MUST
            assert urgency < Urgency.URGENCY_URGENT
            assert fact.data.agreement_ref
    assert life.bench.told >= MUST


@settings(max_examples=80, deadline=None)
@given(URGENCIES, STEPS)
def test_nothing_leaves_after_it_was_stopped_or_recalled(urgency: Urgency, steps: list[tuple[str, str, int]]) -> None:
    """However late a worker comes: a stopped or recalled share is delivered to nobody, and no clock of it starts."""
    life = lived(urgency, steps)

    ended: set[str] = set()
    for fact in life.bench.recorded:
        if isinstance(fact.data, DispatchBlocked | ShareRecalled):
            ended.add(fact.data.share_id)
        if isinstance(fact.data, ShareDelivered):
            assert fact.data.share_id not in ended
    stopped = dates(life, DispatchBlocked)
    assert not [name for name in life.bench.timers if name.partition(":")[2] in stopped]


@settings(max_examples=80, deadline=None)
@given(URGENCIES, STEPS)
def test_a_breach_runs_seventy_two_hours_from_its_recall(urgency: Urgency, steps: list[tuple[str, str, int]]) -> None:
    """One breach for each recall, owned by the sender, due 72 hours later whatever else happens."""
    life = lived(urgency, steps)

    recalls = dates(life, ShareRecalled)
    breaches = dates(life, BreachRecorded)
    assert breaches.keys() <= recalls.keys()
    for share_id, fact in breaches.items():
        assert isinstance(fact.data, BreachRecorded)
        due = fact.data.report_by.ToDatetime(tzinfo=MONDAY.tzinfo)
        assert due == recalls[share_id].recorded + timedelta(hours=72)
        assert fact.data.controller_agency_id == "larkfield-primary"


def test_the_hours_of_a_breach_are_the_arrangements() -> None:
    """Partners who agree on 48 hours have 48 hours: no clock of what follows a share stands in code."""
    sooner = replace(arrangement().duties.breach, amount=48)
    agreed = replace(arrangement(), duties=replace(arrangement().duties, breach=sooner))
    life = Life(Urgency.URGENCY_ROUTINE, Bench(RoutingCore(ArrangementBook.of([agreed])))).begin()
    life.deliver(SCHOOL)

    life.recall(SCHOOL)

    (recorded,) = dates(life, BreachRecorded).values()
    assert isinstance(recorded.data, BreachRecorded)
    assert recorded.data.report_by.ToDatetime(tzinfo=MONDAY.tzinfo) == life.now + timedelta(hours=48)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_released_content_goes_once(steps: list[tuple[str, str, int]]) -> None:
    """After every agreement stands again, the hub has the item as it now is, once, unless it was called back."""
    life = lived(Urgency.URGENCY_ROUTINE, steps)
    for agency in TOLD:
        life.renew(agency)
    life.end()

    state = life.bench.state
    if HUB in state.barred:
        return
    live = [s for s in state.shares_of(HUB) if s.digests.get(ITEM) == part_digest(life.content)]
    assert len(live) == 1
    assert live[0].delivered_at is not None


#: What else may happen to a concern of which nothing must become real.
MORE_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["deliver", "deliver", "correct", "recall", "revoke", "renew", "acknowledge", "fire", "redirect", "watch"]
        ),
        st.sampled_from(TOLD),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=14,
)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from([*Urgency.values()]), MORE_STEPS, st.booleans())
def test_practice_leads_to_practice_alone(urgency: Urgency, steps: list[tuple[str, str, int]], test: bool) -> None:
    """Whatever happens: every share and duty of a practice concern is practice, of a real one real; nobody is alarmed.

    The inboxes, webhooks, lists of calls and duties part the two by this flag (practice 28).
    """
    life = lived(urgency, steps, test=test)

    flagged = [fact.data for fact in life.bench.recorded if fact.data and "test" in fact.data.DESCRIPTOR.fields_by_name]
    assert any(isinstance(data, SharePlanned) for data in flagged)
    assert {data.test for data in flagged} == {test}  # type: ignore[attr-defined]
    assert not test or not any(isinstance(fact.data, FrontDoorAlarmed) for fact in life.bench.recorded)
