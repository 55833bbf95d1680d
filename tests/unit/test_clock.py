"""Clock: moved by hand, for all processes at once, and never in production."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.chassis.clock import StillClock, SystemClock, TestClock, clock_of
from services.chassis.errors import SettingsError
from services.chassis.settings import Settings

NEAR = timedelta(seconds=5)
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_an_unmoved_test_clock_tells_the_machines_time(tmp_path: Path) -> None:
    """Until somebody moves it, it is right."""
    clock = TestClock(tmp_path / "clock.json")

    assert abs(clock.now() - SystemClock().now()) < NEAR


def test_moving_it_moves_it_for_all_processes(tmp_path: Path) -> None:
    """What one process sets, another one reads at its next look."""
    path = tmp_path / "clock.json"
    clock = TestClock(path)
    clock.set(MONDAY)
    program = (
        "import sys; from pathlib import Path; from services.chassis.clock import TestClock; from datetime import *;"
        "print(TestClock(Path(sys.argv[1])).advance(timedelta(hours=8)).isoformat())"
    )

    told = subprocess.run([sys.executable, "-c", program, str(path)], check=True, capture_output=True, timeout=60)

    assert abs(datetime.fromisoformat(told.stdout.decode().strip()) - (MONDAY + timedelta(hours=8))) < NEAR
    assert abs(clock.now() - (MONDAY + timedelta(hours=8))) < NEAR


def test_time_goes_on_after_a_move(tmp_path: Path) -> None:
    """It is moved, not stopped."""
    clock = TestClock(tmp_path / "clock.json")
    clock.set(MONDAY)

    first, second = clock.now(), clock.now()

    assert first < second


def test_turning_it_back_does_not_turn_back_monotonic_time(tmp_path: Path) -> None:
    """What may be held for five seconds is not held longer because the clock was turned back."""
    clock = TestClock(tmp_path / "clock.json")
    start = clock.monotonic()
    clock.advance(timedelta(days=2))
    forward = clock.monotonic()
    clock.advance(timedelta(days=-2))

    assert forward - start >= 2 * 86_400
    assert clock.monotonic() >= forward
    assert abs(clock.now() - SystemClock().now()) < NEAR


def test_it_moves_neither_too_far_nor_to_nowhere(tmp_path: Path) -> None:
    """An instant without a zone, and one beyond thirty years, are refused; nothing moves."""
    clock = TestClock(tmp_path / "clock.json")

    with pytest.raises(ValueError, match="time zone"):
        clock.set(datetime(2026, 3, 2, 9, 0))  # noqa: DTZ001
    with pytest.raises(ValueError, match="at most"):
        clock.advance(timedelta(days=40_000))

    assert abs(clock.now() - SystemClock().now()) < NEAR


def test_a_still_clock_moves_both_times_together() -> None:
    """For pure tests: it stands until it is moved."""
    clock = StillClock(MONDAY)
    assert clock.now() == clock.now() == MONDAY

    clock.advance(timedelta(minutes=1))

    assert (clock.now(), clock.monotonic()) == (MONDAY + timedelta(minutes=1), 60.0)


def test_production_refuses_a_clock_moved_by_hand(tmp_path: Path) -> None:
    """Also when settings were made by other means than the environment."""
    with pytest.raises(SettingsError, match="production"):
        clock_of(Settings(service="intake", profile="production", clock="test", state_dir=tmp_path))

    assert isinstance(clock_of(Settings(service="intake", profile="production")), SystemClock)
    assert isinstance(clock_of(Settings(service="intake", clock="test", state_dir=tmp_path)), TestClock)


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    """The shared file is readable by a person."""
    path = tmp_path / "state" / "clock.json"
    TestClock(path).advance(timedelta(hours=1))

    assert json.loads(path.read_text()) == {"offset_s": 3600.0, "forward_s": 3600.0}
