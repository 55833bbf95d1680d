"""Until a person has acknowledged: four states, one clock, and what happens when nobody does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from concern_relay.v1.codes_pb2 import Channel, ConcernLevel, PersonRole, ShareOutcome, Trigger, Urgency
from concern_relay.v1.facts_pb2 import NamedPerson
from concern_relay.v1.shares_pb2 import (
    AcknowledgementOverdue,
    DeliveryFailed,
    DeliveryOverdue,
    DispatchBlocked,
    DutyStarted,
    OutcomeGiven,
    ReferrerAsked,
    ShareAcknowledged,
    ShareDelivered,
    ShareEscalated,
    ShareRead,
)
from services.chassis.calendar import LONDON
from services.chassis.event import Refused
from tests.unit.routing.routing_cases import (
    CONCERN,
    KENT,
    MONDAY,
    YES,
    Bench,
    added,
    arrangement,
    detail,
    item,
    person,
    raised,
)

CSC = "kent-csc"
CHRISTMAS_EVE = datetime(2026, 12, 24, 16, 30, tzinfo=UTC)
TUESDAY_17 = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)


def told(urgency: Urgency = Urgency.URGENCY_ROUTINE, at: datetime = MONDAY) -> Bench:
    """A concern that Kent's front door is told of."""
    concern = raised(detail(), person("tom", lives=KENT), item("x", core=True), urgency=urgency, at=at)
    bench = Bench().raise_and_assess(concern)
    bench.now = at
    return bench


def timer(kind: str, bench: Bench) -> str:
    """Name of a timer of the front door's share."""
    return f"{kind}:{bench.share(CSC).share_id}"


def state_of(bench: Bench) -> str:
    """Which of the four states the front door's share is in."""
    return bench.state.shares[bench.share(CSC).share_id].word


def refusal(bench: Bench, data: object, *things: object) -> Refused:
    """The refusal of an act."""
    before = len(bench.recorded)
    with pytest.raises(Refused) as refused:
        bench.act(data, *things)  # type: ignore[arg-type]
    assert len(bench.recorded) == before
    return refused.value


def test_the_four_states_follow_each_other() -> None:
    """Delivered, read, acknowledged, outcome: each is its own event, none stands for another (practice 4)."""
    bench = told()
    seen = [state_of(bench)]

    for step in (
        lambda: bench.deliver(CSC),
        lambda: bench.read(CSC),
        lambda: bench.acknowledge(CSC),
        lambda: bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_REFERRAL_ACCEPTED),
    ):
        step()
        seen.append(state_of(bench))

    assert seen == ["planned", "delivered", "read", "acknowledged", "outcome"]


def test_s26_one_working_day_over_christmas() -> None:
    """Delivered on Thursday 24 December at 16:30: acknowledgement due on Tuesday 29 December."""
    bench = told(at=CHRISTMAS_EVE).deliver(CSC, at=CHRISTMAS_EVE)

    assert bench.timers[timer("acknowledge", bench)].due == datetime(2026, 12, 29, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize(("urgency", "hours"), [(Urgency.URGENCY_URGENT, 4), (Urgency.URGENCY_EMERGENCY, 1)])
def test_urgent_runs_around_the_clock(urgency: Urgency, hours: int) -> None:
    """Urgent and emergency do not wait for a working day: hours, Christmas included."""
    bench = told(urgency, CHRISTMAS_EVE).deliver(CSC, at=CHRISTMAS_EVE)

    assert bench.timers[timer("acknowledge", bench)].due == CHRISTMAS_EVE + timedelta(hours=hours)


def test_the_clock_starts_when_it_was_delivered() -> None:
    """Planned on Monday, delivered on Friday evening: one working day from Friday."""
    friday = datetime(2026, 11, 27, 19, 0, tzinfo=UTC)
    bench = told().deliver(CSC, at=friday)

    assert bench.timers[timer("acknowledge", bench)].due == datetime(2026, 11, 30, 17, 0, tzinfo=UTC)


def test_a_second_delivery_restarts_nothing() -> None:
    """A delivery recorded twice is one delivery; the clock keeps its start."""
    bench = told().deliver(CSC)
    due, before = bench.timers[timer("acknowledge", bench)].due, len(bench.recorded)

    bench.deliver(CSC, at=MONDAY + timedelta(days=1))

    assert bench.timers[timer("acknowledge", bench)].due == due
    assert len(bench.recorded) == before


def test_a_planned_share_nobody_delivers_is_telephoned() -> None:
    """Fifteen minutes after planning: overdue, for somebody to telephone; a delivery stops that clock."""
    bench, delivered = told(), told().deliver(CSC)

    bench.fire(timer("deliver", bench))

    [overdue] = [fact.data for fact in bench.recorded if isinstance(fact.data, DeliveryOverdue)]
    assert overdue.due_at.ToDatetime(tzinfo=UTC) == MONDAY + timedelta(minutes=15)
    assert timer("deliver", delivered) not in delivered.timers


def test_an_acknowledgement_stops_the_chase() -> None:
    """In time: not late, and no clock runs any more."""
    bench = told().deliver(CSC).acknowledge(CSC)

    assert bench.timers == {}
    assert not next(fact.data for fact in bench.recorded if isinstance(fact.data, ShareAcknowledged)).late


def test_a_late_acknowledgement_says_so() -> None:
    """After the clock: accepted, and marked late."""
    bench = told().deliver(CSC).acknowledge(CSC, at=TUESDAY_17 + timedelta(seconds=1))

    assert next(fact.data for fact in bench.recorded if isinstance(fact.data, ShareAcknowledged)).late


def test_the_last_second_is_in_time() -> None:
    """At the stroke of the deadline it is not late."""
    bench = told().deliver(CSC).acknowledge(CSC, at=TUESDAY_17)

    assert not next(fact.data for fact in bench.recorded if isinstance(fact.data, ShareAcknowledged)).late


def test_acknowledging_twice_is_harmless() -> None:
    """The first one counts; the second changes nothing."""
    bench = told().deliver(CSC).acknowledge(CSC)
    before = len(bench.recorded)

    bench.acknowledge(CSC, by="Somebody Else")

    assert len(bench.recorded) == before


def test_nobody_acknowledges() -> None:
    """Overdue, then stage after stage, each asking a higher role; after the last stage it stays overdue."""
    bench = told().deliver(CSC)

    bench.fire(timer("acknowledge", bench))
    assert bench.now == TUESDAY_17
    bench.fire(timer("escalate", bench))
    bench.fire(timer("escalate", bench))

    stages = [fact.data for fact in bench.recorded if isinstance(fact.data, ShareEscalated)]
    assert [(stage.stage, stage.role_code) for stage in stages] == [
        (1, "team_manager"), (2, "head_of_service"), (3, "director"),
    ]  # fmt: skip
    assert len([fact for fact in bench.recorded if isinstance(fact.data, AcknowledgementOverdue)]) == 1
    assert bench.timers == {}
    assert bench.now == datetime(2026, 11, 26, 17, 0, tzinfo=UTC)


def test_whoever_raised_it_is_asked_to_follow_up() -> None:
    """Social care has not acknowledged: the school is asked, by the next working day, and once."""
    bench = told().deliver(CSC)

    bench.fire(timer("acknowledge", bench))
    bench.fire(timer("escalate", bench))

    [asked] = [fact.data for fact in bench.recorded if isinstance(fact.data, ReferrerAsked)]
    assert (asked.agency_id, asked.recipient_agency_id) == ("larkfield-primary", CSC)
    assert asked.due_at.ToDatetime(tzinfo=UTC) == datetime(2026, 11, 25, 17, 0, tzinfo=UTC)


def test_an_enquiry_starts_its_clocks_once_from_the_discussion() -> None:
    """Fifteen working days from the recorded strategy discussion, forty-five from the acceptance; one of each."""
    bench = told().deliver(CSC).acknowledge(CSC)
    bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_STRATEGY_DISCUSSION)
    bench.now = MONDAY + timedelta(days=1)
    bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_SECTION_47_ENQUIRY)
    bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_SECTION_47_ENQUIRY)

    found = {d.data.duty_code: d.data for d in bench.recorded if isinstance(d.data, DutyStarted)}
    assert set(found) == {"initial_conference", "child_and_family_assessment"}
    assert found["initial_conference"].counts_from.ToDatetime(tzinfo=UTC) == MONDAY
    assert len([fact for fact in bench.recorded if isinstance(fact.data, DutyStarted)]) == 2


def test_no_further_action_starts_nothing() -> None:
    """There is nothing to do by a time."""
    bench = told().deliver(CSC).acknowledge(CSC)
    bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION, "seen and safe")

    assert not [fact for fact in bench.recorded if isinstance(fact.data, DutyStarted)]


def test_urgent_stages_take_hours() -> None:
    """Where it is urgent each stage has two hours, around the clock."""
    bench = told(Urgency.URGENCY_URGENT).deliver(CSC)

    bench.fire(timer("acknowledge", bench))

    assert bench.timers[timer("escalate", bench)].due == MONDAY + timedelta(hours=4 + 2)


def test_acknowledged_after_a_stage_stops_the_next() -> None:
    """Whoever acknowledges ends the chase, at whatever stage."""
    bench = told().deliver(CSC)
    bench.fire(timer("acknowledge", bench))

    bench.acknowledge(CSC, at=bench.now)

    assert bench.timers == {}


def test_a_timer_that_fires_after_all_was_settled_leads_to_nothing() -> None:
    """A firing that raced an acknowledgement leaves no record."""
    bench = told().deliver(CSC)
    late = bench.timers[timer("acknowledge", bench)]
    bench.acknowledge(CSC)
    before = len(bench.recorded)

    bench.timers[late.name] = late
    bench.fire(late.name)

    assert len(bench.recorded) == before


def test_before_the_next_school_day_starts_when_it_was_received() -> None:
    """The bell does not wait for a slow delivery: the clock starts at acceptance."""
    night = datetime(2026, 11, 27, 22, 0, tzinfo=UTC)
    child = person("six", lives=KENT, school_agency_id="larkfield-primary")
    concern = raised(
        detail(Trigger.TRIGGER_DOMESTIC_ABUSE, level=ConcernLevel.CONCERN_LEVEL_CHILD_IN_NEED),
        child, item("x", core=True), sender="kent-police", at=night,
    )  # fmt: skip
    monday_noon = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

    bench = Bench().raise_and_assess(concern).deliver("larkfield-primary", at=monday_noon)

    due = bench.timers[f"acknowledge:{bench.share('larkfield-primary').share_id}"].due
    assert due.astimezone(LONDON) == datetime(2026, 11, 30, 8, 0, tzinfo=LONDON)


class TestRefused:
    """What may not be done, with a code and a remedy."""

    def test_another_agencys_share(self) -> None:
        """Wrong agency acknowledging: 403."""
        bench = told().deliver(CSC)
        data = ShareAcknowledged(
            concern_id=CONCERN, share_id=bench.share(CSC).share_id, recipient_agency_id="medway-csc"
        )

        refused = refusal(bench, data, NamedPerson(name="A", role="r"))

        assert (refused.status, refused.code) == (403, "not_the_recipient")

    def test_an_unknown_share(self) -> None:
        """Unknown share: 404."""
        data = ShareAcknowledged(concern_id=CONCERN, share_id="none", recipient_agency_id=CSC)

        refused = refusal(told(), data, NamedPerson(name="A", role="r"))

        assert (refused.status, refused.code) == (404, "unknown_share")

    @pytest.mark.parametrize(
        "who", [[], [NamedPerson(name="A")], [NamedPerson(role="r")], [NamedPerson(name=" ", role="r")]]
    )
    def test_nobody_named(self, who: list[NamedPerson]) -> None:
        """A system cannot acknowledge: a name and a role are needed."""
        bench = told().deliver(CSC)
        data = ShareAcknowledged(concern_id=CONCERN, share_id=bench.share(CSC).share_id, recipient_agency_id=CSC)

        refused = refusal(bench, data, *who)

        assert (refused.status, refused.code) == (422, "named_person_required")

    def test_before_delivery(self) -> None:
        """What nobody has cannot be read or acknowledged."""
        bench = told()
        named = NamedPerson(name="A", role="r")
        ids = {"concern_id": CONCERN, "share_id": bench.share(CSC).share_id, "recipient_agency_id": CSC}

        assert refusal(bench, ShareRead(**ids), named).code == "not_delivered"
        assert refusal(bench, ShareAcknowledged(**ids), named).code == "not_delivered"

    def test_an_outcome_before_an_acknowledgement(self) -> None:
        """An outcome implies nothing: somebody takes it on first, by name."""
        bench = told().deliver(CSC)
        data = OutcomeGiven(
            concern_id=CONCERN, share_id=bench.share(CSC).share_id, recipient_agency_id=CSC,
            outcome=ShareOutcome.SHARE_OUTCOME_RECORDED,
        )  # fmt: skip

        assert refusal(bench, data, NamedPerson(name="A", role="r")).code == "not_acknowledged"

    def test_no_outcome(self) -> None:
        """An outcome says what was done."""
        bench = told().deliver(CSC).acknowledge(CSC)

        with pytest.raises(Refused, match="what was done"):
            bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_UNSPECIFIED)

    def test_no_further_action_without_a_reason(self) -> None:
        """No further action needs its reason in words; with it, it is recorded."""
        bench = told().deliver(CSC).acknowledge(CSC)

        with pytest.raises(Refused) as refused:
            bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION)
        bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION, "seen and safe")

        assert refused.value.code == "reason_required"
        assert state_of(bench) == "outcome"

    def test_something_routing_does_not_record(self) -> None:
        """An act of another service is refused."""
        assert refusal(told(), AcknowledgementOverdue(concern_id=CONCERN)).code == "unknown_act"


def test_the_same_outcome_twice_is_harmless_and_another_may_follow() -> None:
    """A referral accepted, then an enquiry: two outcomes; repeating one records nothing."""
    bench = told().deliver(CSC).acknowledge(CSC)
    bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_REFERRAL_ACCEPTED)
    bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_REFERRAL_ACCEPTED)
    bench.outcome(CSC, ShareOutcome.SHARE_OUTCOME_SECTION_47_ENQUIRY)

    assert bench.types().count("OutcomeGiven") == 2


def test_failed_attempts_are_on_record_until_one_succeeds() -> None:
    """Every failed attempt is recorded; one that is reported after the delivery is not."""
    bench = told()
    ids = {"concern_id": CONCERN, "share_id": bench.share(CSC).share_id, "recipient_agency_id": CSC}
    bench.act(DeliveryFailed(**ids, attempt=1, channel=Channel.CHANNEL_INBOX, reason_code="key_suspended"))
    bench.deliver(CSC)
    bench.act(DeliveryFailed(**ids, attempt=2, channel=Channel.CHANNEL_INBOX, reason_code="key_suspended"))

    assert bench.types().count("DeliveryFailed") == 1


def test_who_acted_is_sealed_with_the_share() -> None:
    """Named persons of an act travel under the share's key, and so are erased with it."""
    bench = told().deliver(CSC)
    share = bench.share(CSC)
    data = ShareAcknowledged(concern_id=CONCERN, share_id=share.share_id, recipient_agency_id=CSC)
    fact = bench.act(data, NamedPerson(name="Ada Worker", role="duty")).recorded[-1]

    assert [part.named_person.name for part in fact.parts.values()] == ["Ada Worker"]


def test_every_reader_is_on_record() -> None:
    """Two people open it: two readings; the state changes once."""
    bench = told().deliver(CSC).read(CSC).read(CSC)

    assert bench.types().count("ShareRead") == 2
    assert state_of(bench) == "read"


class TestRedirect:
    """Children's social care cannot decline: it redirects, and stays accountable (practice 4)."""

    def test_it_reaches_the_right_front_door_with_the_same_content(self) -> None:
        """Kent passes it on to Medway: Medway gets a share of its own with what Kent was given."""
        bench = told().deliver(CSC).redirect(CSC, "medway-csc")

        share = bench.share("medway-csc")
        assert share.redirects_share_id == bench.share(CSC).share_id
        assert bench.view("medway-csc").keys() == bench.view(CSC).keys()

    def test_the_redirector_stays_accountable(self) -> None:
        """Kent's clock runs until Medway has acknowledged."""
        bench = told().deliver(CSC).redirect(CSC, "medway-csc").deliver("medway-csc")
        name = timer("acknowledge", bench)

        assert name in bench.timers
        bench.acknowledge("medway-csc")
        assert bench.timers == {}

    def test_an_emergency_can_be_passed_on_before_it_was_assessed(self) -> None:
        """The emergency minimum goes on; nothing more."""
        concern = raised(
            detail(life_at_risk=YES), person("jo", lives=KENT), item("o", core=True), item("more"),
            urgency=Urgency.URGENCY_EMERGENCY,
        )  # fmt: skip
        bench = Bench().feed(concern).deliver(CSC).redirect(CSC, "medway-csc")

        assert bench.items("medway-csc") == bench.items(CSC)

    @pytest.mark.parametrize(
        ("to", "code"),
        [
            ("larkfield-primary", "not_a_front_door"),
            ("kent-police", "not_a_front_door"),
            ("nobody", "not_a_front_door"),
            (CSC, "not_another_agency"),
        ],
    )
    def test_wrong_targets(self, to: str, code: str) -> None:
        """Only another, open front door that was not told before may receive it."""
        bench = told().deliver(CSC)

        with pytest.raises(Refused) as refused:
            bench.redirect(CSC, to)

        assert refused.value.code == code

    def test_others_give_an_outcome(self) -> None:
        """Police do not redirect."""
        concern = raised(detail(suspected_crime=YES), person("tom", lives=KENT), item("x", core=True))
        bench = Bench().raise_and_assess(concern).deliver("kent-police")

        with pytest.raises(Refused) as refused:
            bench.redirect("kent-police", "medway-csc")

        assert refused.value.code == "may_not_redirect"

    def test_twice_is_harmless(self) -> None:
        """The same redirect again records nothing; to somebody else it is refused."""
        bench = told().deliver(CSC).redirect(CSC, "medway-csc")
        before = len(bench.recorded)

        bench.redirect(CSC, "medway-csc")

        assert len(bench.recorded) == before
        with pytest.raises(Refused, match="redirected before"):
            bench.redirect(CSC, "surrey-csc")


def test_every_clock_of_the_rules_is_known() -> None:
    """Whatever rule plans a share, its clock can be told with its citation."""
    found = arrangement()

    for rule in found.rules:
        for one in rule.tells:
            assert found.clock(one.clock_code).cite


def test_delivery_takes_who_told_whom() -> None:
    """By hand: who was told by telephone is sealed with the delivery."""
    bench = told()
    data = ShareDelivered(
        concern_id=CONCERN, share_id=bench.share(CSC).share_id, recipient_agency_id=CSC,
        channel=Channel.CHANNEL_MANUAL, attempt=1,
    )  # fmt: skip

    fact = bench.act(data, NamedPerson(name="Bo Caller", role="clerk")).recorded[-1]

    assert fact.type == "ShareDelivered"
    assert len(fact.parts) == 1


class TestStoppedAtTheDoor:
    """What was allowed when it was planned and is not when it is sent."""

    def blocked(self, bench: Bench, reason: str = "key_suspended") -> Bench:
        """Stop the front door's share."""
        share = bench.share(CSC)
        data = DispatchBlocked(concern_id=CONCERN, share_id=share.share_id, recipient_agency_id=CSC, reason_code=reason)
        return bench.act(data)

    def test_what_may_still_go_is_planned_anew(self) -> None:
        """The agency never had it, so the rest goes in a share of its own, with a clock of its own."""
        bench = self.blocked(told())
        first, second = [share for share in bench.planned if share.recipient_agency_id == CSC]

        assert first.share_id != second.share_id
        assert second.adds_to_share_id == ""
        assert bench.timers.keys() == {f"deliver:{second.share_id}"}
        assert bench.state.shares[first.share_id].word == "blocked"

    def test_twice_is_harmless(self) -> None:
        """A share is stopped once, and not at all once it was delivered."""
        bench = told()
        share = bench.share(CSC)
        data = DispatchBlocked(concern_id=CONCERN, share_id=share.share_id, recipient_agency_id=CSC, reason_code="x")
        bench.act(data)
        before = len(bench.recorded)

        bench.act(data)
        delivered = self.blocked(told().deliver(CSC))

        assert len(bench.recorded) == before
        assert "DispatchBlocked" not in delivered.types()

    def test_an_inbox_that_became_readable_is_not_served(self) -> None:
        """Between planning and sending it turned out that the adult of concern works there: somebody else is told."""
        bench = told()
        worker = person("worker", PersonRole.PERSON_ROLE_ADULT_OF_CONCERN, can_read_agencies=[CSC, "kent-edt"])

        bench.feed(added(worker)).deliver(CSC)

        assert "ShareDelivered" not in bench.types()
        assert "kent-csc-director" in bench.told
