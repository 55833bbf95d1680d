"""Agencies let in, renewed and let go on a running house; and what they sent over Kafka while intake was killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from concern_relay_client import Client, NotAuthenticated, Problem
from concern_relay_client.kafka import KafkaClient
from services.chassis.tokens import AGENCY_SCOPES, mint_token, signing_key
from services.workbench.calls import Calls
from services.workbench.feeder import samples
from services.workbench.house import House
from services.workbench.recorded import events_of
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

SCHOOL = "weald-college"
SUPPLIER = "sandbox-supplier"
MANY = 60
DEADLINE_S = 90.0


def relay(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command as an operator would; its exit code and envelope."""
    done = subprocess.run(
        (sys.executable, "-m", "services.workbench.cli", *arguments, "--json"),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def handover(agency: str) -> dict[str, Any]:
    """Read what an agency was told."""
    _, envelope = relay("agency", "show", agency)
    return json.loads(Path(envelope["data"]["handover"]).read_text())


def client(told: dict[str, Any]) -> Client:
    """Give the agency's client."""
    return Client(told["url"], Path(told["token_file"]).read_text().strip())


@pytest.fixture(scope="module")
def school(running_house: House) -> dict[str, Any]:
    """An agency of the arrangement, let in."""
    code, envelope = relay("agency", "add", SCHOOL)
    assert code == 0, envelope
    return handover(SCHOOL)


def test_a_practice_message_comes_back_acknowledged_over_both_doors(running_house: House, calls: Calls):
    """Given a supplier's sandbox, adding it twice makes it once, and its message is one concern over both doors."""
    first, again = (relay("agency", "add", SUPPLIER) for _ in range(2))

    assert (first[0], again[0]) == (0, 0), (first, again)
    [made], [same] = first[1]["data"]["agencies"], again[1]["data"]["agencies"]
    assert made["changed"] == ["login", "topics", "rules", "token"]
    assert same["changed"] == []
    assert made["message"]["state"] != "received"
    assert made["message"]["over_kafka"]
    assert same["message"]["concern_id"] == made["message"]["concern_id"]
    concern = calls("intake", "GET", f"/v1/concerns/{made['message']['concern_id']}", agency=SUPPLIER)
    assert concern["test"]


def test_an_agency_of_no_arrangement_is_not_let_in(running_house: House):
    """Given a name nobody knows, usage, and nothing is made."""
    code, envelope = relay("agency", "add", "nobody-knows-it")

    assert code == 2
    assert "sandbox-" in envelope["findings"][0]["detail"]


def test_every_submission_has_its_receipt_and_every_concern_is_there_once_though_intake_is_killed(
    running_house: House, school: dict[str, Any]
):
    """Given many submissions and kill -9 of intake among them, twice: each a receipt of one id, each concern once."""
    bodies = [{**body, "reference": f"killed-{n}"} for n, (_, body) in enumerate(samples(limit=MANY))]

    receipts = asyncio.run(_sent_while_killed(running_house, school, bodies))

    by_submission: dict[str, set[str]] = {}
    by_concern: dict[str, set[str]] = {}
    for headers, body in receipts:
        assert headers["ce_status"] == "202", body
        by_submission.setdefault(headers["ce_submissionid"], set()).add(headers["ce_id"])
        by_concern.setdefault(headers["ce_submissionid"], set()).add(body["concern_id"])
    assert len(by_submission) == len(bodies)
    assert {len(ids) for ids in by_submission.values()} == {1}
    assert {len(ids) for ids in by_concern.values()} == {1}
    concerns = {next(iter(ids)) for ids in by_concern.values()}
    assert len(concerns) == len(bodies)

    def raised() -> list[str] | None:
        events = asyncio.run(events_of(running_house.servers.kafka.connection("workbench")))
        found = {e.id: e.concern_id for e in events if e.type == "ConcernRaised" and e.concern_id in concerns}
        return sorted(found.values()) if set(found.values()) == concerns else None

    # a receipt promises the record; the outbox may send it a moment later
    assert until("every concern on concerns.v1", raised) == sorted(concerns)


async def _sent_while_killed(house: House, told: dict[str, Any], bodies: list[dict[str, Any]]) -> list[Any]:
    with client(told) as http:
        async with KafkaClient(http, agency=told["agency"], connection=told["kafka"]) as kafka:
            sending = [
                asyncio.create_task(kafka.raise_concern(body, submission_id=f"s{n}", deadline_s=DEADLINE_S))
                for n, body in enumerate(bodies)
            ]
            for share in (4, 2):
                while sum(task.done() for task in sending) < len(sending) // share:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                _kill(house, "intake")
            await asyncio.wait_for(asyncio.gather(*sending), DEADLINE_S)
    return await _all_receipts(told)


async def _all_receipts(told: dict[str, Any]) -> list[Any]:
    consumer = AIOKafkaConsumer(**told["kafka"], auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        tp = TopicPartition(told["receipts"], 0)
        consumer.assign([tp])
        end, found = (await consumer.end_offsets([tp]))[tp], []
        while await consumer.position(tp) < end:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [({n: v.decode() for n, v in r.headers}, json.loads(r.value)) for r in batch]
        return [one for one in found if one[0]["ce_submissionid"].startswith("s")]
    finally:
        await consumer.stop()


def _kill(house: House, service: str) -> None:
    for record in house.state.records.glob("*"):
        found = json.loads(record.read_text())
        if found.get("name") == service:
            os.kill(found["pid"], signal.SIGKILL)


def test_a_rotation_ends_what_was_before(running_house: House, school: dict[str, Any]):
    """Given a rotation, the old token and the old password are refused, and the new ones work."""
    old_client = client(school)

    code, envelope = relay("agency", "rotate", SCHOOL)

    assert code == 0, envelope
    assert envelope["data"]["agencies"][0]["message"]["over_kafka"]
    with pytest.raises(NotAuthenticated):
        list(old_client.concerns())
    with pytest.raises(KafkaConnectionError):
        asyncio.run(_write(school, school["submissions"]))
    assert list(client(handover(SCHOOL)).concerns())


def test_an_agency_that_was_let_go_is_out_and_can_come_back(running_house: House, school: dict[str, Any]):
    """Given a removal, token, login and rules are gone, its topics stay; added again, all is there anew."""
    told = handover(SUPPLIER)

    code, envelope = relay("agency", "remove", SUPPLIER)

    assert (code, envelope["data"]["removed"]) == (0, ["tokens", "login", "rules"])
    with pytest.raises(NotAuthenticated):
        list(Client(told["url"], _token_before(running_house, SUPPLIER)).concerns())
    with pytest.raises(KafkaConnectionError):
        asyncio.run(_write(told, told["submissions"]))
    assert relay("agency", "remove", SUPPLIER)[0] == 1
    assert relay("topics", "check")[0] == 0

    code, envelope = relay("agency", "add", SUPPLIER)

    assert code == 0, envelope
    assert list(client(handover(SUPPLIER)).concerns())


def test_purging_deletes_the_topics(running_house: House):
    """Given --purge, what lay there is gone, and intake goes on with the others."""
    relay("agency", "add", "sandbox-gone", "--no-message")

    code, _ = relay("agency", "remove", "sandbox-gone", "--purge")

    assert code == 0
    assert relay("topics", "check")[0] == 0
    assert relay("agency", "add", SUPPLIER)[1]["data"]["agencies"][0]["message"]["over_kafka"]


def test_the_wrong_agency_is_refused(running_house: House, school: dict[str, Any]):
    """Given two agencies, neither may write the other's submissions, and a bad one is answered with its remedy."""
    with pytest.raises(TopicAuthorizationFailedError):
        asyncio.run(_write(handover(SCHOOL), f"submissions.{SUPPLIER}.v1"))

    async def bad() -> None:
        told = handover(SUPPLIER)
        with client(told) as http:
            async with KafkaClient(http, agency=SUPPLIER, connection=told["kafka"]) as kafka:
                await kafka.raise_concern({"reference": "x", "colour": "red"})

    with pytest.raises(Problem) as raised:
        asyncio.run(bad())
    assert raised.value.status == 422
    assert raised.value.errors


def test_a_key_that_is_gone_is_asked_for_anew(running_house: House, school: dict[str, Any]):
    """Given a client whose key was replaced long before it was due, it seals anew and is accepted."""

    async def late() -> str:
        told = handover(SCHOOL)
        with client(told) as http:
            async with KafkaClient(http, agency=SCHOOL, connection=told["kafka"]) as kafka:
                kafka._key = replace(http.submission_key(), key_id="0" * 16)
                return (await kafka.raise_concern({**samples_first(), "reference": "late key"})).concern_id

    assert asyncio.run(late())
    parked = relay("parked", "list", "-c", "intake")[1]["data"]["parked"]
    (mine,) = [p for p in parked if p["topic"] == f"submissions.{SCHOOL}.v1"]
    discard = ("parked", "discard", mine["parked_id"], "-c", "intake", "--agency", SCHOOL, "--reason", "sent again")
    assert relay(*discard)[0] == 0


def samples_first() -> dict[str, Any]:
    """Give a sample."""
    return next(iter(samples(limit=1)))[1]


async def _write(told: dict[str, Any], topic: str) -> None:
    producer = AIOKafkaProducer(**told["kafka"], request_timeout_ms=5_000)
    await producer.start()
    try:
        await asyncio.wait_for(producer.send_and_wait(topic, b"x"), 10)
    finally:
        await producer.stop()


def _token_before(house: House, agency: str) -> str:
    """A token as it was issued a minute ago, by the same key."""
    issued = datetime.now(UTC) - timedelta(minutes=1)
    key = signing_key(house.state.path)
    return mint_token(key, agency_id=agency, subject="t", scopes=AGENCY_SCOPES, now=issued)
