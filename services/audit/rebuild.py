"""Building the audit database anew from Kafka alone, beside the one there is, and comparing the two leaf by leaf.

Nothing is thrown away before its replacement is proved: every root that was announced has to come out again first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from services.audit import store
from services.audit.follow import Followed, Forked, Progress, follow
from services.audit.sequencer import Charter
from services.chassis.clock import Clock
from services.chassis.errors import RelayError
from services.chassis.settings import Settings

#: Differences that are reported.
DIFFERENCES_MAX: Final = 100
#: For statements over all records, in seconds.
STATEMENT_DEADLINE_S: Final = 3600.0

_BESIDE: Final = "rebuilt"
_DIFFERENT: Final = f"""
SELECT a.leaf_index FROM public.record a JOIN {_BESIDE}.record b USING (leaf_index)
WHERE (a.topic, a.partition, a.kafka_offset, a.key, a.headers, a.value, a.leaf_hash)
    IS DISTINCT FROM (b.topic, b.partition, b.kafka_offset, b.key, b.headers, b.value, b.leaf_hash)
UNION ALL
SELECT b.leaf_index FROM {_BESIDE}.record b
WHERE b.leaf_index < (SELECT size FROM public.head)
    AND NOT EXISTS (SELECT FROM public.record a WHERE a.leaf_index = b.leaf_index)
ORDER BY leaf_index LIMIT $1
"""  # noqa: S608  (names of schemas, constants)
_CUT_BACK: Final = f"""
SELECT max(b.size) FROM public.batch b JOIN public.entry e USING (event_id)
WHERE NOT EXISTS (SELECT FROM public.outbox o WHERE o.seq = e.seq) AND b.size > (SELECT size FROM {_BESIDE}.head)
"""  # noqa: S608


class LedgerInUse(RelayError):  # noqa: N818  (what was found)
    """Another process appends to the ledger; stop audit first, or only check."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What came out otherwise: a code, the leaf it is about, and words."""

    code: str
    index: int | None
    message: str


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild came to.

    Attributes:
        followed: batches, records and checkpoints that came from Kafka.
        root: root of the rebuilt tree.
        differences: where Kafka and what was announced, or Kafka and the old database, differ.
        replaced: whether the rebuilt tables took the place of the old.
    """

    followed: Followed
    root: bytes = b""
    differences: list[Difference] = field(default_factory=list)
    replaced: bool = False


async def rebuild(
    connection: asyncpg.Connection[Any],
    settings: Settings,
    charter: Charter,
    clock: Clock,
    *,
    replace: bool,
    progress: Progress | None = None,
) -> Rebuilt:
    """Rebuild the tables beside the old ones, compare, and put them in their place.

    Args:
        connection: of its own, to the audit database.
        settings: where the broker is.
        charter: which ledger.
        clock: the time.
        replace: whether to replace the old tables, if all that was announced came out again.
        progress: told how far along ``ledger.v1`` it is.

    Raises:
        LedgerInUse: they are to be replaced, and another process appends to them.
    """
    if replace and not await store.become_writer(connection):
        raise LedgerInUse("audit is running and appends to this database: stop it first, or rebuild with --check")
    await store.migrate(connection)
    await connection.execute(f"DROP SCHEMA IF EXISTS {_BESIDE} CASCADE; CREATE SCHEMA {_BESIDE}")
    try:
        await connection.execute(f"SET search_path = {_BESIDE}")
        await store.migrate(connection)
        found = Rebuilt(Followed())
        try:
            found.followed = await follow(connection, settings, charter, clock, progress)
        except Forked as error:
            found.differences.append(Difference(error.code, error.index, str(error)))
        found.root = (await store.read_head(connection)).frontier.root()
        whole = not found.differences and not await _cut_back(connection, found)
        await _compare(connection, found)
        if replace and whole:
            await _replace(connection)
            found.replaced = True
        return found
    finally:
        if not connection.is_closed():
            await connection.execute(f"RESET search_path; DROP SCHEMA IF EXISTS {_BESIDE} CASCADE")


async def _cut_back(connection: asyncpg.Connection[Any], found: Rebuilt) -> bool:
    """Say whether Kafka tells of less than was announced on it."""
    announced = await connection.fetchval(_CUT_BACK)
    if announced is None:
        return False
    size = await connection.fetchval("SELECT size FROM head")
    message = f"{announced} records were announced, and the announcements on Kafka now go to {size}"
    found.differences.append(Difference("cut_back", size, message))
    return True


async def _compare(connection: asyncpg.Connection[Any], found: Rebuilt) -> None:
    """Compare with the old tables, leaf by leaf."""
    rows = await connection.fetch(_DIFFERENT, DIFFERENCES_MAX, timeout=STATEMENT_DEADLINE_S)
    for row in rows:
        index = row["leaf_index"]
        message = f"record {index} in the database is not the one that lies on Kafka"
        found.differences.append(Difference("database_differs", index, message))


async def _replace(connection: asyncpg.Connection[Any]) -> None:
    async with connection.transaction():
        tables = ", ".join(f"public.{table}" for table in (*store.TABLES, "outbox"))
        await connection.execute(f"TRUNCATE {tables}", timeout=STATEMENT_DEADLINE_S)
        for table in store.TABLES:
            await connection.execute(
                f"INSERT INTO public.{table} OVERRIDING SYSTEM VALUE SELECT * FROM {_BESIDE}.{table}",  # noqa: S608
                timeout=STATEMENT_DEADLINE_S,
            )
        await connection.execute(
            "SELECT setval(pg_get_serial_sequence('public.entry', 'seq'), coalesce(max(seq), 0) + 1) FROM public.entry"
        )
