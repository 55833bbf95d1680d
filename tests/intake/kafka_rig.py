"""An agency on the real broker, with a principal, topics and access rules from the registry; and intake's lanes."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from concern_relay_client.sealing import SubmissionKey, sealed
from services.chassis import topics
from services.intake.submission_keys import SubmissionKeys
from services.intake.submissions import Lanes, Taker
from services.intake.submissions.wire import TYPE_PREFIX
from services.workbench.servers.scram import set_logins
from tests.chassis.rig import DEADLINE_S, eventually, settings_for
from tests.intake.rig import Intake


@dataclass
class Sender:
    """An agency that sends over Kafka, as itself."""

    agency: str
    connection: dict[str, Any] = field(repr=False)
    key: SubmissionKey = field(repr=False)

    async def put(self, *records: tuple[bytes, dict[str, str], bytes | None], to: str = "") -> None:
        """Write records: value, headers, key."""
        topic = f"submissions.{to or self.agency}.v1"
        client = AIOKafkaProducer(**self.connection, acks="all", max_request_size=2_000_000, request_timeout_ms=5_000)
        await asyncio.wait_for(client.start(), DEADLINE_S)
        try:
            sent = [
                await client.send(topic, value, key=key, headers=[(n, v.encode()) for n, v in headers.items()])
                for value, headers, key in records
            ]
            await asyncio.wait_for(asyncio.gather(*sent), DEADLINE_S)
        finally:
            await client.stop()

    def seal(
        self,
        body: Any,
        submission_id: str,
        *,
        key: bytes | None = None,
        follows: tuple[str, str] | None = None,
        **headers: str,
    ) -> tuple[bytes, dict[str, str], bytes | None]:
        """Give a record of a submission, or with kind and concern of a follow-up: bytes as they are, else as JSON."""
        plain = body if isinstance(body, bytes) else json.dumps(body).encode()
        follow_up = None if follows is None else (TYPE_PREFIX + follows[0], follows[1])
        value = sealed(plain, self.key, agency=self.agency, submission_id=submission_id, follow_up=follow_up)
        said = {"ce_id": submission_id, "ce_keyid": self.key.key_id}
        if follow_up is not None:
            said |= {"ce_type": follow_up[0], "ce_subject": follow_up[1]}
        return value, said | {f"ce_{name}": text for name, text in headers.items()}, key

    async def send(self, body: Any, submission_id: str, **options: Any) -> None:
        """Send one submission."""
        await self.put(self.seal(body, submission_id, **options))

    async def sees(self) -> set[str]:
        """Give the topics the broker lets this agency know of."""
        client = AIOKafkaConsumer(**self.connection)
        await asyncio.wait_for(client.start(), DEADLINE_S)
        try:
            return set(await asyncio.wait_for(client.topics(), DEADLINE_S))
        finally:
            await client.stop()

    async def receipts(self) -> list[Receipt]:
        """Read all receipts that lie there now."""
        tp = TopicPartition(f"receipts.{self.agency}.v1", 0)
        client = AIOKafkaConsumer(**self.connection, auto_offset_reset="earliest", enable_auto_commit=False)
        await asyncio.wait_for(client.start(), DEADLINE_S)
        try:
            client.assign([tp])
            end = (await asyncio.wait_for(client.end_offsets([tp]), DEADLINE_S))[tp]
            found: list[Receipt] = []
            while await client.position(tp) < end:
                batches = await asyncio.wait_for(client.getmany(timeout_ms=500), DEADLINE_S)
                found += [receipt(r) for batch in batches.values() for r in batch]
            return found
        finally:
            await client.stop()

    async def answered(self, *submission_ids: str, deadline_s: float = DEADLINE_S) -> dict[str, Receipt]:
        """Wait until each of these has a receipt; give the first of each."""

        async def look() -> dict[str, Receipt]:
            found = {r.submission_id: r for r in reversed(await self.receipts())}
            return found if found.keys() >= set(submission_ids) else {}

        found: dict[str, Receipt] = await eventually(look, "every receipt", deadline_s=deadline_s, poll_s=0.1)
        return found


@dataclass(frozen=True)
class Receipt:
    """A receipt as it lies on Kafka."""

    receipt_id: str
    submission_id: str
    status: int
    body: dict[str, Any]
    headers: dict[str, str]


def receipt(record: Any) -> Receipt:
    """Read one."""
    headers = {name: value.decode() for name, value in record.headers}
    return Receipt(
        headers["ce_id"], headers["ce_submissionid"], int(headers["ce_status"]), json.loads(record.value), headers
    )


async def join(kafka: Any, keys: SubmissionKeys, *agencies: str) -> list[Sender]:
    """Give agencies their login, topics and access rules."""
    admin = kafka.connection("admin")
    passwords = {agency: secrets.token_urlsafe(16) for agency in agencies}
    await set_logins(admin, passwords)
    await topics.apply(topics.load(), admin, agencies=agencies)
    keys.rotate_when_due(datetime.now(UTC))
    newest = keys.current()
    key = SubmissionKey(newest.key_id, newest.public, datetime.now(UTC))
    return [
        Sender(agency, {**admin, "sasl_plain_username": agency, "sasl_plain_password": passwords[agency]}, key)
        for agency in agencies
    ]


def agencies_named(*names: str) -> list[str]:
    """Give names that no other test has."""
    ending = secrets.token_hex(4)
    return [f"{name}-{ending}" for name in names]


def keys_in(folder: Path) -> SubmissionKeys:
    """Give submission keys of this test."""
    return SubmissionKeys(folder / "submission-keys.json", ours=True)


def lanes_of(kafka: Any, made: Intake, keys: SubmissionKeys, agencies: Iterable[str], group: str = "") -> Lanes:
    """Give lanes as intake's process has them, as its principal, over these agencies' topics only."""
    taker = Taker(made.acceptance, keys, made.journal, made.clock, made.telemetry)
    settings = settings_for(kafka.connection("intake"), "intake", "")
    wanted = "|".join(map(re.escape, agencies))
    return Lanes(
        settings, taker, group=group or f"intake-{secrets.token_hex(4)}", topics=rf"^submissions\.({wanted})\.v1$"
    )


@asynccontextmanager
async def taking(lanes: Lanes) -> AsyncIterator[None]:
    """Have lanes run beside the test."""
    task = asyncio.ensure_future(lanes.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
