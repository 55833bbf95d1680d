"""One house for all tests of the whole: servers and every service, with a clock that can be moved."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.workbench.calls import Calls
from services.workbench.house import House, house
from services.workbench.practitioners import Practitioners, sample_agencies
from services.workbench.servers import Lines, ServersError


@pytest.fixture(scope="session")
def running_house() -> Iterator[House]:
    """Everything runs, in a state folder of this session; gone when the session ends."""
    folder = Path(tempfile.mkdtemp(prefix="relay-system-"))
    os.environ |= {"RELAY_STATE_DIR": str(folder), "RELAY_CLOCK": "test"}
    try:
        with house(folder, Lines()) as found:
            yield found
    except ServersError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no servers: {error}")
    finally:
        for name in ("RELAY_STATE_DIR", "RELAY_CLOCK"):
            os.environ.pop(name, None)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def calls(running_house: House) -> Calls:
    """HTTP as any agency."""
    return Calls(dict(running_house.urls), running_house.state.path / "tokens")


@pytest.fixture
def people(calls: Calls) -> Practitioners:
    """The sample practitioners of every agency."""
    return Practitioners(calls, sample_agencies(p.stem for p in calls.tokens.glob("*.jwt")))
