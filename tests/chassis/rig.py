"""A rig: one service with a trivial core, on a topic pair and a database of its own, nothing of it faked.

The core answers each ConcernRaised with one BasisAssessed. What else it should do is written in the record's
``warning_codes``, one instruction each:

    raise               raise an exception with personal words in it
    refuse              raise Refused, which only an act may be
    twice               emit the same effect twice
    astray              emit to a topic it has no right to
    hollow              emit a part without a body
    large, huge         emit as much as a record may hold; more than that
    share:<share id>    emit a part sealed for one share
    timer:<name>:<due>  set a timer (due in ISO 8601)
    cancel:<name>       drop a timer

A timer leads to one DecisionOverdue that names it; an act of DecisionRecorded leads to itself.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic

from concern_relay.v1.assessments_pb2 import BasisAssessed, DecisionOverdue, DecisionRecorded
from concern_relay.v1.codes_pb2 import Urgency
from concern_relay.v1.concerns_pb2 import ConcernRaised
from concern_relay.v1.facts_pb2 import NamedPerson, Note, Part
from services.chassis.envelope import Event, Record, decode, encode
from services.chassis.event import (
    NOTHING,
    Content,
    Decision,
    Effect,
    Fact,
    FactKind,
    KeyScope,
    Refused,
    Timer,
    derived_id,
)
from services.chassis.journal import Desk, Journal, NoStore
from services.chassis.keys import MemoryKeys
from services.chassis.publisher import Publisher
from services.chassis.sealing import seal
from services.chassis.settings import Settings
from services.chassis.stage import Stage
from services.chassis.telemetry import Telemetry
from services.chassis.topics.cluster import Cluster

DEADLINE_S = 20.0
POLL_S = 0.01
CANARY = "Zephyrine Quillfeather"
POOL_MAX = 8


class MovedClock:
    """The machine's clock, moved by hand; from ``begin`` on, where the hour of the day matters."""

    def __init__(self, begin: datetime | None = None) -> None:
        self.offset = begin - datetime.now(UTC) if begin is not None else timedelta()

    def now(self) -> datetime:
        """As ``Clock.now``."""
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        """As ``Clock.monotonic``."""
        return monotonic() + self.offset.total_seconds()


@dataclass(frozen=True, slots=True)
class Seen:
    """The state: ids of the events folded, in order."""

    concern_id: str
    events: tuple[UUID, ...] = ()


class TrivialCore:
    """See the module's docstring; ``broken`` makes it raise, as a faulty release would, until mended."""

    def __init__(self) -> None:
        self.broken = False
        self.unfolding = False

    def start(self, concern_id: str) -> Seen:
        """As ``Core.start``."""
        return Seen(concern_id)

    def evolve(self, state: Seen, fact: Fact) -> Seen:
        """As ``Core.evolve``."""
        if self.unfolding:
            raise RuntimeError(CANARY)
        return replace(state, events=(*state.events, fact.id))

    def decide(self, state: Seen, fact: Fact) -> Decision:
        """As ``Core.decide``."""
        if fact.timer is not None:
            if fact.timer.name == "raise":
                raise RuntimeError(CANARY)
            overdue = DecisionOverdue(concern_id=fact.concern_id, decision_id=fact.timer.name)
            return Decision((Effect(overdue, fact.timer.name),))
        if fact.kind is FactKind.ACT:
            return self._act(fact)
        if isinstance(fact.data, ConcernRaised):
            return self._raised(fact, fact.data)
        return NOTHING

    def _act(self, fact: Fact) -> Decision:
        assert isinstance(fact.data, DecisionRecorded)
        if fact.data.reason_code == "refuse":
            raise Refused(409, "refused", "this act is always refused")
        contents = tuple(Content(i, KeyScope(fact.concern_id), part) for i, part in sorted(fact.parts.items()))
        return Decision((Effect(fact.data, fact.data.decision_id, contents, fact.time),))

    def _raised(self, fact: Fact, data: ConcernRaised) -> Decision:
        if self.broken:
            raise RuntimeError(CANARY)
        decided = Decision((Effect(assessment(fact), ""),))
        for code in data.warning_codes:
            verb, _, rest = code.partition(":")
            if verb == "timer":
                name, _, due = rest.partition(":")
                decided = replace(decided, timers=(*decided.timers, Timer(name, datetime.fromisoformat(due))))
            elif verb == "cancel":
                decided = replace(decided, cancel=(*decided.cancel, rest))
            else:
                decided = replace(decided, effects=(*decided.effects, instructed(fact, verb, rest)))
        return decided


def instructed(fact: Fact, verb: str, rest: str) -> Effect:
    """Give the effect that an instruction asks for, or raise what it asks for."""
    whole = KeyScope(fact.concern_id)
    match verb:
        case "raise":
            raise RuntimeError(CANARY)
        case "refuse":
            raise Refused(409, "refused", "no")
        case "twice":
            return Effect(assessment(fact), "")
        case "astray":
            return Effect(assessment(fact), "astray", topic="ledger.v1")
        case "hollow":
            return decision(fact.concern_id, "hollow", whole, Part())
        case "huge":
            return Effect(BasisAssessed(concern_id=fact.concern_id, law_pack="x" * 2_000_000), "huge")
        case "large":
            return Effect(BasisAssessed(concern_id=fact.concern_id, law_pack="x" * 900_000), "large")
        case "share":
            scope = KeyScope(fact.concern_id, share_id=rest)
            return decision(fact.concern_id, rest, scope, Part(note=Note(text=CANARY)))
    raise AssertionError(f"no such instruction: {verb}")


def assessment(fact: Fact) -> BasisAssessed:
    """Give what the core answers."""
    data = BasisAssessed(concern_id=fact.concern_id, assessed_event_id=str(fact.id))
    data.law_as_of.FromDatetime(fact.recorded)
    return data


def decision(concern_id: str, key: str, scope: KeyScope, part: Part) -> Effect:
    """Give an effect with one sealed part."""
    part_id = derived_id(concern_id, "note", key)
    return Effect(DecisionRecorded(concern_id=concern_id, decision_id=key), key, (Content(part_id, scope, part),))


def raised(
    *,
    concern_id: str | None = None,
    event_id: UUID | None = None,
    codes: Iterable[str] = (),
    urgency: Urgency = Urgency.URGENCY_UNSPECIFIED,
    traceparent: str = "",
) -> Event:
    """Give a ConcernRaised as intake would write it, without content."""
    concern_id = concern_id or str(uuid4())
    now = datetime.now(UTC)
    return Event(
        id=event_id or uuid4(),
        type="ConcernRaised",
        topic="",
        source="//concern-relay/intake",
        time=now,
        recorded=now,
        concern_id=concern_id,
        causation_id=None,
        based_on=(),
        data=ConcernRaised(
            concern_id=concern_id, agency_id="school-a", urgency=urgency, warning_codes=list(codes), test=True
        ),
        traceparent=traceparent,
    )


@dataclass
class Rig:
    """One service under test, and what looks at it from outside."""

    connection: dict[str, Any]
    settings: Settings
    pool: asyncpg.Pool
    source: str
    sink: str
    partitions: dict[str, int]
    core: TrivialCore = field(default_factory=TrivialCore)
    clock: MovedClock = field(default_factory=MovedClock)
    keys: MemoryKeys = field(default_factory=MemoryKeys)
    telemetry: Telemetry = field(default_factory=lambda: Telemetry("rig"))
    _producer: AIOKafkaProducer | None = None

    def journal(self, *, store: Any = None, on_commit: Callable[[], None] = lambda: None) -> Journal[Seen]:
        """Make a journal on the rig's database, as one more process would."""
        desk = Desk(
            service=self.settings.service,
            core=self.core,
            store=store or NoStore(),
            keys=self.keys,
            clock=self.clock,
            writes=(self.sink,),
            partitions=self.partitions,
            local_key=b"k" * 64,
            purpose="test_rig",
        )
        return Journal(self.pool, desk, self.telemetry, on_commit)

    def publisher(self) -> Publisher:
        """Make a publisher of everything this service writes."""
        return Publisher(self.pool, self.settings, self.partitions, self.telemetry)

    def stage(self, journal: Journal[Seen], *, instance: str | None = None) -> Stage:
        """Make a stage on the rig's source."""
        return Stage(journal, self.settings, (self.source,), self.telemetry, instance=instance)

    @asynccontextmanager
    async def working(self, *, store: Any = None) -> AsyncIterator[Stage]:
        """Run a whole worker: stage, journal and publisher."""
        publisher = self.publisher()
        stage = self.stage(self.journal(store=store, on_commit=publisher.wake))
        async with running(stage.run, stage.stop), running(publisher.run, publisher.stop):
            yield stage

    async def put(self, *things: Event | Record) -> None:
        """Write records to the source, in this order, and wait until the broker has them."""
        if self._producer is None:
            self._producer = AIOKafkaProducer(**self.connection, acks="all", enable_idempotence=True)
            await asyncio.wait_for(self._producer.start(), DEADLINE_S)
        records = [self.record(t) if isinstance(t, Event) else t for t in things]
        sent = [await self._producer.send(self.source, r.value, key=r.key, headers=list(r.headers)) for r in records]
        await asyncio.wait_for(asyncio.gather(*sent), DEADLINE_S)

    def record(self, event: Event) -> Record:
        """Give the record of an event of the source."""
        return encode(replace(event, topic=self.source))

    def incoming(self, *events: Event) -> list[Record]:
        """Give records as the stage would hand them to the journal, at offsets of their own."""
        return [replace(self.record(e), partition=0, offset=n) for n, e in enumerate(events, secrets.randbits(40))]

    async def sealed(self, event: Event, *parts: Part, scope: KeyScope | None = None) -> Event:
        """Seal parts into an event, as intake would."""
        scope = scope or KeyScope(event.concern_id)
        key = (await self.keys.issue([scope]))[scope]
        ids = [derived_id(event.concern_id, "detail", str(n)) for n, _ in enumerate(parts)]
        event.data.parts.extend(  # type: ignore[attr-defined]
            seal(key, event.id, part_id, part) for part_id, part in zip(ids, parts, strict=True)
        )
        return event

    async def written(self, topic: str = "") -> list[Event]:
        """Read what lies on the sink (or another topic) now, to its end."""
        return [decode(r) for r in await self.records(topic)]

    async def records(self, topic: str = "") -> list[Record]:
        """Read the records of the sink (or another topic) as they lie there now, to its end."""
        topic = topic or self.sink
        client = AIOKafkaConsumer(**self.connection, auto_offset_reset="earliest", enable_auto_commit=False)
        await asyncio.wait_for(client.start(), DEADLINE_S)
        try:
            tps = [TopicPartition(topic, n) for n in range(self.partitions[topic])]
            client.assign(tps)
            ends = await asyncio.wait_for(client.end_offsets(tps), DEADLINE_S)
            found: list[Record] = []
            while any([await client.position(tp) < end for tp, end in ends.items()]):
                batches = await asyncio.wait_for(client.getmany(timeout_ms=500), DEADLINE_S)
                found += [
                    Record(r.topic, r.key, tuple(r.headers), r.value, r.partition, r.offset)
                    for batch in batches.values()
                    for r in batch
                ]
            return found
        finally:
            await asyncio.wait_for(client.stop(), DEADLINE_S)

    async def sink_has(self, count: int, *, deadline_s: float = DEADLINE_S) -> list[Event]:
        """Wait until so many distinct events lie on the sink; give all there are."""

        async def look() -> list[Event]:
            found = await self.written()
            return found if len({e.id for e in found}) >= count else []

        found: list[Event] = await eventually(look, f"{count} events on the sink", deadline_s=deadline_s, poll_s=0.1)
        return found

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask the rig's database."""
        rows: list[asyncpg.Record] = await self.pool.fetch(query, *arguments)
        return rows

    async def committed(self) -> int:
        """Give the sum of the group's committed offsets on the source."""
        client = AIOKafkaConsumer(**self.connection, group_id=self.settings.service, enable_auto_commit=False)
        await asyncio.wait_for(client.start(), DEADLINE_S)
        try:
            tps = [TopicPartition(self.source, n) for n in range(self.partitions[self.source])]
            client.assign(tps)
            return sum([await asyncio.wait_for(client.committed(tp), DEADLINE_S) or 0 for tp in tps])
        finally:
            await asyncio.wait_for(client.stop(), DEADLINE_S)

    async def close(self) -> None:
        """Let go of what was opened."""
        if self._producer is not None:
            await asyncio.wait_for(self._producer.stop(), DEADLINE_S)


@asynccontextmanager
async def rig(kafka: Any, dsn: str, *, partitions: int = 3) -> AsyncIterator[Rig]:
    """Have topics, a migrated database and a pool."""
    service = f"rig{secrets.token_hex(6)}"
    source, sink, parked = f"source.{service}.v1", f"sink.{service}.v1", f"parked.{service}.v1"
    counts = {source: partitions, sink: partitions, parked: 1}
    connection = kafka.connection("admin")
    async with Cluster(connection) as cluster:
        response = await cluster.create_topics([NewTopic(name, count, 1) for name, count in counts.items()])
        assert all(error[1] == 0 for error in response.topic_errors), response.topic_errors
    dsn = await _with_schema(dsn, service)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=POOL_MAX) as pool:
        made = Rig(connection, settings_for(connection, service, dsn), pool, source, sink, counts)
        await made.journal().migrate()
        try:
            yield made
        finally:
            await made.close()


async def _with_schema(dsn: str, name: str) -> str:
    """Make a schema, which costs a hundredth of a database, and give the DSN of those who see nothing else."""
    connection = await asyncpg.connect(dsn, timeout=DEADLINE_S)
    await connection.execute(f"CREATE SCHEMA {name}")
    await connection.close()
    return f"{dsn}?search_path={name}"


def settings_for(connection: dict[str, Any], service: str, dsn: str) -> Settings:
    """Give the settings of a process that uses this connection."""
    return Settings(
        service=service,
        kafka_bootstrap=connection["bootstrap_servers"],
        kafka_protocol=connection["security_protocol"],
        kafka_mechanism=connection.get("sasl_mechanism", ""),
        kafka_username=connection.get("sasl_plain_username", ""),
        kafka_password=connection.get("sasl_plain_password", ""),
        database_url=dsn,
        profile="test",
    )


@asynccontextmanager
async def running(run: Callable[[], Awaitable[None]], stop: Callable[[], None]) -> AsyncIterator[None]:
    """Run something beside the test; a failure of it is a failure of the test."""
    task = asyncio.ensure_future(run())
    try:
        yield
    except BaseException:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        raise
    stop()
    await asyncio.wait_for(task, DEADLINE_S)


async def eventually(
    look: Callable[[], Awaitable[Any]], what: str, *, deadline_s: float = DEADLINE_S, poll_s: float = POLL_S
) -> Any:
    """Ask again until the answer is truthy.

    Raises:
        AssertionError: not before the deadline.
    """
    until = monotonic() + deadline_s
    while not (found := await look()):
        assert monotonic() < until, f"not within {deadline_s:g} s: {what}"
        await asyncio.sleep(poll_s)
    return found


def person_part() -> Part:
    """Give a part that must never be seen outside."""
    return Part(named_person=NamedPerson(name=CANARY, role="teacher"))
