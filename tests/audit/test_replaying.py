"""Replay from the audit database: sealed records in, opened, decided again; what was erased is a tombstone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.audit import store
from services.audit.export import Record
from services.audit.sequencer import Charter, batch_event, leaf_from, sequence
from services.chassis.arrangement import ArrangementBook
from services.chassis.envelope import Event, encode
from services.chassis.event import Fact, KeyScope
from services.chassis.keys import MemoryKeys
from services.chassis.sealing import seal
from services.workbench.replay.check import check_histories
from services.workbench.replay.finding import Tally
from services.workbench.replay.source import from_database, slices
from services.workbench.replay.wired import Wired
from services.workbench.replay.wiring import wired
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.laws import law_book
from services.workbench.scenario.play import play, read

pytestmark = [pytest.mark.database]

SCENARIO = Path(__file__).parents[1] / "scenarios" / "s01-school-bruising.yaml"
CHARTER = Charter("relay.example/ledger")


@dataclass
class Recorded:
    """A scenario, sealed and recorded."""

    connection: asyncpg.Connection[Any]
    keys: MemoryKeys
    services: tuple[Wired, ...]
    concern_id: str

    async def replayed(self) -> Tally:
        """Replay all of it, slice by slice."""
        whole = Tally()
        for first, last in slices(4):
            histories = from_database(self.connection, self.keys, purpose="replay", first=first, last=last)
            whole.add(await check_histories(histories, self.services, timedelta()))
        return whole


def recorded(fact: Fact, topic: str) -> Event:
    """Give the event of a fact of the scenario."""
    return Event(
        fact.id, fact.type, topic, "//concern-relay/x", fact.time, fact.recorded, fact.concern_id, fact.causation_id,
        fact.based_on, fact.data,
    )  # fmt: skip


async def sealed(keys: MemoryKeys, event: Event, fact: Fact) -> Record:
    """Seal the parts of an event, those of a share under its key, and give its record."""
    data: Any = type(event.data)()
    data.CopyFrom(event.data)
    if fact.parts:
        share = getattr(data, "share_id", "")
        scopes = {i: KeyScope(fact.concern_id, "" if share else i, share_id=share) for i in fact.parts}
        found = await keys.issue(set(scopes.values()))
        del data.parts[:]
        data.parts.extend(seal(found[scopes[i]], event.id, i, part) for i, part in fact.parts.items())
    done = encode(replace(event, data=data))
    return Record(done.topic, 0, -1, done.key, list(done.headers), done.value)


@asynccontextmanager
async def a_recorded_scenario(dsn: str) -> AsyncIterator[Recorded]:
    """Play a scenario on the cores, and record it as audit does, one event twice."""
    keys, records, offsets = MemoryKeys(), list[Record](), dict[str, int]()
    with closing(InProcess()) as hand:
        play(read(SCENARIO), SCENARIO, hand)
        events = [(h.fact, h.topic) for h in hand._stage.events]
        book = ArrangementBook.of([hand._arrangement])
    for fact, topic in [*events, events[0]]:
        record = await sealed(keys, recorded(fact, topic), fact)
        records.append(replace(record, offset=offsets.get(topic, 0)))
        offsets[topic] = offsets.get(topic, 0) + 1
    connection = await asyncpg.connect(dsn)
    try:
        await store.migrate(connection)
        head = await store.read_head(connection)
        batch = sequence(head, [leaf_from(r) for r in records], {})
        now = events[-1][0].recorded
        await store.append(connection, [store.Announced(batch, batch_event(CHARTER, batch, now))], now)
        yield Recorded(connection, keys, wired(law_book(), book), events[0][0].concern_id)
    finally:
        await connection.close()


@pytest.fixture
def dsn(new_database) -> str:
    """A database of this test's own."""
    return str(new_database())


async def test_what_was_recorded_and_sealed_comes_out_the_same(dsn) -> None:
    """Given a scenario recorded and sealed, when it is replayed from the database, then everything is the same."""
    async with a_recorded_scenario(dsn) as scenario:
        tally = await scenario.replayed()

        assert tally.findings == []
        assert tally.same == tally.effects > 10


async def test_an_altered_record_is_told_by_its_leaf(dsn) -> None:
    """Given one bit of a sealed part flipped, when it is replayed, then the leaf is named, and the part that broke."""
    async with a_recorded_scenario(dsn) as scenario:
        await scenario.connection.execute(
            "UPDATE record SET value = set_bit(value, 3000, 1 - get_bit(value, 3000)) WHERE leaf_index = 0"
        )

        codes = {f.code.value for f in (await scenario.replayed()).findings}

        assert "altered" in codes
        assert codes & {"seal_broken", "unreadable", "differs"}


async def test_after_an_erasure_replay_shows_tombstones_and_no_finding(dsn) -> None:
    """Given keys destroyed since, when history is replayed, then what they sealed is counted, and no finding."""
    async with a_recorded_scenario(dsn) as scenario:
        scenario.keys.destroy(scenario.concern_id)

        tally = await scenario.replayed()

        assert tally.findings == []
        assert tally.tombstones > 0
        assert tally.same + tally.unverifiable >= tally.effects


def test_slices_cover_every_id_once() -> None:
    """Given the space of ids cut into slices, when they are put side by side, then nothing is left out or doubled."""
    parts = slices(64)

    assert parts[0][0].int == 0
    assert parts[-1][1].int == (1 << 128) - 1
    assert all(low.int == high.int + 1 for (_, high), (low, _) in pairwise(parts))
