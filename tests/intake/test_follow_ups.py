"""Follow-ups over HTTP: recorded once, by whom it may be, keys of a withdrawn consent shut before the answer."""

from __future__ import annotations

from typing import Any

import pytest

from concern_relay.v1 import codes_pb2 as codes
from concern_relay.v1.assessments_pb2 import BasisAssessed, ClassAssessment, ItemAssessment
from concern_relay.v1.shares_pb2 import SharePlanned
from services.intake.objections import settle
from services.intake.store import Concerns
from tests.intake.rig import together
from tests.unit.intake.events import submission

pytestmark = pytest.mark.database
CSC = codes.AgencyClass.AGENCY_CLASS_CHILDRENS_SOCIAL_CARE
SHARED = codes.Outcome.OUTCOME_SHARE_POWER


async def _raised(intake: Any, **fields: Any) -> str:
    answer = await intake.post(submission(**fields))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["concern_id"])


def _resting(reference: str) -> dict[str, Any]:
    item = {"ref": "mood", "category": "mental_health", "about": "mother", "text": "Low.", "consent": "c1"}
    consent = {"ref": "c1", "kind": "basis", "status": "given", "subject": "mother", "items": ["mood"]}
    base = submission(reference=reference)
    return {"reference": reference, "items": [*base["items"], item], "consents": [consent]}


async def _assessed(intake: Any, concern_id: str, event_id: str, article9: int = 0) -> None:
    """Let basis assessment say that the mood was shared with social care, under this condition."""
    held = await intake.acceptance.journal.state(concern_id)
    mood = next(i.item_id for i in held[0].concern.items if i.category == codes.Category.CATEGORY_MENTAL_HEALTH)
    item = ItemAssessment(part_id=mood, outcome=SHARED, article9=article9)
    told = ClassAssessment(recipient_class=CSC, outcome=SHARED, items=[item])
    data = BasisAssessed(concern_id=concern_id, assessed_event_id=event_id, classes=[told])
    await intake.hear(concern_id, data, topic="assessments.v1")


@pytest.mark.parametrize(
    ("path", "body", "event"),
    [
        ("information", {"items": [{"text": "Seen again.", "about": "child"}]}, "InformationAdded"),
        ("corrections", {"people": [{"ref": "child", "birth_date": "2018-05-12"}]}, "InformationCorrected"),
        ("consents", {"ref": "c9", "kind": "service", "subject": "mother"}, "ConsentGiven"),
        ("moves", {"child": "child", "to": "E06000035"}, "ChildMoved"),
    ],
)
async def test_a_follow_up_is_recorded_once(shared_intake, path, body, event) -> None:
    """Given a concern, when a follow-up is sent four times at once and once more, then one event and one receipt."""
    concern_id = await _raised(shared_intake, reference=f"once {path}")

    answers = await together(*(shared_intake.follow(concern_id, path, body) for _ in range(4)))
    later = await shared_intake.follow(concern_id, path, body)

    assert {answer.status_code for answer in (*answers, later)} == {202}, later.text
    assert len({str(answer.json()["receipt"]) for answer in (*answers, later)}) == 1
    assert later.json()["repeated"] is True
    assert [e.type for e in await shared_intake.recorded(concern_id)] == ["ConcernRaised", event]


async def test_a_follow_up_of_another_agency_does_not_even_learn_that_there_is_a_concern(shared_intake) -> None:
    """The same problem as for a concern that does not exist."""
    concern_id = await _raised(shared_intake, reference="not yours")

    answers = [
        await shared_intake.follow(one, "information", {"text": "x"}, agency="stourside-academy")
        for one in (concern_id, "7771a82d-7eba-8022-8000-000000000000")
    ]

    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].json()["code"] == answers[1].json()["code"]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


async def test_what_was_added_outlives_the_first_content_sent_anew(shared_intake) -> None:
    """Given an addition, when the sender's form sends its whole content changed, then what was added still stands."""
    concern_id = await _raised(shared_intake, reference="outlives")
    await shared_intake.follow(concern_id, "information", {"items": [{"text": "Added later.", "about": "child"}]})

    again = submission(reference="outlives", urgency="emergency")
    assert (await shared_intake.post(again)).json()["corrected"] is True
    state, _ = await shared_intake.journal.state(concern_id)

    assert "Added later." in {item.text for item in state.concern.items}


async def test_a_correction_changes_what_it_states_and_nothing_else(shared_intake) -> None:
    """The birth date is new; name and number stand; what is named under remove is gone."""
    concern_id = await _raised(shared_intake, reference="partial")

    body = {"people": [{"ref": "child", "birth_date": "2018-05-12"}], "remove": ["mother"], "reason": "Wrong form."}
    assert (await shared_intake.follow(concern_id, "corrections", body)).status_code == 202
    state, _ = await shared_intake.journal.state(concern_id)

    (child,) = state.concern.people
    assert child.birth_date == "2018-05-12"
    assert child.names[0].given == "Tamsin"
    assert child.identifiers[0].value == "9990000018"


async def test_a_withdrawn_consent_opens_nothing_when_the_answer_comes(shared_intake) -> None:
    """Its keys are suspended before the 202, also for what would be sealed under it later."""
    concern_id = await _raised(shared_intake, **_resting("withdrawn"))
    before, _ = await shared_intake.journal.state(concern_id)

    answer = await shared_intake.follow(concern_id, "consents/c1/withdrawal", {"words": "I have changed my mind."})
    after, _ = await shared_intake.journal.state(concern_id)
    refused = await shared_intake.follow(
        concern_id, "information", {"items": [{"text": "More.", "about": "mother", "consent": "c1"}]}
    )

    assert answer.status_code == 202, answer.text
    assert len(after.concern.unopened) == 1
    assert after.concern.unopened <= before.concern.parts.keys()
    assert refused.status_code == 409
    assert refused.json()["code"] == "erased_or_suspended"


async def test_a_consent_that_is_not_there_suspends_nothing(shared_intake) -> None:
    """A slip in the ref is a 404, and everything still opens."""
    concern_id = await _raised(shared_intake, **_resting("no such consent"))

    answer = await shared_intake.follow(concern_id, "consents/c2/withdrawal", {})
    state, _ = await shared_intake.journal.state(concern_id)

    assert answer.json()["code"] == "no_such_consent"
    assert not state.concern.unopened


@pytest.mark.parametrize(
    ("article9", "opens"),
    [
        (codes.Article9.ARTICLE9_G_SUBSTANTIAL_PUBLIC_INTEREST, True),
        (codes.Article9.ARTICLE9_A_EXPLICIT_CONSENT, False),
    ],
)
async def test_keys_resume_when_the_consent_was_not_the_basis(shared_intake, article9, opens) -> None:
    """Given a disclosure on another condition, the next assessment opens the keys, with an objection recorded."""
    concern_id = await _raised(shared_intake, **_resting(f"objection {article9}"))
    first, *_ = await shared_intake.recorded(concern_id)
    await _assessed(shared_intake, concern_id, str(first.id), article9)
    await shared_intake.follow(concern_id, "consents/c1/withdrawal", {})
    withdrawn = (await shared_intake.recorded(concern_id))[-1]
    assert await settle(shared_intake.journal, Concerns(shared_intake.pool), shared_intake.keys) == 0

    await shared_intake.hear(
        concern_id, BasisAssessed(concern_id=concern_id, assessed_event_id=str(withdrawn.id)), topic="assessments.v1"
    )
    await settle(shared_intake.journal, Concerns(shared_intake.pool), shared_intake.keys)
    state, facts = await shared_intake.journal.state(concern_id)

    assert ("ObjectionRecorded" in {fact.type for fact in facts}) is opens
    assert (not state.concern.unopened) is opens


async def test_a_link_stands_with_both_concerns_and_can_be_undone(shared_intake) -> None:
    """Linked, parted and linked again by a named person: six facts, and the last word counts."""
    one, other = [await _raised(shared_intake, reference=f"link {n}") for n in (1, 2)]
    body = {"other_concern_id": other, "reason_code": "same_number", "reason": "Same number.", "by": "Asha Verne"}
    parted = {"reason_code": "different_child", "reason": "A cousin.", "by": "Asha Verne"}

    unnamed = await shared_intake.follow(one, "links", {**body, "by": {"role": "clerk"}})
    answers = [
        await shared_intake.follow(one, "links", body),
        await shared_intake.follow(one, "links", body),
        await shared_intake.follow(one, f"links/{other}/removal", parted),
        await shared_intake.follow(one, "links", body, Idempotency_Key="again"),
    ]
    states = [(await shared_intake.journal.state(concern))[0] for concern in (one, other)]

    assert unnamed.json()["code"] == "person_unnamed"
    assert [a.status_code for a in answers] == [202] * 4
    assert [a.json()["repeated"] for a in answers] == [False, True, False, False]
    assert [state.links for state in states] == [{other}, {one}]
    assert len(await shared_intake.recorded(other)) == 4


async def test_whoever_was_told_may_say_that_the_child_moved(shared_intake) -> None:
    """Social care was sent the concern: it may record the move, and not correct what the school said."""
    concern_id = await _raised(shared_intake, reference="told")
    move = {"to": "E06000035", "moved_at": "2026-11-22"}
    before = await shared_intake.follow(concern_id, "moves", move, agency="kent-csc")
    planned = SharePlanned(concern_id=concern_id, share_id="s", recipient_agency_id="kent-csc")
    await shared_intake.hear(concern_id, planned)

    moved = await shared_intake.follow(concern_id, "moves", move, agency="kent-csc")
    corrected = await shared_intake.follow(concern_id, "corrections", {"text": "No."}, agency="kent-csc")
    state, _ = await shared_intake.journal.state(concern_id)

    assert [before.status_code, moved.status_code, corrected.status_code] == [404, 202, 404]
    child = next(p for p in state.concern.people if p.person_id in state.moved)
    roles = {a.gss_code: codes.AuthorityRole.Name(a.role) for a in child.authorities}
    assert roles == {"E10000016": "AUTHORITY_ROLE_FORMER", "E06000035": "AUTHORITY_ROLE_LIVES"}


async def test_nobody_knows_where_to_raises_a_concern_of_its_own_once(shared_intake) -> None:
    """Sent four times at once and once more: one move, one new concern that names where it came from, in one breath."""
    concern_id = await _raised(shared_intake, reference="gone")
    gone = {"unknown_destination": True, "note": "The flat is empty."}

    answers = await together(*(shared_intake.follow(concern_id, "moves", gone) for _ in range(4)))
    later = await shared_intake.follow(concern_id, "moves", gone)
    [moved] = [e for e in await shared_intake.recorded(concern_id) if e.type == "ChildMoved"]
    new_id = moved.data.raises_concern_id
    [raised] = await shared_intake.recorded(new_id)
    state, _ = await shared_intake.journal.state(new_id)

    assert {a.status_code for a in (*answers, later)} == {202}, later.text
    assert {a.json()["raises_concern_id"] for a in (*answers, later)} == {new_id}
    assert (raised.type, raised.data.arises_from_concern_id) == ("ConcernRaised", concern_id)
    assert "The flat is empty." in " ".join(item.text for item in state.concern.items)
    assert codes.Trigger.TRIGGER_MISSING_EDUCATION in state.concern.detail.triggers


async def test_a_child_that_is_lost_twice_raises_two_concerns(shared_intake) -> None:
    """Found in Medway, then gone again: the second time is another concern, and a known destination raises none."""
    concern_id = await _raised(shared_intake, reference="gone twice")

    moves = [{"unknown_destination": True}, {"to": "E06000035"}, {"unknown_destination": True}]
    answers = [
        await shared_intake.follow(concern_id, "moves", move, Idempotency_Key=f"lost-{n}")
        for n, move in enumerate(moves)
    ]
    raised = [answer.json()["raises_concern_id"] for answer in answers]

    assert raised[1] is None
    assert len({raised[0], raised[2], concern_id}) == 3


async def test_a_key_of_one_door_does_not_open_another(shared_intake) -> None:
    """The same Idempotency-Key for another follow-up is told so; for the same one it gives the first answer."""
    concern_id = await _raised(shared_intake, reference="keys")
    body = {"text": "Once."}

    first = await shared_intake.follow(concern_id, "information", body, Idempotency_Key="k-follow")
    again = await shared_intake.follow(concern_id, "information", body, Idempotency_Key="k-follow")
    other = await shared_intake.follow(concern_id, "corrections", body, Idempotency_Key="k-follow")

    assert first.json()["receipt"] == again.json()["receipt"]
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("information", {}, "field_wrong"),
        ("information", {"itms": []}, "field_wrong"),
        ("information", [1], "not_an_object"),
        ("moves", {"child": "nobody", "to": "E06000035"}, "no_such_child"),
        ("moves", {"child": "child"}, "field_wrong"),
        ("links", {"other_concern_id": "x", "reason": "y"}, "field_wrong"),
    ],
)
async def test_what_cannot_be_taken_is_said_with_its_remedy(shared_intake, path, body, code) -> None:
    """A problem with a code, and nothing recorded."""
    concern_id = await _raised(shared_intake, reference="refused")

    answer = await shared_intake.follow(concern_id, path, body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == code
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert len(await shared_intake.recorded(concern_id)) == 1
