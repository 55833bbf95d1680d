"""Follow-ups over Kafka, on the real broker: recorded once, answered as over HTTP, by whom it may be."""

from __future__ import annotations

from typing import Any

import pytest

from services.chassis.parked import ParkedRecords
from tests.intake.kafka_rig import agencies_named, join, keys_in, lanes_of, taking
from tests.intake.rig import intake
from tests.unit.intake.events import CANARY, submission
from tests.unit.intake.malformed import FOLLOW_UP_PATHS, FOLLOW_UPS

pytestmark = [pytest.mark.broker, pytest.mark.database]

KINDS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("InformationAdded", "information", {"items": [{"text": "Seen again.", "about": "child"}]}),
    ("InformationCorrected", "corrections", {"people": [{"ref": "child", "birth_date": "2018-05-12"}]}),
    ("ConsentGiven", "consents", {"ref": "c9", "kind": "service", "subject": "mother"}),
    ("ConsentWithdrawn", "consents/c9/withdrawal", {"consent": "c9", "words": "I have changed my mind."}),
    ("ChildMoved", "moves", {"child": "child", "to": "E06000035"}),
)


async def test_every_kind_is_recorded_once_and_known_again_over_http(kafka, registered_topics, database, tmp_path):
    """Given each kind sent twice over Kafka and once over HTTP: one event, one receipt, in the order sent."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        concern_id = (await made.post(submission(), agency=name)).json()["concern_id"]
        sent = [(f"{kind}-{n}", kind, body) for kind, _, body in KINDS for n in range(2)]

        await school.put(*(school.seal(body, one, follows=(kind, concern_id)) for one, kind, body in sent))
        found = await school.answered(*(one for one, _, _ in sent))

        assert {receipt.status for receipt in found.values()} == {202}, found
        assert [e.type for e in await made.recorded(concern_id)] == ["ConcernRaised", *(kind for kind, _, _ in KINDS)]
        for kind, path, body in KINDS:
            first, again = found[f"{kind}-0"].body, found[f"{kind}-1"].body
            said = {name: value for name, value in body.items() if name != "consent"}
            over_http = (await made.follow(concern_id, path, said, agency=name)).json()
            assert first["concern_id"] == concern_id
            assert again["repeated"], kind
            assert first["receipt"] == again["receipt"] == over_http["receipt"], kind


async def test_who_did_not_raise_it_cannot_follow_it_up_nor_learn_that_it_is_there(
    kafka, registered_topics, database, tmp_path
):
    """Given another agency's concern, and none at all, every kind is refused with one and the same problem."""
    keys = keys_in(tmp_path)
    names = agencies_named("school", "thief")
    school, thief = await join(kafka, keys, *names)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, names)):
        concern_id = (await made.post(submission(), agency=school.agency)).json()["concern_id"]
        nobody = "7771a82d-7eba-8022-8000-000000000000"
        sent = [(f"{kind}-{n}", kind, body, at) for kind, _, body in KINDS for n, at in enumerate((concern_id, nobody))]

        await thief.put(*(thief.seal(body, one, follows=(kind, at)) for one, kind, body, at in sent))
        found = await thief.answered(*(one for one, *_ in sent))

        assert {receipt.status for receipt in found.values()} == {404}
        assert len({str(receipt.body) for receipt in found.values()}) == 1
        assert [e.type for e in await made.recorded(concern_id)] == ["ConcernRaised"]


async def test_a_sealed_follow_up_is_of_no_other_concern_and_no_other_kind(
    kafka, registered_topics, database, tmp_path
):
    """Given headers changed after sealing, it does not open; without a kind or concern, the remedy is told."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        one, other = [
            (await made.post(submission(reference=reference), agency=name)).json()["concern_id"]
            for reference in ("one", "other")
        ]
        follows = ("InformationAdded", one)
        await school.put(
            school.seal({"text": CANARY}, "elsewhere", follows=follows, subject=other),
            school.seal({"text": CANARY}, "otherwise", follows=follows, type="concern_relay.v1.InformationCorrected"),
            school.seal({"text": CANARY}, "raised", follows=follows, type="concern_relay.v1.ConcernRaised"),
            school.seal({"text": CANARY}, "typo", follows=("InformationAded", one)),
            school.seal({"text": CANARY}, "nowhere", follows=("InformationAdded", "")),
            school.seal({"text": CANARY}, "no-id", follows=("InformationAdded", "the one of Monday")),
        )
        found = await school.answered("elsewhere", "otherwise", "raised", "typo", "nowhere", "no-id")

        assert {name: receipt.body["code"] for name, receipt in found.items()} == {
            "elsewhere": "cannot_be_opened", "otherwise": "cannot_be_opened", "raised": "cannot_be_opened",
            "typo": "kind_not_known", "nowhere": "no_concern_id", "no-id": "no_concern_id",
        }  # fmt: skip
        assert [e.type for e in await made.recorded(one)] == ["ConcernRaised"]


async def test_a_type_that_is_the_senders_own_raises_a_concern(kafka, registered_topics, database, tmp_path):
    """Given a ce_type of another's, as CloudEvents libraries want one, the submission is taken as before."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        await school.send(submission(), "own", type="com.acme.concern", subject="7")

        assert (await school.answered("own"))["own"].status == 202


async def test_every_malformed_follow_up_is_answered_as_over_http_and_kept_for_the_operator(
    kafka, registered_topics, database, tmp_path
):
    """Given the catalogue of follow-ups, each gets HTTP's answer, is parked, and a good one after it is taken."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        concern_id = (await made.post(submission(), agency=name)).json()["concern_id"]
        named = {f"bad-{n}": bad for n, bad in enumerate(FOLLOW_UPS)}
        sealed = [school.seal(bad.body, one, follows=(bad.kind, concern_id)) for one, bad in named.items()]

        await school.put(*sealed, school.seal({"text": "Good."}, "good", follows=("InformationAdded", concern_id)))
        found = await school.answered("good", *named, deadline_s=60)

        assert found["good"].status == 202
        for one, bad in named.items():
            answer = found[one]
            over_http = await made.follow(concern_id, FOLLOW_UP_PATHS[bad.kind], bad.body, agency=name)
            assert (answer.status, answer.body["code"]) == (bad.status, bad.code), bad.name
            assert over_http.status_code == bad.status, bad.name
            assert bad.status == 413 or over_http.json() == answer.body, bad.name
            assert CANARY not in str(answer.body), bad.name
        assert len(await ParkedRecords(made.journal).list()) == len(FOLLOW_UPS)
        assert [e.type for e in await made.recorded(concern_id)] == ["ConcernRaised", "InformationAdded"]


async def test_a_withdrawn_consent_opens_nothing_when_the_receipt_comes(kafka, registered_topics, database, tmp_path):
    """Given an item that rests on a consent, its withdrawal over Kafka shuts its keys before the receipt is written."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    item = {"ref": "mood", "category": "mental_health", "about": "mother", "text": "Low.", "consent": "c1"}
    consent = {"ref": "c1", "kind": "basis", "status": "given", "subject": "mother", "items": ["mood"]}
    resting = submission(items=[item], consents=[consent])
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        concern_id = (await made.post(resting, agency=name)).json()["concern_id"]

        await school.send({"consent": "c1", "words": "No."}, "shut", follows=("ConsentWithdrawn", concern_id))
        answer = (await school.answered("shut"))["shut"]
        state, _ = await made.journal.state(concern_id)

        assert answer.status == 202
        assert len(state.concern.unopened) == 1
