"""The chassis' tests are coroutines, each in a loop of its own."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

import pytest

from tests.chassis.rig import rig

if TYPE_CHECKING:
    from collections.abc import Callable

TEST_DEADLINE_S = 120.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end, with a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), TEST_DEADLINE_S))
    return True


@pytest.fixture
def new_rig(kafka, database) -> Callable[..., object]:
    """Makes rigs: each with topics and a schema of its own, on this module's own database."""
    return lambda **options: rig(kafka, database, **options)
