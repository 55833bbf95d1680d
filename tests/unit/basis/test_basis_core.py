"""The core over time: what people decide, what changes afterwards, what falls due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import Message

from concern_relay.v1.assessments_pb2 import BasisAssessed, DecisionOverdue, DecisionRecorded, DecisionRequested
from concern_relay.v1.codes_pb2 import Outcome
from concern_relay.v1.concerns_pb2 import (
    ChildMoved,
    ConsentGiven,
    ConsentWithdrawn,
    InformationAdded,
    InformationCorrected,
    RecordsLinked,
)
from concern_relay.v1.facts_pb2 import Part, SealedPart
from concern_relay.v1.patterns_pb2 import PatternIdentified
from services.chassis.event import NOTHING, Decision, Fact, Refused
from tests.unit.basis.law_cases import (
    CHARITY,
    CHILD,
    CONCERN_ID,
    CSC,
    MONDAY,
    MOTHER,
    NOTE,
    WORRY,
    Raised,
    Run,
    assessment_of,
    consent,
    core,
    detail,
    event,
    item,
    of_class,
    of_item,
    run,
    said,
    together,
)

LATER = MONDAY + timedelta(hours=1)
WAITING = Raised(
    agency=CHARITY,
    parts=together(CHILD, WORRY, NOTE),
    detail={
        "level": "significant_harm",
        "consent_absence": "would_prejudice_protection",
        "balancing_test_complete": True,
    },
)
SHARED = ("childrens_social_care", "note")


def types(decision: Decision) -> list[str]:
    """Name the effects."""
    return [effect.type for effect in decision.effects]


def waiting_id(going: Run, part_id: str = "note", question: str = "") -> str:
    """Give the id of the open decision about a part, or about a class by its question."""
    [found] = [
        i
        for i, d in going.state.asked.items()
        if (list(d.part_ids) == [part_id] if part_id else d.question_code == question)
    ]
    return found


def adds(parts: dict[str, Part], at: datetime = LATER) -> Fact:
    """Give the event that adds parts."""
    data = InformationAdded(concern_id=CONCERN_ID, parts=[SealedPart(part_id=p) for p in parts])
    return event(data, parts, at)


# Events


@pytest.mark.parametrize(
    "data",
    [
        InformationAdded(concern_id=CONCERN_ID),
        InformationCorrected(concern_id=CONCERN_ID),
        ConsentGiven(concern_id=CONCERN_ID, consent_ref="c"),
        ConsentWithdrawn(concern_id=CONCERN_ID, consent_ref="c"),
        ChildMoved(concern_id=CONCERN_ID, person_id="child"),
    ],
    ids=lambda data: data.DESCRIPTOR.name,
)
def test_whatever_changes_a_concern_is_assessed_anew(data: Message) -> None:
    """Each new fact gives a new assessment that names it and its moment as the moment of the law."""
    going = run(WAITING)
    fact = event(data, at=LATER)

    found = assessment_of(going.take(fact))

    assert found.assessed_event_id == str(fact.id)
    assert found.law_as_of.ToDatetime(UTC) == LATER


@pytest.mark.parametrize("data", [RecordsLinked(concern_id=CONCERN_ID), PatternIdentified(pattern_id=CONCERN_ID)])
def test_other_events_change_nothing(data: Message) -> None:
    """Records linked by a person, and patterns, lead to no assessment of this concern."""
    going = run(WAITING)

    assert going.take(event(data, at=LATER)) == NOTHING


def test_a_statutory_return_is_assessed_only_when_somebody_asks() -> None:
    """Nothing is recorded by itself; on demand the answer is computed and recorded nowhere (practice 29)."""
    going = run(Raised(history=True, parts=together(CHILD, WORRY), detail={"level": "significant_harm"}))

    assert going.decisions == [NOTHING]
    asked_for = core().assess(going.state, MONDAY, "on demand").event
    assert said(of_class(asked_for, "childrens_social_care")) == "share_power"


def test_the_decision_names_its_law_and_arrangement_by_digest() -> None:
    """Whoever explains it years later can tell whether the files are still the same."""
    found = assessment_of(run(WAITING).decisions[-1])

    assert (found.law_pack, len(found.law_pack_sha256)) == ("working-together-2018", 64)
    assert (found.arrangement, len(found.arrangement_sha256)) == ("kent-and-medway", 64)


# What waits


def test_an_item_that_waits_has_a_question_and_a_clock_of_two_hours() -> None:
    """Where significant harm is suspected the named person has two hours (practice 2)."""
    decision = run(WAITING).decisions[-1]

    [asked] = [
        e.data for e in decision.effects if isinstance(e.data, DecisionRequested) and list(e.data.part_ids) == ["note"]
    ]
    assert asked.due_at.ToDatetime(UTC) == MONDAY + timedelta(hours=2)
    assert f"decision:{asked.decision_id}" in {t.name for t in decision.timers}
    assert types(decision)[0] == "BasisAssessed"


def test_a_question_is_put_once() -> None:
    """A second assessment with the same question asks nobody again and leaves the clock alone."""
    going = run(WAITING)

    again = going.take(adds({"more": item("welfare", item_id="more")}))

    assert types(again) == ["BasisAssessed"]
    assert again.timers == ()
    assert again.cancel == ()


def test_a_question_is_put_anew_when_its_subject_changes() -> None:
    """New words are a new question with a new clock; the old clock stops."""
    going = run(WAITING)
    before = waiting_id(going)

    again = going.take(adds(NOTE))

    after = waiting_id(going)
    assert after != before
    assert f"decision:{before}" in again.cancel
    assert [t.due for t in again.timers] == [LATER + timedelta(hours=2)]


def test_a_question_is_dropped_when_nothing_waits_any_more() -> None:
    """Once the missing fact is there, the item goes and its clock stops."""
    unknown = Raised(
        agency="nightline-helpline",
        parts=together(CHILD, NOTE),
        detail={"level": "child_in_need", "balancing_test_complete": True},
    )
    going = run(unknown)
    before = waiting_id(going)
    stated = detail(level="child_in_need", balancing_test_complete=True, consent_absence="cannot_be_given")

    again = going.take(adds({"detail": Part(detail=stated)}))

    assert said(of_item(assessment_of(again), *SHARED)) == "share_power"
    assert f"decision:{before}" in again.cancel
    assert before not in going.state.asked


def test_nobody_answers_in_time() -> None:
    """When the clock runs out that is recorded, once, the next person is asked, and the question stays open."""
    going = run(WAITING)
    [timer] = [t for t in going.decisions[-1].timers if t.name == f"decision:{waiting_id(going)}"]

    first, second = going.fire(timer), going.fire(timer)

    assert types(first) == ["DecisionOverdue", "DecisionEscalated"]
    effect = first.effects[0]
    assert isinstance(effect.data, DecisionOverdue)
    assert effect.data.due_at.ToDatetime(UTC) == timer.due
    assert second == NOTHING
    assert waiting_id(going) in going.state.asked


# What people decide


def test_a_decision_is_recorded_and_the_concern_is_assessed_with_it() -> None:
    """The named person's share goes at once; name and words are sealed under the concern's own key."""
    going = run(WAITING)
    decision_id = waiting_id(going)

    decision = going.decide(
        decision_id, "share_power", agency=CHARITY, role="safeguarding_lead", at=LATER, reason_code="risk_outweighs"
    )

    recorded, assessed = decision.effects
    assert isinstance(recorded.data, DecisionRecorded)
    assert isinstance(assessed.data, BasisAssessed)
    assert recorded.data.override
    assert [content.scope.concern_id for content in recorded.contents] == [CONCERN_ID]
    assert list(recorded.data.part_ids) == ["note"]
    assert said(of_item(assessed.data, *SHARED)) == "share_power"
    assert f"decision:{decision_id}" in decision.cancel


def test_a_decision_to_share_holds_while_the_words_are_the_same() -> None:
    """It survives other news, and is asked anew when the item itself changes."""
    going = run(WAITING)
    going.decide(waiting_id(going), "share_power", agency=CHARITY, role="safeguarding_lead", reason_code="x")

    others = going.take(adds({"more": item("welfare", item_id="more")}))
    changed = going.take(adds(NOTE, LATER + timedelta(hours=1)))

    assert said(of_item(assessment_of(others), *SHARED)) == "share_power"
    assert said(of_item(assessment_of(changed), *SHARED)) == "blocked_pending no_policy_document"


def test_a_decision_not_to_tell_is_reopened_by_new_facts() -> None:
    """What was decided on less is not decided on more (failure F8); the question comes back under a new id."""
    going = run(WAITING)
    [before] = [i for i, d in going.state.asked.items() if d.question_code == "pass_on" and d.recipient_class == 5]
    going.decide(
        before,
        "not_shared_unnecessary",
        agency=CSC,
        role="social_work_manager",
        reason_code="no_involvement",
        review_on="2026-12-01",
    )
    assert before not in going.state.asked

    again = going.take(adds({"more": item("welfare", item_id="more")}))

    assert said(of_class(assessment_of(again), "health")) == "proposed lead_agency_decides"
    [after] = [i for i, d in going.state.asked.items() if d.question_code == "pass_on" and d.recipient_class == 5]
    assert after != before


def test_the_emergency_duty_team_covers_for_the_front_door() -> None:
    """Out of hours another agency of the same authority answers, in the role that stands in."""
    going = run(WAITING)
    [pass_on] = [i for i, d in going.state.asked.items() if d.question_code == "pass_on" and d.recipient_class == 5]

    decision = going.decide(pass_on, "share_power", agency="kent-edt", role="emergency_duty_team")

    assert of_class(assessment_of(decision), "health").outcome == Outcome.OUTCOME_SHARE_POWER


GOOD = {"outcome": "share_power", "agency": CHARITY, "role": "safeguarding_lead", "reason_code": "considered"}


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"agency": "kent-police"}, 403, "not_your_decision"),
        ({"role": "social_work_manager"}, 403, "not_the_role"),
        ({"name": ""}, 422, "decider_unnamed"),
        ({"name": "  "}, 422, "decider_unnamed"),
        ({"outcome": ""}, 422, "not_an_answer"),
        ({"outcome": "blocked_pending"}, 422, "not_an_answer"),
        ({"reason_code": ""}, 422, "reason_missing"),
        ({"outcome": "not_shared_unnecessary"}, 422, "review_missing"),
        ({"outcome": "not_shared_unnecessary", "review_on": "soon"}, 422, "review_missing"),
        ({"outcome": "not_shared_unnecessary", "review_on": "2026-11-22"}, 422, "review_past"),
    ],
)
def test_a_decision_that_may_not_be_taken_so_is_refused(changed: dict[str, str], status: int, code: str) -> None:
    """Another agency, another role, nobody's name, no answer, no reason, no review date: refused, nothing recorded."""
    going = run(WAITING)
    said_of_it: dict[str, Any] = {**GOOD, **changed}

    with pytest.raises(Refused) as refused:
        going.decide(waiting_id(going), said_of_it.pop("outcome"), **said_of_it)

    assert (refused.value.status, refused.value.code) == (status, code)


def test_a_decision_is_taken_once() -> None:
    """A second person finds it taken; one that was never asked is not there."""
    going = run(WAITING)
    decision_id = waiting_id(going)
    going.decide(decision_id, "share_power", agency=CHARITY, role="safeguarding_lead", reason_code="x")

    with pytest.raises(Refused) as taken:
        going.decide(decision_id, "rejected_basis", agency=CHARITY, role="safeguarding_lead", reason_code="x")
    with pytest.raises(Refused) as unknown:
        going.decide("nothing", "share_power", agency=CHARITY, role="safeguarding_lead")

    assert (taken.value.status, taken.value.code) == (409, "already_decided")
    assert (unknown.value.status, unknown.value.code) == (404, "no_such_decision")


# Consent


def test_consent_that_is_withdrawn_stops_the_sharing_that_rested_on_it() -> None:
    """No other basis takes its place in silence (S11), though the consent's own part still says given."""
    agreed = Raised(
        agency="kent-community-health",
        parts=together(CHILD, MOTHER, {"consent": consent()}, WORRY),
        detail={"level": "problems_emerging", "service_only": True},
    )
    going = run(agreed)
    before = said(of_class(assessment_of(going.decisions[-1]), "family_help"))

    withdrawn = going.take(event(ConsentWithdrawn(concern_id=CONCERN_ID, consent_ref="consent"), at=LATER))

    assert before == "share_consent"
    assert said(of_class(assessment_of(withdrawn), "family_help")) == "rejected_basis consent"


def test_consent_given_again_counts_again() -> None:
    """A new consent under the same reference ends the withdrawal."""
    going = run(
        Raised(
            agency="kent-community-health",
            parts=together(CHILD, MOTHER),
            detail={"level": "problems_emerging", "service_only": True},
        )
    )
    given = ConsentGiven(concern_id=CONCERN_ID, consent_ref="consent", parts=[SealedPart(part_id="consent")])
    parts = {"consent": consent()}
    going.take(event(given, parts, MONDAY + timedelta(minutes=1)))
    going.take(event(ConsentWithdrawn(concern_id=CONCERN_ID, consent_ref="consent"), at=LATER))

    again = going.take(event(given, parts, LATER + timedelta(minutes=1)))

    assert said(of_class(assessment_of(again), "family_help")) == "share_consent"
