"""One transaction of a journal: lock, dedupe, fold, decide, seal, write.

Everything an input leads to is in the database when the transaction commits, or nothing is. The order of the steps is
the guarantee: the concern is locked before it is looked at, and the bytes of an event are fixed here, once.
"""

from __future__ import annotations

import hmac
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import asyncpg
from google.protobuf.message import Message

from concern_relay.v1.codes_pb2 import ParkReason
from concern_relay.v1.facts_pb2 import Part, PartKind, SealedPart
from services.chassis.codes import word_of
from services.chassis.contract import has_parts
from services.chassis.envelope import Event, Record, decode, digest, encode
from services.chassis.errors import IdConflict
from services.chassis.event import Effect, Fact, FactKind, KeyScope, Refused, Timer, effect_id
from services.chassis.journal.desk import Desk
from services.chassis.journal.rows import Incoming, Recorded, pack_headers, parked_id, partition_of, unpack_headers
from services.chassis.keys import Key
from services.chassis.log import Log
from services.chassis.sealing import open_part, seal

S = TypeVar("S")
log = Log(__name__)

_COLUMNS = (
    "event_id", "concern_id", "cause_id", "origin", "topic", "partition", "kafka_offset", "type", "recorded",
    "headers", "value", "digest", "sent",
)  # fmt: skip


@dataclass(slots=True)
class _Standing(Generic[S]):
    """Where a concern stands while the batch is worked through."""

    state: S
    held: bool
    based_on: dict[str, UUID] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """An event decided but not yet sealed."""

    event: Event
    effect: Effect
    cause: Incoming
    fact: Fact


class Transaction(Generic[S]):
    """Takes a batch of inputs; use once."""

    def __init__(self, desk: Desk[S], connection: asyncpg.Connection[Any], inputs: Sequence[Incoming]) -> None:
        self._desk = desk
        self._db = connection
        self._inputs = inputs
        self._now: datetime = desk.clock.now()
        self._standing: dict[str, _Standing[S]] = {}
        self._keys: dict[str, Key] = {}
        self._concern_keys: dict[KeyScope, Key] = {}
        self._drafts: list[_Draft] = []
        self._parked: list[tuple[Incoming, ParkReason, str]] = []
        self._taken: list[tuple[Incoming, Fact]] = []
        self._timers: dict[tuple[str, str], Timer | None] = {}
        self._results: dict[UUID, Recorded] = {}
        self._sealed: dict[UUID, Record] = {}

    async def run(self) -> list[Recorded]:
        """Do it all; give one result an input, in order.

        Raises:
            Refused: for an act (alone in its batch) the core refuses.
            IdConflict: for an act whose id is known with other content.
        """
        held = await self._lock()
        known = await self._known()
        fresh = await self._fresh(known)
        past = await self._past({i.concern_id for i in fresh})
        await self._open(past, fresh)
        self._fold(past, held, fresh)
        for incoming in fresh:
            await self._decide(incoming)
        await self._seal()
        await self._write(held)
        return [self._results[incoming.id] for incoming in self._inputs]

    async def _lock(self) -> dict[str, bool]:
        ids = sorted({UUID(i.concern_id) for i in self._inputs})
        await self._db.execute("INSERT INTO concern (concern_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING", ids)
        rows = await self._db.fetch(
            "SELECT concern_id, held FROM concern WHERE concern_id = ANY($1) ORDER BY concern_id FOR UPDATE", ids
        )
        # after the lock, so that the recorded times of a concern never run backwards
        self._now = self._desk.clock.now()
        return {str(row["concern_id"]): row["held"] for row in rows}

    async def _known(self) -> dict[UUID, asyncpg.Record]:
        rows = await self._db.fetch(
            "SELECT event_id, digest, recorded FROM entry WHERE event_id = ANY($1)", [i.id for i in self._inputs]
        )
        return {row["event_id"]: row for row in rows}

    async def _fresh(self, known: dict[UUID, asyncpg.Record]) -> list[Incoming]:
        """Settle what is known already; give the rest, each id once."""
        fresh: list[Incoming] = []
        seen: dict[UUID, bytes] = {}
        parked_before = await self._parked_before()
        for incoming in self._inputs:
            row = known.get(incoming.id)
            first = row["digest"] if row is not None else seen.get(incoming.id)
            if first is not None and not hmac.compare_digest(first, incoming.digest):
                if incoming.kind is FactKind.ACT:
                    raise IdConflict("the same act came with other content: use another key, or send the same again")
                self._park(incoming, ParkReason.PARK_REASON_ID_CONFLICT, "IdConflict")
                log.error("a known id came with other content", event_id=incoming.id, reason="id_conflict")
            elif row is not None:
                self._results[incoming.id] = await self._before(incoming, row["recorded"])
            elif first is None and self._parked_id(incoming) in parked_before and incoming.parked_id is None:
                self._results[incoming.id] = Recorded(incoming.id, self._now, parked=True, repeated=True)
            elif first is None:
                seen[incoming.id] = incoming.digest
                fresh.append(incoming)
        return fresh

    async def _before(self, incoming: Incoming, recorded: datetime) -> Recorded:
        """Give what a known input led to; only a person or an agency's system asks for it."""
        if incoming.kind is not FactKind.ACT:
            return Recorded(incoming.id, recorded, repeated=True)
        rows = await self._db.fetch(
            "SELECT * FROM entry WHERE cause_id = $1 AND origin = 'o' ORDER BY seq", incoming.id
        )
        records = tuple(entry_record(row) for row in rows)
        return Recorded(incoming.id, recorded, tuple(decode(r) for r in records), records, repeated=True)

    async def _parked_before(self) -> set[UUID]:
        ids = [p for i in self._inputs if (p := self._parked_id(i)) is not None]
        if not ids:
            return set()
        rows = await self._db.fetch("SELECT parked_id FROM parked WHERE parked_id = ANY($1)", ids)
        return {row["parked_id"] for row in rows}

    def _parked_id(self, incoming: Incoming) -> UUID | None:
        record = incoming.record
        return None if record is None else parked_id(self._desk.service, record.topic, record.partition, record.offset)

    async def _past(self, concern_ids: set[str]) -> dict[str, list[Event]]:
        past: dict[str, list[Event]] = defaultdict(list)
        if concern_ids:
            rows = await self._db.fetch(
                "SELECT concern_id, topic, headers, value FROM entry "
                "WHERE concern_id = ANY($1) AND origin IN ('e', 'o') ORDER BY concern_id, seq",
                [UUID(c) for c in concern_ids],
            )
            for row in rows:
                past[str(row["concern_id"])].append(decode(entry_record(row)))
        return past

    async def _open(self, past: dict[str, list[Event]], fresh: list[Incoming]) -> None:
        events = [e for row in past.values() for e in row]
        events += [i.event for i in fresh if i.event is not None and i.kind is FactKind.EVENT]
        sealed = [(e.concern_id, p) for e in events if self._desk.opens_type(e.type) for p in sealed_parts(e.data)]
        if sealed:
            self._keys = await self._desk.keys.open({p.key_id for _, p in sealed}, purpose=self._desk.purpose)
        # the concern's own key is the one its detail is sealed under: a service that may not issue seals with it
        for concern_id, part in sealed:
            if part.kind == PartKind.PART_KIND_DETAIL and (key := self._keys.get(part.key_id)) is not None:
                self._concern_keys[KeyScope(concern_id)] = key

    def _fold(self, past: dict[str, list[Event]], held: dict[str, bool], fresh: list[Incoming]) -> None:
        for concern_id in {i.concern_id for i in fresh}:
            standing = _Standing(self._desk.core.start(concern_id), held[concern_id])
            for event in past.get(concern_id, ()):
                standing.state = self._desk.core.evolve(standing.state, self._fact(event))
                if event.topic not in self._desk.writes:
                    standing.based_on[event.topic] = event.id
            self._standing[concern_id] = standing

    def _fact(self, event: Event) -> Fact:
        return opened(event, self._keys if self._desk.opens_type(event.type) else {})

    def _fact_of(self, incoming: Incoming) -> Fact:
        if incoming.kind is FactKind.TIMER:
            return Fact(
                FactKind.TIMER, incoming.id, "", incoming.concern_id, self._now, self._now, timer=incoming.timer
            )
        event = incoming.event
        assert event is not None
        if incoming.kind is FactKind.EVENT:
            return self._fact(event)
        return Fact(
            FactKind.ACT,
            incoming.id,
            event.type,
            incoming.concern_id,
            event.time,
            self._now,
            event.data,
            {content.part_id: content.part for content in incoming.contents},
            incoming.agency_id,
        )

    async def _decide(self, incoming: Incoming) -> None:
        standing = self._standing[incoming.concern_id]
        if incoming.unreadable is not None:
            self._park(incoming, *incoming.unreadable)
            standing.held = True
            return
        if standing.held and incoming.parked_id is None and incoming.kind is FactKind.EVENT and not incoming.emergency:
            self._park(incoming, ParkReason.PARK_REASON_BEHIND_PARKED, "")
            return
        if incoming.timer is not None and not await self._still_set(incoming.concern_id, incoming.timer):
            self._results[incoming.id] = Recorded(incoming.id, self._now, repeated=True)
            return
        try:
            fact = self._fact_of(incoming)
            decision = self._desk.core.decide(standing.state, fact)
            state, drafts = self._draft(standing, incoming, fact, decision.effects)
        except Refused:
            raise
        except Exception as error:  # a core that raises, whatever it raises, must not stop the others
            if incoming.record is None:
                raise
            self._park(incoming, ParkReason.PARK_REASON_CORE_RAISED, type(error).__name__)
            standing.held = True
            return
        standing.state = state
        self._drafts += drafts
        self._taken.append((incoming, fact))
        for name in decision.cancel:
            self._timers[incoming.concern_id, name] = None
        for timer in decision.timers:
            self._timers[incoming.concern_id, timer.name] = timer

    def _draft(
        self, standing: _Standing[S], incoming: Incoming, fact: Fact, effects: Sequence[Effect]
    ) -> tuple[S, list[_Draft]]:
        state = standing.state
        based_on = dict(standing.based_on)
        if incoming.kind is FactKind.EVENT:
            state = self._desk.core.evolve(state, fact)
            assert incoming.event is not None
            based_on[incoming.event.topic] = incoming.event.id
        drafts: list[_Draft] = []
        for effect in effects:
            event = self._event(incoming, effect, tuple(sorted(based_on.items())))
            own = replace(opened(event, {}), parts={c.part_id: c.part for c in effect.contents})
            state = self._desk.core.evolve(state, own)
            drafts.append(_Draft(event, effect, incoming, own))
        standing.based_on = based_on
        return state, drafts

    def _event(self, incoming: Incoming, effect: Effect, based_on: tuple[tuple[str, UUID], ...]) -> Event:
        data = type(effect.data)()
        data.CopyFrom(effect.data)
        if has_parts(data):
            # placeholders, so that the state sees which parts there are; sealed once all keys are here
            del data.parts[:]  # type: ignore[attr-defined]
            data.parts.extend(SealedPart(part_id=c.part_id) for c in effect.contents)  # type: ignore[attr-defined]
        return Event(
            id=effect_id(incoming.id, effect.type, effect.key),
            type=effect.type,
            topic=effect.topic or self._desk.writes[0],
            source=f"//concern-relay/{self._desk.service}",
            time=effect.time or self._now,
            recorded=self._now,
            concern_id=incoming.concern_id,
            causation_id=incoming.id,
            based_on=based_on,
            data=data,
            traceparent=incoming.traceparent,
        )

    async def _still_set(self, concern_id: str, timer: Timer) -> bool:
        if (concern_id, timer.name) in self._timers:
            return self._timers[concern_id, timer.name] == timer
        row = await self._db.fetchrow(
            "DELETE FROM timer WHERE concern_id = $1 AND name = $2 AND due = $3 RETURNING name",
            UUID(concern_id),
            timer.name,
            timer.due,
        )
        return row is not None

    def _park(self, incoming: Incoming, reason: ParkReason, error: str) -> None:
        self._parked.append((incoming, reason, error))
        self._results[incoming.id] = Recorded(incoming.id, self._now, parked=True)

    async def _seal(self) -> None:
        contents = [(d, c) for d in self._drafts for c in d.effect.contents]
        secrets = await self._desk.keys_for(self._concern_keys, {c.scope for _, c in contents})
        for draft in self._drafts:
            if draft.effect.contents:
                del draft.event.data.parts[:]  # type: ignore[attr-defined]
                draft.event.data.parts.extend(  # type: ignore[attr-defined]
                    seal(secrets[c.scope], draft.event.id, c.part_id, c.part) for c in draft.effect.contents
                )
            record = encode(draft.event)
            partition = partition_of(record.key, self._desk.partitions[record.topic])
            self._sealed[draft.event.id] = replace(record, partition=partition)

    async def _write(self, held: dict[str, bool]) -> None:
        rows = [self._input_row(i) for i, _ in self._taken]
        rows += [self._output_row(d.event, self._sealed[d.event.id], d.cause.id) for d in self._drafts]
        rows += [self._output_row(*self._pointer(i, r)) for i, r, _ in self._parked if i.parked_id is None]
        if rows:
            await self._db.copy_records_to_table("entry", records=rows, columns=_COLUMNS)
        await self._write_parked()
        await self._write_timers()
        newly_held = [UUID(c) for c, s in self._standing.items() if s.held and not held[c]]
        if newly_held:
            await self._db.execute("UPDATE concern SET held = true WHERE concern_id = ANY($1)", newly_held)
        effects: dict[UUID, list[_Draft]] = defaultdict(list)
        for draft in self._drafts:
            effects[draft.cause.id].append(draft)
        for incoming, fact in self._taken:
            own = effects[incoming.id]
            await self._desk.store.project(self._db, fact, [d.fact for d in own])
            self._results[incoming.id] = Recorded(
                incoming.id,
                self._now,
                tuple(d.event for d in own),
                tuple(self._sealed[d.event.id] for d in own),
            )

    def _input_row(self, incoming: Incoming) -> tuple[Any, ...]:
        record = incoming.record
        return (
            incoming.id,
            UUID(incoming.concern_id),
            None,
            incoming.kind.value[0],
            "" if record is None else record.topic,
            -1 if record is None else record.partition,
            None if record is None else record.offset,
            "" if incoming.event is None else incoming.event.type,
            self._now,
            b"" if record is None else pack_headers(record.headers),
            b"" if record is None else record.value,
            incoming.digest,
            None,
        )

    def _output_row(self, event: Event, record: Record, cause: UUID, origin: str = "o") -> tuple[Any, ...]:
        return (
            event.id,
            UUID(event.concern_id),
            cause,
            origin,
            record.topic,
            record.partition,
            None,
            event.type,
            event.recorded,
            pack_headers(record.headers),
            record.value,
            digest(record),
            False,
        )

    def _pointer(self, incoming: Incoming, reason: ParkReason) -> tuple[Event, Record, UUID, str]:
        return self._desk.pointer(incoming, reason, self._now)

    async def _write_parked(self) -> None:
        for incoming, reason, error in self._parked:
            if incoming.parked_id is not None:
                await self._db.execute(
                    "UPDATE parked SET reason = $2, error = $3 WHERE parked_id = $1",
                    incoming.parked_id, word_of(ParkReason, reason), error,
                )  # fmt: skip
                continue
            await self._desk.write_parked(self._db, incoming, reason, error, self._now)

    async def _write_timers(self) -> None:
        dropped = [(UUID(c), name) for (c, name), timer in self._timers.items() if timer is None]
        set_ = [(UUID(c), name, timer.due) for (c, name), timer in self._timers.items() if timer is not None]
        if dropped:
            await self._db.executemany("DELETE FROM timer WHERE concern_id = $1 AND name = $2", dropped)
        if set_:
            await self._db.executemany(
                "INSERT INTO timer (concern_id, name, due) VALUES ($1, $2, $3) "
                "ON CONFLICT (concern_id, name) DO UPDATE SET due = excluded.due",
                set_,
            )


def opened(event: Event, keys: dict[str, Key]) -> Fact:
    """Give the fact of an event, with the parts these keys open."""
    parts: dict[str, Part] = {}
    if keys:
        for sealed in sealed_parts(event.data):
            if (key := keys.get(sealed.key_id)) is not None:
                parts[sealed.part_id] = open_part(key, event.id, sealed)
    return Fact(
        FactKind.EVENT,
        event.id,
        event.type,
        event.concern_id,
        event.time,
        event.recorded,
        event.data,
        parts,
        getattr(event.data, "agency_id", ""),
        event.causation_id,
        event.based_on,
    )


def sealed_parts(data: Message) -> Sequence[SealedPart]:
    """Give the sealed parts of a message; none when it has no such field."""
    return data.parts if has_parts(data) else ()  # type: ignore[attr-defined]


def entry_record(row: asyncpg.Record) -> Record:
    """Give the record a row of ``entry`` holds."""
    return Record(
        row["topic"], str(row["concern_id"]).encode(), unpack_headers(bytes(row["headers"])), bytes(row["value"])
    )
