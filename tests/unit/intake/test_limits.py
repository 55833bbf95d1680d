"""Limits: a limit delays and never forbids, emergencies pass, and bulk holds nothing that is urgent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import SettingsError
from services.chassis.problems import Problem
from services.chassis.settings import REPOSITORY
from services.intake.limits import Admission, Allowance, Lane, Limits, Rate, lane_of, read_limits
from services.intake.limits.bucket import Bucket
from services.intake.reading import read_tree
from tests.unit.intake.events import submission

SMALL = Limits(
    default=Allowance(
        live=Rate(per_second=1, burst=2), bulk=Rate(per_second=100, burst=100),
        bytes=Rate(per_second=10, burst=100), reading=2, bulk_waiting=1,
    ),
    bulk_at_once=1,
)  # fmt: skip


class Time:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Give the seconds that have passed."""
        return self.now


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), max_size=40))
def test_a_bucket_never_gives_more_than_its_rate(taken) -> None:
    """Whatever is asked and whenever, what was given is at most what was in it and what came since."""
    bucket = Bucket.full(Rate(per_second=2, burst=4), 0.0)
    at = got = 0.0
    for pause, amount in taken:
        at += pause
        if not bucket.take(amount, at):
            got += min(amount, 4)

    assert got <= 4 + 2 * at + 1e-6


def test_what_is_told_to_wait_is_let_in_after_that() -> None:
    """The seconds that are answered are enough, and not twice as many."""
    bucket = Bucket.full(Rate(per_second=2, burst=4), 0.0)
    assert bucket.take(4, 0.0) == 0

    wait_s = bucket.take(3, 0.0)

    assert wait_s == pytest.approx(1.5)
    assert bucket.take(3, wait_s - 0.1) > 0
    assert bucket.take(3, wait_s + 1e-9) == 0


@pytest.mark.parametrize(
    ("fields", "asked", "lane"),
    [
        ({"urgency": "emergency"}, "bulk", Lane.EMERGENCY),
        ({"urgency": "urgent"}, "bulk", Lane.LIVE),
        ({"urgency": "routine"}, "", Lane.LIVE),
        ({"urgency": "routine"}, "bulk", Lane.BULK),
        ({"urgency": ""}, "bulk", Lane.LIVE),
        ({"urgency": "emergency", "history": True}, "", Lane.BULK),
        ({"urgency": "emergency", "test": True}, "", Lane.BULK),
    ],
)
def test_the_lane_follows_from_what_it_is(fields, asked, lane) -> None:
    """History and practice are bulk whatever they say; nothing urgent is, whatever is asked."""
    assert lane_of(read_tree(submission(**fields)).submission, asked) is lane


async def _refused(admission: Admission, lane: Lane, agency: str = "a") -> str:
    try:
        async with admission.turn(agency, lane):
            return ""
    except Problem as problem:
        again = int(dict(problem.headers or {})["Retry-After"]) >= 1
        return str(problem.extensions["limit"]) if problem.status == 429 and again else "not told when to come again"


async def _urgent_while_bulk_waits() -> list[str]:
    admission = Admission(SMALL, now=Time())
    told: list[str] = []
    held, go = asyncio.Event(), asyncio.Event()

    async def bulk() -> None:
        async with admission.turn("a", Lane.BULK):
            held.set()
            await go.wait()

    running = asyncio.create_task(bulk())
    await held.wait()
    waiting = asyncio.create_task(bulk())
    await asyncio.sleep(0)
    told.append(await _refused(admission, Lane.BULK))
    told.append(await _refused(admission, Lane.LIVE))
    told.append(await _refused(admission, Lane.EMERGENCY))
    go.set()
    await asyncio.gather(running, waiting)
    told.append(await _refused(admission, Lane.BULK))
    return told


def test_bulk_waits_and_what_is_urgent_does_not() -> None:
    """Given every bulk place taken and its queue full, bulk is told to come again; live and emergency go in at once."""
    assert asyncio.run(_urgent_while_bulk_waits()) == ["waiting", "", "", ""]


def test_an_emergency_is_never_refused_for_its_rate() -> None:
    """Given an agency that has used up its rate, its emergency goes in, and another agency is not touched."""

    async def told() -> list[str]:
        admission = Admission(SMALL, now=Time())
        live = [await _refused(admission, Lane.LIVE) for _ in range(3)]
        return [*live, await _refused(admission, Lane.EMERGENCY), await _refused(admission, Lane.LIVE, "b")]

    assert asyncio.run(told()) == ["", "", "requests", "", ""]


def test_bodies_that_come_in_are_bounded_in_number_and_bytes() -> None:
    """Two places; ten bytes a second; and places are given back."""
    time = Time()
    admission = Admission(SMALL, now=time)
    with admission.reading("a", 50), admission.reading("a", 50):
        with pytest.raises(Problem) as found, admission.reading("a", 1):
            pass
        assert found.value.extensions["limit"] == "at_once"
    with pytest.raises(Problem) as found, admission.reading("a", 20):
        pass
    assert found.value.extensions["limit"] == "bytes"
    time.now = 2.0
    with admission.reading("a", 20):
        pass


def test_the_shipped_limits_can_be_read() -> None:
    """``deploy/limits.yaml`` says what the defaults are."""
    assert read_limits(REPOSITORY / "deploy" / "limits.yaml") == Limits()


def test_limits_that_are_wrong_stop_the_start(tmp_path: Path) -> None:
    """A slip in the file is told with its place; no limit is made up for it."""
    path = tmp_path / "limits.yaml"
    path.write_text("version: 1\nagencies: {larkfield-primary: {live: {per_second: 0, burst: 1}}}\n")

    with pytest.raises(SettingsError, match=r"live\.per_second"):
        read_limits(path)
