"""The recorder: every record of the history topics into the ledger, in the order it comes, once.

It is no stage: it decides nothing and parks nothing, and where it stands is in its own database, written with the
records. One process appends at a time, under an advisory lock of the very connection it appends with; another waits
and takes over when that connection ends. Before the first append it follows ``ledger.v1`` (see ``follow``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import asyncpg

from services.audit import store
from services.audit.export import Record
from services.audit.feed import RECORDS_MAX, Feed, reading
from services.audit.follow import Forked, behind, follow
from services.audit.metrics import LedgerMetrics
from services.audit.sequencer import (
    Charter,
    Finding,
    Head,
    Leaf,
    Partition,
    Trouble,
    advanced,
    batch_event,
    leaf_from,
    sequence,
)
from services.chassis.clock import Clock
from services.chassis.errors import Stalled
from services.chassis.kafka import within
from services.chassis.log import Log
from services.chassis.settings import Settings
from services.chassis.stage import NOT_READY_S, PASSING, STALLED_S, WATCH_EVERY_S
from services.chassis.telemetry import Telemetry

log = Log(__name__)

#: After a record came, wait so long for more: one batch, one announcement.
LINGER_S: Final = 0.15
#: How long the broker gathers records before it gives them; the other half of the wait.
PATIENCE_MS: Final = 150
#: From this many on, a batch waits for no more.
BATCH_ENOUGH: Final = 1000
RETRY_S: Final = 1.0
#: A fork does not mend itself; it is looked at again in case somebody mended it.
FORKED_RETRY_S: Final = 30.0
DATABASE_DEADLINE_S: Final = 30.0


class Recorder:
    """Takes records into the ledger.

    Args:
        settings: where broker and database are.
        charter: which ledger.
        clock: the time.
        telemetry: lag and counters.
        metrics: of the ledger.
        wake: told that there is something to publish.
    """

    def __init__(
        self,
        settings: Settings,
        charter: Charter,
        *,
        clock: Clock,
        telemetry: Telemetry,
        metrics: LedgerMetrics,
        wake: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._charter = charter
        self._order = {partition: n for n, partition in enumerate(charter.partitions)}
        self._clock = clock
        self._telemetry = telemetry
        self._metrics = metrics
        self._wake = wake
        self._stop = asyncio.Event()
        self._held: set[Partition] = set()
        self._looked_at = 0.0
        self._moved_at = 0.0
        self._behind = 0
        self._answered = False
        self.writing = False
        self.forked = ""
        self.open_findings = 0

    def stop(self) -> None:
        """Finish the batch in hand, then end."""
        self._stop.set()

    @property
    def ready(self) -> bool:
        """Whether it appends what comes, or another process does while this one waits."""
        return not self.forked and self._answered and self._stalled_s() < NOT_READY_S

    async def run(self) -> None:
        """Record until stopped; what may pass is tried again from where the database stands.

        Raises:
            Stalled: behind and not moving for too long.
        """
        self._moved_at = _now()
        while not self._stop.is_set():
            try:
                await self._record()
            except (*PASSING, store.HeadMoved) as error:
                self._answered = False
                log.warning("recording failed, trying again", error=type(error).__name__)
            except Forked as error:
                # never go on by itself: appending now would contradict what was announced and signed
                self.forked = error.code
                log.error(  # noqa: TRY400  (the code says it; a traceback adds nothing)
                    "the ledger on Kafka differs from this database", code=error.code, count=error.index or 0
                )
            finally:
                self.writing = False
            if not self.forked:
                self._give_up_when_stalled()
            await self._pause(FORKED_RETRY_S if self.forked else RETRY_S)

    async def _record(self) -> None:
        connection = await asyncpg.connect(
            self._settings.database_url, timeout=DATABASE_DEADLINE_S, command_timeout=DATABASE_DEADLINE_S
        )
        try:
            while not await store.become_writer(connection):
                # another audit process appends; this one answers questions and waits
                self._answered, self._behind, self._moved_at = True, 0, _now()
                if await self._pause(RETRY_S):
                    return
            self.writing = True
            await self._catch_up(connection)
            self.forked = ""
            await self._append_what_comes(connection)
        finally:
            try:
                await connection.close(timeout=DATABASE_DEADLINE_S)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def _catch_up(self, connection: asyncpg.Connection[Any]) -> None:
        if await behind(connection, self._settings, self._charter):
            done = await follow(connection, self._settings, self._charter, self._clock)
            log.info("followed the ledger on Kafka", count=done.records, size=done.size)

    async def _append_what_comes(self, connection: asyncpg.Connection[Any]) -> None:
        head = await store.read_head(connection)
        self._held.clear()
        self._looked_at = 0.0
        # one back, so that the last record of each partition is compared with what lies there now
        at = {partition: max(0, offset - 1) for partition, offset in head.offsets.items()}
        async with reading(self._settings, self._charter.partitions, at, patience_ms=PATIENCE_MS) as feed:
            while not self._stop.is_set():
                if _now() - self._looked_at >= WATCH_EVERY_S:
                    await self._look(connection, feed, head)
                records = await self._batch(feed)
                if records:
                    head = await self._take(connection, feed, head, [leaf_from(r) for r in records])

    async def _batch(self, feed: Feed) -> list[Record]:
        records = await feed.some()
        if not records or len(records) >= BATCH_ENOUGH:
            return records
        await self._pause(LINGER_S)
        more = await feed.some(wait_ms=0, count=RECORDS_MAX - len(records))
        return sorted(records + more, key=lambda r: (self._order[r.topic, r.partition], r.offset))

    async def _take(self, connection: asyncpg.Connection[Any], feed: Feed, head: Head, leaves: Sequence[Leaf]) -> Head:
        old = [leaf for leaf in leaves if leaf.record.offset < head.offsets.get(_partition(leaf), 0)]
        await self._compare(connection, feed, old)
        new = [
            leaf
            for leaf in leaves
            if leaf.record.offset >= head.offsets.get(_partition(leaf), 0) and _partition(leaf) not in self._held
        ]
        if not new:
            return head
        now = self._clock.now()
        batch = sequence(head, new, await store.known_leaves(connection, new))
        event = batch_event(self._charter, batch, now)
        await within(
            DATABASE_DEADLINE_S, "appending", store.append(connection, [store.Announced(batch, event)], now)
        )  # fmt: skip
        self._wake()
        self._moved_at = _now()
        head = advanced(head, batch)
        for topic in {leaf.record.topic for leaf in new}:
            self._telemetry.taken.labels(topic, "applied").inc(sum(leaf.record.topic == topic for leaf in new))
        self._alarm(batch.findings)
        return head

    async def _compare(self, connection: asyncpg.Connection[Any], feed: Feed, old: Sequence[Leaf]) -> None:
        """Compare records that were recorded before with what was recorded then."""
        if not old:
            return
        recorded = await store.recorded_at(connection, old)
        differing: dict[Partition, Finding] = {}
        for leaf in old:
            partition, offset = _partition(leaf), leaf.record.offset
            if recorded.get((partition, offset)) != leaf.hash and partition not in differing:
                differing[partition] = Finding(Trouble.REWRITTEN, *partition, offset, offset)
        for partition in differing:
            # what follows on a rewritten partition is not the history that was recorded: a person has to look
            self._held.add(partition)
            feed.hold(partition)
        await self._found(connection, list(differing.values()))

    async def _look(self, connection: asyncpg.Connection[Any], feed: Feed, head: Head) -> None:
        ends = await feed.ends()
        lag = {p: max(0, end - head.offsets.get(p, 0)) for p, end in ends.items() if p not in self._held}
        if not self._answered or sum(lag.values()) == 0:
            self._moved_at = _now()
        self._behind, self._answered, self._looked_at = sum(lag.values()), True, _now()
        for topic in {topic for topic, _ in self._charter.partitions}:
            self._telemetry.lag.labels(topic).set(sum(n for (t, _), n in lag.items() if t == topic))
        cut = [
            Finding(Trouble.CUT_BACK, *p, end, head.offsets[p] - 1)
            for p, end in ends.items()
            if end < head.offsets.get(p, 0)
        ]
        await self._found(connection, cut)
        await self._show(connection, head)
        self._give_up_when_stalled()

    async def _found(self, connection: asyncpg.Connection[Any], findings: Collection[Finding]) -> None:
        self._alarm(await store.write_findings(connection, findings, self._clock.now()))

    def _alarm(self, findings: Collection[Finding]) -> None:
        for f in findings:
            log.error(
                "the history has a finding", code=f.kind, topic=f.topic, partition=f.partition, offset=f.first,
                count=f.last - f.first + 1,
            )  # fmt: skip

    async def _show(self, connection: asyncpg.Connection[Any], head: Head) -> None:
        self._metrics.size.set(head.frontier.size)
        self._metrics.repeated.set(await connection.fetchval("SELECT repeated FROM head"))
        counts = await store.open_findings(connection)
        self.open_findings = sum(counts.values())
        for kind in Trouble:
            self._metrics.findings.labels(kind.value).set(counts.get(kind.value, 0))

    def _give_up_when_stalled(self) -> None:
        if (stalled := self._stalled_s()) > STALLED_S:
            raise Stalled(f"behind and not moving for {stalled:.0f} s: restart this process")

    def _stalled_s(self) -> float:
        return _now() - self._moved_at if self._behind or not self._answered else 0.0

    async def _pause(self, seconds: float) -> bool:
        """Wait; give whether to stop."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _partition(leaf: Leaf) -> Partition:
    return (leaf.record.topic, leaf.record.partition)


def _now() -> float:
    return asyncio.get_running_loop().time()
