"""Replay gives back what was recorded, effect by effect; anything else is a finding with a path and never a value."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from concern_relay.v1.concerns_pb2 import ConcernRaised, InformationAdded
from concern_relay.v1.keys_pb2 import KeyDestroyed, KeyResumed, KeySuspended
from services.workbench.replay.finding import Tally
from services.workbench.replay.past import Past
from tests.unit.replay.stand import CONCERN, LATE, SmallCore, Stand, changed, codes, other_id

HOUR = timedelta(hours=1)


def a_course() -> Stand:
    """Give a history with an event, a timer that fired, and an act."""
    stand = Stand()
    stand.raised(name="Pat Example")
    stand.passes(3 * HOUR)
    stand.raised("quiet")
    stand.decided()
    return stand


def assert_all_same(tally: Tally, effects: int) -> None:
    """Every effect came out the same, and nothing else."""
    assert codes(tally) == []
    assert (tally.effects, tally.same, tally.unverifiable, tally.pending) == (effects, effects, 0, 0)


def test_events_timers_and_acts_come_out_the_same() -> None:
    """Given a history of all three kinds of input, when it is replayed, then every effect is decided again."""
    assert_all_same(a_course().replayed(), 3)


@pytest.mark.parametrize(
    ("altered", "found"),
    [
        ("field", [("differs", "data.law_pack")]),
        ("deep", [("differs", "data.classes[1].purpose_code")]),
        ("more", [("not_recorded", "BasisAssessed")]),
        ("none", [("not_produced", "BasisAssessed")]),
        ("refuse", [("refused", "DecisionRecorded")]),
        ("words", [("differs", "parts[actor].named_person.name")]),
        ("loud", [("not_recorded", "BasisAssessed")]),
    ],
)
def test_a_core_that_answers_otherwise_is_found(altered: str, found: list[tuple[str, str]]) -> None:
    """Given a core changed in one place, when history is replayed with it, then the finding says which field."""
    tally = a_course().replayed(SmallCore(altered))

    assert codes(tally) == found


def test_findings_hold_no_values() -> None:
    """Given other words in a part, when it is found, then the finding has neither the old words nor the new."""
    (finding,) = a_course().replayed(SmallCore("words")).findings

    assert "Example" not in finding.words + repr(finding)
    assert "Somebody" not in finding.words + repr(finding)


def test_an_effect_that_is_not_recorded_is_found() -> None:
    """Given a recorded effect that was lost, when what came after rests on its cause, then it is found."""
    stand = a_course()
    stand.history = [p for p in stand.history if p.event.type != "BasisAssessed"]

    assert ("not_recorded", "BasisAssessed") in codes(stand.replayed())


def test_an_effect_whose_cause_is_only_seconds_old_is_pending() -> None:
    """Given a concern that was raised a moment ago, when it is replayed, then its assessment is pending."""
    stand = Stand()
    stand.happens(ConcernRaised(concern_id=CONCERN))

    assert stand.replayed(settled=-timedelta(seconds=1)).pending == 1
    assert codes(stand.replayed()) == [("not_recorded", "BasisAssessed")]


def test_a_timer_that_should_have_fired_is_found() -> None:
    """Given a clock that ran out and no record of it, when history goes on for hours, then that is a finding."""
    stand = Stand()
    stand.raised()
    stand.passes(5 * HOUR, firing=False)

    assert codes(stand.replayed()) == [("not_fired", "DecisionOverdue")]


def test_a_service_that_was_behind_missed_no_timer() -> None:
    """Given a record written in time and taken hours later, what fell due in between had not run out before it."""
    stand = Stand()
    stand.raised()
    stand.passes(HOUR)
    second = stand.happens(ConcernRaised(concern_id=CONCERN))
    stand.passes(LATE, firing=False)
    stand.takes(second)
    stand.passes(HOUR)

    assert [p.event.type for p in stand.history].count("BasisAssessed") == 2
    assert codes(stand.replayed()) == []


def test_a_timer_that_an_act_stopped_is_no_finding() -> None:
    """Given a decision before the clock ran out, when hours pass, then nothing is missing."""
    stand = Stand()
    stand.raised()
    stand.decided()
    stand.passes(5 * HOUR)

    assert_all_same(stand.replayed(), 2)


def test_a_firing_that_led_to_nothing_left_no_record_and_is_played_all_the_same() -> None:
    """Given a timer that only set another, when that one's effect is recorded, then its cause is recognised."""
    stand = Stand()
    stand.raised("tick")
    stand.passes(2 * LATE + HOUR)

    assert [p.event.type for p in stand.history] == ["ConcernRaised", "DecisionOverdue"]
    assert_all_same(stand.replayed(), 1)


def test_what_was_not_applied_yet_is_not_in_the_state() -> None:
    """Given an event recorded before and taken after another's effect, when it is replayed, then the basis decides."""
    stand = Stand()
    first = stand.happens(ConcernRaised(concern_id=CONCERN))
    second = stand.happens(ConcernRaised(concern_id=CONCERN))
    stand.takes(first)
    stand.takes(second)

    assert [p.event.data.law_pack for p in stand.history[2:]] == ["1 0", "2 0"]  # type: ignore[attr-defined]
    assert_all_same(stand.replayed(), 2)


def test_an_event_taken_late_is_presented_where_it_was_taken() -> None:
    """Given a record that was parked and taken after a later one, when it is replayed, then both come out the same."""
    stand = Stand()
    parked = stand.happens(ConcernRaised(concern_id=CONCERN))
    stand.raised()
    stand.takes(parked)

    assert_all_same(stand.replayed(), 2)


def test_a_core_that_raises_ends_that_concern() -> None:
    """Given a record on which the core raises, when it is replayed, then that is told and the rest not judged."""
    stand = Stand()
    stand.happens(ConcernRaised(concern_id=CONCERN, warning_codes=["raise"]))
    stand.raised()

    tally = stand.replayed()

    assert codes(tally) == [("raised", "ConcernRaised RuntimeError")]
    assert tally.unverifiable == 1


def test_an_effect_without_a_cause_or_with_an_unknown_basis_is_found() -> None:
    """Given headers that were lost, when history is replayed, then each is told."""
    stand = a_course()
    at = next(n for n, p in enumerate(stand.history) if p.event.type == "BasisAssessed")
    event = stand.history[at].event
    lost = replace(event, based_on=tuple((topic, other_id(i)) for topic, i in event.based_on))
    stand.history[at] = Past(lost)
    stand.history[-1] = Past(replace(stand.history[-1].event, causation_id=None))

    assert {code for code, _ in codes(stand.replayed())} == {"unknown_basis", "no_cause"}


# What does not open


def erased(stand: Stand, key: str) -> Stand:
    """Forget what was sealed under a key, as its destruction does."""
    for n, past in enumerate(stand.history):
        gone = {sealed.part_id for sealed in past.sealed if sealed.key_id == key}
        stand.history[n] = replace(past, parts={i: p for i, p in past.parts.items() if i not in gone})
    return stand


def test_an_erased_part_of_an_effect_is_a_tombstone_and_the_same() -> None:
    """Given a decision whose words were erased since, when it is replayed, then it is a tombstone and no finding."""
    stand = Stand()
    stand.raised(key="k2")
    stand.decided()
    stand.key(KeyDestroyed(concern_id=CONCERN, key_ids=["k1"]))

    tally = erased(stand, "k1").replayed()

    assert codes(tally) == []
    assert (tally.tombstones, tally.same) == (1, 1)
    assert tally.unverifiable == 1  # nobody is named any more: the act cannot be judged again


def test_what_rests_on_erased_words_cannot_be_worked_out_again() -> None:
    """Given an assessment of words that were erased since, when it comes out otherwise, then that is no finding."""
    stand = Stand()
    stand.raised(name="Pat Example", key="k2")
    stand.passes(HOUR / 2)
    stand.key(KeyDestroyed(concern_id=CONCERN, key_ids=["k2"]))

    tally = erased(stand, "k2").replayed()

    assert codes(tally) == []
    assert tally.unverifiable == 1


def test_what_was_suspended_then_is_not_shown_to_the_core_although_it_opens_today() -> None:
    """Given a decision taken while a key was suspended, when it is replayed, then the core sees what it saw then."""
    stand = Stand()
    stand.raised(name="Pat Example", key="k2")
    stand.passes(HOUR / 2)
    stand.key(KeySuspended(concern_id=CONCERN, key_ids=["k2"]))
    stand.passes(HOUR / 2)
    stand._state = replace(stand._state, words=())  # what the journal folds while the key is suspended
    stand.raised(name="Sam Example", key="k3")
    stand.passes(HOUR / 2)
    stand.key(KeyResumed(concern_id=CONCERN, key_ids=["k2"]))

    assert [p.event.data.law_pack for p in stand.history if p.event.type == "BasisAssessed"] == ["1 1", "2 1"]  # type: ignore[attr-defined]
    assert_all_same(stand.replayed(), 2)


def test_any_field_changed_in_any_recorded_effect_is_found() -> None:
    """Given one recorded effect changed in one field, when it is replayed, then exactly that field is told."""
    stand = a_course()
    at = next(n for n, p in enumerate(stand.history) if p.event.type == "BasisAssessed")

    stand.history = changed(stand.history, at, lambda data: setattr(data.classes[0], "purpose_code", "x"))

    assert codes(stand.replayed()) == [("differs", "data.classes[0].purpose_code")]


def test_any_order_of_events_that_a_service_can_have_seen_replays_the_same() -> None:
    """Given random courses, when they are replayed, then all of them come out the same."""
    for seed in range(200):
        chance = random.Random(seed)
        stand = Stand()
        waiting: list[Past] = []
        for _ in range(chance.randrange(1, 12)):
            match chance.randrange(5):
                case 0:
                    waiting.append(stand.happens(ConcernRaised(concern_id=CONCERN), name="Pat Example"))
                case 1:
                    waiting.append(stand.happens(InformationAdded(concern_id=CONCERN), name="Sam Example"))
                case 2 if waiting:
                    stand.takes(waiting.pop(0))
                case 3:
                    stand.decided()
                case 4:
                    stand.passes(timedelta(minutes=chance.randrange(1, 200)))
        for past in waiting:
            stand.takes(past)

        tally = stand.replayed()

        assert codes(tally) == [], seed
        assert tally.same == tally.effects, seed
