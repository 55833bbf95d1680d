"""What the store need not keep is removed: bytes of what was erased or refused, and bytes that belong to nothing.

A process that is killed while bytes come leaves a file that never became whole, or a whole object of which nothing was
recorded. Neither can be read by anybody, and neither stays for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.chassis.objects import Objects
from services.intake.attachments.table import AttachmentTable

HALF_AFTER: Final = timedelta(hours=1)
"""Longer than any upload may take."""
ORPHAN_AFTER: Final = timedelta(days=7)
"""A database that was restored from a backup has so long to be brought up to date before its objects are taken for
orphans."""
AT_ONCE: Final = 500


@dataclass(frozen=True)
class Sweeping:
    """Removes what need not be kept."""

    objects: Objects
    table: AttachmentTable

    async def sweep(self, now: datetime) -> int:
        """Remove it, and give how many objects that were.

        Args:
            now: by the clock of the store; a clock that is moved for tests is none.
        """
        removed = await self.gone()
        removed += await self.objects.sweep(now - HALF_AFTER)
        old: list[str] = []
        async for found in self.objects.found():
            if found.since < now - ORPHAN_AFTER:
                old.append(found.object_id)
            if len(old) >= AT_ONCE:
                removed += await self._orphans(old)
                old = []
        return removed + await self._orphans(old)

    async def gone(self) -> int:
        """Remove the bytes of what was erased or refused."""
        removed = 0
        while found := await self.table.gone(AT_ONCE):
            for attachment_id, object_id in found:
                await self.objects.remove(object_id)
                await self.table.removed(attachment_id, object_id)
            removed += len(found)
        return removed

    async def _orphans(self, object_ids: list[str]) -> int:
        orphans = await self.table.unknown(object_ids) if object_ids else []
        for object_id in orphans:
            await self.objects.remove(object_id)
        return len(orphans)
