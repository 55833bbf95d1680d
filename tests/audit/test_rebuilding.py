"""The audit database is only a copy: it comes back from Kafka alone, to the same root, or says where it cannot."""

from __future__ import annotations

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from services.audit import store
from services.audit.export import Record
from services.audit.rebuild import LedgerInUse, Rebuilt, rebuild
from services.audit.sequencer import Head, batch_event, leaf_from, sequence
from services.chassis.clock import SystemClock
from services.chassis.topics.cluster import Cluster
from tests.audit.rig import Rig, eventually, raised

pytestmark = [pytest.mark.broker, pytest.mark.database]


async def rebuilt(rig: Rig, *, replace: bool = True) -> Rebuilt:
    """Rebuild on a connection of its own."""
    connection = await asyncpg.connect(rig.settings.database_url, timeout=10)
    try:
        return await rebuild(connection, rig.settings, rig.charter, SystemClock(), replace=replace)
    finally:
        await connection.close(timeout=10)


async def filled(rig: Rig, count: int = 400) -> bytes:
    """Record, sign and stop; give the root."""
    async with rig.running():
        for _ in range(4):
            await rig.put(*(raised() for _ in range(count // 4)))
            await rig.holds(len(rig.sent))
    return await rig.root()


async def test_rebuilt_from_kafka_alone_to_the_same_root(new_rig) -> None:
    """Given a ledger of several batches, when its database is lost and rebuilt, then root and export are the same."""
    async with new_rig() as rig:
        root, export = await filled(rig), await rig.export()
        await rig.pool.execute("TRUNCATE record, node, head, progress, batch, checkpoint, finding, entry, outbox")
        await rig.pool.execute("INSERT INTO head (size, frontier) VALUES (0, '\\x0000000000000000')")

        found = await rebuilt(rig)

        assert found.differences == []
        assert found.replaced
        assert found.root == root == await rig.root()
        assert await rig.export() == export
        assert (found.followed.records, found.followed.size) == (400, 400)


async def test_an_audit_with_an_empty_database_follows_before_it_appends(new_rig) -> None:
    """Given a ledger whose database is new, when audit starts and more comes, then the old order is kept."""
    async with new_rig() as rig:
        await filled(rig)
        export = await rig.export()
        await rig.pool.execute("DROP SCHEMA public CASCADE")
        await rig.pool.execute("CREATE SCHEMA public")
        async with rig.running():
            await rig.put(*(raised() for _ in range(10)))
            await rig.holds(410)

        after = await rig.export()

        assert after.startswith(export[: export.rindex(b'{"end"')])
        assert (await rig.verified(after, held=await notes(rig))).ok


async def notes(rig: Rig) -> list[bytes]:
    """Give all checkpoints signed so far."""
    return [row["note"].encode() for row in await rig.rows("SELECT note FROM checkpoint ORDER BY size")]


async def test_a_record_changed_in_the_database_is_found_by_a_rebuild(new_rig) -> None:
    """Given one bit flipped in the database, when it is rebuilt, then its index is told, and it is whole again."""
    async with new_rig() as rig:
        root = await filled(rig)
        flipped = "UPDATE record SET value = set_bit(value, 9, 1 - get_bit(value, 9)) WHERE leaf_index = 77"
        await rig.pool.execute(flipped)

        found = await rebuilt(rig)

        assert [(d.code, d.index) for d in found.differences] == [("database_differs", 77)]
        assert found.replaced
        assert found.root == root
        assert (await rig.verified()).ok


async def test_a_check_changes_nothing(new_rig) -> None:
    """Given a changed record, when a rebuild only checks, then it tells the index and leaves the database as it is."""
    async with new_rig() as rig:
        await filled(rig)
        await rig.pool.execute("UPDATE record SET key = 'x' WHERE leaf_index = 3")

        found = await rebuilt(rig, replace=False)

        assert [(d.code, d.index) for d in found.differences] == [("database_differs", 3)]
        assert not found.replaced
        assert (await rig.rows("SELECT key FROM record WHERE leaf_index = 3"))[0]["key"] == b"x"


async def test_records_gone_from_kafka_are_told_by_index_and_nothing_is_replaced(new_rig) -> None:
    """Given a partition that lost its first records, when the database is rebuilt, then the first index is told."""
    async with new_rig() as rig:
        await filled(rig)
        row = (await rig.rows("SELECT * FROM record WHERE kafka_offset = 3 ORDER BY leaf_index LIMIT 1"))[0]
        tp = TopicPartition(row["topic"], row["partition"])
        async with Cluster(rig.kafka.connection()) as cluster:
            await cluster.delete_records({tp: RecordsToDelete(before_offset=3)})
        first = await rig.rows(
            "SELECT leaf_index FROM record WHERE (topic, partition, kafka_offset) = ($1, $2, 0)", *tp
        )

        found = await rebuilt(rig)

        assert [(d.code, d.index) for d in found.differences] == [("missing_record", first[0]["leaf_index"])]
        assert not found.replaced
        assert await rig.size() == 400


async def test_a_running_audit_is_not_replaced_under_its_feet(new_rig) -> None:
    """Given a running audit, when a rebuild wants to replace its tables, then it is refused."""
    async with new_rig() as rig, rig.running():
        await rig.put(raised())
        await rig.holds(1)

        with pytest.raises(LedgerInUse, match="stop it first"):
            await rebuilt(rig)


async def test_a_database_that_contradicts_what_was_announced_appends_nothing(new_rig) -> None:
    """Given a database with another order than ledger.v1 tells, when audit starts, then it says so and stands still."""
    async with new_rig() as rig:
        await filled(rig)
        await rig.pool.execute("TRUNCATE record, node, progress, batch, checkpoint, finding, entry, outbox")
        await rig.pool.execute("UPDATE head SET size = 0, frontier = '\\x0000000000000000'")
        async with rig.pool.acquire() as connection:
            leaf = leaf_from(Record(rig.topics[0], 5, 0, b"k", [], b"another"))
            batch = sequence(Head(), [leaf], {})
            now = SystemClock().now()
            announced = store.Announced(batch, batch_event(rig.charter, batch, now))
            await store.append(connection, [announced], now, sent=True)
        async with rig.running() as audit:

            async def forked() -> bool:
                return audit.recorder.forked == "other_batch"

            await eventually(forked, "refusal")
            assert not audit.health.ready

        assert await rig.size() == 1
