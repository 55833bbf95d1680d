"""A role and a database per service, on any PostgreSQL that an administrator's DSN reaches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import asyncpg

from services.workbench.servers.errors import NotReadyError, ServersError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.workbench.servers.address import Login

CONNECT_DEADLINE_S: Final = 30.0
STATEMENT_DEADLINE_S: Final = 30.0
RETRY_S: Final = 0.05


async def connect(url: str, deadline_s: float = CONNECT_DEADLINE_S) -> asyncpg.Connection:
    """Connect, trying again while the server is still starting.

    Raises:
        NotReadyError: it did not let us in before the deadline.
    """
    try:
        async with asyncio.timeout(deadline_s):
            while True:
                try:
                    return await asyncpg.connect(url, command_timeout=STATEMENT_DEADLINE_S, timeout=deadline_s)
                except (asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, OSError):
                    await asyncio.sleep(RETRY_S)
    except TimeoutError as cause:
        raise NotReadyError(f"PostgreSQL did not answer within {deadline_s:.0f} s; see the log postgres.log") from cause
    except asyncpg.PostgresError as cause:
        raise ServersError(f"PostgreSQL refused the administrator's login: {type(cause).__name__}") from cause


async def provide(admin_url: str, logins: Mapping[str, Login]) -> None:
    """Make each login's role, and its database where it has one; nobody else may connect to that.

    Doing it again only sets the passwords again.

    Raises:
        ServersError: the administrator may not make roles or databases.
    """
    connection = await connect(admin_url)
    try:
        roles = {row["rolname"] for row in await connection.fetch("select rolname from pg_roles")}
        databases = {row["datname"] for row in await connection.fetch("select datname from pg_database")}
        for login in logins.values():
            verb = "alter" if login.role in roles else "create"
            await connection.execute(f"{verb} role {login.role} login password '{_quotable(login.password)}'")
            if login.owns_database and login.role not in databases:
                await connection.execute(f"create database {login.role} owner {login.role}")
                await connection.execute(f"revoke all on database {login.role} from public")
    except asyncpg.InsufficientPrivilegeError as cause:
        raise ServersError(
            "the login in RELAY_DATABASE_URL may not create roles and databases; give an administrator's"
        ) from cause
    finally:
        await connection.close(timeout=STATEMENT_DEADLINE_S)


def _quotable(password: str) -> str:
    if not password.replace("-", "").replace("_", "").isalnum():
        raise ServersError("a generated password holds unexpected characters; remove secrets.json in the state folder")
    return password
