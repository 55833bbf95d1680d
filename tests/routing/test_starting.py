"""A process that starts while another hangs in a transaction: it comes up, and nobody waits behind it."""

from __future__ import annotations

import asyncio

import pytest

pytestmark = pytest.mark.database


async def test_a_process_starts_beside_one_that_hangs(new_routing) -> None:
    """Given a stopped process with an open transaction on shares, another start is done at once, and work goes on."""
    async with new_routing() as rig:
        case = await rig.shared()
        async with rig.pool.acquire() as hangs:
            stopped = hangs.transaction()
            await stopped.start()
            await hangs.execute("UPDATE share SET stage = stage WHERE concern_id = $1", case.concern_id)

            await asyncio.wait_for(rig.journal.migrate(), 5)
            await asyncio.wait_for(rig.shared(), 5)

            await stopped.rollback()
