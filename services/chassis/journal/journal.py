"""The door of the journal: records, acts and timers come in here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Generic, TypeVar

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import ParkReason
from services.chassis import database
from services.chassis.envelope import Record, decode
from services.chassis.errors import CannotSeal, DeadlineExceeded, IdConflict, KeyUnavailable
from services.chassis.event import Content, Fact, FactKind, Refused, Timer, timer_id
from services.chassis.journal.deciding import TooLarge, opened_for
from services.chassis.journal.desk import Desk
from services.chassis.journal.facts import entry_record, sealed_parts
from services.chassis.journal.gathering import Gathering
from services.chassis.journal.incoming import Act, incoming_act, incoming_record
from services.chassis.journal.overtaking import Due, Overtaken, overtaken
from services.chassis.journal.rows import Incoming, Recorded, parked_id
from services.chassis.journal.schema import SCHEMA
from services.chassis.journal.transaction import Transaction
from services.chassis.log import Log
from services.chassis.telemetry import Taking, Telemetry

S = TypeVar("S")
log = Log(__name__)

TRANSACTION_DEADLINE_S = 20.0
MIGRATION_DEADLINE_S = 60.0
MIGRATION_LOCK = 0x636F6E63  # "conc": one process at a time applies the schema


# what may pass by itself; a key that cannot be had for good (CannotSeal) is no such thing
PASSING = (*database.PASSING, DeadlineExceeded)


class Journal(Generic[S]):
    """One service's journal.

    Args:
        pool: connections to the service's own database.
        desk: the core and what it works with.
        telemetry: spans and counters.
        on_commit: called after a transaction that wrote; wakes the publisher.
    """

    def __init__(
        self, pool: asyncpg.Pool, desk: Desk[S], telemetry: Telemetry, on_commit: Callable[[], None] = lambda: None
    ) -> None:
        self.pool = pool
        self.desk = desk
        self._telemetry = telemetry
        self.on_commit = on_commit
        self._gathering = Gathering(self._run_in_time, PASSING)

    async def migrate(self) -> None:
        """Make the tables, if they are not there; safe when several processes start at once.

        A schema that was applied is not applied again: ``CREATE INDEX IF NOT EXISTS`` locks its table before it looks,
        so a process that starts would wait for whoever hangs in a transaction, and all others behind it.
        """
        schema = SCHEMA + self.desk.store.schema
        digest = sha256(schema.encode()).hexdigest()
        async with database.transaction(self.pool, MIGRATION_DEADLINE_S) as connection:
            await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
            await connection.execute("CREATE TABLE IF NOT EXISTS schema_applied (sha256 text PRIMARY KEY)")
            if not await connection.fetchval("SELECT true FROM schema_applied WHERE sha256 = $1", digest):
                await connection.execute(schema)
                await connection.execute("INSERT INTO schema_applied VALUES ($1)", digest)

    async def take(self, records: Sequence[Record]) -> list[Recorded]:
        """Take records from Kafka, in order, in one transaction: each is applied, known already, or parked.

        Raises:
            TimeoutError: the database did not answer in time.
            KeyUnavailable: the vault does not grant this service the keys.
            DeadlineExceeded: the vault did not answer in time.
            PostgresError: the database is away, or cannot keep even what is parked.
        """
        taking = Taking(self._telemetry, records)
        inputs = [
            incoming_record(r, self.desk.service, traceparent)
            for r, traceparent in zip(records, taking.traceparents, strict=True)
        ]
        try:
            results = await self._take_in_time(inputs)
        except BaseException as error:
            taking.fail(error)
            raise
        taking.finish([result.outcome for result in results], [incoming.event for incoming in inputs])
        for incoming, result in zip(inputs, results, strict=True):
            if result.reason:
                self._telemetry.parkings.labels(result.reason, incoming.emergency).inc()
        return results

    async def act(
        self,
        concern_id: str,
        data: Message,
        *,
        agency_id: str,
        key: str,
        contents: Sequence[Content] = (),
        time: datetime | None = None,
    ) -> Recorded:
        """Do what a person or an agency's system asks.

        Args:
            concern_id: the concern it is about.
            data: the message it asks to have recorded, without parts.
            agency_id: who acts.
            key: natural or idempotency key; the same act again gives what it led to the first time.
            contents: parts of ``data``, in the clear.
            time: when it happened, if not now.

        Raises:
            Refused: the core says no.
            IdConflict: the same act came before with other content.
            ValueError: the time has no zone, or the key is too long.
        """
        return (await self.together([Act(concern_id, data, agency_id, key, tuple(contents), time)]))[0]

    async def together(self, asked: Sequence[Act]) -> list[Recorded]:
        """Do acts in one transaction, in this order: all of them, or none.

        Raises:
            Refused: the core says no to one of them.
            IdConflict: one came before with other content; or a concern stands otherwise than ``still`` says.
            ValueError: the time of an act has no zone, or its key is too long.
        """
        traceparent = self._telemetry.current_traceparent()
        inputs = [self._asked(replace(one, traceparent=one.traceparent or traceparent)) for one in asked]
        try:
            return [await self._gathering.act(inputs[0])] if len(inputs) == 1 else await self._run_in_time(inputs)
        except CannotSeal as error:
            raise Refused(409, "key_unavailable", "the keys of this concern are suspended or destroyed") from error
        except TooLarge as error:
            raise Refused(413, "too_large", str(error)) from error

    async def acts(self, asked: Sequence[Act]) -> list[Recorded | Refused | IdConflict]:
        """Do several acts in one transaction, each as ``act`` would: for a worker that has many to record.

        One that is refused, or whose id came with other content, holds back none of the others: then each is done by
        itself, and the refusal is its answer.

        Raises:
            ValueError: the time of an act has no zone, or its key is too long.
        """
        inputs = [self._asked(one) for one in asked]
        try:
            return [*await self._run_in_time(inputs)]
        except (Refused, IdConflict, CannotSeal, TooLarge):
            return [await self._alone(incoming) for incoming in inputs]

    async def _alone(self, incoming: Incoming) -> Recorded | Refused | IdConflict:
        try:
            return (await self._run([incoming]))[0]
        except (Refused, IdConflict) as error:
            return error
        except CannotSeal:
            return Refused(409, "key_unavailable", "the keys of this concern are suspended or destroyed")
        except TooLarge as error:
            return Refused(413, "too_large", str(error))

    def _asked(self, act: Act) -> Incoming:
        return incoming_act(act, self.desk)

    async def fire(self, due: Due) -> Recorded:
        """Let a timer that fell due lead to what it leads to; harmless if it was moved or cancelled since."""
        identity = timer_id(due.concern_id, due.timer)
        with self._telemetry.act(f"fire {due.timer.name.partition(':')[0]}", due.concern_id) as (_, traceparent):
            incoming = Incoming(
                FactKind.TIMER,
                identity,
                due.concern_id,
                identity.bytes,
                timer=due.timer,
                traceparent=traceparent,
            )
            return (await self._run([incoming]))[0]

    async def due(self, limit: int = 500) -> list[Due]:
        """Give the timers that fell due, oldest first."""
        async with database.borrowed(self.pool) as connection:
            rows = await connection.fetch(
                "SELECT concern_id, name, due FROM timer WHERE due <= $1 ORDER BY due LIMIT $2",
                self.desk.clock.now(),
                limit,
            )
        return [Due(str(r["concern_id"]), Timer(r["name"], r["due"])) for r in rows]

    async def _take_in_time(self, inputs: Sequence[Incoming]) -> list[Recorded]:
        """Take records, each after the timers that fell due before it was recorded.

        Where a service was away for an hour, what should have happened in that hour comes before what was recorded at
        its end: a clock that ran out has run out, whoever is quicker now, and a replay finds the same order.
        """
        try:
            return await self._run_or_park(inputs, in_time=True)
        except Overtaken:
            pass
        results: list[Recorded] = []
        for incoming in inputs:
            await self._fire(await overtaken(self.pool, [incoming]))
            results += await self._run_or_park([incoming])
        return results

    async def _run_in_time(self, inputs: Sequence[Incoming]) -> list[Recorded]:
        try:
            return await self._run(inputs, in_time=True)
        except Overtaken as first:
            await self._fire(first.due)
            return await self._run(inputs)

    async def _fire(self, overtaken: Sequence[Due]) -> None:
        for due in overtaken:
            try:
                await self.fire(due)
            except PASSING:
                raise
            except Exception as error:
                if isinstance(error, KeyUnavailable) and not isinstance(error, CannotSeal):
                    raise
                # it stays due: ``Timers`` tries it again and alarms; here it must hold nobody back
                log.warning("a timer could not be fired first", concern_id=due.concern_id, error=type(error).__name__)

    async def facts(self, concern_id: str, *, purpose: str = "") -> tuple[Fact, ...]:
        """Give the facts of a concern in the order they were journaled, opened."""
        async with database.borrowed(self.pool) as connection:
            rows = await connection.fetch(
                "SELECT concern_id, topic, headers, value FROM entry "
                "WHERE concern_id = $1 AND origin IN ('e', 'o') ORDER BY seq",
                concern_id,
            )
        events = [decode(entry_record(row)) for row in rows]
        ids = {p.key_id for e in events if self.desk.opens_type(e.type) for p in sealed_parts(e.data)}
        keys = await self.desk.keys.open(ids, purpose=purpose or self.desk.purpose) if ids else {}
        return tuple(opened_for(self.desk, e, keys) for e in events)

    async def state(self, concern_id: str, *, purpose: str = "") -> tuple[S, tuple[Fact, ...]]:
        """Give the state of a concern and the facts it is the fold of."""
        facts = await self.facts(concern_id, purpose=purpose)
        state = self.desk.core.start(concern_id)
        for fact in facts:
            state = self.desk.core.evolve(state, fact)
        return state, facts

    async def replay(self, row: asyncpg.Record) -> Recorded:
        """Take a parked record again; it stays parked if it still cannot be taken."""
        record = self.desk.open_record(row)
        incoming = incoming_record(record, self.desk.service, "", row["parked_id"])
        return (await self._run_or_park([incoming]))[0]

    async def park(self, record: Record, reason: ParkReason, error: str, *, emergency: bool = False) -> None:
        """Park a record that is no event of ours, as it came: a submission that was refused. Twice is once.

        Its key says nothing here: whoever sent it must not be able to hold back a concern by naming it.
        """
        origin = parked_id(self.desk.service, record.topic, record.partition, record.offset)
        incoming = Incoming(
            FactKind.EVENT, origin, str(origin), b"",
            record=record, unreadable=(reason, error), said_emergency=emergency,
        )  # fmt: skip
        (result,) = await self._run([incoming])
        if result.reason:
            self._telemetry.parkings.labels(result.reason, incoming.emergency).inc()

    async def _run(self, inputs: Sequence[Incoming], *, in_time: bool = False) -> list[Recorded]:
        async with database.transaction(self.pool, TRANSACTION_DEADLINE_S, then=self.on_commit) as connection:
            return await Transaction(self.desk, connection, inputs, in_time=in_time).run()

    async def _run_or_park(self, inputs: Sequence[Incoming], *, in_time: bool = False) -> list[Recorded]:
        """Take records; if one of them cannot be taken, find it, park it, and let the others go on.

        What a core raises is parked inside the transaction. This is for what breaks the transaction itself: keys that
        cannot be had, a store that fails, something the database refuses.
        """
        try:
            return await self._run(inputs, in_time=in_time)
        except (Overtaken, *PASSING):
            raise
        except Exception as error:
            if isinstance(error, KeyUnavailable) and not isinstance(error, CannotSeal):
                raise  # the vault grants this service nothing: a matter of its set-up, not of this record
            if len(inputs) > 1:
                return [(await self._run_or_park([incoming], in_time=in_time))[0] for incoming in inputs]
            if inputs[0].unreadable is not None:
                raise  # it cannot even be parked: nothing here will help
            key = isinstance(error, CannotSeal)
            reason = ParkReason.PARK_REASON_KEY_UNAVAILABLE if key else ParkReason.PARK_REASON_CORE_RAISED
            return await self._run([replace(inputs[0], unreadable=(reason, type(error).__name__))])
