"""What holds for every concern, whatever is in it: generated, not imagined."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    AuthorityRole,
    Category,
    ConcernLevel,
    HiddenReason,
    IdentifierKind,
    Outcome,
    PersonRole,
    StatutoryStatus,
    Ternary,
    Trigger,
    Urgency,
    WithholdReason,
)
from concern_relay.v1.concerns_pb2 import ChildMoved, ConcernRaised
from concern_relay.v1.facts_pb2 import Address, Identifier, Item, Part, Person, Status
from services.chassis.calendar import LONDON, ClockRule, due
from services.chassis.event import Fact
from services.routing.core.plan import NO_RECIPIENT_JUSTIFIED
from services.routing.core.recipients import could_read
from tests.unit.routing.routing_cases import (
    CONCERN,
    DETAIL_ID,
    KENT,
    LEEDS,
    MEDWAY,
    MONDAY,
    Bench,
    added,
    arrangement,
    assess,
    authority,
    concern_of,
    detail,
    eid,
    event,
    item,
    person,
    pid,
)

pytestmark = pytest.mark.exhaustive

AGENCIES = sorted(arrangement().agencies)
SHARED = frozenset(range(1, 5))
MATRIX = arrangement().matrix
NEVER = {Category.CATEGORY_POLICE_INTELLIGENCE, Category.CATEGORY_SOURCE_IDENTITY}

codes = st.sampled_from([KENT, MEDWAY, LEEDS, "E10000011", "W06000015", "E99999999", ""])
agency_ids = st.sampled_from([*AGENCIES, "nobody"])


@st.composite
def people(draw: st.DrawFn) -> list[Person]:
    """Up to five people with whatever a person may have."""
    found = []
    for number in range(draw(st.integers(0, 5))):
        role = draw(st.sampled_from([*PersonRole.values()][1:]))
        one = person(f"p{number}", role)  # type: ignore[arg-type]
        for _ in range(draw(st.integers(0, 2))):
            one.authorities.append(authority(draw(codes), draw(st.sampled_from([*AuthorityRole.values()]))))  # type: ignore[arg-type]
        if draw(st.booleans()):
            one.statuses.append(Status(status=draw(st.sampled_from([*StatutoryStatus.values()])), gss_code=draw(codes)))
        one.can_read_agencies.extend(draw(st.lists(agency_ids, max_size=2)))
        one.known_to_agencies.extend(draw(st.lists(agency_ids, max_size=2)))
        one.school_agency_id = draw(st.one_of(st.just(""), agency_ids))
        one.adult_at_risk = draw(st.sampled_from([*Ternary.values()]))
        one.identifiers.append(
            Identifier(kind=draw(st.sampled_from([*IdentifierKind.values()])), value=f"NUMBER{number}")
        )
        one.addresses.append(Address(lines=[f"{number} Example Street"], hidden=draw(st.sampled_from([0, 0, 1]))))
        found.append(one)
    return found


@st.composite
def items(draw: st.DrawFn, who: list[Person]) -> list[Item]:
    """Up to five items about whomever, of whatever category."""
    ids = ["", *(one.person_id for one in who)]
    return [
        item(
            f"i{number}",
            draw(st.sampled_from([*Category.values()])),  # type: ignore[arg-type]
            f"words of item {number}",
            core=draw(st.booleans()),
            emergency_minimum=draw(st.booleans()),
            about_person_id=draw(st.sampled_from(ids)),
            mentions_person_ids=[found for found in draw(st.lists(st.sampled_from(ids), max_size=2)) if found],
            needed_by=draw(st.lists(st.sampled_from([*MATRIX]), max_size=1)),
            not_for=draw(st.lists(st.sampled_from([*MATRIX]), max_size=1)),
            source=f"source {number}",
            source_protected=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 5)))
    ]


@st.composite
def concerns(draw: st.DrawFn, urgency: Urgency | None = None) -> Fact:
    """A concern as it might be raised."""
    who = draw(people())
    whole = detail(
        *draw(st.lists(st.sampled_from([*Trigger.values()][1:]), max_size=3)),  # type: ignore[arg-type]
        level=draw(st.sampled_from([*ConcernLevel.values()])),  # type: ignore[arg-type]
        **{
            name: draw(st.sampled_from([*Ternary.values()]))
            for name in ("suspected_crime", "immediate_danger", "suspect_is_child", "aggravated", "life_at_risk")
        },
    )
    data = ConcernRaised(
        concern_id=CONCERN,
        agency_id=draw(agency_ids),
        urgency=draw(st.sampled_from([*Urgency.values()])) if urgency is None else urgency,
    )
    parts = {DETAIL_ID: Part(detail=whole)}
    parts.update({one.person_id: Part(person=one) for one in who})
    parts.update({one.item_id: Part(item=one) for one in draw(items(who))})
    moment = MONDAY + timedelta(hours=draw(st.integers(0, 24 * 60)))
    return event("raised", data, parts, moment)


@st.composite
def assessed(draw: st.DrawFn, raised: Fact) -> Fact:
    """An assessment of it: each class and each part may have come out in any way."""
    basis = assess(concern_of(raised), at=raised.recorded)
    data = basis.data
    assert isinstance(data, BasisAssessed)
    for one in data.classes:
        if draw(st.integers(0, 3)) == 0:
            one.outcome = draw(st.sampled_from([*Outcome.values()]))
        for part in one.items:
            if draw(st.integers(0, 4)) == 0:
                part.outcome = draw(st.sampled_from([*Outcome.values()]))
    return basis


cases = concerns().flatmap(lambda raised: st.tuples(st.just(raised), assessed(raised)))
many = settings(max_examples=60, deadline=None)


def class_of(bench: Bench, agency_id: str) -> AgencyClass:
    """The class an agency is told as."""
    return bench.share(agency_id).recipient_class


@many
@given(cases)
def test_nobody_outside_the_allowed_set_receives(case: tuple[Fact, Fact]) -> None:
    """A share goes to a class the law shares with, or in an emergency to those named for it; never to the sender."""
    raised, basis = case
    bench = Bench().feed(raised, basis)
    allowed = {one.recipient_class for one in basis.data.classes if one.outcome in SHARED}  # type: ignore[union-attr]
    emergencies = {one.agency_class for rule in arrangement().rules for one in rule.tells if one.emergency}

    for share in bench.planned:
        assert share.recipient_class in (emergencies if share.emergency else allowed)
        assert share.recipient_agency_id != bench.state.concern.agency_id


@many
@given(cases)
def test_nobody_whose_inbox_could_be_read_receives(case: tuple[Fact, Fact]) -> None:
    """Suppression holds in every case, emergencies included."""
    bench = Bench().feed(*case)

    for agency_id in bench.told:
        assert not could_read(bench.state.concern, agency_id)


@many
@given(cases)
def test_every_concern_ends_with_a_recipient_or_a_reasoned_decision(case: tuple[Fact, Fact]) -> None:
    """Somebody is accountable, or it is on record why nobody is; every withholding has a reason and a rule."""
    bench = Bench().feed(*case)

    own = any(duty.leads for duty in bench.state.duties.values())  # a front door about its own area
    assert bench.planned or own or NO_RECIPIENT_JUSTIFIED in {w.rule_code for w in bench.withheld}
    assert all(w.reason and w.rule_code for w in bench.withheld)
    assert {f"deliver:{share.share_id}" for share in bench.planned} <= bench.timers.keys()


@many
@given(cases)
def test_social_care_hears_of_it_whenever_the_law_says_it_must(case: tuple[Fact, Fact]) -> None:
    """Closed, merged, unknown, readable, outside: whatever the agencies, a must row for social care finds a person."""
    raised, basis = case
    bench = Bench().feed(raised, basis)
    social_care = AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
    [found] = [one for one in basis.data.classes if one.recipient_class == social_care]  # type: ignore[union-attr]

    if found.must and found.outcome in SHARED:
        is_sender = any(w.reason == WithholdReason.WITHHOLD_REASON_IS_SENDER for w in bench.withheld)
        assert is_sender or any(share.recipient_class == social_care for share in bench.planned)


@many
@given(cases)
def test_content_is_a_subset_of_what_was_allowed(case: tuple[Fact, Fact]) -> None:
    """Items and people: allowed by the law for the class, admitted by its row; words are the sender's own."""
    raised, basis = case
    bench = Bench().feed(raised, basis)
    outcomes = {
        (one.recipient_class, part.part_id): part.outcome
        for one in basis.data.classes  # type: ignore[union-attr]
        for part in one.items
    }

    for fact in bench.recorded:
        share = fact.data
        if fact.type != "SharePlanned":
            continue
        agency = arrangement().agency(share.recipient_agency_id)  # type: ignore[union-attr]
        row = MATRIX[share.recipient_class].seen_as(  # type: ignore[union-attr]
            share.view_code,  # type: ignore[union-attr]
            parent_visible=agency is not None and agency.parent_visible,
        )
        for part_id, part in fact.parts.items():
            original = raised.parts[part_id]
            kind = part.WhichOneof("body")
            if kind in ("item", "person") and not share.emergency:  # type: ignore[union-attr]
                assert outcomes[share.recipient_class, part_id] in SHARED  # type: ignore[union-attr]
            if kind == "item":
                assert row.admits(part.item.category)
                assert part.item.category not in NEVER
                assert part.item.text == original.item.text
                assert share.recipient_class not in original.item.not_for  # type: ignore[union-attr]
                if share.emergency:  # type: ignore[union-attr]
                    assert original.item.core or original.item.emergency_minimum
            if kind == "person":
                assert part.person.role in row.person_roles
                assert not any(address.hidden for address in part.person.addresses)


@many
@given(concerns().flatmap(lambda raised: st.tuples(st.just(raised), assessed(raised), st.integers(0, 9))))
def test_what_is_withheld_leaves_no_trace(case: tuple[Fact, Fact, int]) -> None:
    """A view with an item withheld is the view of a concern in which that item was never sent."""
    raised, basis, chosen = case
    bench = Bench().feed(raised, basis)
    found = [part_id for part_id, part in raised.parts.items() if part.WhichOneof("body") == "item"]
    if not found:
        return
    part_id = found[chosen % len(found)]
    agencies = [agency for agency in bench.told if part_id not in bench.view(agency)]
    kept = {key: part for key, part in raised.parts.items() if key != part_id}
    without = event("raised", ConcernRaised(), kept, raised.recorded)
    without.data.CopyFrom(raised.data)  # type: ignore[union-attr]
    del without.data.parts[:]  # type: ignore[union-attr]
    without.data.parts.extend(p for p in raised.data.parts if p.part_id != part_id)  # type: ignore[union-attr]

    never_sent = Bench().feed(without, basis)

    for agency in agencies:
        if raised.parts[part_id].item.source_protected:
            continue  # its source is struck from other texts, which is the point
        assert never_sent.view(agency) == bench.view(agency)


@many
@given(cases)
def test_no_view_points_at_anything_outside_it(case: tuple[Fact, Fact]) -> None:
    """Every id in a view leads to a part of it: a dangling pointer would be a trace."""
    raised, _ = case
    bench = Bench().feed(*case)
    every = set(raised.parts) - {DETAIL_ID}

    for agency in bench.told:
        view = bench.view(agency)
        texts = "\n".join(str(part) for part in view.values())
        for part_id in every - view.keys():
            assert part_id not in texts


@many
@given(cases)
def test_the_same_facts_give_the_same_events(case: tuple[Fact, Fact]) -> None:
    """Deterministic to the id; and in either order of the two topics the same shares with the same content."""
    raised, basis = case
    one, two, overtaken = Bench().feed(raised, basis), Bench().feed(raised, basis), Bench().feed(basis, raised)

    assert [(f.id, f.type, f.data, f.parts) for f in one.recorded] == [
        (f.id, f.type, f.data, f.parts) for f in two.recorded
    ]
    assert {s.share_id for s in one.planned} == {s.share_id for s in overtaken.planned}
    assert all(one.view(agency) == overtaken.view(agency) for agency in one.told)


@many
@given(cases)
def test_nothing_is_sent_twice(case: tuple[Fact, Fact]) -> None:
    """Assessed again without any change, nothing more is sent or recorded."""
    raised, basis = case
    bench = Bench().feed(raised, basis)
    before = len(bench.recorded)
    again = event("again", BasisAssessed(), {}, raised.recorded, based_on="raised")
    again.data.CopyFrom(basis.data)  # type: ignore[arg-type, union-attr]

    bench.feed(again)

    assert len(bench.recorded) == before


@many
@given(concerns(Urgency.URGENCY_EMERGENCY))
def test_an_emergency_never_waits(raised: Fact) -> None:
    """Before any assessment somebody is told, or every inbox meant was the sender's own or readable."""
    bench = Bench().feed(raised)

    assert bench.planned
    assert {share.recipient_class for share in bench.planned} <= {1, 2, 3}


@many
@given(cases, st.integers(0, 5000), st.integers(0, 5000))
def test_clocks_never_run_backwards(case: tuple[Fact, Fact], first: int, more: int) -> None:
    """Delivered later, due never earlier; a clock that starts at delivery ends after it."""
    raised, _ = case
    early, late = Bench().feed(*case), Bench().feed(*case)
    for share in early.planned[:1]:
        begun = raised.recorded + timedelta(minutes=first)
        early.deliver(share.recipient_agency_id, at=begun)
        late.deliver(share.recipient_agency_id, at=begun + timedelta(minutes=more))
        name = f"acknowledge:{early.share(share.recipient_agency_id).share_id}"

        assert late.timers[name].due >= early.timers[name].due
        assert early.timers[name].due > raised.recorded


@many
@given(cases, st.lists(st.sampled_from(["deliver", "read", "acknowledge", "fire", "add"]), max_size=12))
def test_acts_in_any_order_keep_the_states_in_order(case: tuple[Fact, Fact], steps: list[str]) -> None:
    """Whatever is tried in whatever order: one delivery, one acknowledgement, stages rising, nothing after the end."""
    bench = Bench().feed(*case)
    if not bench.planned:
        return
    agency = bench.planned[0].recipient_agency_id
    share_id = bench.share(agency).share_id
    for number, step in enumerate(steps):
        share = bench.state.shares[share_id]
        if step == "deliver":
            _newest(bench, agency, share_id, "deliver")
        elif step == "acknowledge" and share.delivered_at:
            _newest(bench, agency, share_id, "acknowledge")
        elif step == "read" and share.delivered_at:
            _newest(bench, agency, share_id, "read")
        elif step == "fire" and bench.timers:
            bench.fire(min(bench.timers, key=lambda name: bench.timers[name].due))
        elif step == "add":
            bench.feed(added(item(f"later{number}"), name=f"added{number}"))

    mine = [fact for fact in bench.recorded if getattr(fact.data, "share_id", "") == share_id]
    types = [fact.type for fact in mine]
    stages = [fact.data.stage for fact in mine if fact.type == "ShareEscalated"]  # type: ignore[union-attr]
    assert types.count("ShareDelivered") <= 1
    assert types.count("ShareAcknowledged") <= 1
    assert stages == sorted(set(stages))
    if "ShareAcknowledged" in types:
        assert f"acknowledge:{share_id}" not in bench.timers
        assert f"escalate:{share_id}" not in bench.timers


def _newest(bench: Bench, agency: str, share_id: str, step: str) -> None:
    if bench.share(agency).share_id == share_id:
        getattr(bench, step)(agency)


@many
@given(cases, st.sampled_from([HiddenReason.HIDDEN_REASON_REFUGE, HiddenReason.HIDDEN_REASON_NOT_STATED]))
def test_a_hidden_address_is_in_no_view(case: tuple[Fact, Fact], why: HiddenReason) -> None:
    """Put a hidden address on anybody and into every text: no recipient gets a word of it."""
    raised, basis = case
    moved = person("moved", PersonRole.PERSON_ROLE_PARENT)
    moved.addresses.append(Address(lines=["99 Secretgarden Way"], postcode="ZZ9 9ZZ", hidden=why))
    for part in raised.parts.values():
        if part.WhichOneof("body") == "item":
            part.item.text = "They went to 99 SECRETGARDEN way ( ZZ99ZZ ) on Sunday"
    raised.data.parts.add(part_id=moved.person_id)  # type: ignore[union-attr]
    hiding = event("raised", raised.data, {**raised.parts, moved.person_id: Part(person=moved)}, raised.recorded)  # type: ignore[arg-type]

    bench = Bench().feed(hiding, basis)

    for agency in bench.told:
        texts = bench.texts(agency).casefold()
        assert "secretgarden" not in texts
        assert "zz99zz" not in texts.replace(" ", "")


@st.composite
def moves(draw: st.DrawFn, raised: Fact) -> Fact | None:
    """One of the children moves, stays elsewhere, or is gone; None where the concern names no child."""
    children = [p.person for p in raised.parts.values() if p.person.role == PersonRole.PERSON_ROLE_CHILD]
    if not children:
        return None
    child = Person()
    child.CopyFrom(draw(st.sampled_from(children)))
    stays, gone = draw(st.booleans()), draw(st.booleans())
    if not gone:
        for known in child.authorities:
            if known.role == AuthorityRole.AUTHORITY_ROLE_LIVES and not stays:
                known.role = AuthorityRole.AUTHORITY_ROLE_FORMER
        role = AuthorityRole.AUTHORITY_ROLE_FOUND if stays else AuthorityRole.AUTHORITY_ROLE_LIVES
        child.authorities.append(authority(draw(codes), role))
    data = ChildMoved(concern_id=CONCERN, person_id=child.person_id, temporary=stays, unknown_destination=gone)
    moment = raised.recorded + timedelta(hours=draw(st.integers(1, 24 * 30)))
    return event("moved", data, {child.person_id: Part(person=child)}, moment)


moving = cases.flatmap(lambda case: st.tuples(st.just(case), moves(case[0]), st.booleans(), st.booleans()))


@settings(max_examples=40, deadline=None)
@given(moving)
def test_a_move_buys_nobody_time_and_leaves_nobody_in_charge_who_was_not_told(
    case: tuple[tuple[Fact, Fact], Fact | None, bool, bool],
) -> None:
    """Every inherited deadline is one that ran before; duties keep theirs; who leads has a share that stands."""
    (raised, basis), moved, answered, accepts = case
    if moved is None:
        return
    bench = Bench().feed(raised, basis)
    for agency in bench.told:
        bench.deliver(agency, at=raised.recorded)
        if answered:
            bench.acknowledge(agency, at=raised.recorded)
    ran = {share.acknowledge_by for share in bench.state.shares.values() if share.acknowledged_at is None}
    owed = {duty_id: duty.due_at for duty_id, duty in bench.state.duties.items()}

    bench.now = moved.recorded
    bench.feed(moved, assess(concern_of(raised, moved), assessed="moved", at=moved.recorded))
    for agency in bench.told:
        bench.deliver(agency)
    for agency in bench.told if accepts else ():
        if bench.share(agency).recipient_class == AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE:
            bench.acknowledge(agency).outcome(agency, 1)

    for share in bench.state.shares.values():
        if share.kept_due_at is not None:
            assert share.kept_due_at in ran
            assert share.acknowledge_by is None or share.acknowledge_by <= share.kept_due_at
    own = {duty.agency_id for duty in bench.state.duties.values() if duty.leads}
    assert bench.state.leads <= own | {share.agency_id for share in bench.state.shares.values() if not share.void}
    assert {i: duty.due_at for i, duty in bench.state.duties.items() if i in owed} == owed


DAYS_THE_CLOCKS_CHANGE = st.sampled_from([datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])


@many
@given(st.sampled_from(sorted(arrangement().clocks)), DAYS_THE_CLOCKS_CHANGE, st.integers(-96, 96), st.integers(0, 96))
def test_every_clock_of_the_arrangement_runs_forward_over_the_change_of_the_clocks(
    code: str, change: datetime, hours: int, later: int
) -> None:
    """Started later, due never earlier; due after it started; a day's end is the same on every wall."""
    clock = arrangement().clocks[code]
    days = arrangement().school_days([KENT])
    start = change + timedelta(hours=hours)
    ends = due(clock, start, days)

    assert ends <= due(clock, start + timedelta(hours=later), days)
    assert ends > start
    if clock.rule in (ClockRule.WORKING_DAYS, ClockRule.CALENDAR_DAYS, ClockRule.SCHOOL_DAY, ClockRule.SCHOOL_DAYS):
        assert ends.astimezone(LONDON).time() == clock.at


def test_the_names_used_here_are_those_of_intake() -> None:
    """The builders derive ids as the architecture says, or every test above would prove another system."""
    assert pid("person", "p0") == person("p0").person_id
    assert str(eid("raised")) != pid("person", "p0")
