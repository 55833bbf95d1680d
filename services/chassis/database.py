"""Connections to PostgreSQL, with a deadline on everything that is done with them.

A server that was stopped neither answers nor lets go: asyncpg would wait for it in ROLLBACK and in the pool's reset as
well. So a connection that does not answer in time is broken off, which to the server is a rollback.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

QUERY_DEADLINE_S = 10.0
RELEASE_DEADLINE_S = 5.0

# what may pass by itself: the server is away, slow, restarting, full for the moment, or sees a deadlock; asyncpg tells
# of a connection that was cut in the middle of an answer as an InternalClientError
PASSING = (
    TimeoutError, OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError, asyncpg.TransactionRollbackError, asyncpg.InsufficientResourcesError,
)  # fmt: skip


async def as_it_is(connection: asyncpg.Connection[Any]) -> None:
    """Take a connection back into a pool as it is; asyncpg itself ends an open transaction, and listens no longer.

    Its own way asks the server to reset the session (``RESET ALL`` and more) each time: a round trip, for what no
    borrower changes. Whoever changes a session (``SET``, ``LISTEN``, a lock of the session) breaks the connection off.
    """
    del connection


@asynccontextmanager
async def borrowed(pool: asyncpg.Pool, deadline_s: float = QUERY_DEADLINE_S) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Borrow a connection of a pool.

    Raises:
        TimeoutError: what is done with it took longer than ``deadline_s``, waiting for it included.
    """
    async with asyncio.timeout(deadline_s):
        connection = await pool.acquire()
        try:
            yield connection
        except (asyncio.CancelledError, TimeoutError):
            connection.terminate()
            raise
        finally:
            await pool.release(connection, timeout=RELEASE_DEADLINE_S)


@asynccontextmanager
async def transaction(
    pool: asyncpg.Pool, deadline_s: float = QUERY_DEADLINE_S, *, then: Callable[[], None] = lambda: None
) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Borrow a connection and do everything in one transaction: all of it or nothing.

    Args:
        pool: whose connection.
        deadline_s: for all of it, in seconds.
        then: called as soon as it is committed, before the connection is given back.

    Raises:
        TimeoutError: as ``borrowed``. Whether the commit was reached is then unknown; do it again.
    """
    async with borrowed(pool, deadline_s) as connection:
        both = connection.transaction()
        await both.start()
        try:
            yield connection
        except (asyncio.CancelledError, TimeoutError):
            raise  # the connection is broken off, and with it the transaction
        except BaseException:
            await both.rollback()
            raise
        await both.commit()
        then()
