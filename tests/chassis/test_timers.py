"""Timers: each fires once, at its time, unless it was moved or dropped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from concern_relay.v1.assessments_pb2 import DecisionRecorded
from services.chassis.event import Timer, timer_id
from services.chassis.journal.overtaking import Due
from services.chassis.timers import Timers
from tests.chassis.rig import raised

pytestmark = [pytest.mark.broker, pytest.mark.database]


def at(minutes: int) -> datetime:
    """Give a time so far from now."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)


async def given_timer(rig, name: str, due: datetime, *, concern_id: str | None = None, also: str = "") -> str:
    """Have a concern set a timer; give the concern's id."""
    event = raised(concern_id=concern_id, codes=[f"timer:{name}:{due.isoformat()}", *([also] if also else [])])
    (result,) = await rig.journal().take(rig.incoming(event))
    assert not result.parked
    return event.concern_id


async def fired(rig) -> list[str]:
    """Give the names of the timers that led to something, in order."""
    rows = await rig.rows("SELECT value FROM entry WHERE type = 'DecisionOverdue' AND origin = 'o' ORDER BY seq")
    from concern_relay.v1.assessments_pb2 import DecisionOverdue  # noqa: PLC0415

    return [DecisionOverdue.FromString(row["value"]).decision_id for row in rows]


async def test_a_timer_fires_when_it_is_due_and_not_before(new_rig):
    """Given a timer an hour away, nothing fires; when the hour has passed, it fires once, in the order of due times."""
    async with new_rig() as rig:
        await given_timer(rig, "later", at(90))
        await given_timer(rig, "sooner", at(60))
        timers = Timers(rig.journal())

        before = await timers.fire_due()
        rig.clock.offset = timedelta(hours=2)
        during = await timers.fire_due()
        after = await timers.fire_due()

        assert (before, during, after) == (0, 2, 0)
        assert await fired(rig) == ["sooner", "later"]
        assert await rig.rows("SELECT 1 FROM timer") == []


async def test_a_timer_fires_once_with_two_racing(new_rig):
    """Given two processes that fire the same forty timers at once, each fires once."""
    async with new_rig() as rig:
        for n in range(40):
            await given_timer(rig, f"t{n}", at(-1))

        await asyncio.gather(*(Timers(rig.journal()).fire_due() for _ in range(3)))

        assert sorted(await fired(rig)) == sorted(f"t{n}" for n in range(40))


async def test_a_timer_that_was_moved_fires_at_its_new_time_only(new_rig):
    """Given a timer that is moved after it was read as due, the old firing leads to nothing, the new one does."""
    async with new_rig() as rig:
        old, new = at(0), at(60)
        concern_id = await given_timer(rig, "t", old)
        journal = rig.journal()
        await given_timer(rig, "t", new, concern_id=concern_id)

        late = await journal.fire(Due(concern_id, Timer("t", old)))
        nothing = await fired(rig)
        rig.clock.offset = timedelta(hours=2)
        await Timers(journal).fire_due()

        assert late.repeated
        assert nothing == []
        assert await fired(rig) == ["t"]


async def test_a_timer_that_was_dropped_does_not_fire(new_rig):
    """Given a timer that is dropped, it does not fire, also where it was read as due before."""
    async with new_rig() as rig:
        due = at(0)
        concern_id = await given_timer(rig, "t", due)
        await rig.journal().take(rig.incoming(raised(concern_id=concern_id, codes=["cancel:t"])))

        await rig.journal().fire(Due(concern_id, Timer("t", due)))
        await Timers(rig.journal()).fire_due()

        assert await fired(rig) == []


@pytest.mark.parametrize("how", ["a record", "an act"])
async def test_what_comes_after_an_outage_does_not_overtake_a_clock_that_ran_out(new_rig, how):
    """Given a timer that fell due while nothing ran, what happened only later comes after its firing."""
    async with new_rig() as rig:
        concern_id = await given_timer(rig, "t", at(30))
        rig.clock.offset = timedelta(hours=1)
        journal = rig.journal()

        if how == "a record":
            late = replace(raised(concern_id=concern_id, codes=["cancel:t"]), recorded=at(60))
            await journal.take(rig.incoming(late))
        else:
            recorded = DecisionRecorded(concern_id=concern_id, decision_id="d")
            await journal.act(concern_id, recorded, agency_id="kent-csc", key="k")

        assert await fired(rig) == ["t"]
        rows = await rig.rows("SELECT type FROM entry WHERE origin IN ('o', 'a') ORDER BY seq DESC LIMIT 1")
        assert rows[0]["type"] != "DecisionOverdue"


async def test_what_was_recorded_in_time_stops_a_clock_however_late_it_is_read(new_rig):
    """Given a record that was written in time and lay there while nothing ran, the timer it drops never fires."""
    async with new_rig() as rig:
        concern_id = await given_timer(rig, "t", at(30))
        in_time = replace(raised(concern_id=concern_id, codes=["cancel:t"]), recorded=at(20))
        later = replace(raised(concern_id=concern_id), recorded=at(60))
        rig.clock.offset = timedelta(hours=1)

        await rig.journal().take([*rig.incoming(in_time), *rig.incoming(later)])
        await Timers(rig.journal()).fire_due()

        assert await fired(rig) == []


async def test_a_timer_set_again_for_when_it_fired_is_settled(new_rig):
    """Given a timer that fired and is set again for the same moment, it neither fires twice nor stays due for ever."""
    async with new_rig() as rig:
        due = at(-5)
        concern_id = await given_timer(rig, "t", due)
        timers = Timers(rig.journal())
        await timers.fire_due()
        await given_timer(rig, "t", due, concern_id=concern_id)

        await timers.fire_due()

        assert await fired(rig) == ["t"]
        assert await rig.rows("SELECT 1 FROM timer") == []


async def test_a_timer_that_cannot_fire_stops_no_other_and_alarms_until_it_is_gone(new_rig):
    """Given a timer whose core raises, others fire, the service is not healthy, and is again when it was dropped."""
    async with new_rig() as rig:
        concern_id = await given_timer(rig, "raise", at(-10))
        await given_timer(rig, "good", at(-5))
        timers = Timers(rig.journal())

        await timers.fire_due()
        await timers.fire_due()
        unhealthy = timers.healthy
        await rig.journal().take(rig.incoming(raised(concern_id=concern_id, codes=["cancel:raise"])))
        await timers.fire_due()

        assert await fired(rig) == ["good"]
        assert (unhealthy, timers.healthy) == (False, True)


async def test_timers_that_cannot_fire_do_not_hide_those_that_can(new_rig, monkeypatch):
    """Given more failing timers than are read at once, the ones behind them still fire."""
    monkeypatch.setattr("services.chassis.timers.DUE_MAX", 3)
    async with new_rig() as rig:
        for n in range(4):
            await given_timer(rig, "raise", at(-60 + n))
        await given_timer(rig, "good", at(-5))
        timers = Timers(rig.journal())

        for _ in range(3):
            await timers.fire_due()

        assert await fired(rig) == ["good"]


async def test_the_firing_is_the_cause_of_what_it_leads_to(new_rig):
    """Given a firing, its id follows from concern, name and due time, so that replay finds the same."""
    async with new_rig() as rig:
        due = at(-5)
        concern_id = await given_timer(rig, "t", due)

        await Timers(rig.journal()).fire_due()
        (row,) = await rig.rows("SELECT cause_id FROM entry WHERE type = 'DecisionOverdue'")

        assert row["cause_id"] == timer_id(concern_id, Timer("t", due))


async def test_a_held_concern_still_has_its_clocks(new_rig):
    """Given a concern held back by a parked record, its timers fire: a clock that alarms must not wait."""
    async with new_rig() as rig:
        concern_id = str(uuid4())
        await given_timer(rig, "t", at(-5), concern_id=concern_id)
        await rig.journal().take(rig.incoming(raised(concern_id=concern_id, codes=["raise"])))

        await Timers(rig.journal()).fire_due()

        assert await fired(rig) == ["t"]
