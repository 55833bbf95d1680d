"""Raising concerns over Kafka, for agencies that wish to: sealed, answered on the agency's own topic.

    async with KafkaClient(relay, agency="larkfield-primary", connection={...}) as kafka:
        accepted = await kafka.raise_concern(Submission(...))
        await kafka.add(accepted.concern_id, {"by": {"name": "Asha Example"}, "text": "Seen again."})

Needs aiokafka. A submission whose answer did not come in time may be recorded; sending it again is harmless, and its id
may be the same. The answers of what was sent before this client started are not waited for: send again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from concern_relay_client.client import Client
from concern_relay_client.models import Accepted, Submission
from concern_relay_client.problems import NoAnswer, problem_of
from concern_relay_client.sealing import SubmissionKey, sealed

DEADLINE_S: Final = 30.0
START_S: Final = 30.0
STOP_S: Final = 5.0
RECORD_BYTES_MAX: Final = 1_310_720
IN_HAND_MAX: Final = 10_000
KEY_NOT_KNOWN: Final = "submission_key_not_known"
HASTY: Final = frozenset({"emergency", "urgent"})
TYPE_PREFIX: Final = "concern_relay.v1."


class KafkaClient:
    """Sends submissions as one agency, and hears the answers.

    Args:
        relay: the relay over HTTP, for its keys.
        agency: whose topics.
        connection: aiokafka's own arguments: bootstrap_servers, security_protocol, sasl_…
    """

    def __init__(self, relay: Client, *, agency: str, connection: Mapping[str, Any]) -> None:
        self._relay = relay
        self._agency = agency
        self._connection = dict(connection)
        self._secret = str(connection.get("sasl_plain_password", "")).encode()
        self._key: SubmissionKey | None = None
        self._waiting: dict[str, asyncio.Future[tuple[int, Any]]] = {}
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            **self._connection, acks="all", enable_idempotence=True, max_request_size=RECORD_BYTES_MAX
        )
        self._consumer = AIOKafkaConsumer(**self._connection, enable_auto_commit=False, auto_offset_reset="latest")
        async with asyncio.timeout(START_S):
            await self._producer.start()
            await self._consumer.start()
            receipts = TopicPartition(f"receipts.{self._agency}.v1", 0)
            self._consumer.assign([receipts])
            await self._consumer.seek_to_end(receipts)
            await self._consumer.position(receipts)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
        for client in (self._producer, self._consumer):
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await client.stop()

    async def raise_concern(
        self, submission: Submission | Mapping[str, Any], *, submission_id: str = "", deadline_s: float = DEADLINE_S
    ) -> Accepted:
        """Raise a concern, and wait for its receipt, which is checked. If a child is in danger, call 999.

        Args:
            submission: what is raised.
            submission_id: your own name for this submission; by default a new one. The answer carries it.
            deadline_s: for all of it.

        Raises:
            Problem: it was refused, and nothing recorded.
            NoAnswer: nothing was heard in time; it may be recorded. Send it again.
            ReceiptNotGenuine: do not take it for a yes.
        """
        said = submission.to_json() if isinstance(submission, Submission) else dict(submission)
        return await self._accepted(said, submission_id, deadline_s)

    async def add(self, concern_id: str, information: Mapping[str, Any], **options: Any) -> Accepted:
        """Add what you learnt: ``by``, and any of text, items, people, places, urgency.

        Follow-ups are answered and raise as ``raise_concern``; ``options`` are ``submission_id`` and ``deadline_s``.
        The same words again are the same follow-up; to mean them anew, follow up over HTTP with an Idempotency-Key.
        """
        return await self.follow_up("InformationAdded", concern_id, information, **options)

    async def correct(self, concern_id: str, correction: Mapping[str, Any], **options: Any) -> Accepted:
        """Correct what was wrong: ``by``, ``reason``, the fields as they should be, refs to ``remove``."""
        return await self.follow_up("InformationCorrected", concern_id, correction, **options)

    async def give_consent(self, concern_id: str, consent: Mapping[str, Any], **options: Any) -> Accepted:
        """Record a consent that was given: ``ref``, ``kind``, ``subject``, ``purpose``, ``by``."""
        return await self.follow_up("ConsentGiven", concern_id, consent, **options)

    async def withdraw_consent(
        self, concern_id: str, ref: str, said: Mapping[str, Any] | None = None, **options: Any
    ) -> Accepted:
        """Record that a consent was withdrawn: what rests on it stops before its receipt is written."""
        return await self.follow_up("ConsentWithdrawn", concern_id, {**(said or {}), "consent": ref}, **options)

    async def move(self, concern_id: str, moved: Mapping[str, Any], **options: Any) -> Accepted:
        """Say that a child moved: ``child`` (its ref), ``to`` (ONS code), or that nobody knows where."""
        return await self.follow_up("ChildMoved", concern_id, moved, **options)

    async def follow_up(
        self,
        kind: str,
        concern_id: str,
        said: Mapping[str, Any],
        *,
        submission_id: str = "",
        deadline_s: float = DEADLINE_S,
    ) -> Accepted:
        """Follow a concern up in any way there is: ``kind`` is the event it leads to, as ``RecordsLinked``."""
        return await self._accepted(said, submission_id, deadline_s, (TYPE_PREFIX + kind, str(UUID(concern_id))))

    async def _accepted(
        self,
        said: Mapping[str, Any],
        submission_id: str,
        deadline_s: float,
        follow_up: tuple[str, str] | None = None,
    ) -> Accepted:
        name = submission_id or str(uuid4())
        if len(self._waiting) >= IN_HAND_MAX:
            raise NoAnswer(f"{IN_HAND_MAX} submissions wait for their answers: send less at once")
        try:
            async with asyncio.timeout(deadline_s):
                status, body = await self._answered(said, name, follow_up)
                if status == 400 and body.get("code") == KEY_NOT_KNOWN:  # it was replaced long before it was due
                    self._key = None
                    status, body = await self._answered(said, name, follow_up)
        except TimeoutError as error:
            raise NoAnswer("no receipt came in time: sending it again is harmless") from error
        if status >= 300:
            raise problem_of(status, body)
        return await asyncio.to_thread(self._relay.check, Accepted.model_validate(body))

    async def _answered(self, said: Mapping[str, Any], name: str, follow_up: tuple[str, str] | None) -> tuple[int, Any]:
        answer: asyncio.Future[tuple[int, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[name] = answer
        try:
            await self.send(json.dumps(said).encode(), name, said, follow_up=follow_up)
            return await answer
        finally:
            self._waiting.pop(name, None)

    async def send(
        self,
        plain: bytes,
        submission_id: str,
        said: Mapping[str, Any],
        *,
        follow_up: tuple[str, str] | None = None,
    ) -> None:
        """Seal bytes and send them, without waiting for the receipt.

        Args:
            plain: the JSON.
            submission_id: goes into ``ce_id``.
            said: the same, decoded; its urgency goes into a header, its reference into the record's key, blinded.
            follow_up: ``ce_type`` and ``ce_subject`` of what follows a concern up; the key is then the concern's.
        """
        key = await self._current_key()
        headers = {"ce_id": submission_id, "ce_keyid": key.key_id}
        if follow_up is not None:
            headers["ce_type"], headers["ce_subject"] = follow_up
        if (urgency := str(said.get("urgency", ""))) in HASTY:
            headers["ce_urgency"] = urgency
        await self._producer.send_and_wait(
            f"submissions.{self._agency}.v1",
            sealed(plain, key, agency=self._agency, submission_id=submission_id, follow_up=follow_up),
            key=self._blinded(str(said.get("reference", "")) if follow_up is None else follow_up[1]),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )

    def _blinded(self, reference: str) -> bytes:
        """Give the key under which a concern and its corrections keep their order; references may hold names."""
        return hmac.new(self._secret, reference.encode(), hashlib.sha256).hexdigest()[:32].encode()

    async def _current_key(self) -> SubmissionKey:
        if self._key is None or datetime.now(UTC) >= self._key.ask_again_at:
            self._key = await asyncio.to_thread(self._relay.submission_key)
        return self._key

    async def _listen(self) -> None:
        async for record in self._consumer:
            headers = {name: value.decode() for name, value in record.headers}
            waiting = self._waiting.get(headers.get("ce_submissionid", ""))
            if waiting is not None and not waiting.done():
                waiting.set_result((int(headers["ce_status"]), json.loads(record.value)))
