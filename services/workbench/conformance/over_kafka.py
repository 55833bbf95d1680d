"""What a relay promises whoever sends over Kafka: the same, by another door (docs/for-suppliers.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from concern_relay_client import ReceiptNotGenuine, check_receipt
from concern_relay_client.kafka import RECORD_BYTES_MAX, TYPE_PREFIX
from concern_relay_client.sealing import SubmissionKey, sealed
from services.workbench.conformance.bench import CANARY, Bench, follow_ups, is_problem_body
from services.workbench.conformance.check import Fails, holds, kafka

DEADLINE_S: Final = 30.0


@dataclass
class Wire:
    """The relay over Kafka, as one agency.

    Attributes:
        bench: the same relay over HTTP.
        agency: whose topics.
        connection: aiokafka's arguments.
    """

    bench: Bench
    agency: str
    connection: Mapping[str, Any] = field(repr=False)
    key: SubmissionKey = field(init=False, repr=False)

    async def __aenter__(self) -> Self:
        self.key = SubmissionKey.parse(self.bench.call("GET", "/v1/submission-key", token="").body)
        self._producer = AIOKafkaProducer(**self.connection, acks="all", max_request_size=RECORD_BYTES_MAX)
        self._consumer = AIOKafkaConsumer(**self.connection, enable_auto_commit=False, auto_offset_reset="latest")
        async with asyncio.timeout(DEADLINE_S):
            await self._producer.start()
            await self._consumer.start()
            receipts = TopicPartition(f"receipts.{self.agency}.v1", 0)
            self._consumer.assign([receipts])
            await self._consumer.seek_to_end(receipts)
            await self._consumer.position(receipts)
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in (self._producer, self._consumer):
            with suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await client.stop()

    async def answer(
        self, body: Any, *, value: bytes | None = None, follows: tuple[str, str] | None = None, **headers: str
    ) -> Received:
        """Send a submission, and wait for its receipt.

        Args:
            body: bytes as they are, anything else as JSON.
            value: instead of what is sealed.
            follows: what kind of follow-up it is, and of which concern.
            headers: instead of those that belong to it, without ``ce_``.
        """
        submission_id = str(uuid4())
        plain = body if isinstance(body, bytes) else json.dumps(body).encode()
        follow_up = None if follows is None else (TYPE_PREFIX + follows[0], follows[1])
        made = sealed(plain, self.key, agency=self.agency, submission_id=submission_id, follow_up=follow_up)
        sent = made if value is None else value
        said = {"ce_id": submission_id, "ce_keyid": self.key.key_id}
        if follow_up is not None:
            said["ce_type"], said["ce_subject"] = follow_up
        said |= {f"ce_{name}": text for name, text in headers.items()}
        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._producer.send_and_wait(
                    f"submissions.{self.agency}.v1", sent, headers=[(n, v.encode()) for n, v in said.items()]
                )
                return await self._receipt(submission_id)
        except TimeoutError as error:
            raise Fails(f"no receipt within {DEADLINE_S:.0f} s") from error

    async def write_to(self, topic: str) -> None:
        """Write to a topic of another's."""
        async with asyncio.timeout(DEADLINE_S):
            await self._producer.send_and_wait(topic, b"conformance")

    async def _receipt(self, submission_id: str) -> Received:
        async for record in self._consumer:
            headers = {name: value.decode() for name, value in record.headers}
            if headers.get("ce_submissionid") == submission_id:
                return Received(int(headers["ce_status"]), json.loads(record.value), headers)
        raise Fails("the receipts ended")


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def _accepted(found: Received) -> dict[str, Any]:
    holds(found.status == 202, f"answered {found.status} {found.body.get('code', '')}, not 202")
    holds(found.headers.get("content-type") == "application/json", "an acceptance is not application/json")
    return found.body


def _refused(found: Received, status: int) -> None:
    holds(found.status == status, f"answered {found.status} {found.body.get('code', '')}, not {status}")
    holds(found.headers.get("content-type") == "application/problem+json", "a refusal is not application/problem+json")
    is_problem_body(found.body, status)
    holds(CANARY not in json.dumps(found.body), "the problem repeats what was sent")


@kafka("raise.same_door", "A submission over Kafka and the same over HTTP are one concern, with one receipt",
       "the two doors do not lead to the same acceptance")  # fmt: skip
async def _same_door(wire: Wire) -> None:
    body = wire.bench.concern("both doors")
    over_kafka = _accepted(await wire.answer(body))
    over_http = await asyncio.to_thread(wire.bench.accepted, body)
    holds(over_http["repeated"], "HTTP did not know it")
    holds(over_http["receipt"] == over_kafka["receipt"], "the receipts differ")


@kafka("receipt.verifies", "The receipt verifies, and is about this submission", "another key signs over Kafka")
async def _receipt(wire: Wire) -> None:
    found = _accepted(await wire.answer(wire.bench.concern("kafka receipt")))
    answer = await asyncio.to_thread(wire.bench.call, "GET", "/v1/receipt-key")
    try:
        check_receipt(found["receipt"], answer.body["verifier"])
    except ReceiptNotGenuine as error:
        raise Fails(str(error)) from error
    holds(found["receipt"]["agency"] == wire.agency, "the receipt is another agency's")


@kafka("resend.and_change", "Resends, corrections and other children are told apart as over HTTP",
       "the reference does not mean the same over Kafka")  # fmt: skip
async def _resend(wire: Wire) -> None:
    first = _accepted(await wire.answer(wire.bench.concern("kafka again")))
    again = _accepted(await wire.answer(wire.bench.concern("kafka again")))
    holds(again["repeated"] and again["receipt"] == first["receipt"], "a resend is not the first answer again")
    changed = _accepted(await wire.answer(wire.bench.concern("kafka again", text="More.")))
    holds(changed["corrected"], "a change is no correction")
    other = {"ref": "child", "role": "child", "names": ["Another Practice"], "birth_date": "2011-01-09"}
    second = _accepted(await wire.answer(wire.bench.concern("kafka again", people=[other])))
    holds(second["same_reference_as"] == first["concern_id"], "another child is not linked to the first concern")


@kafka("emergency.says_999", "An emergency marked in ce_urgency is accepted, and the receipt says to call 999",
       "the receipt of an emergency does not say to call")  # fmt: skip
async def _emergency(wire: Wire) -> None:
    found = _accepted(await wire.answer(wire.bench.concern("kafka now", urgency="emergency"), urgency="emergency"))
    holds("call_999" in {notice["code"] for notice in found["notice"]}, "no notice to call 999")


@kafka("problem.same_as_http", "What cannot be taken is refused with the problem that HTTP gives",
       "the two doors refuse differently")  # fmt: skip
async def _same_problem(wire: Wire) -> None:
    for kind, body in {
        "a field missing": json.dumps({"reference": CANARY, "people": [{"role": "child"}]}).encode(),
        "a field not known": json.dumps(wire.bench.concern("kafka misspelt", urgancy="x")).encode(),
        "cut short": b'{"reference":',
        "nested too deeply": b"[" * 5000,
        "too large": b'{"text": "' + b"x" * (1024 * 1024) + b'"}',
    }.items():
        over_http = await asyncio.to_thread(wire.bench.post, body)
        found = await wire.answer(body)
        try:
            _refused(found, over_http.status)
            # over HTTP what is too large is refused before it is read, by the edge
            holds(over_http.status == 413 or found.body == over_http.body, "the problem is another than over HTTP")
        except Fails as failed:
            raise Fails(f"{kind}: {failed}") from failed


@kafka("sealed.to_a_key_that_is_known", "A key that is not known, or bytes that do not open: refused with the remedy",
       "a submission that cannot be opened gets no answer, or none that helps")  # fmt: skip
async def _sealed(wire: Wire) -> None:
    body = wire.bench.concern("kafka sealed")
    _refused(await wire.answer(body, keyid="0000000000000000"), 400)
    for value in (b"", b"\x00", b"\x00" * 200):
        _refused(await wire.answer(body, value=value), 400)
    elsewhere = sealed(json.dumps(body).encode(), wire.key, agency="another-agency", submission_id="x")
    _refused(await wire.answer(body, value=elsewhere), 400)


@kafka("follow_up", "Information, a correction, a consent, its withdrawal and a move are taken; HTTP knows them again",
       "a follow-up is refused, or is another one over HTTP; see docs/for-suppliers.md")  # fmt: skip
async def _follow_up(wire: Wire) -> None:
    raised = _accepted(await wire.answer(wire.bench.concern("kafka followed")))
    concern_id, events = raised["concern_id"], [raised["receipt"]["event_id"]]
    for kind, way, body in follow_ups():
        found = await wire.answer(body, follows=(kind, concern_id))
        holds(found.status == 202, f"{kind}: answered {found.status} {found.body.get('code', '')}")
        events.append(found.body["receipt"]["event_id"])
        over_http = await asyncio.to_thread(
            wire.bench.post, {n: v for n, v in body.items() if n != "consent"}, path=f"{raised['status_url']}/{way}"
        )
        holds(over_http.status == 202 and over_http.body["repeated"], f"{kind}: HTTP does not know it")
        holds(over_http.body["receipt"] == found.body["receipt"], f"{kind}: the receipts differ")
    holds(len(set(events)) == len(events), "two follow-ups have one receipt")


@kafka("follow_up.refused_as_over_http", "A follow-up of nobody's concern, or of no kind, is refused as over HTTP",
       "the two doors refuse follow-ups differently")  # fmt: skip
async def _follow_up_refused(wire: Wire) -> None:
    raised = _accepted(await wire.answer(wire.bench.concern("kafka follow-ups refused")))
    own, nobody = raised["concern_id"], str(uuid4())
    for concern_id, body in ((nobody, {"text": CANARY}), (own, {}), (own, {"txt": CANARY}), (own, [])):
        over_http = await asyncio.to_thread(wire.bench.post, body, path=f"/v1/concerns/{concern_id}/information")
        found = await wire.answer(body, follows=("InformationAdded", concern_id))
        _refused(found, over_http.status)
        holds(found.body == over_http.body, f"the problem is another than over HTTP: {found.body.get('code')}")
    for kind, concern_id in (("InformationAded", own), ("InformationAdded", ""), ("InformationAdded", "no-uuid")):
        _refused(await wire.answer({"text": CANARY}, follows=(kind, concern_id)), 400)
    elsewhere = ("InformationAdded", own)
    _refused(await wire.answer({"text": CANARY}, follows=elsewhere, subject=nobody), 400)
    _refused(await wire.answer({"text": CANARY}, follows=elsewhere, type=f"{TYPE_PREFIX}ChildMoved"), 400)
    if wire.bench.other_token:
        theirs = await asyncio.to_thread(
            wire.bench.accepted, wire.bench.concern("others' over kafka"), token=wire.bench.other_token
        )
        _refused(await wire.answer({"text": CANARY}, follows=("InformationAdded", theirs["concern_id"])), 404)


@kafka("topics.only_own", "Nobody but the agency writes its submissions, nobody but intake its receipts",
       "the broker's access rules are not those of the registry: run `topics check`")  # fmt: skip
async def _only_own(wire: Wire) -> None:
    for topic in (f"receipts.{wire.agency}.v1", "concerns.v1"):
        try:
            await wire.write_to(topic)
        except TopicAuthorizationFailedError:
            continue
        except (KafkaError, TimeoutError) as error:
            raise Fails(f"writing to another's topic ended in {type(error).__name__}, not in a refusal") from error
        raise Fails("the broker let an agency write a topic that is not its own")
