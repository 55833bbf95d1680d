"""Old content never overwrites newer facts, nothing said at once is lost, and a withdrawal is one however sent."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from concern_relay.v1 import codes_pb2 as codes
from services.chassis.event import Fact, FactKind
from services.intake.core import IntakeCore
from services.intake.objections import shut
from services.intake.store import Concerns
from tests.intake.rig import together
from tests.intake.test_follow_ups import _raised, _resting
from tests.unit.intake.events import submission

pytestmark = pytest.mark.database
HERE, THERE = "E10000016", "E06000035"
LIVES, FORMER = codes.AuthorityRole.AUTHORITY_ROLE_LIVES, codes.AuthorityRole.AUTHORITY_ROLE_FORMER
WITHDRAWN = codes.ConsentStatus.CONSENT_STATUS_WITHDRAWN


async def _concern(intake: Any, concern_id: str) -> Any:
    state, _ = await intake.journal.state(concern_id)
    return state.concern


def _roles(concern: Any) -> dict[str, int]:
    child = next(p for p in concern.people if p.role == codes.PersonRole.PERSON_ROLE_CHILD)
    return {a.gss_code: a.role for a in child.authorities}


async def test_the_first_content_sent_again_after_a_move_changes_nothing(shared_intake) -> None:
    """The first receipt again, under a new Idempotency-Key too; the child lives where it moved to."""
    first = (await shared_intake.post(submission(reference="moved"))).json()
    concern_id = first["concern_id"]
    await shared_intake.follow(concern_id, "moves", {"child": "child", "to": THERE})
    recorded = len(await shared_intake.recorded(concern_id))

    again = (await shared_intake.post(submission(reference="moved"))).json()
    anew = (await shared_intake.post(submission(reference="moved"), Idempotency_Key="moved anew")).json()

    assert again["receipt"] == anew["receipt"] == first["receipt"]
    assert len(await shared_intake.recorded(concern_id)) == recorded
    assert _roles(await _concern(shared_intake, concern_id)) == {HERE: FORMER, THERE: LIVES}


async def test_a_form_that_does_not_know_of_a_move_changes_what_it_changes_and_moves_nobody_back(shared_intake) -> None:
    """Given a move, a changed form from before it puts a name right and adds words; the child stays where it is."""
    concern_id = await _raised(shared_intake, reference="form")
    await shared_intake.follow(concern_id, "moves", {"child": "child", "to": THERE, "school": {"name": "Far School"}})

    form = submission(reference="form", text="Seen again.")
    form["people"][0]["names"] = [{"given": "Tamsin", "family": "Orchard"}, {"given": "Tam", "family": "Orchard"}]
    for number in range(2):  # and once more, with something else changed: the merge is not what the form said
        answer = (await shared_intake.post(form | {"text": f"Seen again, {number}."})).json()
        assert answer["corrected"] is True
    concern = await _concern(shared_intake, concern_id)

    child = next(p for p in concern.people if p.role == codes.PersonRole.PERSON_ROLE_CHILD)
    assert _roles(concern) == {HERE: FORMER, THERE: LIVES}
    assert child.school_name == "Far School"
    assert [n.given for n in child.names] == ["Tamsin", "Tam"]
    assert "Seen again, 1." in {item.text for item in concern.items}


async def test_where_a_form_says_what_was_never_said_it_counts(shared_intake) -> None:
    """A third authority in the sender's own form is news, not a resend."""
    concern_id = await _raised(shared_intake, reference="third")
    await shared_intake.follow(concern_id, "moves", {"child": "child", "to": THERE})

    form = submission(reference="third")
    form["people"][0]["authorities"] = [{"gss_code": "E06000036", "role": "lives"}]
    await shared_intake.post(form)

    assert _roles(await _concern(shared_intake, concern_id)) == {"E06000036": LIVES}


async def test_what_was_taken_back_or_made_urgent_stays_so(shared_intake) -> None:
    """An item removed by a correction does not come back, an emergency does not become less, by an old form."""
    base = submission(reference="taken back", urgency="urgent")
    base["items"].append({"ref": "wrong", "kind": "fact", "text": "Of another child.", "about": "child"})
    concern_id = (await shared_intake.post(base)).json()["concern_id"]
    await shared_intake.follow(concern_id, "corrections", {"remove": ["wrong"], "reason": "Mixed up."})
    await shared_intake.follow(concern_id, "information", {"urgency": "emergency", "text": "Worse."})

    await shared_intake.post(base | {"text": "Something more."})
    concern = await _concern(shared_intake, concern_id)

    texts = {item.text for item in concern.items}
    assert "Something more." in texts
    assert "Of another child." not in texts
    assert concern.urgency == codes.Urgency.URGENCY_EMERGENCY


async def test_a_form_that_still_says_given_does_not_give_a_withdrawn_consent(shared_intake) -> None:
    """Neither the whole content nor a correction undoes a withdrawal; a new consent has a ref of its own."""
    consent = {"ref": "c7", "kind": "service", "status": "given", "subject": "mother"}
    base = submission(reference="still given", consents=[consent])
    concern_id = (await shared_intake.post(base)).json()["concern_id"]
    await shared_intake.follow(concern_id, "consents/c7/withdrawal", {})

    await shared_intake.post(base | {"text": "More."})
    await shared_intake.follow(concern_id, "corrections", {"consents": [consent], "text": "Yet more."})
    (standing,) = (await _concern(shared_intake, concern_id)).consents

    assert standing.status == WITHDRAWN


async def test_a_recorded_correction_decided_again_is_the_same(shared_intake) -> None:
    """Replay hands the core what was recorded: the merge of a merge is that merge."""
    concern_id = await _raised(shared_intake, reference="replayed")
    await shared_intake.follow(concern_id, "moves", {"child": "child", "to": THERE})
    before, _ = await shared_intake.journal.state(concern_id)
    await shared_intake.post(submission(reference="replayed", text="More."))
    _, facts = await shared_intake.journal.state(concern_id)
    (recorded,) = [fact for fact in facts if fact.type == "InformationCorrected"]
    act = Fact(
        FactKind.ACT, recorded.id, recorded.type, concern_id, recorded.time, recorded.recorded, recorded.data,
        recorded.parts, "larkfield-primary",
    )  # fmt: skip

    (effect,) = IntakeCore().decide(before, act).effects

    assert {c.part_id: c.part for c in effect.contents} == recorded.parts
    bare = copy.deepcopy(recorded.data)
    del bare.parts[:]
    assert effect.data == bare


@pytest.mark.parametrize("way", ["whole", "corrections", "information"])
async def test_a_consent_said_to_be_withdrawn_is_withdrawn_however_it_is_sent(shared_intake, way) -> None:
    """The keys are shut before the 202 and ConsentWithdrawn is recorded, once, as over the route for it."""
    fields = _resting(f"withdrawn in {way}")
    concern_id = await _raised(shared_intake, **fields)
    consent = {**fields["consents"][0], "status": "withdrawn"}

    async def send() -> Any:
        if way == "whole":
            return await shared_intake.post(submission(**fields | {"consents": [consent]}))
        return await shared_intake.follow(concern_id, way, {"consents": [consent]})

    answer, again = await send(), await send()
    state, facts = await shared_intake.journal.state(concern_id)

    assert [answer.status_code, again.status_code] == [202, 202], answer.text + again.text
    assert again.json()["receipt"] == answer.json()["receipt"]
    assert [fact.type for fact in facts if fact.type == "ConsentWithdrawn"] == ["ConsentWithdrawn"]
    assert len(state.concern.unopened) == 1
    assert [c.status for c in state.concern.consents] == [WITHDRAWN]


async def test_keys_left_open_by_a_killed_process_are_shut_by_the_next(new_intake) -> None:
    """Given a withdrawal that was recorded while its keys stayed open, the next start shuts them."""
    async with new_intake() as intake:
        concern_id = await _raised(intake, **_resting("killed"))
        await intake.follow(concern_id, "consents/c1/withdrawal", {})
        (consent,) = (await _concern(intake, concern_id)).consents
        await intake.keys.resume_consent(concern_id, consent.consent_ref, reason="never_shut")
        assert not (await _concern(intake, concern_id)).unopened

        assert await shut(Concerns(intake.pool), intake.keys) == 1

        assert len((await _concern(intake, concern_id)).unopened) == 1


async def test_a_consent_first_heard_of_as_withdrawn_shuts_nothing(shared_intake) -> None:
    """Nothing has rested on it: the concern stands on another basis, and nobody is kept from reading it."""
    fields = _resting("never stood")
    fields["consents"][0]["status"] = "withdrawn"
    concern_id = await _raised(shared_intake, **fields)

    state, facts = await shared_intake.journal.state(concern_id)

    assert not state.concern.unopened
    assert [fact.type for fact in facts] == ["ConcernRaised"]


async def test_of_follow_ups_at_the_same_moment_none_is_lost(shared_intake) -> None:
    """Given eight follow-ups about one child at once, everything that each of them said stands."""
    concern_id = await _raised(shared_intake, reference="at once")
    aliases = [f"Alias{number}" for number in range(6)]
    calls = [
        shared_intake.follow(
            concern_id, "information", {"people": [{"ref": "child", "names": [{"given": a, "family": "Orchard"}]}]}
        )
        for a in aliases
    ]
    calls.append(shared_intake.follow(concern_id, "moves", {"child": "child", "to": THERE}))
    calls.append(shared_intake.follow(concern_id, "corrections", {"people": [{"ref": "child", "sex": "female"}]}))

    answers = await together(*calls)
    concern = await _concern(shared_intake, concern_id)

    assert {answer.status_code for answer in answers} == {202}, [a.text for a in answers if a.status_code != 202]
    child = next(p for p in concern.people if p.role == codes.PersonRole.PERSON_ROLE_CHILD)
    assert {n.given for n in child.names} >= {"Tamsin", *aliases}
    assert _roles(concern) == {HERE: FORMER, THERE: LIVES}
    assert child.sex == codes.Sex.SEX_FEMALE
