"""Submissions over Kafka, on the real broker: with an agency's principal, and access rules from the registry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from services.chassis.parked import ParkedRecords
from services.intake.submissions import taking as taking_one
from tests.chassis.rig import eventually
from tests.intake.kafka_rig import agencies_named, join, keys_in, lanes_of, taking
from tests.intake.rig import intake
from tests.unit.intake.events import CANARY, submission
from tests.unit.intake.malformed import CATALOGUE

pytestmark = [pytest.mark.broker, pytest.mark.database]

EMERGENCY = {"urgency": "emergency"}


async def test_a_submission_is_accepted_as_over_http(kafka, registered_topics, database, tmp_path):
    """Given a sealed submission, its agency gets the answer on its topic that HTTP gives, signed receipt and all."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        await school.send(submission(), "first")

        found = (await school.answered("first"))["first"]

        over_http = (await made.post(submission(), agency=name)).json()
        assert (found.status, found.headers["content-type"]) == (202, "application/json")
        assert found.headers["ce_type"] == "concern_relay.v1.SubmissionAccepted"
        assert over_http == found.body | {"repeated": True}
        assert [e.type for e in await made.recorded()] == ["ConcernRaised"]
        assert (await made.recorded())[0].data.agency_id == name


async def test_the_agency_is_who_owns_the_topic_not_who_it_says_it_is(kafka, registered_topics, database, tmp_path):
    """The broker lets no agency write another's submissions or anybody's receipts, or see any topic but its two."""
    keys = keys_in(tmp_path)
    names = agencies_named("school", "thief")
    school, thief = await join(kafka, keys, *names)

    with pytest.raises(TopicAuthorizationFailedError):
        await thief.put(thief.seal(submission(), "one"), to=school.agency)
    assert await thief.sees() == {f"submissions.{thief.agency}.v1", f"receipts.{thief.agency}.v1"}


async def test_what_another_agency_sealed_is_no_submission_of_the_one_that_sends_it(
    kafka, registered_topics, database, tmp_path
):
    """Given a copy of another agency's sealed bytes, it does not open under the copier's name."""
    keys = keys_in(tmp_path)
    names = agencies_named("school", "thief")
    school, thief = await join(kafka, keys, *names)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, names)):
        await thief.put(school.seal(submission(), "copied"))

        found = (await thief.answered("copied"))["copied"]

        assert (found.status, found.body["code"]) == (400, "cannot_be_opened")
        assert await made.recorded() == [e for e in await made.recorded() if e.type == "RecordParked"]


REFUSED = {
    "no id": ({"ce_keyid": "?"}, None, "no_submission_id"),
    "a key nobody has": ({"ce_id": "x", "ce_keyid": "0123456789abcdef"}, None, "submission_key_not_known"),
    "no key": ({"ce_id": "x"}, None, "submission_key_not_known"),
    "bytes": ({"ce_id": "x", "ce_keyid": "?"}, b"\x00" * 100, "cannot_be_opened"),
    "nothing": ({"ce_id": "x", "ce_keyid": "?"}, b"", "cannot_be_opened"),
    "few bytes": ({"ce_id": "x", "ce_keyid": "?"}, b"\xff", "cannot_be_opened"),
    "no json": ({}, b"<xml/>", "not_json"),
    "a list": ({}, b"[]", None),
    "a null byte": ({}, b"\x00", "not_utf8"),
    "deep": ({}, b"[" * 3000, "too_deep"),
    "too large": ({}, b'"' + b"x" * (1024 * 1024 + 10) + b'"', "too_large"),
    "a field that is not known": ({}, b'{"reference":"r","colour":"red"}', "fields_wrong"),
}


async def test_what_cannot_be_taken_is_answered_and_parked_and_stops_nothing(
    kafka, registered_topics, database, tmp_path
):
    """Given each kind of bad record, its sender is told the remedy, it is parked, and what comes after is accepted."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    records = []
    for place, (headers, value, _) in enumerate(REFUSED.values()):
        if headers:
            said = {n: school.key.key_id if v == "?" else v for n, v in headers.items()}
            records.append((value or b"", said | ({"ce_id": f"bad-{place}"} if "ce_id" in said else {}), None))
        else:
            records.append(school.seal(value, f"bad-{place}"))
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        await school.put(*records, school.seal(submission(), "good"))

        found = await school.answered("good")

        assert found["good"].status == 202
        answers = {int(r.headers["ce_submissionoffset"]): r for r in await school.receipts()}
        for place, (kind, (_, _, code)) in enumerate(REFUSED.items()):
            answer = answers[place]
            assert 400 <= answer.status < 500, kind
            assert answer.headers["content-type"] == "application/problem+json", kind
            assert answer.body["detail"], kind
            assert code is None or code == answer.body["code"] or code == "fields_wrong", (kind, answer.body)
        parked = await ParkedRecords(made.journal).list()
        assert len(parked) == len(REFUSED)
        assert {p.reason for p in parked} == {"submission_refused"}
        assert await ParkedRecords(made.journal).sender_of(parked[0].parked_id) == name


async def test_a_parked_emergency_alarms(kafka, registered_topics, database, tmp_path):
    """Given an emergency that cannot be opened, it is counted among the parked emergencies."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        value, headers, _ = school.seal(submission(), "lost", urgency="emergency")
        await school.put((value[:-1], headers, None))
        await school.answered("lost")

        assert (await ParkedRecords(made.journal).counts())[True] == 1


async def test_a_key_that_was_replaced_still_opens_and_one_long_gone_does_not(
    kafka, registered_topics, database, tmp_path
):
    """Given a rotation, what was sealed before is accepted; 30 days later the key is gone, and the remedy is told."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        keys.rotate(datetime.now(UTC))
        await school.send(submission(), "overlap")
        assert (await school.answered("overlap"))["overlap"].status == 202

        made.clock.offset += timedelta(days=31)
        await school.send(submission(), "late")

        assert (await school.answered("late"))["late"].body["code"] == "submission_key_not_known"
        assert school.key.key_id != keys.current().key_id


async def test_a_replayed_submission_goes_through_the_door_again(kafka, registered_topics, database, tmp_path):
    """Given a submission parked because the keys were away, replaying it with the keys back accepts and answers it."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    lanes = None
    async with intake(database) as made:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        wrong = keys_in(elsewhere)
        wrong.rotate(datetime.now(UTC))
        lanes = lanes_of(kafka, made, wrong, [name])
        async with taking(lanes):
            await school.send(submission(), "kept")
            assert (await school.answered("kept"))["kept"].status == 400
        parked = ParkedRecords(made.journal)
        lanes = lanes_of(kafka, made, keys, [name], lanes.group)
        parked.retake = lanes.retake
        (found,) = await parked.list()
        async with taking(lanes):
            await eventually(_ready(lanes), "the lanes run")

            assert await parked.replay(found.parked_id, by="operator-test") == 1

        assert [r.status for r in await school.receipts()] == [400, 202]
        assert await parked.list() == []


def _ready(lanes):
    async def look():
        return lanes.answering

    return look


async def test_a_hurry_passes_what_is_in_no_hurry(kafka, registered_topics, database, tmp_path):
    """Given 400 routine submissions and then an emergency, the emergency is accepted before half of them."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    bulk = [school.seal(submission(reference=f"r{n}", urgency="routine"), f"bulk-{n}") for n in range(400)]
    await school.put(*bulk, school.seal(submission(reference="now", **EMERGENCY), "now", urgency="emergency"))
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        await school.answered("now", "bulk-399", deadline_s=60)

        order = [r.submission_id for r in await school.receipts()]

        assert order.index("now") < 200
        assert len(set(order)) == len(order) == 401
        assert len(await made.recorded()) == 401


async def test_no_agency_holds_up_another(kafka, registered_topics, database, tmp_path):
    """Given one agency with 400 submissions waiting, another's single one is answered before half of those."""
    keys = keys_in(tmp_path)
    names = agencies_named("bulky", "single")
    bulky, single = await join(kafka, keys, *names)
    await bulky.put(*(bulky.seal(submission(reference=f"r{n}"), f"bulk-{n}") for n in range(400)))
    await single.send(submission(), "one")
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, names)):
        await single.answered("one")
        waited = len(await bulky.receipts())

        assert waited < 200


async def test_a_hurry_does_not_overtake_what_came_before_under_its_key(kafka, registered_topics, database, tmp_path):
    """Given a concern and, under the same key, its urgent correction behind a backlog: raised first, then corrected."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    filler = [school.seal(submission(reference=f"r{n}", urgency="routine"), f"bulk-{n}") for n in range(150)]
    first = school.seal(submission(urgency="routine"), "first", key=b"k1")
    later = school.seal(submission(text="Worse.", **EMERGENCY), "later", key=b"k1", urgency="emergency")
    await school.put(*filler, first, later)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        await school.answered("later", "first", "bulk-149", deadline_s=60)

        concern_id = (await school.answered("later"))["later"].body["concern_id"]
        assert [e.type for e in await made.recorded(concern_id)] == ["ConcernRaised", "InformationCorrected"]
        order = [r.submission_id for r in await school.receipts()]
        assert order.index("first") < order.index("later") < 120


async def test_an_agency_that_always_hurries_holds_up_no_emergency(kafka, registered_topics, database, tmp_path):
    """Given 300 urgent submissions, its own emergency and another agency's come before half of those."""
    keys = keys_in(tmp_path)
    names = agencies_named("hasty", "other")
    hasty, other = await join(kafka, keys, *names)
    flood = [hasty.seal(submission(reference=f"r{n}"), f"u{n}", urgency="urgent") for n in range(300)]
    await hasty.put(*flood, hasty.seal(submission(reference="now", **EMERGENCY), "now", urgency="emergency"))
    await other.put(other.seal(submission(reference="now", **EMERGENCY), "theirs", urgency="emergency"))
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, names)):
        await other.answered("theirs")
        assert len(await hasty.receipts()) < 150
        await hasty.answered("now", "u299", deadline_s=60)

        order = [r.submission_id for r in await hasty.receipts()]
        assert order.index("now") < 150
        assert set(order) == {"now", *(f"u{n}" for n in range(300))}


async def test_an_agency_that_joins_while_intake_runs_is_heard(kafka, registered_topics, database, tmp_path):
    """Given lanes that run, an agency whose topics are made then is answered without a restart."""
    keys = keys_in(tmp_path)
    names = agencies_named("early", "newcomer")
    (early,) = await join(kafka, keys, names[0])
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, names)):
        await early.send(submission(), "one")
        await early.answered("one")
        (newcomer,) = await join(kafka, keys, names[1])

        await newcomer.send(submission(), "two")

        assert (await newcomer.answered("two"))["two"].status == 202


async def test_what_comes_under_one_reference_keeps_its_order(kafka, registered_topics, database, tmp_path):
    """Given concerns and two corrections each, interleaved in one batch, each is raised and then corrected in order."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    texts = ("First.", "Second.", "Third.")
    sent = [(r, v) for v in range(3) for r in range(5)]
    await school.put(*(school.seal(submission(reference=f"r{r}", text=texts[v]), f"{r}-{v}") for r, v in sent))
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        found = await school.answered(*(f"{r}-{v}" for r, v in sent))

        for reference in range(5):
            concern_id = found[f"{reference}-0"].body["concern_id"]
            events = [str(e.id) for e in await made.recorded(concern_id)]
            assert [found[f"{reference}-{v}"].body["receipt"]["event_id"] for v in range(3)] == events


async def test_the_whole_catalogue_of_bad_submissions_is_answered_as_over_http(
    kafka, registered_topics, database, tmp_path
):
    """Given every malformed submission, the answer is HTTP's, repeats nothing, and the next one is accepted."""
    keys = keys_in(tmp_path)
    (name,) = agencies_named("sandbox")
    (school,) = await join(kafka, keys, name)
    fitting = [bad for bad in CATALOGUE if len(bad.body) <= 1024 * 1024 + 1000]
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        await school.put(*(school.seal(bad.body, f"bad-{n}") for n, bad in enumerate(fitting)))
        await school.send(submission(), "good")

        found = await school.answered("good", *(f"bad-{n}" for n, _ in enumerate(fitting)), deadline_s=60)

        assert found["good"].status == 202
        assert len(fitting) > 40
        for n, bad in enumerate(fitting):
            answer = found[f"bad-{n}"]
            assert (answer.status, answer.body["code"]) == (bad.status, bad.code), bad.name
            assert CANARY not in str(answer.body), bad.name
        assert await ParkedRecords(made.journal).list() == []  # a sandbox's mistakes alarm no operator


async def test_an_agency_that_is_refused_for_ever_fills_nothing(
    kafka, registered_topics, database, tmp_path, monkeypatch
):
    """Given more refused submissions than are kept open, each is answered and only so many are parked."""
    monkeypatch.setattr(taking_one, "PARKED_MAX", 3)
    keys = keys_in(tmp_path)
    (name,) = agencies_named("school")
    (school,) = await join(kafka, keys, name)
    async with intake(database) as made, taking(lanes_of(kafka, made, keys, [name])):
        for n in range(6):
            await school.send(b"no json", f"bad-{n}")
            await school.answered(f"bad-{n}")

        assert len(await ParkedRecords(made.journal).list()) == 3


async def test_several_processes_share_the_agencies_and_one_that_goes_leaves_nothing_behind(
    kafka, registered_topics, database, tmp_path
):
    """Given two processes of one group and one that leaves in the middle, every submission has one receipt id."""
    keys = keys_in(tmp_path)
    names = agencies_named("a", "b", "c", "d")
    senders = await join(kafka, keys, *names)
    async with intake(database) as made:
        first = lanes_of(kafka, made, keys, names)
        second = lanes_of(kafka, made, keys, names, first.group)
        async with taking(first):
            async with taking(second):
                for sender in senders:
                    await sender.put(*(sender.seal(submission(reference=f"r{n}"), f"s{n}") for n in range(40)))
                await senders[0].answered("s5")
            found = [await sender.answered(*(f"s{n}" for n in range(40)), deadline_s=60) for sender in senders]

        assert {r.status for each in found for r in each.values()} == {202}
        for sender in senders:
            ids: dict[str, set[str]] = {}
            for r in await sender.receipts():
                ids.setdefault(r.submission_id, set()).add(r.receipt_id)
            assert {len(each) for each in ids.values()} == {1}
        assert len([e for e in await made.recorded() if e.type == "ConcernRaised"]) == 160
