"""What decided is looked up in the database when the service starts: a pack changed since is said at once."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry, Gauge

from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.concerns_pb2 import ConcernRaised
from services.basis_assessment.law_in_use import say_changed
from services.basis_assessment.pack_document import read_book
from services.basis_assessment.store import BasisStore, Decisions
from services.chassis.event import Fact, FactKind

LAWS = read_book()
DEADLINE_S = 60
FIRST, SECOND, *_ = LAWS.packs
BEGAN = datetime(2026, 11, 23, 10, tzinfo=UTC)


def fact(concern_id: UUID, data: Message, recorded: datetime) -> Fact:
    """Give an event as it is recorded."""
    name = data.DESCRIPTOR.name
    return Fact(
        FactKind.EVENT, uuid4(), name, str(concern_id), recorded, recorded, data=data, agency_id="larkfield-primary"
    )


async def assessed(connection: asyncpg.Connection[Any], *found: BasisAssessed) -> None:
    """Record one concern, assessed as given, one after the other; the newest counts."""
    concern_id, store = uuid4(), BasisStore()
    await store.project(connection, fact(concern_id, ConcernRaised(concern_id=str(concern_id)), BEGAN), ())
    for minutes, one in enumerate(found):
        at = BEGAN + timedelta(minutes=minutes)
        await store.project(connection, fact(concern_id, ConcernRaised(), at), (fact(concern_id, one, at),))


@pytest.fixture
def on_database(database: str) -> Any:
    """Run a coroutine with a pool on this module's database, whose tables are empty."""

    async def with_pool(given: tuple[tuple[BasisAssessed, ...], ...], gauge: Gauge) -> tuple[str, ...]:
        async with asyncpg.create_pool(database, min_size=1, max_size=2) as pool, pool.acquire() as connection:
            await connection.execute(BasisStore.schema)
            await connection.execute("TRUNCATE assessment")
            for one in given:
                await assessed(connection, *one)
            return await say_changed(LAWS, Decisions(pool), gauge)

    def look(*given: tuple[BasisAssessed, ...]) -> tuple[tuple[str, ...], float]:
        gauge = Gauge("relay_law_packs_changed", "as the service has it", registry=CollectorRegistry())
        found = asyncio.run(asyncio.wait_for(with_pool(given, gauge), DEADLINE_S))
        return found, gauge.collect()[0].samples[0].value

    return look


def by(name: str, sha256: str) -> BasisAssessed:
    """Give an assessment that names a pack."""
    return BasisAssessed(law_pack=name, law_pack_sha256=sha256)


def test_what_was_changed_since_is_found_in_the_database(on_database: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Given concerns decided by a pack as it is and by one with other bytes, the second alone is named, once."""
    as_it_is, changed = by(FIRST.name, FIRST.sha256), by(SECOND.name, "0" * 64)

    with caplog.at_level(logging.ERROR):
        found, gauge = on_database((as_it_is,), (changed,), (changed,))

    assert found == (SECOND.name,)
    assert gauge == 1
    assert "bring the old file back" in caplog.text


def test_nothing_changed_or_nothing_decided_is_nothing_said(on_database: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Packs as they are, one that is not at hand at all, and an empty database: no alarm."""
    assert on_database() == ((), 0)
    assert on_database((by(FIRST.name, FIRST.sha256),), (by("working-together-1999", "0" * 64),)) == ((), 0)
    assert "bring the old file back" not in caplog.text


def test_the_newest_assessment_of_a_concern_counts(on_database: Any) -> None:
    """Given a concern that was assessed anew by a pack at hand, what stood there before is asked of no more."""
    before, now = by(SECOND.name, "0" * 64), by(FIRST.name, FIRST.sha256)

    assert on_database((before, now)) == ((), 0)
    assert on_database((now, before)) == ((SECOND.name,), 1)
