"""Bytes in quarantine are given to the scan, and what it found is recorded. Without an answer they stay there."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import AttachmentRefusal
from concern_relay.v1.concerns_pb2 import AttachmentCleared, AttachmentRefused
from services.chassis.clock import Clock
from services.chassis.journal import Journal
from services.chassis.keys import Keys
from services.chassis.log import Log
from services.chassis.objects import ObjectBroken, ObjectMissing, Objects, StoreAway, opened_pieces
from services.chassis.sealing import Key
from services.intake.attachments.scanner import SCAN_DEADLINE_S, ScanAway, Scanner, found_harm
from services.intake.attachments.table import AttachmentTable, Waiting

PURPOSE: Final = "scan"
AT_ONCE: Final = 4
LEASE: Final = timedelta(seconds=2 * SCAN_DEADLINE_S)
RETRY_FIRST: Final = timedelta(seconds=5)
RETRY_MAX: Final = timedelta(minutes=15)
CLOSED_RETRY: Final = timedelta(hours=1)
"""A suspended key may open again; its file is looked at then."""
log = Log(__name__)


def retry_after(attempts: int) -> timedelta:
    """Give how long to wait before a scan is tried again."""
    return min(RETRY_MAX, RETRY_FIRST * (1 << min(attempts, 10)))


@dataclass(frozen=True)
class Scanning:
    """Gives files to the scan.

    Attributes:
        journal: where what was found is recorded.
    """

    journal: Journal[Any]
    keys: Keys
    objects: Objects
    table: AttachmentTable
    clock: Clock
    scanner: Scanner

    async def scan_due(self) -> int:
        """Scan what waits, and give how many were looked at."""
        waiting = await self.table.lease(self.clock.now(), LEASE, AT_ONCE)
        for one in waiting:
            await self._scan(one)
        return len(waiting)

    async def _scan(self, one: Waiting) -> None:
        key = (await self.keys.open({one.key_id}, purpose=PURPOSE, fresh=True)).get(one.key_id)
        if key is None:
            await self.table.again(one.attachment_id, self.clock.now() + CLOSED_RETRY)
            return
        try:
            clean = not await self._harmful(one, key)
        except (ScanAway, StoreAway, ObjectMissing, ObjectBroken) as error:
            log.warning(
                "an attachment was not scanned and stays in quarantine, tried again",
                error=type(error).__name__,
                concern_id=one.concern_id,
            )
            await self.table.again(one.attachment_id, self.clock.now() + retry_after(one.attempts))
            return
        await self._record(one, clean=clean)

    async def _harmful(self, one: Waiting, key: Key) -> bool:
        async with aclosing(_opened(key, one.object_id, self.objects)) as pieces:
            return await found_harm(self.scanner, pieces)

    async def _record(self, one: Waiting, *, clean: bool) -> None:
        ids: dict[str, Any] = {
            "concern_id": one.concern_id,
            "attachment_id": one.attachment_id,
            "object_id": one.object_id,
        }
        data: Message = AttachmentCleared(**ids)
        if not clean:
            reason = AttachmentRefusal.ATTACHMENT_REFUSAL_SCAN
            data = AttachmentRefused(**ids, agency_id=one.agency_id, reason=reason)
        await self.journal.act(one.concern_id, data, agency_id=one.agency_id, key=one.object_id)


async def _opened(key: Key, object_id: str, objects: Objects) -> AsyncGenerator[bytes]:
    async for piece in opened_pieces(key, object_id, objects.get(object_id)):
        yield piece
