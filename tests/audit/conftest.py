"""The audit's tests are coroutines, each in a loop of its own, on the real broker and database."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from tests.audit.rig import Rig, rig

TEST_DEADLINE_S = 150.0


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test to its end, with a deadline."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), TEST_DEADLINE_S))
    return True


@pytest.fixture
def new_rig(kafka, new_database, tmp_path) -> Callable[[], AbstractAsyncContextManager[Rig]]:
    """Makes rigs: each with topics, a database and a state folder of its own."""
    dsn = new_database()
    return lambda **options: rig(kafka, dsn, tmp_path, **options)
