"""What happened to keys is told, once, in order, whatever is cut off in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from services.chassis.event import KeyScope
from services.chassis.journal import Desk, Journal
from services.chassis.keys import MemoryKeys
from services.chassis.telemetry import Telemetry
from services.vault import store
from services.vault.core import VaultCore
from services.vault.pending import tell_pending

pytestmark = pytest.mark.database


def a_journal(vault) -> Journal:
    """The vault's journal, without a publisher: what is in the outbox is what would be sent."""
    desk = Desk(
        service="vault",
        core=VaultCore(),
        store=store.VaultStore(),
        keys=MemoryKeys(),
        clock=vault.clock,
        writes=("keys.v1",),
        partitions={"keys.v1": 1},
        local_key=b"k" * 64,
    )
    return Journal(vault.owner, desk, Telemetry("vault"))


async def told(vault) -> list[tuple[str, str]]:
    """What lies in the outbox: type and concern, in order."""
    rows = await vault.owner.fetch("SELECT type, concern_id FROM entry WHERE origin = 'o' ORDER BY seq")
    return [(row["type"], str(row["concern_id"])) for row in rows]


@pytest.fixture
def journaling(new_vault):
    """A vault whose journal's tables are empty."""

    async def prepared(vault) -> Journal:
        await vault.owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        journal = a_journal(vault)
        await journal.migrate()
        return journal

    return prepared


async def test_suspending_resuming_destroying_is_told_in_order(new_vault, journaling) -> None:
    """One event each, with the keys that moved and the reason; what moved nothing is not told."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        journal = await journaling(vault)
        concern_id = str(uuid4())
        (key,) = (await intake.issue([KeyScope(concern_id, "p", "c")])).values()
        await intake.suspend(concern_id, consent_ref="c", reason="consent_withdrawn")
        await intake.suspend(concern_id, consent_ref="c", reason="consent_withdrawn")
        await store.resume(vault.owner, concern_id, consent_ref="c", reason="consent_not_the_basis")
        await store.destroy(vault.owner, concern_id, reason="erasure_approved")

        assert await tell_pending(vault.owner, journal, vault.clock) == 3
        assert await tell_pending(vault.owner, journal, vault.clock) == 0

        assert await told(vault) == [(t, concern_id) for t in ("KeySuspended", "KeyResumed", "KeyDestroyed")]
        _, facts = await journal.state(concern_id)
        told_of = [fact.data for fact in facts if fact.kind == "event"]
        assert [list(data.key_ids) for data in told_of] == [[key.key_id]] * 3
        assert [data.reason_code for data in told_of] == [
            "consent_withdrawn", "consent_not_the_basis", "erasure_approved",
        ]  # fmt: skip


async def test_what_was_journaled_and_not_marked_is_not_told_twice(new_vault, journaling) -> None:
    """The process died between the two: the next one takes the row again, later by its clock, and nothing is added."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        journal = await journaling(vault)
        concern_id = str(uuid4())
        await intake.issue([KeyScope(concern_id, "p", "c")])
        await intake.suspend(concern_id, consent_ref="c", reason="consent_withdrawn")
        await tell_pending(vault.owner, journal, vault.clock)
        await vault.owner.execute("UPDATE vault.pending_event SET journaled_at = NULL")
        vault.clock.advance(timedelta(minutes=5))

        await asyncio.gather(*(tell_pending(vault.owner, journal, vault.clock) for _ in range(3)))

        assert await told(vault) == [("KeySuspended", concern_id)]


async def test_a_change_that_is_undone_is_not_told(new_vault) -> None:
    """The row is written with the change: when the change is rolled back, nothing happened and nothing is pending."""
    async with new_vault() as vault, vault.keys("intake") as intake:
        concern_id = str(uuid4())
        (key,) = (await intake.issue([KeyScope(concern_id)])).values()
        async with vault.owner.acquire() as connection:
            change = connection.transaction()
            await change.start()
            await connection.fetch("SELECT vault.destroy($1, '', '', '{}', 'erased')", concern_id)
            await change.rollback()

        assert await vault.owner.fetchval("SELECT count(*) FROM vault.pending_event") == 0
        assert set(await intake.open([key.key_id], purpose="receive", fresh=True)) == {key.key_id}
