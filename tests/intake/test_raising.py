"""Raising a concern over HTTP: accepted is recorded, and what is recorded is owed to the ledger."""

from __future__ import annotations

import base64
import json
from uuid import UUID

import pytest

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.envelope import encode
from services.chassis.integrity.leaf import leaf_hash, leaf_of
from services.chassis.integrity.receipt import Receipt
from tests.unit.intake.events import CANARY, submission
from tests.unit.intake.malformed import CATALOGUE

pytestmark = pytest.mark.database


async def test_what_is_accepted_is_recorded_before_it_is_answered(new_intake):
    """The answer names the concern, where to ask, and the record that the ledger owes."""
    async with new_intake() as intake:
        answer = await intake.post(submission())

        given = answer.json()
        (event,) = await intake.recorded()
        assert answer.status_code == 202
        assert answer.headers["location"] == given["status_url"] == f"/v1/concerns/{event.concern_id}"
        assert UUID(given["concern_id"]).version == 8
        assert (given["repeated"], given["corrected"], given["warnings"], given["notice"]) == (False, False, [], [])
        assert (event.type, event.data.agency_id, event.data.urgency) == (
            "ConcernRaised",
            "larkfield-primary",
            Urgency.URGENCY_URGENT,
        )


async def test_the_receipt_is_over_the_very_record_that_is_sent(new_intake):
    """Whoever holds it can demand that leaf for ever after."""
    async with new_intake() as intake:
        receipt = Receipt.parse((await intake.post(submission())).json()["receipt"])

        (event,) = await intake.recorded()
        record = encode(event)
        assert receipt.check([intake.signer.verifier]) == intake.signer.verifier
        assert receipt.event_id == str(event.id)
        assert receipt.leaf == leaf_hash(leaf_of(record.topic, record.key, record.headers, record.value))
        assert (await intake.client.get("/v1/receipt-key")).json() == {"verifier": str(intake.signer.verifier)}


async def test_nothing_of_the_content_lies_in_the_database_in_the_clear(new_intake):
    """The journal, the status and the requests are searched for a marked word, encoded in any way it could be."""
    async with new_intake() as intake:
        said = submission(reference=CANARY, text=CANARY, raised_by={"name": CANARY}, urgency=CANARY)
        said["people"][0] |= {"ref": CANARY, "names": [CANARY], "birth_date": CANARY}
        said["items"] = []
        answer = await intake.post(said, Idempotency_Key=CANARY)
        assert answer.status_code == 202

        found = ""
        for table in ("concern", "entry", "timer", "parked", "intake_status", "intake_request"):
            rows = await intake.pool.fetch(f"SELECT to_jsonb(t)::text AS row FROM {table} t")
            found += "".join(row["row"] for row in rows)
        assert len(found) > 1000
        for word in CANARY.split():
            for form in (word, word.encode().hex(), base64.b64encode(word.encode()).decode().rstrip("=")):
                assert form not in found


async def test_what_is_odd_is_kept_and_said(new_intake):
    """The codes travel with the event; the sender also gets the field and the remedy."""
    async with new_intake() as intake:
        said = submission(detail={"triggers": ["dog bite"]})
        said["people"][0]["identifiers"] = [{"kind": "nhs_number", "value": "9990000019"}]

        given = (await intake.post(said)).json()

        (event,) = await intake.recorded()
        assert [(w["code"], w["pointer"]) for w in given["warnings"]] == [
            ("code_not_known", "/detail/triggers/0"),
            ("identifier_invalid", "/people/0/identifiers/0/value"),
        ]
        assert all(w["detail"] for w in given["warnings"])
        assert list(event.data.warning_codes) == ["code_not_known", "identifier_invalid"]


@pytest.mark.parametrize(
    ("fields", "notices"),
    [
        ({"urgency": "emergency"}, ["call_999"]),
        ({"detail": {"immediate_danger": "yes"}}, ["call_999"]),
        ({"test": True}, ["practice"]),
        ({"history": True}, ["history"]),
        ({"urgency": "emergency", "test": True}, ["call_999", "practice"]),
        ({}, []),
    ],
    ids=str,
)
async def test_the_answer_says_what_a_person_has_to_do(new_intake, fields, notices):
    """An emergency: call 999, this is not a call; and record the call (practice 3)."""
    async with new_intake() as intake:
        given = (await intake.post(submission(**fields))).json()

        assert [n["code"] for n in given["notice"]] == notices
        if "call_999" in notices:
            assert "This is not a call" in given["notice"][0]["text"]
            assert "record it" in given["notice"][0]["text"]


async def test_what_was_said_against_sharing_is_answered_with_the_receipt(new_intake):
    """Given a sender who doubts, the answer to it comes at once, with the receipt; again when it is sent again."""
    said = submission(detail={"myths": ["consent_always_needed", "someone_else_has_told", "no such myth"]})
    async with new_intake() as intake:
        first, again = (await intake.post(said)).json(), (await intake.post(said)).json()
        more = {"detail": {"myths": ["not_my_role"]}, "text": "Seen again.", "by": {"name": "A", "role": "teacher"}}
        added = (await intake.follow(first["concern_id"], "information", more)).json()

    assert [one["code"] for one in first["answers"]] == ["consent_always_needed", "someone_else_has_told"]
    assert "not needed" in first["answers"][0]["text"]
    assert again["answers"] == first["answers"]
    assert [one["code"] for one in added["answers"]] == ["not_my_role"]


async def test_when_it_happened_is_the_time_of_the_event(new_intake):
    """A day counts from its start in London; what has not come yet is not believed."""
    async with new_intake() as intake:
        await intake.post(submission(reference="a", occurred="2026-07-01"))
        await intake.post(submission(reference="b", occurred="2999-01-01"))
        await intake.post(submission(reference="c", occurred="last Tuesday"))

        day, future, words = await intake.recorded()
        assert day.time.isoformat() == "2026-06-30T23:00:00+00:00"
        assert abs((future.time - future.recorded).total_seconds()) < 5
        assert abs((words.time - words.recorded).total_seconds()) < 5


@pytest.mark.parametrize("bad", CATALOGUE, ids=lambda bad: bad.name)
async def test_what_cannot_be_taken_is_a_problem_and_leaves_nothing(shared_intake, bad, caplog, capfd):
    """The catalogue over HTTP: problem+json with field and remedy; no word of it in answer, log or output."""
    before = await shared_intake.recorded()

    answer = await shared_intake.post(bad.body)

    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (bad.status, bad.status, bad.code)
    assert problem["detail"]
    if bad.pointer is not None:
        assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == (bad.pointer, bad.error)
    out, err = capfd.readouterr()
    everything = answer.text + caplog.text + out + err
    assert not any(word in everything for word in CANARY.split())
    assert await shared_intake.recorded() == before


async def test_a_bad_submission_does_not_stop_the_next(new_intake):
    """After everything in the catalogue a good one is taken as ever."""
    async with new_intake() as intake:
        for bad in CATALOGUE:
            await intake.post(bad.body)

        assert (await intake.post(submission())).status_code == 202
        assert len(await intake.recorded()) == 1


async def test_a_server_that_fails_says_nothing_of_what_was_sent(new_intake, caplog, capfd):
    """The database is gone in the middle: a problem, to be tried again, and no word of the content anywhere."""
    async with new_intake() as intake:
        await intake.pool.execute("DROP TABLE intake_status CASCADE")

        answer = await intake.post(submission(text=CANARY, reference=CANARY))

        assert answer.status_code >= 500
        out, err = capfd.readouterr()
        everything = answer.text + caplog.text + out + err
        assert not any(word in everything for word in CANARY.split())


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 202),
        ("application/json; charset=utf-8", 202),
        ("application/concern+json", 202),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/xml", 415),
        ("", 415),
    ],
)
async def test_json_is_sent_as_json(shared_intake, media_type, status):
    """What curl sends by itself is answered with the header that is missing."""
    headers = {"Authorization": f"Bearer {shared_intake.token('larkfield-primary')}", "Content-Type": media_type}

    answer = await shared_intake.client.post(
        "/v1/concerns", content=json.dumps(submission(reference=media_type or "none")).encode(), headers=headers
    )

    assert answer.status_code == status


async def test_only_who_may_raise_may_raise(shared_intake):
    """No token, a token for something else: nothing is recorded."""
    without = await shared_intake.client.post("/v1/concerns", json=submission())
    reader = shared_intake.token("larkfield-primary", frozenset({"inbox"}))
    other = await shared_intake.client.post(
        "/v1/concerns", json=submission(), headers={"Authorization": f"Bearer {reader}"}
    )

    assert (without.status_code, other.status_code) == (401, 403)


async def test_code_lists_are_there_for_all(shared_intake):
    """A supplier reads them; no token is needed."""
    lists = (await shared_intake.client.get("/v1/codes")).json()

    assert lists["Urgency"] == ["routine", "urgent", "emergency"]
    assert (await shared_intake.client.get("/v1/codes/Trigger")).json() == lists["Trigger"]
    assert (await shared_intake.client.get("/v1/codes/nothing")).status_code == 404


async def test_the_openapi_document_shows_the_whole_submission(shared_intake):
    """A supplier generates its client from it: no reference leads nowhere."""
    document = (await shared_intake.client.get("/v1/openapi.json")).json()
    body = document["paths"]["/v1/concerns"]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert body["required"] == ["reference", "raised_by"]
    assert "x-extensible-enum" in json.dumps(body["properties"]["people"])
    assert "#/$defs" not in json.dumps(document)


async def test_whatever_a_sandbox_agency_raises_is_practice(new_intake):
    """Given a sandbox agency that does not say test, its concern is practice all the same, and it is told so."""
    async with new_intake() as made:
        answer = await made.post(submission(), agency="sandbox-acme")
        (event,) = await made.recorded()

        assert event.data.test
        assert "practice" in [notice["code"] for notice in answer.json()["notice"]]
        assert (await made.post(submission(test=True), agency="sandbox-acme")).json()["repeated"]
