"""The core: raised, corrected, watched; and what the sender sees of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import BasisAssessed, DecisionRecorded
from concern_relay.v1.concerns_pb2 import ConcernRaised, InformationCorrected, WatchExpired
from concern_relay.v1.shares_pb2 import (
    OutcomeGiven,
    ShareAcknowledged,
    ShareDelivered,
    SharePlanned,
    ShareRecalled,
)
from services.chassis.event import NOTHING, Decision, Fact, Refused, Timer
from services.intake.content import Contents
from services.intake.core import IntakeCore, IntakeState
from services.intake.status import State, Watch
from services.intake.store import dump, load
from tests.unit.intake.events import NOON, act, fired, heard, minutes, recorded, said, submission

CORE = IntakeCore()
AGENCY = "larkfield-primary"
CSC = codes.AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
POLICE = codes.AgencyClass.AGENCY_CLASS_POLICE
SCHOOL = codes.AgencyClass.AGENCY_CLASS_EDUCATION


class Course:
    """One concern's course through the core, step by step, as the journal would drive it."""

    def __init__(self, contents: Contents, core: IntakeCore = CORE) -> None:
        self.core = core
        self.contents = contents
        self.state: IntakeState = core.start(contents.concern_id)
        self.timers: dict[str, Timer] = {}
        self.facts: list[Fact] = []

    def take(self, fact: Fact) -> Decision:
        """Decide, fold, keep timers."""
        decision = self.core.decide(self.state, fact)
        self.state = self.core.evolve(self.state, fact)
        for effect in decision.effects:
            own = recorded(fact, effect)
            self.facts.append(own)
            self.state = self.core.evolve(self.state, own)
        for name in decision.cancel:
            self.timers.pop(name, None)
        self.timers.update({timer.name: timer for timer in decision.timers})
        return decision

    def hear(self, data: Any, at=NOON) -> Decision:
        """Take an event of another service."""
        data.concern_id = self.contents.concern_id
        return self.take(heard(data, self.contents.concern_id, at))


def raising(contents: Contents, **fields: Any) -> ConcernRaised:
    """Give the message that an act of raising carries."""
    return ConcernRaised(
        concern_id=contents.concern_id, agency_id=AGENCY, urgency=contents.urgency, warning_codes=["x"], **fields
    )


def correcting(contents: Contents, **fields: Any) -> InformationCorrected:
    """Give the message that an act of correcting carries."""
    given = {"agency_id": AGENCY, "urgency": contents.urgency, **fields}
    return InformationCorrected(concern_id=contents.concern_id, **given)


def raised(contents: Contents | None = None, **fields: Any) -> Course:
    """Give a concern that was raised at noon."""
    contents = contents or said(submission())
    course = Course(contents)
    course.take(act(raising(contents, **fields), contents))
    return course


def test_raising_records_the_concern_with_its_parts_and_starts_the_watch():
    """Acceptance starts 15 minutes in which somebody must have it (practice 1)."""
    contents = said(submission())
    course = Course(contents)

    decision = course.take(act(raising(contents), contents))

    assert [e.type for e in decision.effects] == ["ConcernRaised"]
    assert decision.effects[0].contents == contents.parts
    assert decision.timers == (Timer("watch", NOON + minutes(15)),)
    assert course.state.status.watch is Watch.RUNNING


def test_the_watch_is_as_long_as_this_place_wants_it():
    """15 minutes is the default, not the law."""
    contents = said(submission())
    course = Course(contents, IntakeCore(watch=timedelta(minutes=5)))

    assert course.take(act(raising(contents), contents)).timers[0].due == NOON + minutes(5)


def test_history_is_not_watched():
    """A statutory return is told to nobody (practice 29)."""
    contents = said(submission(history=True))
    course = Course(contents)

    decision = course.take(act(raising(contents, history=True), contents))

    assert decision.timers == ()
    assert course.state.status.watch is Watch.NONE


def test_a_watch_that_runs_out_says_so():
    """Who raised it, when it was accepted, when it ran out: the alarm says telephone now."""
    course = raised(test=True)

    decision = course.take(fired(course.contents.concern_id, course.timers["watch"]))

    (effect,) = decision.effects
    data = effect.data
    assert isinstance(data, WatchExpired)
    assert (data.agency_id, data.test) == (AGENCY, True)
    assert data.accepted_at.ToDatetime(NOON.tzinfo) == NOON
    assert data.due_at.ToDatetime(NOON.tzinfo) == NOON + minutes(15)
    assert course.state.status.watch is Watch.EXPIRED


@pytest.mark.parametrize("data", [ShareDelivered(share_id="s"), DecisionRecorded(decision_id="d")], ids=str)
def test_a_delivered_share_or_a_persons_decision_ends_the_watch(data):
    """Somebody has it."""
    course = raised()

    decision = course.hear(data)

    assert decision.cancel == ("watch",)
    assert course.state.status.watch is Watch.ENDED
    assert course.take(fired(course.contents.concern_id, Timer("watch", NOON))) == NOTHING


@pytest.mark.parametrize(
    "data", [BasisAssessed(), SharePlanned(share_id="s"), ShareAcknowledged(share_id="s")], ids=str
)
def test_plans_and_assessments_do_not_end_the_watch(data):
    """What a machine intends is in nobody's hands."""
    course = raised()

    assert course.hear(data) == NOTHING
    assert course.state.status.watch is Watch.RUNNING


def test_an_alarm_is_over_when_somebody_has_it():
    """The history keeps the alarm; the sender sees that it is over."""
    course = raised()
    course.take(fired(course.contents.concern_id, course.timers["watch"]))

    course.hear(ShareDelivered(share_id="s"))

    assert course.state.status.watch is Watch.ENDED


def test_raising_twice_is_refused():
    """Whoever was first stands; the second is resolved anew."""
    course = raised()
    contents = said(submission(text="more"))

    with pytest.raises(Refused) as refused:
        course.take(act(raising(contents), contents))

    assert (refused.value.status, refused.value.code) == (409, "already_raised")


# ------------------------------------------------------------------------------------------------ corrections


def part_ids(contents: Contents, body: str) -> set[str]:
    """Give the ids of the parts of one kind."""
    return {c.part_id for c in contents.parts if c.part.WhichOneof("body") == body}


def test_a_correction_names_what_changed_and_what_is_gone():
    """The whole content is sent anew; what differs is said, so that recipients see the difference."""
    course = raised()
    items = [{"ref": "seen", "category": "welfare", "text": "Two bruises."}, {"ref": "new", "text": "Silent today."}]
    after = said(submission(items=items, people=submission()["people"][:1]))

    decision = course.take(act(correcting(after), after))

    (effect,) = decision.effects
    data = effect.data
    assert isinstance(data, InformationCorrected)
    assert set(data.changed_part_ids) == part_ids(after, "item")
    assert set(data.removed_part_ids) == part_ids(course.contents, "person") - part_ids(after, "person")
    assert set(course.state.concern.parts) == {c.part_id for c in after.parts}
    assert course.state.status.version == 2
    assert decision.timers == ()


def test_a_correction_that_changes_nothing_records_nothing():
    """Harmless, like every resend."""
    course = raised()

    assert course.take(act(correcting(course.contents), course.contents)) == NOTHING


def test_a_correction_that_makes_it_more_urgent_starts_the_watch_anew():
    """It is accepted again as something that cannot wait; what was delivered before does not count."""
    course = raised()
    course.hear(ShareDelivered(share_id="s"))
    after = said(submission(urgency="emergency"))

    decision = course.take(act(correcting(after), after, NOON + minutes(60)))

    assert decision.timers == (Timer("watch", NOON + minutes(75)),)
    assert course.state.status.watch is Watch.RUNNING


def test_a_correction_that_makes_it_less_urgent_leaves_the_watch():
    """A running watch runs on."""
    course = raised()
    after = said(submission(urgency="routine"))

    assert course.take(act(correcting(after), after)).timers == ()
    assert course.timers["watch"].due == NOON + minutes(15)


def test_a_correction_to_another_child_is_refused():
    """The core holds the rule, whatever the door thought."""
    course = raised()
    after = said(
        submission(people=[{"ref": "child", "role": "child", "names": ["Jory Penhale"], "birth_date": "2017"}])
    )

    with pytest.raises(Refused) as refused:
        course.take(act(correcting(after), after))

    assert refused.value.code == "other_child"


def test_a_correction_by_another_agency_is_refused_as_if_there_were_nothing():
    """Not even the existence is said."""
    course = raised()

    with pytest.raises(Refused) as refused:
        course.take(act(correcting(course.contents, agency_id="stourside-academy"), course.contents))

    assert (refused.value.status, refused.value.code) == (404, "not_yours")


def test_a_correction_of_nothing_is_refused():
    """There has to be something to correct."""
    contents = said(submission())

    with pytest.raises(Refused) as refused:
        Course(contents).take(act(correcting(contents), contents))

    assert refused.value.status == 404


def test_an_act_that_intake_does_not_know_is_refused():
    """Nothing slips through by a name."""
    contents = said(submission())

    with pytest.raises(Refused):
        Course(contents).take(act(WatchExpired(), contents))


# ------------------------------------------------------------------------------------------------ replay


def replayed(course: Course, *, without: frozenset[str] = frozenset()) -> list[Decision]:
    """Present what was recorded as the acts that caused it, with some parts erased since."""
    again = Course(course.contents)
    decisions = []
    for fact in course.facts:
        parts = {k: v for k, v in fact.parts.items() if k not in without}
        cause = replace(fact, kind=act(fact.data, course.contents).kind, id=fact.causation_id, parts=parts)
        decisions.append(again.take(cause))
    return decisions


def test_replay_of_a_recorded_act_gives_the_recorded_event():
    """A recorded act is presented again and leads to the same message, the same parts, the same time."""
    course = raised()
    after = said(submission(text="More was said."))
    course.take(act(correcting(after), after, NOON + minutes(3)))

    decisions = replayed(course)

    for fact, decision in zip(course.facts, decisions, strict=True):
        (effect,) = decision.effects
        bare = type(fact.data)()
        bare.CopyFrom(fact.data)
        del bare.parts[:]
        assert effect.data == bare
        assert {c.part_id: c.part for c in effect.contents} == dict(fact.parts)
        assert effect.time == fact.time


def test_replay_after_an_erasure_gives_the_same_changes():
    """What cannot be opened any more is as it was said at the time; nobody is judged anew."""
    course = raised()
    after = said(submission(items=[{"ref": "seen", "category": "welfare", "text": "Two bruises."}]))
    course.take(act(correcting(after), after))
    erased = frozenset(part_ids(after, "item") | part_ids(after, "person"))

    first, second = replayed(course, without=erased)

    assert second.effects[0].data.changed_part_ids == course.facts[1].data.changed_part_ids  # type: ignore[union-attr]
    assert first.effects[0].type == "ConcernRaised"


# ------------------------------------------------------------------------------------------------ what the sender sees


def planned(course: Course, share: str, recipient_class: int) -> None:
    """Plan a share."""
    course.hear(SharePlanned(share_id=share, recipient_class=recipient_class, recipient_agency_id=f"to-{share}"))  # type: ignore[arg-type]


def test_the_sender_sees_received_acknowledged_outcome():
    """Each as it comes, with its recorded time."""
    course = raised()
    planned(course, "c", CSC)

    states = [course.state.status.state]
    course.hear(ShareAcknowledged(share_id="c"), NOON + minutes(30))
    states.append(course.state.status.state)
    course.hear(
        OutcomeGiven(share_id="c", outcome=codes.ShareOutcome.SHARE_OUTCOME_REFERRAL_ACCEPTED), NOON + minutes(60)
    )
    states.append(course.state.status.state)

    assert states == [State.RECEIVED, State.ACKNOWLEDGED, State.OUTCOME_GIVEN]
    assert course.state.status.acknowledged == NOON + minutes(30)
    outcome = course.state.status.outcome
    assert outcome is not None
    assert outcome.outcome == codes.ShareOutcome.SHARE_OUTCOME_REFERRAL_ACCEPTED


def test_a_schools_acknowledgement_does_not_reassure():
    """The sender waits for social care; that others have it is not its business (practice 8)."""
    course = raised()
    planned(course, "c", CSC)
    planned(course, "s", SCHOOL)
    course.hear(ShareAcknowledged(share_id="s"))
    course.hear(OutcomeGiven(share_id="s", outcome=codes.ShareOutcome.SHARE_OUTCOME_RECORDED))

    assert course.state.status.state is State.RECEIVED


def test_where_social_care_is_not_told_the_next_in_line_answers():
    """The police, where only they and a school were told."""
    course = raised()
    planned(course, "s", SCHOOL)
    planned(course, "p", POLICE)
    course.hear(ShareAcknowledged(share_id="p"))

    assert course.state.status.state is State.ACKNOWLEDGED


def test_the_first_acknowledgement_counts_and_a_recalled_one_does_not():
    """A share that went to the wrong place is nobody's answer."""
    course = raised()
    planned(course, "a", CSC)
    planned(course, "b", CSC)
    course.hear(ShareAcknowledged(share_id="a"), NOON + minutes(1))
    course.hear(ShareAcknowledged(share_id="a"), NOON + minutes(9))
    assert course.state.status.acknowledged == NOON + minutes(1)

    course.hear(ShareRecalled(share_id="a"))

    assert course.state.status.state is State.RECEIVED


@pytest.mark.parametrize("data", [ShareAcknowledged(share_id="?"), OutcomeGiven(share_id="?")], ids=str)
def test_what_is_said_of_an_unknown_share_is_passed_over(data):
    """Order across topics is not promised; the fold does not fall over."""
    course = raised()
    course.hear(data)

    assert course.state.status.state is State.RECEIVED


def test_a_status_is_stored_without_loss():
    """What the table holds is what was folded."""
    course = raised(same_reference_as="7771a82d-7eba-8022-a41b-e27be104aaed")
    planned(course, "c", CSC)
    course.hear(ShareAcknowledged(share_id="c"), NOON + minutes(30))
    course.hear(OutcomeGiven(share_id="c", outcome=codes.ShareOutcome.SHARE_OUTCOME_INVESTIGATION), NOON + minutes(60))

    assert load(dump(course.state.status)) == course.state.status


def test_a_stored_status_holds_no_word_of_the_content():
    """Ids, times and codes."""
    text = dump(raised().state.status)

    assert not any(word in text for word in ("Tamsin", "Orchard", "LL-2026", "bruise"))
