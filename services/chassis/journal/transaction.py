"""One transaction of a journal: lock, recognise, fold, decide, seal, write.

Everything an input leads to is in the database when the transaction commits, or nothing is. The order of the steps is
the guarantee: the concern is locked before it is looked at, and the bytes of an event are fixed here, once.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg

from concern_relay.v1.codes_pb2 import ParkReason
from concern_relay.v1.facts_pb2 import PartKind
from services.chassis.codes import word_of
from services.chassis.envelope import Event, Record, decode, encode
from services.chassis.errors import IdConflict
from services.chassis.event import Fact, FactKind, KeyScope, Timer
from services.chassis.journal.deciding import Draft, Standing, decide, fact_in, fold
from services.chassis.journal.desk import Desk
from services.chassis.journal.facts import entry_record, opened, sealed_parts
from services.chassis.journal.overtaking import Due, Overtaken, before
from services.chassis.journal.rows import (
    ENTRY_COLUMNS,
    Incoming,
    Recorded,
    input_row,
    output_row,
    parked_id,
    partition_of,
    unpack_headers,
)
from services.chassis.keys import Key
from services.chassis.log import Log
from services.chassis.sealing import seal

__all__ = ["Transaction", "entry_record", "opened", "sealed_parts"]

S = TypeVar("S")
log = Log(__name__)

_TAKE_UP = "SELECT * FROM take_up($1, $2, $3, $4, $5, $6, $7)"


@dataclass(slots=True)
class _Turn:
    """One input's way through the transaction.

    Attributes:
        incoming: the input.
        verdict: why it must be parked, whatever the core would say, and the error's name.
        same_as: the turn of the same input earlier in the batch.
        fact: what it was to the core, once taken.
        drafts: what it led to.
        result: what is answered.
    """

    incoming: Incoming
    verdict: tuple[ParkReason, str] | None = None
    same_as: _Turn | None = None
    fact: Fact | None = None
    drafts: Sequence[Draft] = ()
    result: Recorded | None = None


class Transaction(Generic[S]):
    """Takes a batch of inputs; use once.

    Args:
        desk: the core and what it works with.
        connection: in a transaction.
        inputs: in order.
        in_time: take nothing where a timer fell due before it; see ``overtaking``.
    """

    def __init__(
        self, desk: Desk[S], connection: asyncpg.Connection[Any], inputs: Sequence[Incoming], *, in_time: bool = False
    ) -> None:
        self._until = before(inputs) if in_time else {}
        self._desk = desk
        self._db = connection
        self._turns = [_Turn(i, i.unreadable) for i in inputs]
        self._now: datetime = desk.clock.now()
        self._standing: dict[str, Standing[S]] = {}
        self._keys: dict[str, Key] = {}
        self._concern_keys: dict[KeyScope, Key] = {}
        self._parked: list[tuple[Incoming, ParkReason, str]] = []
        self._timers: dict[tuple[str, str], Timer | None] = {}

    async def run(self) -> list[Recorded]:
        """Do it all; give one result an input, in order.

        Raises:
            Refused: for an act (alone in its batch) the core refuses.
            IdConflict: for an act whose id is known with other content.
            CannotSeal: a key for what was decided cannot be had.
            Overtaken: timers come first.
        """
        found = await self._take_up()
        if due := found["due"]:
            raise Overtaken([Due(str(row["id"]), Timer(row["topic"], row["recorded"])) for row in due])
        held = {str(row["id"]): row["held"] for row in found["concern"]}
        # after the lock, so that the recorded times of a concern never run backwards
        self._now = self._desk.clock.now()
        await self._recognise(found["known"], found["parked"])
        fresh = [t for t in self._turns if t.result is None and t.same_as is None]
        await self._stand(fresh, held, found["past"])
        for turn in fresh:
            await self._take(turn)
        records = await self._sealed(fresh)
        await self._write(fresh, records, held)
        return [self._answer(turn) for turn in self._turns]

    async def _take_up(self) -> dict[str, list[asyncpg.Record]]:
        """Lock the concerns, in one order so that nobody waits in a circle, and read what there is of them."""
        concern_ids = sorted({t.incoming.concern_id for t in self._turns})
        found: dict[str, list[asyncpg.Record]] = defaultdict(list)
        inputs = [t.incoming.id for t in self._turns]
        came = [self._until.get(concern_id) for concern_id in concern_ids]
        for row in await self._db.fetch(_TAKE_UP, concern_ids, inputs, *self._ranges(), came):
            found[row["what"]].append(row)
        return found

    async def _recognise(self, known_rows: Sequence[asyncpg.Record], parked_rows: Sequence[asyncpg.Record]) -> None:
        """Settle what is known already: taken before, parked before, or twice in this batch."""
        taken = {row["id"]: row for row in known_rows}
        parked = {row["id"] for row in parked_rows}
        seen: dict[UUID, _Turn] = {}
        for turn in self._turns:
            incoming = turn.incoming
            known, earlier = taken.get(incoming.id), seen.get(incoming.id)
            first = known["digest"] if known is not None else earlier.incoming.digest if earlier is not None else None
            same = first is not None and hmac.compare_digest(first, incoming.digest)
            if known is not None and same:
                turn.result = await self._before(incoming, known["recorded"])
            elif parked and incoming.parked_id is None and self._parked_id(incoming) in parked:
                turn.result = Recorded(incoming.id, self._now, repeated=True, parked=True)
            elif same:
                turn.same_as = earlier
            elif first is not None:
                self._conflict(turn)
            else:
                seen[incoming.id] = turn

    def _ranges(self) -> tuple[list[str], list[int], list[int], list[int]]:
        """Give where the records of this batch lie: topics, partitions, first and last offsets."""
        offsets: dict[tuple[str, int], list[int]] = defaultdict(list)
        for turn in self._turns:
            if (record := turn.incoming.record) is not None:
                offsets[record.topic, record.partition].append(record.offset)
        ranges = [(topic, partition, min(found), max(found)) for (topic, partition), found in offsets.items()]
        return [r[0] for r in ranges], [r[1] for r in ranges], [r[2] for r in ranges], [r[3] for r in ranges]

    def _conflict(self, turn: _Turn) -> None:
        incoming = turn.incoming
        if incoming.kind is FactKind.ACT:
            raise IdConflict("the same act came with other content: use another key, or send the same again")
        turn.verdict = (ParkReason.PARK_REASON_ID_CONFLICT, "IdConflict")

    async def _before(self, incoming: Incoming, recorded: datetime) -> Recorded:
        """Give what a known input led to; only a person or an agency's system asks for it."""
        if incoming.timer is not None:
            await self._still_set(incoming.concern_id, incoming.timer)  # set anew for when it fired: settled
        if incoming.kind is not FactKind.ACT:
            return Recorded(incoming.id, recorded, repeated=True)
        rows = await self._db.fetch(
            "SELECT concern_id, topic, headers, value FROM entry WHERE cause_id = $1 AND origin = 'o' ORDER BY seq",
            incoming.id,
        )
        records = tuple(entry_record(row) for row in rows)
        return Recorded(incoming.id, recorded, tuple(decode(r) for r in records), records, repeated=True)

    def _parked_id(self, incoming: Incoming) -> UUID | None:
        record = incoming.record
        return None if record is None else parked_id(self._desk.service, record.topic, record.partition, record.offset)

    async def _stand(self, fresh: Sequence[_Turn], held: dict[str, bool], past_rows: Sequence[asyncpg.Record]) -> None:
        """Fold each concern as it stands now."""
        concern_ids = {t.incoming.concern_id for t in fresh}
        past: dict[str, list[Event]] = defaultdict(list)
        recorded = dict.fromkeys(concern_ids, self._now)
        for row in past_rows:
            if (concern_id := str(row["id"])) in concern_ids:
                past[concern_id].append(decode(_record(row)))
                recorded[concern_id] = max(recorded[concern_id], row["recorded"])
        await self._open(past, fresh)
        for concern_id in concern_ids:
            self._standing[concern_id] = fold(
                self._desk,
                concern_id,
                past.get(concern_id, ()),
                self._keys,
                held=held[concern_id],
                now=recorded[concern_id],
            )

    async def _open(self, past: dict[str, list[Event]], fresh: Sequence[_Turn]) -> None:
        events = [event for events in past.values() for event in events]
        events += [t.incoming.event for t in fresh if t.incoming.event and t.incoming.kind is FactKind.EVENT]
        sealed = [(e.concern_id, p) for e in events if self._desk.opens_type(e.type) for p in sealed_parts(e.data)]
        if sealed:
            self._keys = await self._desk.keys.open({p.key_id for _, p in sealed}, purpose=self._desk.purpose)
        # the concern's own key is the one its detail is sealed under: a service that may not issue seals with it
        for concern_id, part in sealed:
            if part.kind == PartKind.PART_KIND_DETAIL and (key := self._keys.get(part.key_id)) is not None:
                self._concern_keys[KeyScope(concern_id)] = key

    async def _take(self, turn: _Turn) -> None:
        """Let the core answer an input, or park it."""
        incoming, standing = turn.incoming, self._standing[turn.incoming.concern_id]
        waits = standing.held and incoming.kind is FactKind.EVENT and incoming.parked_id is None
        if turn.verdict is not None:
            self._park(turn, *turn.verdict)
        elif waits and not incoming.emergency:
            self._park(turn, ParkReason.PARK_REASON_BEHIND_PARKED, "")
        elif incoming.timer is not None and not await self._still_set(incoming.concern_id, incoming.timer):
            turn.result = Recorded(incoming.id, standing.recorded, repeated=True)
        else:
            self._decide(turn, standing)

    def _decide(self, turn: _Turn, standing: Standing[S]) -> None:
        incoming = turn.incoming
        try:
            fact = fact_in(self._desk, incoming, self._keys, standing.recorded)
            decision, turn.drafts = decide(self._desk, standing, incoming, fact)
        except Exception as error:
            # whatever a core raises must not stop the others; an act and a timer have somebody to tell
            if incoming.record is None:
                raise
            self._park(turn, ParkReason.PARK_REASON_CORE_RAISED, type(error).__name__)
            return
        turn.fact = fact
        for name in decision.cancel:
            self._timers[incoming.concern_id, name] = None
        for timer in decision.timers:
            self._timers[incoming.concern_id, timer.name] = timer

    async def _still_set(self, concern_id: str, timer: Timer) -> bool:
        """Take a timer away as it fires; one that was moved, dropped or fired elsewhere is not there."""
        row = await self._db.fetchrow(
            "DELETE FROM timer WHERE concern_id = $1 AND name = $2 AND due = $3 RETURNING name",
            concern_id,
            timer.name,
            timer.due,
        )
        return row is not None

    def _park(self, turn: _Turn, reason: ParkReason, error: str) -> None:
        incoming, record = turn.incoming, turn.incoming.record
        assert record is not None
        self._standing[incoming.concern_id].held = True
        self._parked.append((incoming, reason, error))
        word = word_of(ParkReason, reason)
        turn.result = Recorded(incoming.id, self._now, parked=True, reason=word)
        write = log.info if reason == ParkReason.PARK_REASON_BEHIND_PARKED else log.error
        write(
            "record parked",
            reason=word,
            error=error,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            concern_id=incoming.concern_id,
        )

    async def _sealed(self, fresh: Sequence[_Turn]) -> dict[UUID, Record]:
        """Seal what was decided, and fix the bytes of each event."""
        drafts = [draft for turn in fresh for draft in turn.drafts]
        scopes = {c.scope for d in drafts for c in d.effect.contents}
        secrets = await self._desk.keys_for(self._concern_keys, scopes)
        records = {}
        for draft in drafts:
            event = draft.event
            if draft.effect.contents:
                del event.data.parts[:]  # type: ignore[attr-defined]
                event.data.parts.extend(  # type: ignore[attr-defined]
                    seal(secrets[c.scope], event.id, c.part_id, c.part) for c in draft.effect.contents
                )
            partition = partition_of(event.concern_id.encode(), self._desk.partitions[event.topic])
            records[event.id] = encode(event, partition)
        return records

    async def _write(self, fresh: Sequence[_Turn], records: dict[UUID, Record], held: dict[str, bool]) -> None:
        taken = [turn for turn in fresh if turn.fact is not None]
        rows = []
        for turn in taken:
            recorded = self._standing[turn.incoming.concern_id].recorded
            rows.append(input_row(turn.incoming, recorded))
            rows += [output_row(d.event, records[d.event.id], turn.incoming.id) for d in turn.drafts]
            turn.result = Recorded(
                turn.incoming.id,
                recorded,
                tuple(d.event for d in turn.drafts),
                tuple(records[d.event.id] for d in turn.drafts),
            )
        newly = [(i, reason) for i, reason, _ in self._parked if i.parked_id is None]
        rows += [output_row(*self._desk.pointer(i, reason, self._now)) for i, reason in newly]
        if rows:
            await self._db.copy_records_to_table("entry", records=rows, columns=ENTRY_COLUMNS)
        if self._parked:
            await self._desk.write_parked(self._db, self._parked, self._now)
        if newly_held := [c for c, standing in self._standing.items() if standing.held and not held[c]]:
            await self._db.execute("UPDATE concern SET held = true WHERE concern_id = ANY($1)", newly_held)
        if self._timers:
            await self._write_timers()
        projected = [(turn.fact, [d.fact for d in turn.drafts]) for turn in taken if turn.fact is not None]
        if projected:
            await self._desk.project(self._db, projected)

    async def _write_timers(self) -> None:
        dropped = [(concern_id, name) for (concern_id, name), timer in self._timers.items() if timer is None]
        set_ = [(c, name, timer.due) for (c, name), timer in self._timers.items() if timer is not None]
        if dropped:
            await self._db.executemany("DELETE FROM timer WHERE concern_id = $1 AND name = $2", dropped)
        if set_:
            await self._db.executemany(
                "INSERT INTO timer (concern_id, name, due) VALUES ($1, $2, $3) "
                "ON CONFLICT (concern_id, name) DO UPDATE SET due = excluded.due",
                set_,
            )

    def _answer(self, turn: _Turn) -> Recorded:
        if turn.same_as is not None:
            return replace(self._answer(turn.same_as), repeated=True)
        assert turn.result is not None
        return turn.result


def _record(row: asyncpg.Record) -> Record:
    return Record(row["topic"], str(row["id"]).encode(), unpack_headers(row["headers"]), row["value"])
