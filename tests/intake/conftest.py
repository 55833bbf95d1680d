"""Intake's tests are coroutines, each in a loop of its own, on the real database."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from tests.intake.rig import intake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEST_DEADLINE_S = 120.0


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop of this module's tests: what they share lives in it."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end, with a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    running = pyfuncitem.funcargs.get("loop")
    if running is None:
        asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), TEST_DEADLINE_S))
    else:
        running.run_until_complete(asyncio.wait_for(pyfuncitem.obj(**arguments), TEST_DEADLINE_S))
    return True


@pytest.fixture
def new_intake(database) -> Callable[..., object]:
    """Makes intakes: each with a schema of its own on this module's database."""
    return lambda **options: intake(database, **options)


@pytest.fixture(scope="module")
def shared_intake(database, loop) -> Iterator[Any]:
    """One intake for tests of this module that leave nothing behind, or do not mind what others left."""
    context = intake(database)
    yield loop.run_until_complete(context.__aenter__())
    loop.run_until_complete(context.__aexit__(None, None, None))
