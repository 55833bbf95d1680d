"""Routing's tests are coroutines, each in a loop of its own, on the real database."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

import pytest

from tests.routing.rig import routing

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
def new_routing(database: str, tmp_path) -> Callable[[], object]:
    """Makes routings: each with a schema of its own on this module's database."""
    return lambda: routing(database, tmp_path)
