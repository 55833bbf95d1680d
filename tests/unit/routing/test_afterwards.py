"""After a share was sent: disagreement, recall and breach, erasure, requests, second looks. The core alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    ConsentKind,
    ConsentStatus,
    DisagreementAbout,
    DisagreementResolution,
    ErasureGround,
    Gateway,
    HiddenReason,
    Outcome,
    RecallReason,
    RequestBand,
    RequestRefusal,
    ShareOutcome,
    Urgency,
)
from concern_relay.v1.concerns_pb2 import ConsentWithdrawn, RecordsLinked
from concern_relay.v1.facts_pb2 import Address, Consent, NamedPerson, Note, Part
from concern_relay.v1.shares_pb2 import (
    ActRefused,
    AttachmentReceived,
    BreachNotReportable,
    BreachReported,
    DisagreementMoved,
    DisagreementRaised,
    DisagreementResolved,
    ErasureConfirmed,
    ErasureDeclined,
    InformationProvided,
    InformationRefused,
    InformationRequested,
    NothingHeld,
    SafetyCallMade,
    ShareAcknowledged,
    ShareRead,
    ShareRecalled,
)
from services.chassis.arrangement import ArrangementBook, InternalRole
from services.chassis.concern import with_fact
from services.chassis.event import FactKind, Refused
from services.routing.core import RoutingCore
from services.routing.core.requests import purpose_part
from tests.unit.routing.routing_cases import (
    CONCERN,
    KENT,
    MONDAY,
    Bench,
    added,
    arrangement,
    assess,
    concern_of,
    corrected,
    detail,
    event,
    item,
    parts_of,
    person,
    pid,
    raised,
)

CSC, SCHOOL, OTHER = "kent-csc", "stourside-academy", "weald-college"
EDUCATION = AgencyClass.AGENCY_CLASS_EDUCATION
WHO = NamedPerson(name="Ada Worker", role="duty")
WHY = Note(text="because")
HOUR = timedelta(hours=1)


def told(urgency: Urgency = Urgency.URGENCY_ROUTINE, *people: Message) -> Bench:
    """A concern Kent's front door has been given."""
    concern = raised(detail(), person("tom", lives=KENT), *people, item("x", core=True), urgency=urgency)
    bench = Bench().raise_and_assess(concern)
    return bench.deliver(CSC)


def to_school(*things: Message, outcome: Outcome = Outcome.OUTCOME_SHARE_POWER) -> Bench:
    """A concern of which the (wrong) school was told as well, by a decision."""
    concern = raised(detail(), person("tom", lives=KENT, school_agency_id=SCHOOL), *things, item("x", core=True))
    return Bench().raise_and_assess(concern, outcomes={EDUCATION: outcome}).deliver(CSC).deliver(SCHOOL)


def code_of(bench: Bench, data: Message, *things: Message, at: datetime | None = None) -> tuple[int, str]:
    """Status and code with which an act is refused."""
    before = len(bench.recorded)
    with pytest.raises(Refused) as refused:
        bench.act(data, *things, at=at)
    assert len(bench.recorded) == before
    return refused.value.status, refused.value.code


def last(bench: Bench, name: str) -> Any:
    """The newest message of a type."""
    return [fact.data for fact in bench.recorded if fact.type == name][-1]


def count(bench: Bench, name: str) -> int:
    """How many events of a type there are."""
    return sum(fact.type == name for fact in bench.recorded)


# ---------------------------------------------------------------------------------------------------- disagreement


def disputed(agency: str = "larkfield-primary", bench: Bench | None = None) -> Bench:
    """The referrer disagrees with no further action."""
    bench = bench or told()
    if not bench.state.shares[bench.share(CSC).share_id].acknowledged_at:
        bench.acknowledge(CSC).outcome(CSC, ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION, "threshold not met")
    return bench.act(raising(bench, agency), WHO, WHY)


def raising(bench: Bench, agency: str, about: int = DisagreementAbout.DISAGREEMENT_ABOUT_OUTCOME) -> DisagreementRaised:
    """The act of raising a disagreement."""
    share_id = bench.share(CSC).share_id
    return DisagreementRaised(concern_id=CONCERN, share_id=share_id, agency_id=agency, about=about)  # type: ignore[arg-type]


def of(bench: Bench) -> str:
    """Id of the newest disagreement."""
    return str(last(bench, "DisagreementRaised").disagreement_id)


def test_a_disagreement_goes_from_stage_to_stage_by_its_clock() -> None:
    """Raised on Monday: the first role has until Tuesday 17:00, then the next is asked, until there is none."""
    bench = disputed()
    first = last(bench, "DisagreementRaised")

    assert (first.stage, first.role_code, first.recipient_agency_id) == (1, "team_manager", CSC)
    assert first.due_at.ToDatetime() == datetime(2026, 11, 24, 17, 0)  # noqa: DTZ001
    stages = []
    while bench.timers.get(f"disagree:{of(bench)}"):
        bench.fire(f"disagree:{of(bench)}")
        stages.append(last(bench, "DisagreementOverdue").stage)

    assert stages == [1, 2, 3]
    assert [f.data.role_code for f in bench.recorded if f.type == "DisagreementMoved"] == [
        "head_of_service",
        "director",
    ]  # type: ignore[union-attr]


def test_a_person_takes_it_on_and_a_person_ends_it() -> None:
    """Either side moves it on; who raised it accepts; the clock stops, and what was decided stays decided."""
    bench = disputed()
    bench.act(DisagreementMoved(concern_id=CONCERN, disagreement_id=of(bench), agency_id=CSC), WHO, WHY)
    stands = DisagreementResolution.DISAGREEMENT_RESOLUTION_OUTCOME_STANDS
    ended = DisagreementResolved(
        concern_id=CONCERN, disagreement_id=of(bench), agency_id="larkfield-primary", resolution=stands
    )
    bench.act(ended, WHO, WHY)

    assert last(bench, "DisagreementMoved").stage == 2
    assert last(bench, "DisagreementResolved").stage == 2
    assert f"disagree:{of(bench)}" not in bench.timers
    before = len(bench.recorded)
    bench.act(ended, WHO, WHY)
    assert len(bench.recorded) == before


def test_who_was_disagreed_with_cannot_end_it_alone() -> None:
    """The recipient may change its outcome or agree a plan; that its own outcome stands is not its to say."""
    bench = disputed()
    stands = DisagreementResolution.DISAGREEMENT_RESOLUTION_OUTCOME_STANDS
    changed = DisagreementResolution.DISAGREEMENT_RESOLUTION_OUTCOME_CHANGED
    ending = DisagreementResolved(concern_id=CONCERN, disagreement_id=of(bench), agency_id=CSC, resolution=stands)

    assert code_of(bench, ending, WHO, WHY) == (403, "not_yours_to_end")
    ending.resolution = changed
    bench.act(ending, WHO, WHY)
    assert last(bench, "DisagreementResolved").resolution == changed


@pytest.mark.parametrize(
    ("change", "things", "expected"),
    [
        ({"agency_id": "medway-csc"}, (WHO, WHY), (403, "not_a_party")),
        ({"share_id": pid("share", "none")}, (WHO, WHY), (404, "unknown_share")),
        ({"about": 0}, (WHO, WHY), (422, "about_required")),
        ({}, (WHY,), (422, "named_person_required")),
        ({}, (WHO,), (422, "reason_required")),
    ],
)
def test_a_disagreement_that_cannot_be_raised(
    change: dict[str, Any], things: tuple[Message, ...], expected: tuple[int, str]
) -> None:
    """Each refusal says which."""
    bench = told()
    data = raising(bench, "larkfield-primary")
    for name, value in change.items():
        setattr(data, name, value)

    assert code_of(bench, data, *things) == expected


def test_raised_twice_is_one_disagreement() -> None:
    """The same agency about the same thing while it is open: nothing more; the recipient's own is another."""
    bench = disputed()
    bench.act(raising(bench, "larkfield-primary"), WHO, Note(text="again"))
    bench.act(raising(bench, CSC, DisagreementAbout.DISAGREEMENT_ABOUT_INFORMATION_SHARING), WHO, WHY)

    assert count(bench, "DisagreementRaised") == 2


def test_past_its_last_stage_nobody_can_move_it() -> None:
    """Three stages, then those who are asked resolve it."""
    bench = disputed()
    moving = DisagreementMoved(concern_id=CONCERN, disagreement_id=of(bench), agency_id=CSC)
    bench.act(moving, WHO, WHY).act(moving, WHO, WHY)

    assert code_of(bench, moving, WHO, WHY) == (409, "last_stage")


# ------------------------------------------------------------------------------------------------- recall and breach


def recalling(bench: Bench, correct: str = OTHER, **fields: Any) -> ShareRecalled:
    """The act of recalling the school's share."""
    share = bench.share(SCHOOL)
    given = {
        "concern_id": CONCERN,
        "share_id": share.share_id,
        "agency_id": "larkfield-primary",
        "reason": RecallReason.RECALL_REASON_WRONG_RECIPIENT,
        "correct_agency_id": correct,
        **fields,
    }
    return ShareRecalled(**given)


def test_s44_the_right_school_is_served_and_the_clock_goes_on() -> None:
    """Delivered to the wrong school on Monday, recalled two hours later: the right one's clock is Monday's."""
    bench = to_school()
    original = bench.timers[f"acknowledge:{bench.share(SCHOOL).share_id}"].due
    later = MONDAY + timedelta(days=1, hours=2)
    bench.act(recalling(bench), WHO, WHY, at=later).deliver(OTHER, at=later)

    assert bench.timers[f"acknowledge:{bench.share(OTHER).share_id}"].due == original
    assert bench.share(OTHER).replaces_share_id == bench.share(SCHOOL).share_id
    assert pid("item", "x") in bench.items(OTHER)
    assert f"acknowledge:{bench.share(SCHOOL).share_id}" not in bench.timers


def test_a_recalled_view_is_closed_at_once() -> None:
    """Neither read nor acknowledged nor answered any more: 410, with what to do."""
    bench = to_school().act(recalling(to_school()), WHO, WHY)
    ids = {"concern_id": CONCERN, "share_id": bench.share(SCHOOL).share_id, "recipient_agency_id": SCHOOL}

    assert code_of(bench, ShareRead(**ids), WHO) == (410, "recalled")
    assert code_of(bench, ShareAcknowledged(**ids), WHO) == (410, "recalled")


def test_a_breach_is_its_controllers_and_runs_72_hours_around_the_clock() -> None:
    """Owner is who disclosed; after 72 hours without report or reasons it is overdue."""
    bench = to_school().act(recalling(to_school()), WHO, WHY, at=MONDAY)
    breach = last(bench, "BreachRecorded")

    assert breach.controller_agency_id == "larkfield-primary"
    assert not breach.HasField("call_by")
    assert bench.timers[f"breach:{breach.breach_id}"].due == MONDAY + 72 * HOUR
    bench.fire(f"breach:{breach.breach_id}")
    assert last(bench, "BreachOverdue").breach_id == breach.breach_id
    report = BreachReported(concern_id=CONCERN, breach_id=breach.breach_id, controller_agency_id="larkfield-primary")
    bench.act(report, WHO, Note(text="reference EXAMPLE"), at=MONDAY + 73 * HOUR)
    assert last(bench, "BreachReported").late


def test_a_hidden_address_means_a_call_before_any_form() -> None:
    """Practice 17: neither report nor reasons are taken before the safety call is on record."""
    hidden = Address(lines=["7 Secret Lane"], postcode="ZZ98 8ZZ", hidden=HiddenReason.HIDDEN_REASON_REFUGE)
    bench = to_school(person("sister", lives=KENT, addresses=[hidden]))
    bench.act(recalling(bench), WHO, WHY, at=MONDAY)
    breach_id = last(bench, "BreachRecorded").breach_id
    ids = {"concern_id": CONCERN, "breach_id": breach_id, "controller_agency_id": "larkfield-primary"}

    assert code_of(bench, BreachReported(**ids), WHO, WHY) == (409, "safety_call_first")
    assert code_of(bench, BreachNotReportable(**ids), WHO, WHY) == (409, "safety_call_first")
    bench.fire(f"call:{breach_id}")
    assert last(bench, "SafetyCallOverdue").clock_code == "safety_call"
    bench.act(SafetyCallMade(**ids), WHO, WHY, at=MONDAY + 2 * HOUR).act(BreachReported(**ids), WHO, WHY)
    assert last(bench, "SafetyCallMade").late
    assert count(bench, "BreachReported") == 1


def test_a_wrong_recipient_is_never_told_again() -> None:
    """The sender's content still names the wrong school: the next assessment plans nothing for it, and says so."""
    bench = to_school()
    bench.act(recalling(bench, correct=""), WHO, WHY)
    more = added(item("y", core=True), *(p.person for p in concern_parts(bench)), detail())
    before = [p.share_id for p in bench.planned if p.recipient_agency_id == SCHOOL]
    bench.feed(more)
    found = assess(bench.state.concern, assessed="added", outcomes={EDUCATION: Outcome.OUTCOME_SHARE_POWER})
    bench.feed(found)

    assert [p.share_id for p in bench.planned if p.recipient_agency_id == SCHOOL] == before
    assert ("recalled", SCHOOL) in {(w.rule_code, w.agency_id) for w in bench.withheld}


def concern_parts(bench: Bench) -> list[Part]:
    """The people's parts of a concern."""
    return [p for p in bench.state.concern.parts.values() if p.WhichOneof("body") == "person"]


@pytest.mark.parametrize(
    ("fields", "things", "expected"),
    [
        ({"agency_id": SCHOOL}, (WHO,), (403, "not_the_sender")),
        ({"share_id": pid("share", "none")}, (WHO,), (404, "unknown_share")),
        ({"reason": 0}, (WHO,), (422, "reason_required")),
        ({}, (), (422, "named_person_required")),
        ({"correct_agency_id": "nobody"}, (WHO,), (422, "unknown_agency")),
        ({"correct_agency_id": CSC}, (WHO,), (422, "not_in_its_place")),
    ],
)
def test_a_recall_that_is_refused(
    fields: dict[str, Any], things: tuple[Message, ...], expected: tuple[int, str]
) -> None:
    """Each refusal says which."""
    bench = to_school()

    assert code_of(bench, recalling(bench, **fields), *things) == expected


def test_social_care_is_never_recalled_without_another() -> None:
    """Somebody has to have it: the right front door is named, and is served."""
    bench = told()
    data = ShareRecalled(
        concern_id=CONCERN,
        share_id=bench.share(CSC).share_id,
        agency_id="larkfield-primary",
        reason=RecallReason.RECALL_REASON_WRONG_RECIPIENT,
    )

    assert code_of(bench, data, WHO) == (422, "correct_agency_required")
    data.correct_agency_id = "medway-csc"
    bench.act(data, WHO)
    assert bench.share("medway-csc").clock_from.ToDatetime(tzinfo=MONDAY.tzinfo) == MONDAY


def test_a_share_recalled_before_it_was_delivered_harmed_nobody() -> None:
    """No breach, no erasure; the later delivery is nothing."""
    concern = raised(detail(), person("tom", lives=KENT, school_agency_id=SCHOOL), item("x", core=True))
    bench = Bench().raise_and_assess(concern, outcomes={EDUCATION: Outcome.OUTCOME_SHARE_POWER})
    bench.act(recalling(bench), WHO, WHY).deliver(SCHOOL)

    assert {"BreachRecorded", "ErasureRequested", "ShareDelivered"}.isdisjoint(bench.types())


# ----------------------------------------------------------------------------------------------------------- erasure


def test_an_erasure_is_chased_and_ends_with_an_answer() -> None:
    """Nobody answers: stage after stage; then a person declines with ground and reason, and the chase ends."""
    bench = to_school()
    bench.act(recalling(bench), WHO, WHY)
    erasure_id = last(bench, "ErasureRequested").erasure_id
    ids = {"concern_id": CONCERN, "erasure_id": erasure_id, "recipient_agency_id": SCHOOL}

    bench.fire(f"erase:{erasure_id}").fire(f"erase:{erasure_id}")
    assert last(bench, "ErasureOverdue").stage == 2
    no_ground = ErasureDeclined(**ids)
    assert code_of(bench, no_ground, WHO, WHY) == (422, "ground_required")
    no_ground.ground = ErasureGround.ERASURE_GROUND_OWN_DUTY
    assert code_of(bench, no_ground, WHO) == (422, "reason_required")
    bench.act(no_ground, WHO, WHY)
    assert last(bench, "ErasureDeclined").late
    assert f"erase:{erasure_id}" not in bench.timers
    bench.act(ErasureConfirmed(**ids), WHO)
    assert code_of(bench, no_ground, WHO, WHY) == (409, "already_erased")
    other = ErasureConfirmed(concern_id=CONCERN, erasure_id=erasure_id, recipient_agency_id=CSC)
    assert code_of(bench, other, WHO) == (403, "not_asked")


def consented(basis: Outcome) -> Bench:
    """Early help, shared with the family hub; the item names a consent."""
    given = Consent(
        consent_ref=pid("consent", "c"),
        kind=ConsentKind.CONSENT_KIND_BASIS,
        status=ConsentStatus.CONSENT_STATUS_GIVEN,
        item_ids=[pid("item", "x")],
    )
    concern = raised(detail(), person("tom", lives=KENT), given, item("x", core=True, consent_ref=pid("consent", "c")))
    return (
        Bench().raise_and_assess(concern, outcomes={AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE: basis}).deliver(CSC)
    )


def withdrawn() -> Any:
    """The consent is withdrawn."""
    data = ConsentWithdrawn(concern_id=CONCERN, agency_id="larkfield-primary", consent_ref=pid("consent", "c"))
    return event("withdrawn", data, {}, MONDAY + timedelta(days=20))


def test_s11_a_withdrawn_consent_that_was_the_basis_is_erased_at_both_ends() -> None:
    """Sender and recipient are asked, for what rested on it, each with a clock of its own."""
    bench = consented(Outcome.OUTCOME_SHARE_CONSENT).feed(withdrawn())
    asked = [fact.data for fact in bench.recorded if fact.type == "ErasureRequested"]

    assert {a.recipient_agency_id for a in asked} == {CSC, "larkfield-primary"}  # type: ignore[union-attr]
    assert all(pid("item", "x") in a.part_ids for a in asked)  # type: ignore[union-attr]
    assert all(f"erase:{a.erasure_id}" in bench.timers for a in asked)  # type: ignore[union-attr]


def test_a_withdrawn_consent_that_was_not_the_basis_erases_nothing() -> None:
    """Shared under a power with a consent on record: withdrawal is an objection, and no erasure (rules 1.8)."""
    bench = consented(Outcome.OUTCOME_SHARE_POWER).feed(withdrawn())

    assert "ErasureRequested" not in bench.types()


# ---------------------------------------------------------------------------------------------------------- requests


def asking(agency: str = CSC, to: str = "north-downs-surgery", **fields: Any) -> InformationRequested:
    """A request of the front door to the GP."""
    given = {
        "concern_id": CONCERN,
        "request_id": pid("request", "one"),
        "agency_id": agency,
        "asked_agency_id": to,
        "band": RequestBand.REQUEST_BAND_AMBER,
        "power": Gateway.GATEWAY_CA1989_S47,
        **fields,
    }
    return InformationRequested(**given)


def purposed(bench: Bench, data: InformationRequested, purpose: str = "enquiry under section 47") -> Bench:
    """Ask, with a purpose in words."""
    parts = parts_of(WHO)
    if purpose:
        parts[purpose_part(CONCERN, data.request_id)] = Part(note=Note(text=purpose))
    fact = event("asks", data, {}, MONDAY)
    return bench.feed(replace(fact, kind=FactKind.ACT, parts=parts))


def test_a_request_runs_by_its_band_and_says_whom_it_is_about() -> None:
    """Amber: six hours around the clock; the asked class sees the child as it may, and nothing of the worry."""
    bench = purposed(told(), asking())
    asked = last(bench, "InformationRequested")
    fact = next(f for f in bench.recorded if f.type == "InformationRequested")

    assert bench.timers[f"request:{asked.request_id}"].due == MONDAY + 6 * HOUR
    assert pid("person", "tom") in fact.parts
    assert "about x" not in str(fact.parts)
    bench.fire(f"request:{asked.request_id}")
    assert last(bench, "InformationRequestOverdue").asked_agency_id == "north-downs-surgery"
    held = InformationProvided(concern_id=CONCERN, request_id=asked.request_id, asked_agency_id="north-downs-surgery")
    bench.act(held, WHO, Note(text="seen twice"), at=MONDAY + 7 * HOUR)
    assert (last(bench, "InformationProvided").agency_id, last(bench, "InformationProvided").late) == (CSC, True)


@pytest.mark.parametrize(("purpose", "power", "code"), [("", 2, "purpose_required"), ("why", 0, "power_required")])
def test_a_request_without_purpose_or_power_is_returned_and_starts_no_clock(
    purpose: str, power: int, code: str
) -> None:
    """It is on record, nobody is asked, nothing runs (practice 21)."""
    bench = purposed(told(), asking(power=power), purpose)

    assert last(bench, "InformationRequestReturned").reason_code == code
    assert "InformationRequested" not in bench.types()
    assert not any(name.startswith("request:") for name in bench.timers)


@pytest.mark.parametrize(
    ("agency", "to", "expected"),
    [
        ("medway-csc", "north-downs-surgery", (403, "not_told")),
        (CSC, "nobody", (422, "unknown_agency")),
        (CSC, CSC, (422, "not_another_agency")),
    ],
)
def test_who_may_not_ask_or_be_asked(agency: str, to: str, expected: tuple[int, str]) -> None:
    """There is no search: who was not told of the concern learns nothing by asking."""
    bench = told()

    with pytest.raises(Refused) as refused:
        purposed(bench, asking(agency, to))
    assert (refused.value.status, refused.value.code) == expected


def test_an_inbox_the_person_of_concern_could_read_is_not_asked() -> None:
    """Suppression holds for questions too (rules 2.3)."""
    gp = person("gp", can_read_agencies=["north-downs-surgery"])
    bench = told(Urgency.URGENCY_ROUTINE, gp)

    with pytest.raises(Refused) as refused:
        purposed(bench, asking())
    assert refused.value.code == "may_not_be_asked"


def test_refused_or_nothing_held_are_answers_with_reasons() -> None:
    """A refusal needs its code and its words; an answer stops the clock; who was not asked cannot answer."""
    bench = purposed(told(), asking())
    ids = {"concern_id": CONCERN, "request_id": pid("request", "one"), "asked_agency_id": "north-downs-surgery"}

    assert code_of(bench, InformationRefused(**ids), WHO, WHY) == (422, "reason_required")
    reason = RequestRefusal.REQUEST_REFUSAL_CONFIDENTIAL
    assert code_of(bench, InformationRefused(**ids, reason=reason), WHO) == (422, "reason_required")
    assert code_of(bench, NothingHeld(**{**ids, "asked_agency_id": "medway-csc"}), WHO) == (403, "not_asked")
    bench.act(NothingHeld(**ids), WHO)
    assert not any(name.startswith("request:") for name in bench.timers)
    before = len(bench.recorded)
    bench.act(InformationRefused(**ids, reason=reason), WHO, WHY)
    assert len(bench.recorded) == before


# ------------------------------------------------------------------------------------------- second looks and chases


def nfa() -> Bench:
    """Answered with no further action."""
    return told().acknowledge(CSC).outcome(CSC, ShareOutcome.SHARE_OUTCOME_NO_FURTHER_ACTION, "malicious, says father")


def test_new_information_reopens_no_further_action() -> None:
    """Photographs come after the file was closed: the answer is looked at again, and may be given again."""
    bench = nfa()
    concern = bench.state.concern
    more = added(item("photographs", core=True), name="added")
    bench.feed(more, assess(with_fact(concern, more), assessed="added"))
    reopened = last(bench, "OutcomeReopened")

    assert reopened.share_id == bench.planned[0].share_id
    assert reopened.cause_share_id == bench.share(CSC).share_id
    assert f"review:{reopened.share_id}" in bench.timers


def test_a_linked_record_reopens_no_further_action_too() -> None:
    """Another concern about the child is linked: what was closed is looked at; nobody looks, a role is asked."""
    bench = nfa().feed(event("linked", RecordsLinked(concern_id=CONCERN, other_concern_id=pid("c", "o")), {}))
    share_id = last(bench, "OutcomeReopened").share_id

    bench.fire(f"review:{share_id}")
    assert last(bench, "ShareEscalated").role_code == "team_manager"


def test_a_correction_keeps_the_clock_that_nobody_has_stopped() -> None:
    """Delivered Monday, corrected Tuesday: due when the first was; once acknowledged, a correction has its own."""
    tuesday = MONDAY + timedelta(days=1)
    wrong = item("x", core=True, text="left arm")
    concern = raised(detail(), person("tom", lives=KENT), wrong)
    bench = Bench().raise_and_assess(concern).deliver(CSC)
    due = bench.timers[f"acknowledge:{bench.share(CSC).share_id}"].due
    right = item("x", core=True, text="right arm")
    said = corrected(detail(), person("tom", lives=KENT), right, changed=[right.item_id], at=tuesday)
    bench.feed(said, assess(concern_of(concern, said), assessed="corrected", at=tuesday)).deliver(CSC, at=tuesday)

    assert count(bench, "CorrectionSent") == 1
    assert bench.timers[f"acknowledge:{bench.share(CSC).share_id}"].due == due


def test_deputies_stand_in_for_who_is_away() -> None:
    """The team manager is on leave: the deputy is asked, and the record says for whom (practice 27)."""
    found = arrangement()
    away = ((date(2026, 11, 1), date(2026, 12, 31)),)
    roles = (InternalRole("team_manager", "manager", ("principal",), away), InternalRole("principal", "principal"))
    agencies = {**found.agencies, CSC: replace(found.agencies[CSC], internal=roles)}
    core = RoutingCore(ArrangementBook.of([replace(found, agencies=agencies)]))
    concern = raised(detail(), person("tom", lives=KENT), item("x", core=True))
    bench = Bench(core).raise_and_assess(concern).deliver(CSC)
    bench.fire(f"acknowledge:{bench.share(CSC).share_id}")

    asked = last(bench, "ShareEscalated")
    assert (asked.role_code, asked.covered_role_code) == ("principal", "team_manager")


def test_a_redirector_answers_until_the_other_acknowledges() -> None:
    """Kent acknowledged and passed it to Medway, which does not answer: both are overdue, until Medway has it."""
    bench = told().acknowledge(CSC).redirect(CSC, "medway-csc").deliver("medway-csc")
    bench.fire(f"acknowledge:{bench.share('medway-csc').share_id}")
    overdue = {f.data.recipient_agency_id for f in bench.recorded if f.type == "AcknowledgementOverdue"}  # type: ignore[union-attr]

    assert overdue == {CSC, "medway-csc"}
    assert f"escalate:{bench.share(CSC).share_id}" in bench.timers
    bench.acknowledge("medway-csc")
    assert not any(name.startswith(("acknowledge:", "escalate:")) for name in bench.timers)


def test_redirects_end() -> None:
    """Each authority gets it once, and after four times somebody has to take it."""
    bench, at = told(), CSC
    for to in ("medway-csc", "surrey-csc", "bexley-csc", "bromley-csc"):
        bench.redirect(at, to).deliver(to)
        at = to

    with pytest.raises(Refused) as refused:
        bench.redirect(at, "thurrock-csc")
    assert refused.value.code == "too_many_redirects"


def test_an_attachment_has_a_receipt_of_its_own() -> None:
    """A named person has it, once; what is not in the view has none."""
    bench = told()
    ids = {"concern_id": CONCERN, "share_id": bench.share(CSC).share_id, "recipient_agency_id": CSC}
    receipt = AttachmentReceived(**ids, part_id=pid("item", "x"))
    bench.act(receipt, WHO).act(receipt, WHO)

    assert count(bench, "AttachmentReceived") == 1
    assert code_of(bench, AttachmentReceived(**ids, part_id=pid("item", "y")), WHO) == (404, "unknown_part")


def test_a_refused_act_is_on_record() -> None:
    """Trying is a finding: who, what, why not; no words."""
    bench = told()
    share_id = bench.share(CSC).share_id
    tried = ActRefused(concern_id=CONCERN, share_id=share_id, agency_id=SCHOOL, act_code="acknowledge",
                       reason_code="not_the_recipient")  # fmt: skip
    bench.act(tried)

    assert last(bench, "ActRefused").agency_id == SCHOOL
    assert bench.state.shares[share_id].acknowledged_at is None
