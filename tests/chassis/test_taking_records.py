"""What the journal does with records: each is applied, known already, or parked, and none holds up another concern."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from concern_relay.v1.codes_pb2 import Urgency
from services.chassis.envelope import Record
from services.chassis.errors import SettingsError
from services.chassis.event import KeyScope, effect_id
from services.chassis.journal import Desk, NoStore
from services.chassis.keys import MemoryKeys
from services.chassis.parked import ParkedRecords
from tests.chassis.rig import MovedClock, TrivialCore, person_part, raised

pytestmark = [pytest.mark.broker, pytest.mark.database]

EMERGENCY = Urgency.URGENCY_EMERGENCY


async def reasons(rig) -> dict[str, list[str]]:
    """Give the reasons of what is parked, by event id, in order."""
    found: dict[str, list[str]] = {}
    for row in await ParkedRecords(rig.journal()).list():
        found.setdefault(str(row.event_id), []).append(row.reason)
    return found


async def effects(rig) -> list[UUID]:
    """Give the ids of the effects in the journal, in order."""
    return [r["event_id"] for r in await rig.rows("SELECT event_id FROM entry WHERE origin = 'o' ORDER BY seq")]


async def test_an_effect_rests_on_what_was_applied_before_it(new_rig):
    """Given three records of one concern, each effect names as its basis the newest record applied."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        given = [raised(concern_id=concern_id) for _ in range(3)]

        taken = await rig.journal().take(rig.incoming(*given[:2]))
        taken += await rig.journal().take(rig.incoming(given[2]))
        state, facts = await rig.journal().state(concern_id)

        assert [r.events[0].based_on for r in taken] == [((rig.source, e.id),) for e in given]
        assert state.events == tuple(f.id for f in facts)
        assert [f.id for f in facts if f.type == "ConcernRaised"] == [e.id for e in given]


async def test_a_record_that_comes_again_changes_nothing(new_rig):
    """Given a record taken before, when it comes again at another offset, it leads to nothing new."""
    async with new_rig() as rig:
        given = raised()
        (first,) = await rig.journal().take(rig.incoming(given))

        (again,) = await rig.journal().take(rig.incoming(given))

        assert again.repeated
        assert not again.parked
        assert await effects(rig) == [first.events[0].id]


async def test_a_record_that_comes_twice_at_once_counts_once(new_rig):
    """Given the same record twice in one batch, the second is known by the first."""
    async with new_rig() as rig:
        given = raised()

        first, second = await rig.journal().take(rig.incoming(given, given))

        assert (first.repeated, second.repeated) == (False, True)
        assert len(await effects(rig)) == 1


@pytest.mark.parametrize("together", [True, False])
async def test_a_known_id_with_other_content_is_parked_and_holds_its_concern(new_rig, together):
    """Given an id that comes with other content, it is parked as a conflict, once, and what follows waits behind it."""
    async with new_rig() as rig:
        first = raised()
        other = raised(concern_id=first.concern_id, event_id=first.id, codes=["cancel:x"])
        later = raised(concern_id=first.concern_id)
        records = rig.incoming(first, other, later)

        batches = [records] if together else [[r] for r in records]
        results = [r for batch in batches for r in await rig.journal().take(batch)]
        redelivered = await rig.journal().take(records)

        assert [r.parked for r in results] == [False, True, True]
        assert await reasons(rig) == {str(first.id): ["id_conflict"], str(later.id): ["behind_parked"]}
        assert [(r.parked, r.repeated) for r in redelivered] == [(False, True), (True, True), (True, True)]
        assert len(await effects(rig)) == 1
        alarm = {"reason": "id_conflict", "emergency": "False"}
        assert rig.telemetry.registry.get_sample_value("relay_parkings_total", alarm) == 1


def test_a_topic_that_is_not_registered_is_refused_at_the_start():
    """Given a service that writes a topic of which nothing is known, it does not start, rather than park everything."""
    with pytest.raises(SettingsError, match=r"nowhere\.v1"):
        Desk("rig", TrivialCore(), NoStore(), MemoryKeys(), MovedClock(), ("nowhere.v1",), {}, b"k" * 64)


@pytest.mark.parametrize("code", ["raise", "refuse", "twice", "astray", "hollow", "huge"])
async def test_a_core_that_fails_parks_that_record_only(new_rig, code):
    """Given a core that raises or decides what cannot be written, that record is parked, its concern held, no other."""
    async with new_rig() as rig:
        bad = raised(codes=[code])
        behind = raised(concern_id=bad.concern_id)
        emergency = raised(concern_id=bad.concern_id, urgency=EMERGENCY)
        others = [raised() for _ in range(3)]

        results = await rig.journal().take(rig.incoming(others[0], bad, behind, others[1], emergency, others[2]))

        assert [r.parked for r in results] == [False, True, True, False, False, False]
        assert await reasons(rig) == {str(bad.id): ["core_raised"], str(behind.id): ["behind_parked"]}
        assert len(await effects(rig)) == 4


async def test_a_core_that_cannot_fold_a_concern_parks_what_comes_for_it(new_rig):
    """Given a release whose evolve raises, what it cannot fold is parked and not refused for ever."""
    async with new_rig() as rig:
        known = raised()
        await rig.journal().take(rig.incoming(known))
        rig.core.unfolding = True
        given = raised(concern_id=known.concern_id)

        (result,) = await rig.journal().take(rig.incoming(given))

        assert result.parked
        assert await reasons(rig) == {str(given.id): ["core_raised"]}


class FailingStore:
    """A projection that cannot take one concern."""

    schema = ""

    def __init__(self, bad: str) -> None:
        self.bad = bad

    async def project(self, connection: Any, fact: Any, effects: Any) -> None:
        """Fail as a projection does: here in Python, in the database just as well."""
        if fact.concern_id == self.bad:
            await connection.execute("SELECT 1 / 0")


async def test_a_store_that_fails_parks_that_record_only(new_rig):
    """Given a projection that the database refuses, that record is parked and the others go on."""
    async with new_rig() as rig:
        bad, other = raised(), raised()

        results = await rig.journal(store=FailingStore(bad.concern_id)).take(rig.incoming(bad, other))

        assert [r.parked for r in results] == [True, False]
        assert await reasons(rig) == {str(bad.id): ["core_raised"]}


def spoiled(record: Record, how: str) -> Record:
    """Spoil a record in one way."""
    headers = dict(record.headers)
    match how:
        case "garbage":
            return replace(record, value=b"\xff\xff\xff\xff")
        case "empty":
            return replace(record, value=b"")
        case "no headers":
            return replace(record, headers=())
        case "bad id":
            return replace(record, headers=tuple((headers | {"ce_id": b"7"}).items()))
        case "bad time":
            return replace(record, headers=tuple((headers | {"ce_time": b"yesterday"}).items()))
        case "endless names":
            return replace(record, headers=tuple((f"{n}" + "x" * 70_000, b"") for n in range(3)))
        case "endless headers":
            return replace(record, headers=(("x", b"y"),) * 70_000)
        case "twice":
            return replace(record, headers=(*record.headers, ("ce_type", b"concern_relay.v1.ConcernRaised")))
        case "unknown type":
            return replace(record, headers=tuple((headers | {"ce_type": b"concern_relay.v1.Newer"}).items()))
    raise AssertionError(how)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("garbage", "undecodable"),
        ("empty", "undecodable"),
        ("no headers", "undecodable"),
        ("bad id", "undecodable"),
        ("bad time", "undecodable"),
        ("endless names", "undecodable"),
        ("endless headers", "undecodable"),
        ("twice", "undecodable"),
        ("unknown type", "unknown_schema"),
    ],
)
async def test_what_cannot_be_read_is_parked_with_its_bytes_sealed(new_rig, how, reason):
    """Given a record that cannot be read, it is parked, holds its concern by its key, and can be opened again."""
    async with new_rig() as rig:
        good, behind, other = raised(), raised(), raised()
        behind = replace(behind, concern_id=good.concern_id)
        behind.data.concern_id = good.concern_id
        first, second, third = rig.incoming(good, behind, other)
        bad = spoiled(first, how)

        results = await rig.journal().take([bad, second, third])
        (row,) = await rig.rows("SELECT * FROM parked WHERE reason <> 'behind_parked'")

        assert [r.parked for r in results] == [True, True, False]
        assert row["reason"] == reason
        assert str(row["concern_id"]) == good.concern_id
        assert good.concern_id.encode() not in row["sealed"]
        assert rig.journal().desk.open_record(row) == bad


async def test_bytes_without_a_concern_are_parked_and_hold_nothing(new_rig):
    """Given bytes without a usable key, they are parked under an id of their own."""
    async with new_rig() as rig:
        bad = Record(rig.source, b"\x00not a key", (), b"\x00", 1, 7)

        (result,) = await rig.journal().take([bad])
        (again,) = await rig.journal().take([bad])

        assert result.parked
        assert again.repeated
        assert [p.reason for p in await ParkedRecords(rig.journal()).list()] == ["undecodable"]


@pytest.mark.parametrize("way", ["suspended", "destroyed"])
async def test_what_cannot_be_sealed_is_parked(new_rig, way):
    """Given a key that is suspended or destroyed, a record whose effect needs it is parked, the others go on."""
    async with new_rig() as rig:
        bad, other = raised(codes=["share:s1"]), raised(codes=["share:s2"])
        scope = KeyScope(bad.concern_id, share_id="s1")
        key = (await rig.keys.issue([scope]))[scope]
        if way == "suspended":
            await rig.keys.suspend(bad.concern_id, reason="objection", key_ids=[key.key_id])
        else:
            rig.keys.destroy(bad.concern_id, key_ids=[key.key_id])

        results = await rig.journal().take(rig.incoming(bad, other))

        assert [r.parked for r in results] == [True, False]
        assert await reasons(rig) == {str(bad.id): ["key_unavailable"]}


async def test_a_suspended_key_takes_the_part_from_the_core_and_gives_it_back(new_rig):
    """Given sealed content, the core sees it while its key opens, and does not while it is suspended."""
    async with new_rig() as rig:
        given = await rig.sealed(raised(), person_part())
        (part,) = given.data.parts
        await rig.journal().take(rig.incoming(given))
        before = (await rig.journal().facts(given.concern_id))[0].parts
        await rig.keys.suspend(given.concern_id, reason="objection", key_ids=[part.key_id])

        during = (await rig.journal().facts(given.concern_id))[0].parts
        rig.keys.resume(given.concern_id, key_ids=[part.key_id])
        after = (await rig.journal().facts(given.concern_id))[0].parts

        assert before == after == {part.part_id: person_part()}
        assert during == {}


async def test_a_part_moved_from_another_event_is_parked(new_rig):
    """Given sealed content lifted into another event, that event is parked and not believed."""
    async with new_rig() as rig:
        genuine = await rig.sealed(raised(), person_part())
        forged = raised(concern_id=genuine.concern_id)
        forged.data.parts.extend(genuine.data.parts)

        (result,) = await rig.journal().take(rig.incoming(forged))

        assert result.parked
        assert await reasons(rig) == {str(forged.id): ["core_raised"]}


async def test_recorded_times_of_a_concern_never_run_backwards(new_rig):
    """Given a clock that is set back, what is recorded of a concern still carries no earlier time than before."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        times = []
        for step in (0, -3600, -7200, 60):
            rig.clock.offset = timedelta(seconds=step)
            (result,) = await rig.journal().take(rig.incoming(raised(concern_id=concern_id)))
            times.append(result.events[0].recorded)

        assert times == sorted(times)
        assert times[0] == times[1] == times[2] < times[3]


async def test_two_journals_take_turns_on_a_concern(new_rig):
    """Given two journals that take records of the same concerns at once, each effect is there once, in one order."""
    async with new_rig() as rig:
        concerns = [str(uuid4()) for _ in range(5)]
        given = [raised(concern_id=c) for c in concerns for _ in range(20)]
        records = rig.incoming(*given)
        batches = [records[n : n + 10] for n in range(0, len(records), 10)]

        async def take_all() -> None:
            journal = rig.journal()
            for batch in batches:
                await journal.take(batch)

        await asyncio.gather(take_all(), take_all(), take_all())
        rows = await rig.rows("SELECT event_id, recorded FROM entry WHERE origin = 'o' ORDER BY concern_id, seq")

        assert sorted(await effects(rig)) == sorted(effect_id(e.id, "BasisAssessed", "") for e in given)
        for concern_id in concerns:
            own = await rig.rows(
                "SELECT event_id, recorded FROM entry WHERE concern_id = $1 AND origin = 'e' ORDER BY seq", concern_id
            )
            assert [r["event_id"] for r in own] == [e.id for e in given if e.concern_id == concern_id]
            assert [r["recorded"] for r in own] == sorted(r["recorded"] for r in own)
        assert len(rows) == len(given)


async def test_a_database_that_does_not_answer_ends_at_the_deadline(new_rig, monkeypatch):
    """Given a lock that is never let go, taking ends with an error at its deadline, and works when the lock is gone."""
    monkeypatch.setattr("services.chassis.journal.journal.TRANSACTION_DEADLINE_S", 0.5)
    async with new_rig() as rig:
        given = raised()
        async with rig.pool.acquire() as other, other.transaction():
            await other.execute("INSERT INTO concern (concern_id) VALUES ($1)", given.concern_id)

            with pytest.raises(TimeoutError):
                await rig.journal().take(rig.incoming(given))

        (result,) = await rig.journal().take(rig.incoming(given))
        assert not result.repeated
