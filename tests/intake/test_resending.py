"""Sending again: the same is a no-op, changed content a correction, another child a new concern."""

from __future__ import annotations

import copy
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.chassis.event import KeyScope
from tests.intake.rig import together
from tests.unit.intake.events import submission

pytestmark = pytest.mark.database

KEYS = ("concern_id", "receipt", "status_url", "warnings", "notice")


def changed(**fields: Any) -> dict[str, Any]:
    """Give the submission with the same child and something changed."""
    return submission(text="The school nurse saw a second bruise.", **fields)


def other_child(**fields: Any) -> dict[str, Any]:
    """Give a submission under the same reference about another child."""
    people = [{"ref": "child", "role": "child", "names": ["Jory Penhale"], "birth_date": "2017-01-01"}]
    return submission(people=people, **fields)


async def test_the_same_again_gets_the_first_answer_and_records_nothing(new_intake):
    """However often, and in whatever order the lists stand."""
    async with new_intake() as intake:
        first = (await intake.post(submission())).json()
        reordered = submission()
        reordered["people"].reverse()

        again = [(await intake.post(body)).json() for body in (submission(), reordered, submission())]

        assert [a["repeated"] for a in (first, *again)] == [False, True, True, True]
        assert all({k: a[k] for k in KEYS} == {k: first[k] for k in KEYS} for a in again)
        assert len(await intake.recorded()) == 1


async def test_changed_content_about_the_same_child_is_a_correction(new_intake):
    """The same concern, a new event that holds the whole content, a receipt of its own."""
    async with new_intake() as intake:
        first = (await intake.post(submission())).json()

        second = (await intake.post(changed())).json()

        raised, corrected = await intake.recorded()
        assert (second["concern_id"], second["corrected"], second["repeated"]) == (first["concern_id"], True, False)
        assert second["receipt"]["event_id"] == str(corrected.id) != first["receipt"]["event_id"]
        assert corrected.type == "InformationCorrected"
        assert len(corrected.data.changed_part_ids) == 1
        assert len(corrected.data.parts) == len(raised.data.parts) + 1


async def test_a_correction_sent_again_is_a_no_op_too(new_intake):
    """It gets the correction's receipt."""
    async with new_intake() as intake:
        await intake.post(submission())
        second = (await intake.post(changed())).json()

        again = (await intake.post(changed())).json()

        assert again["repeated"]
        assert again["receipt"] == second["receipt"]
        assert len(await intake.recorded()) == 2


async def test_what_was_corrected_does_not_come_back_with_a_late_resend(new_intake):
    """A queue that sends an old file again changes nothing: the first receipt, and a word that it was corrected."""
    async with new_intake() as intake:
        first = (await intake.post(submission())).json()
        await intake.post(changed())

        late = (await intake.post(submission())).json()

        assert late["repeated"]
        assert late["receipt"] == first["receipt"]
        assert [w["code"] for w in late["warnings"]] == ["corrected_since"]
        assert len(await intake.recorded()) == 2


async def test_a_new_key_says_that_old_content_is_meant_anew(new_intake):
    """The one way back to what was said before; and forth again, and each of them once."""
    async with new_intake() as intake:
        await intake.post(submission())
        await intake.post(changed())

        back = (await intake.post(submission(), Idempotency_Key="back")).json()
        forth = (await intake.post(changed(), Idempotency_Key="forth")).json()
        again = (await intake.post(submission(), Idempotency_Key="back")).json()

        assert [a["corrected"] for a in (back, forth, again)] == [True, True, True]
        assert [a["repeated"] for a in (back, forth, again)] == [False, False, True]
        assert again["receipt"] == back["receipt"]
        assert len(await intake.recorded()) == 4


async def test_another_child_under_the_reference_is_a_new_concern(new_intake):
    """Linked to the first and flagged; the first is as it was."""
    async with new_intake() as intake:
        first = (await intake.post(submission())).json()

        other = (await intake.post(other_child())).json()
        again = (await intake.post(other_child())).json()

        assert other["concern_id"] != first["concern_id"]
        assert other["same_reference_as"] == first["concern_id"]
        assert "same_reference_other_child" in [w["code"] for w in other["warnings"]]
        assert again["repeated"]
        assert again["receipt"] == other["receipt"]
        events = await intake.recorded()
        assert [e.type for e in events] == ["ConcernRaised", "ConcernRaised"]
        assert events[1].data.same_reference_as == first["concern_id"]
        assert "same_reference_other_child" in events[1].data.warning_codes


async def test_each_child_under_a_reference_is_corrected_by_itself(new_intake):
    """The second concern's correction does not touch the first."""
    async with new_intake() as intake:
        first = (await intake.post(submission())).json()
        other = (await intake.post(other_child())).json()

        corrected = (await intake.post(other_child(text="More."))).json()

        assert corrected["corrected"]
        assert corrected["concern_id"] == other["concern_id"]
        assert [e.type for e in await intake.recorded(first["concern_id"])] == ["ConcernRaised"]


async def test_children_nobody_can_tell_apart_stay_apart(new_intake):
    """Three unnamed children under one reference are three concerns, each of which may be sent again."""
    async with new_intake() as intake:
        bodies = [
            {"reference": "log 7", "raised_by": {"role": "patrol"}, "people": [{"role": "child"}], "text": text}
            for text in ("A boy, barefoot.", "A girl, no coat.", "A boy on the roof.")
        ]

        answers = [(await intake.post(b)).json() for b in bodies]
        again = [(await intake.post(b)).json() for b in bodies]

        assert len({a["concern_id"] for a in answers}) == 3
        assert [a["receipt"] for a in again] == [a["receipt"] for a in answers]
        assert len(await intake.recorded()) == 3


async def test_an_unnamed_child_is_corrected_where_something_said_still_stands(new_intake):
    """What is added about a child without a name is no further concern."""
    async with new_intake() as intake:
        body = {"reference": "log 8", "raised_by": {"role": "patrol"}, "people": [{"role": "child"}]}
        first = {**body, "items": [{"ref": "a", "text": "A boy, barefoot."}]}
        more = {**body, "items": [{"ref": "a", "text": "A boy, barefoot."}, {"ref": "b", "text": "Went to the park."}]}
        raised = (await intake.post(first)).json()

        corrected = (await intake.post(more)).json()

        assert corrected["corrected"]
        assert corrected["concern_id"] == raised["concern_id"]


async def test_a_name_put_right_is_flagged_for_a_person(new_intake):
    """Everything else agrees; a person still looks."""
    async with new_intake() as intake:
        await intake.post(submission())
        body = submission()
        body["people"][0]["names"] = [{"given": "Tasmin", "family": "Orchard"}]

        answer = (await intake.post(body)).json()

        assert answer["corrected"]
        assert "name_changed" in [w["code"] for w in answer["warnings"]]


@pytest.mark.parametrize("field", ["test", "history"])
async def test_practice_and_history_never_swallow_a_live_concern(new_intake, field):
    """The reference was used in the sandbox, or stands in a return: the live concern is raised all the same."""
    async with new_intake() as intake:
        before = (await intake.post(submission(**{field: True}))).json()

        live = (await intake.post(submission())).json()

        assert live["concern_id"] != before["concern_id"]
        assert (live["repeated"], live["corrected"], live["same_reference_as"]) == (False, False, None)
        assert [getattr(e.data, field) for e in await intake.recorded()] == [True, False]


async def test_references_of_two_agencies_never_meet(new_intake):
    """Number 42 of one is not number 42 of another."""
    async with new_intake() as intake:
        one = (await intake.post(submission())).json()
        other = (await intake.post(submission(), agency="stourside-academy")).json()

        assert one["concern_id"] != other["concern_id"]
        assert not other["repeated"]


async def test_the_same_at_the_same_moment_is_recorded_once(new_intake):
    """Twenty at once: one event, one receipt for all."""
    async with new_intake() as intake:
        answers = await together(*(intake.post(submission()) for _ in range(20)))

        assert {a.status_code for a in answers} == {202}
        assert len({str(a.json()["receipt"]) for a in answers}) == 1
        assert len(await intake.recorded()) == 1
        assert [a.json()["repeated"] for a in answers].count(False) == 1


async def test_two_children_at_the_same_moment_are_two_concerns(new_intake):
    """Whoever comes second is resolved against the first, not lost and not merged."""
    async with new_intake() as intake:
        bodies = [submission(), other_child(), changed(), submission(), other_child()]

        answers = await together(*(intake.post(b) for b in bodies))

        assert {a.status_code for a in answers} == {202}
        events = await intake.recorded()
        assert sorted(e.type for e in events if e.type == "ConcernRaised") == ["ConcernRaised"] * 2
        assert len({a.json()["concern_id"] for a in answers}) == 2
        ids = {a.json()["concern_id"] for a in (answers[1], answers[4])}
        assert len(ids) == 1


async def test_after_an_erasure_the_same_content_does_not_come_back(new_intake):
    """The keys are gone: the same is known by its digest, and a change cannot be compared, so it is a new concern."""
    async with new_intake() as intake:
        first = (await intake.post(submission())).json()
        intake.keys.destroy(first["concern_id"])

        again = (await intake.post(submission())).json()
        more = (await intake.post(changed())).json()

        assert again["repeated"]
        assert again["receipt"] == first["receipt"]
        assert more["same_reference_as"] == first["concern_id"]


async def test_what_rests_on_a_suspended_key_cannot_be_sent_again(new_intake):
    """One person erased: a correction that names that person is refused with what to do, the concern stands."""
    async with new_intake() as intake:
        first = (await intake.post(submission())).json()
        mother = await _person_scope(intake, first["concern_id"], "PARENT")
        intake.keys.destroy(first["concern_id"], person_id=mother)

        answer = await intake.post(changed())

        assert answer.status_code == 409
        assert answer.json()["code"] == "erased_or_suspended"
        assert len(await intake.recorded()) == 1


async def test_every_sequence_of_resends_adds_nothing(new_intake):
    """A file that holds an original, its correction and another child can be sent again and again."""
    async with new_intake() as intake:
        bodies = [submission(), submission(), changed(), other_child(), changed(), other_child()]
        for body in bodies:
            assert (await intake.post(copy.deepcopy(body))).status_code == 202
        before = await intake.recorded()

        for body in [*bodies, *reversed(bodies)]:
            assert (await intake.post(copy.deepcopy(body))).json()["repeated"]

        assert await intake.recorded() == before
        assert len(before) == 3


VARIANTS = {
    "raised": submission(),
    "corrected": changed(),
    "more urgent": changed(urgency="emergency"),
    "other child": other_child(),
    "other child, corrected": other_child(text="More."),
}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(VARIANTS)), min_size=1, max_size=7))
def test_any_sequence_records_each_content_of_each_child_once(shared_intake, loop, sequence):
    """Whatever comes in whatever order: one concern a child, one event a content, and every answer owes its record."""
    reference = f"any {uuid4()}"

    async def sent() -> list[dict[str, Any]]:
        return [(await shared_intake.post({**VARIANTS[v], "reference": reference})).json() for v in sequence]

    answers = loop.run_until_complete(sent())

    children = {"other child" in v for v in sequence}
    concerns = {a["concern_id"] for a in answers}
    events = [e for c in concerns for e in loop.run_until_complete(shared_intake.recorded(c))]
    assert len(concerns) == len(children)
    assert len(events) == len(set(sequence))
    assert [e.type for e in events].count("ConcernRaised") == len(children)
    assert {a["receipt"]["event_id"] for a in answers} == {str(e.id) for e in events}
    for variant, answer in zip(sequence, answers, strict=True):
        twin = answers[sequence.index(variant)]
        assert answer["receipt"] == twin["receipt"]
        assert answer["repeated"] == (answer is not twin)


async def _person_scope(intake: Any, concern_id: str, role: str) -> str:
    state, _ = await intake.journal.state(concern_id)
    person = next(p for p in state.concern.people if str(p).count(f"ROLE_{role}"))
    assert (await intake.keys.issue([KeyScope(concern_id, person.person_id)])).keys()
    return str(person.person_id)
