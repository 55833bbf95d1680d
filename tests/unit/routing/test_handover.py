"""Who holds a concern: where found leads until another accepts, and what a move hands over. The core alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import AuthorityRole, ShareOutcome, Trigger
from concern_relay.v1.concerns_pb2 import ChildMoved
from services.chassis.event import Fact
from tests.unit.routing.routing_cases import (
    CONCERN,
    KENT,
    LEEDS,
    MEDWAY,
    MONDAY,
    Bench,
    assess,
    authority,
    concern_of,
    detail,
    event,
    item,
    parts_of,
    person,
    raised,
)

FOUND, FORMER = AuthorityRole.AUTHORITY_ROLE_FOUND, AuthorityRole.AUTHORITY_ROLE_FORMER
ACCEPTED = ShareOutcome.SHARE_OUTCOME_REFERRAL_ACCEPTED
NFA = ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION
KENT_CSC, MEDWAY_CSC, LEEDS_CSC = "kent-csc", "medway-csc", "outside-e08000035"
TUESDAY = MONDAY + timedelta(days=1)


def moved(to: str = MEDWAY, *, at: datetime = TUESDAY, former: str = KENT, **fields: Any) -> Fact:
    """The child of ``bench_of`` moved, as intake records it."""
    child = person("tom", lives=to, age_years=8)
    child.authorities.append(authority(former, FORMER))
    data = ChildMoved(concern_id=CONCERN, agency_id="larkfield-primary", person_id=child.person_id, **fields)
    return event("moved", data, parts_of(child), at)


def bench_of(*triggers: Trigger) -> tuple[Bench, Fact]:
    """A concern about a child in Kent that Kent has been given."""
    first = raised(detail(*triggers), person("tom", lives=KENT, age_years=8), item("x", core=True))
    return Bench().raise_and_assess(first).deliver(KENT_CSC), first


def after_move(bench: Bench, first: Fact, fact: Fact) -> Bench:
    """Feed a move and what is assessed because of it."""
    bench.now = fact.recorded
    return bench.feed(fact, assess(concern_of(first, fact), assessed="moved", at=fact.recorded))


def of(bench: Bench, name: str) -> list[Any]:
    """The messages of a type."""
    return [fact.data for fact in bench.recorded if fact.type == name]


def due(message: Any) -> datetime:
    """When an acknowledgement is due."""
    found: datetime = message.acknowledge_by.ToDatetime(tzinfo=UTC)
    return found


def test_a_move_hands_the_open_deadline_over() -> None:
    """Kent had until Tuesday 17:00 and did not answer; told on Tuesday at ten, Medway has until then as well."""
    bench, first = bench_of()
    after_move(bench, first, moved()).deliver(MEDWAY_CSC, at=TUESDAY)

    share = bench.share(MEDWAY_CSC)
    kent, medway = of(bench, "ShareDelivered")
    assert share.takes_over_share_id == of(bench, "SharePlanned")[0].share_id
    assert due(medway) == due(kent) == datetime(2026, 11, 24, 17, 0, tzinfo=UTC)


def test_a_deadline_that_was_met_is_not_handed_over() -> None:
    """Kent acknowledged on Monday: Medway has a working day of its own."""
    bench, first = bench_of()
    bench.acknowledge(KENT_CSC)
    after_move(bench, first, moved()).deliver(MEDWAY_CSC, at=TUESDAY)

    assert not bench.share(MEDWAY_CSC).HasField("kept_due_at")
    assert due(of(bench, "ShareDelivered")[-1]) == datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


def test_who_led_keeps_the_concern_until_the_other_accepts() -> None:
    """An acknowledgement is no acceptance; no further action is none either; a referral that is accepted is."""
    bench, first = bench_of()
    after_move(bench, first, moved()).deliver(MEDWAY_CSC, at=TUESDAY)
    bench.acknowledge(MEDWAY_CSC)
    assert bench.state.leads == {KENT_CSC}
    bench.outcome(MEDWAY_CSC, NFA, "no role")
    assert bench.state.leads == {KENT_CSC}

    bench.outcome(MEDWAY_CSC, ACCEPTED)

    [passed] = of(bench, "LeadPassed")
    assert (passed.agency_id, list(passed.from_agency_ids)) == (MEDWAY_CSC, [KENT_CSC])
    assert bench.state.leads == {MEDWAY_CSC}
    assert not any(name.startswith("acknowledge:") for name in bench.timers)


def test_a_duty_goes_with_the_child_and_its_deadline_stands() -> None:
    """The visit Kent owed by 2 December is Medway's once it accepts, by 2 December, and no second one was started."""
    bench, first = bench_of(Trigger.TRIGGER_PRIVATE_FOSTERING)
    after_move(bench, first, moved()).deliver(MEDWAY_CSC, at=TUESDAY)
    [started] = of(bench, "DutyStarted")
    bench.acknowledge(MEDWAY_CSC).outcome(MEDWAY_CSC, ACCEPTED)

    [handed] = of(bench, "DutyHandedOver")
    assert (handed.duty_id, handed.from_agency_id, handed.agency_id) == (started.duty_id, KENT_CSC, MEDWAY_CSC)
    assert handed.due_at == started.due_at
    assert bench.state.duties[started.duty_id].agency_id == MEDWAY_CSC


def test_both_authorities_are_told_of_the_move() -> None:
    """The new one gets the concern, the former one what it did not know: that the child is gone."""
    bench, first = bench_of()
    after_move(bench, first, moved())

    assert {s.recipient_agency_id for s in bench.planned} == {KENT_CSC, MEDWAY_CSC}
    assert set(bench.state.shares[bench.share(KENT_CSC).share_id].digests) == {person("tom").person_id}


def test_a_stay_elsewhere_hands_nothing_over() -> None:
    """A week with an aunt: told where it stays, and Kent leads as before."""
    bench, first = bench_of(Trigger.TRIGGER_PRIVATE_FOSTERING)
    child = person("tom", lives=KENT, age_years=8)
    child.authorities.append(authority(MEDWAY, FOUND))
    data = ChildMoved(concern_id=CONCERN, agency_id="larkfield-primary", person_id=child.person_id, temporary=True)
    after_move(bench, first, event("moved", data, parts_of(child), TUESDAY)).deliver(MEDWAY_CSC, at=TUESDAY)

    assert bench.state.leads == {KENT_CSC}
    assert not bench.share(MEDWAY_CSC).takes_over_share_id
    assert not of(bench, "DutyHandedOver")


def test_where_found_leads_until_the_other_accepts() -> None:
    """Lives in Kent, found in Medway: Medway leads; Kent accepts, Kent leads; nothing else changes it back."""
    child = person("tom", lives=KENT, age_years=8)
    child.authorities.append(authority(MEDWAY, FOUND))
    bench = Bench().raise_and_assess(raised(detail(), child, item("x", core=True)))
    bench.deliver(KENT_CSC).deliver(MEDWAY_CSC)
    assert bench.state.leads == {MEDWAY_CSC}

    bench.acknowledge(MEDWAY_CSC).acknowledge(KENT_CSC).outcome(KENT_CSC, ACCEPTED)

    assert bench.state.leads == {KENT_CSC}
    assert len(of(bench, "LeadPassed")) == 1


def test_who_leads_already_passes_nothing() -> None:
    """The only front door accepts its referral: nothing to hand over, no event."""
    bench, _ = bench_of()
    bench.acknowledge(KENT_CSC).outcome(KENT_CSC, ACCEPTED)

    assert not of(bench, "LeadPassed")


def test_an_authority_off_the_network_accepts_on_the_telephone() -> None:
    """Leeds has no inbox and gives no outcome here: a named person there has taken it on, and it leads."""
    bench, first = bench_of()
    after_move(bench, first, moved(LEEDS)).deliver(LEEDS_CSC, at=TUESDAY)
    assert bench.state.leads == {KENT_CSC}

    bench.acknowledge(LEEDS_CSC)

    assert bench.state.leads == {LEEDS_CSC}


def test_a_redirect_passes_the_lead_when_the_other_acknowledges() -> None:
    """Kent says that it is Medway's; Kent answers for it until a person at Medway has it."""
    bench, _ = bench_of()
    bench.redirect(KENT_CSC, MEDWAY_CSC)
    assert bench.state.leads == {KENT_CSC}
    bench.deliver(MEDWAY_CSC).acknowledge(MEDWAY_CSC)

    assert bench.state.leads == {MEDWAY_CSC}


@pytest.mark.parametrize("fact", [moved(KENT, former=MEDWAY, unknown_destination=True)])
def test_nobody_knows_where_to_changes_nobody_who_leads(fact: Message) -> None:
    """The last authority keeps it; the new concern is another one."""
    bench, first = bench_of()
    after_move(bench, first, fact)  # type: ignore[arg-type]

    assert bench.state.leads == {KENT_CSC}
