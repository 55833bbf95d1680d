"""SCRAM logins on a running Kafka: for principals that joined after its storage was made (agencies, new services).

aiokafka 0.14 has no call for it; this is the one request of KIP-554. The password itself never leaves this process.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactBytes, CompactString, Int8, Int16, Int32, Schema, TaggedFields

from services.workbench.servers.errors import ServersError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEADLINE_S: Final = 30.0
SCRAM_SHA_256: Final = 1
ITERATIONS: Final = 4096
"""Kafka's own count, and its lowest; the passwords are 24 random bytes, which no count makes guessable."""
SALT_BYTES: Final = 24
RETRY_S: Final = 0.05
RESOURCE_NOT_FOUND: Final = 91
"""Kafka's own code: there is no such login."""


class _Answer(Response):  # type: ignore[misc]
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterV0(RequestStruct):  # type: ignore[misc]
    API_KEY = 51
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields))),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _Alter(Request[_AlterV0]):  # type: ignore[misc]
    API_KEY = 51

    def __init__(self, passwords: Mapping[str, str], gone: Iterable[str]) -> None:
        self._rows: list[tuple[Any, ...]] = [
            (name, SCRAM_SHA_256, ITERATIONS, *_salted(password), {}) for name, password in passwords.items()
        ]
        self._gone: list[tuple[Any, ...]] = [(name, SCRAM_SHA_256, {}) for name in gone]

    def build(self, request_struct_class: type[_AlterV0]) -> _AlterV0:
        return request_struct_class(self._gone, self._rows, {})


class _Admin(AIOKafkaAdminClient):  # type: ignore[misc]
    async def alter(self, passwords: Mapping[str, str], gone: Iterable[str] = ()) -> Any:
        return await self._send_to_controller(_Alter(passwords, gone))


async def set_logins(connection: Mapping[str, Any], passwords: Mapping[str, str]) -> None:
    """Give each principal this password, whether it had one or not, and wait until it holds.

    Args:
        connection: aiokafka's connection arguments of an administrator.
        passwords: by principal.

    Raises:
        ServersError: Kafka refused, or did not answer in 30 s.
    """
    try:
        async with asyncio.timeout(DEADLINE_S):
            answer = await _altered(connection, passwords)
            for user, code, message, _ in answer.results:
                if code:
                    raise ServersError(f"Kafka refused a login for {user}: {for_code(code).__name__} {message or ''}")
            last, password = list(passwords.items())[-1]
            theirs = {**connection, "sasl_plain_username": last, "sasl_plain_password": password}
            while not await _may_log_in(theirs):  # noqa: ASYNC110 (Kafka sends no word of it)
                await asyncio.sleep(RETRY_S)
    except (TimeoutError, KafkaError) as cause:
        raise ServersError(f"could not set Kafka logins: {type(cause).__name__}; is this an administrator?") from cause


async def remove_logins(connection: Mapping[str, Any], names: Iterable[str]) -> None:
    """Take the logins of principals away; one that had none is no error. Connections that are open stay open.

    Args:
        connection: aiokafka's connection arguments of an administrator.
        names: the principals.

    Raises:
        ServersError: Kafka refused, or did not answer in 30 s.
    """
    try:
        async with asyncio.timeout(DEADLINE_S):
            answer = await _altered(connection, {}, names)
            for user, code, message, _ in answer.results:
                if code not in (0, RESOURCE_NOT_FOUND):
                    raise ServersError(f"Kafka kept the login of {user}: {for_code(code).__name__} {message or ''}")
    except (TimeoutError, KafkaError) as cause:
        raise ServersError(
            f"could not remove Kafka logins: {type(cause).__name__}; is this an administrator?"
        ) from cause


async def _altered(connection: Mapping[str, Any], passwords: Mapping[str, str], gone: Iterable[str] = ()) -> Any:
    admin = _Admin(**connection)
    try:
        await admin.start()
        return await admin.alter(passwords, gone)
    finally:
        await asyncio.wait_for(admin.close(), DEADLINE_S)


async def _may_log_in(connection: Mapping[str, Any]) -> bool:
    """The controller answers before the broker has read the new login from the log."""
    admin = _Admin(**connection)
    try:
        await admin.start()
    except KafkaConnectionError:
        return False
    else:
        return True
    finally:
        await asyncio.wait_for(admin.close(), DEADLINE_S)


def _salted(password: str) -> tuple[bytes, bytes]:
    salt = secrets.token_bytes(SALT_BYTES)
    return salt, hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
