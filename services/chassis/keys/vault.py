"""VaultKeys: the client of the vault's database.

It calls the SQL functions that the vault grants to this service's role, and nothing else; it has no right to any
table. The database gives and takes wrapped keys only: they are made, wrapped and unwrapped here, by the KMS.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from uuid import UUID, uuid4

import asyncpg

from services.chassis.clock import Clock
from services.chassis.database import as_it_is
from services.chassis.errors import DeadlineExceeded, KeyUnavailable
from services.chassis.event import KeyScope
from services.chassis.keys.cache import KeyCache
from services.chassis.keys.kms import Kms, Unwrapped, Wrapped
from services.chassis.keys.port import CACHE_S_MAX, as_uuids, check_code, check_selection
from services.chassis.log import Log
from services.chassis.sealing import SECRET_BYTES, Key

DEADLINE_S: Final = 5.0
KEYS_HELD_MAX: Final = 20_000
KEYS_PER_CALL_MAX: Final = 2_000
CONNECTIONS_MAX: Final = 4
TRIES: Final = 3
"""A re-wrap can pass between reading a wrapped key and unwrapping it: read it again, at most so often."""

WRAPPING_KEY_RETIRED: Final = "RV001"
"""SQLSTATE of the vault: nothing is wrapped under that wrapping key any more; ask for the active one."""

_log = Log("services.chassis.keys")

_NOT_READY = (
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidCatalogNameError,
)
_UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
)


class VaultKeys:
    """Keys of the vault, over SQL; see ``Keys`` for what its methods promise."""

    def __init__(self, vault_url: str, kms: Kms, clock: Clock, *, deadline_s: float = DEADLINE_S) -> None:
        """Take the DSN of the vault's database under this service's own role; it connects when it is first asked."""
        self._url = vault_url
        self._kms = kms
        self._deadline_s = deadline_s
        self._cache = KeyCache(clock, held_s=CACHE_S_MAX, keys_max=KEYS_HELD_MAX)
        self._now = clock.monotonic
        self._pool: asyncpg.Pool | None = None
        self._id_key: Key | None = None
        self._wrapping_key_id = ""

    async def __aenter__(self) -> Self:
        """Be ready to be asked; the vault need not be up yet."""
        self._pool = await asyncpg.create_pool(
            self._url, min_size=0, max_size=CONNECTIONS_MAX, timeout=self._deadline_s, reset=as_it_is
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections, by force when they do not close in time."""
        pool, self._pool = self._pool, None
        assert pool is not None
        try:
            async with asyncio.timeout(self._deadline_s):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    async def issue(self, scopes: Collection[KeyScope]) -> dict[KeyScope, Key]:
        """As ``Keys.issue``: one call of the database for what is not held."""
        found = {scope: self._cache.of_scope(scope) for scope in scopes}
        missing = [scope for scope, key in found.items() if key is None]
        async with self._answering("issuing keys"):
            for start in range(0, len(missing), KEYS_PER_CALL_MAX):
                found |= await self._issue(missing[start : start + KEYS_PER_CALL_MAX])
        return {scope: key for scope, key in found.items() if key is not None}

    async def open(self, key_ids: Collection[str], *, purpose: str, fresh: bool = False) -> dict[str, Key]:
        """As ``Keys.open``: one call of the database for what is not held, or for all when ``fresh``."""
        check_code("the purpose", purpose)
        found = {key_id: None if fresh else self._cache.get(key_id) for key_id in key_ids}
        missing = as_uuids([key_id for key_id, key in found.items() if key is None])
        async with self._answering("opening keys"):
            for start in range(0, len(missing), KEYS_PER_CALL_MAX):
                found |= await self._open(missing[start : start + KEYS_PER_CALL_MAX], purpose)
        return {key_id: key for key_id, key in found.items() if key is not None}

    async def id_key(self) -> Key:
        """As ``Keys.id_key``; held for good, since it never changes."""
        if self._id_key is None:
            candidate = Unwrapped(str(uuid4()), os.urandom(SECRET_BYTES))
            async with self._answering("opening the id-key"):
                rows = await self._with_wrapped(
                    [candidate],
                    lambda w: self._fetch(
                        "SELECT * FROM vault.id_key($1, $2, $3)", UUID(w[0].key_id), w[0].wrapped, w[0].wrapping_key_id
                    ),
                )
                secrets = await self._kms.unwrap([_wrapped(row) for row in rows])
            if not secrets or secrets[0] is None:
                raise KeyUnavailable("the id-key does not unwrap: is this the KMS that the vault was started with?")
            self._id_key = Key(str(rows[0]["key_id"]), secrets[0])
        return self._id_key

    async def suspend(
        self, concern_id: str, *, reason: str, consent_ref: str = "", key_ids: Collection[str] = ()
    ) -> tuple[str, ...]:
        """As ``Keys.suspend``; what this client held of them it holds no longer."""
        check_code("the reason", reason)
        check_selection(consent_ref, key_ids)
        async with self._answering("suspending keys"):
            rows = await self._fetch(
                "SELECT vault.suspend($1, $2, $3, $4) AS key_id",
                UUID(concern_id), consent_ref, as_uuids(key_ids), reason,
            )  # fmt: skip
        suspended = tuple(sorted(str(row["key_id"]) for row in rows))
        self._cache.drop((*suspended, *key_ids))
        self._cache.drop_consent(concern_id, consent_ref)
        return suspended

    async def resume_consent(self, concern_id: str, consent_ref: str, *, reason: str) -> tuple[str, ...]:
        """As ``Keys.resume_consent``."""
        check_code("the reason", reason)
        async with self._answering("resuming keys"):
            rows = await self._fetch(
                "SELECT vault.resume_consent($1, $2, $3) AS key_id", UUID(concern_id), consent_ref, reason
            )
        return tuple(sorted(str(row["key_id"]) for row in rows))

    async def _issue(self, scopes: Sequence[KeyScope]) -> dict[KeyScope, Key | None]:
        found: dict[KeyScope, Key | None] = {}
        for _ in range(TRIES):
            asked_at = self._now()
            made = [Unwrapped(str(uuid4()), os.urandom(SECRET_BYTES)) for _ in scopes]
            rows = await self._with_wrapped(made, lambda wrapped, s=scopes: self._ask_to_issue(s, wrapped))  # type: ignore[misc]
            asked = {str(row["key_id"]): scopes[row["n"] - 1] for row in rows}
            keys = await self._unwrapped(rows, {key.key_id: key.secret for key in made})
            for key_id, key in keys.items():
                found[asked[key_id]] = key
                if key is not None:
                    self._cache.put(key, asked_at=asked_at, scope=asked[key_id])
            scopes = [asked[key_id] for key_id, key in keys.items() if key is None]
            if not scopes:
                return found
        _log.error("keys do not unwrap", code="key_not_unwrapped", count=len(scopes))
        return found

    async def _ask_to_issue(self, scopes: Sequence[KeyScope], wrapped: Sequence[Wrapped]) -> list[asyncpg.Record]:
        return await self._fetch(
            "SELECT * FROM vault.issue_keys($1, $2, $3, $4, $5, $6, $7)",
            [UUID(scope.concern_id) for scope in scopes],
            [scope.person_id for scope in scopes],
            [scope.consent_ref for scope in scopes],
            [scope.share_id for scope in scopes],
            [UUID(key.key_id) for key in wrapped],
            [key.wrapped for key in wrapped],
            wrapped[0].wrapping_key_id,
        )

    async def _open(self, key_ids: Sequence[UUID], purpose: str) -> dict[str, Key | None]:
        found: dict[str, Key | None] = {}
        for _ in range(TRIES):
            asked_at = self._now()
            rows = await self._fetch("SELECT * FROM vault.open_keys($1, $2)", key_ids, purpose)
            keys = await self._unwrapped(rows, {})
            self._cache.drop({str(key_id) for key_id in key_ids} - keys.keys())
            for key in keys.values():
                if key is not None:
                    self._cache.put(key, asked_at=asked_at)
            found |= keys
            key_ids = [UUID(key_id) for key_id, key in keys.items() if key is None]
            if not key_ids:
                return found
        _log.error("keys do not unwrap", code="key_not_unwrapped", count=len(key_ids))
        return found

    async def _unwrapped(self, rows: Sequence[asyncpg.Record], known: dict[str, bytes]) -> dict[str, Key | None]:
        """Unwrap what was answered; what was made here a moment ago is known already."""
        unknown = [_wrapped(row) for row in rows if str(row["key_id"]) not in known]
        secrets = await self._kms.unwrap(unknown) if unknown else []
        by_id: dict[str, bytes | None] = {key.key_id: secret for key, secret in zip(unknown, secrets, strict=True)}
        keys: dict[str, Key | None] = {}
        for row in rows:
            key_id = str(row["key_id"])
            secret = known.get(key_id) or by_id.get(key_id)
            keys[key_id] = None if secret is None else Key(key_id, secret)
        return keys

    async def _with_wrapped(
        self, keys: Sequence[Unwrapped], ask: Callable[[list[Wrapped]], Any]
    ) -> list[asyncpg.Record]:
        """Wrap new keys under the active wrapping key, and again when that one was retired meanwhile."""
        for _ in range(TRIES):
            if not self._wrapping_key_id:
                rows = await self._fetch("SELECT vault.active_wrapping_key() AS id")
                self._wrapping_key_id = rows[0]["id"] or ""
            if self._wrapping_key_id:
                try:
                    answer: list[asyncpg.Record] = await ask(await self._kms.wrap(self._wrapping_key_id, keys))
                except KeyError:
                    self._wrapping_key_id = ""
                except asyncpg.PostgresError as error:
                    if error.sqlstate != WRAPPING_KEY_RETIRED:
                        raise
                    self._wrapping_key_id = ""
                else:
                    return answer
        raise DeadlineExceeded("the vault has no wrapping key that the KMS knows: start vault, with the same KMS")

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask once. A connection that did not answer is broken off, since a stopped server never lets go of it."""
        assert self._pool is not None, "VaultKeys is used inside `async with`"
        connection = await self._pool.acquire(timeout=self._deadline_s)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(query, *arguments)
        except (asyncio.CancelledError, TimeoutError):
            connection.terminate()
            raise
        finally:
            await self._pool.release(connection, timeout=self._deadline_s)
        return rows

    @asynccontextmanager
    async def _answering(self, what: str) -> AsyncIterator[None]:
        """Put a deadline on what is done inside, and turn what the database says into our own errors."""
        try:
            async with asyncio.timeout(self._deadline_s):
                yield
        except TimeoutError as error:
            raise DeadlineExceeded(f"{what}: the vault did not answer within {self._deadline_s:g} s") from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise KeyUnavailable(f"{what} is not granted to this service's role on the vault's database") from error
        except _NOT_READY as error:
            raise DeadlineExceeded(f"{what}: the vault's database is not prepared yet; start vault first") from error
        except _UNREACHABLE as error:
            raise DeadlineExceeded(
                f"{what}: the vault's database cannot be reached ({type(error).__name__})"
            ) from error


def _wrapped(row: asyncpg.Record) -> Wrapped:
    return Wrapped(str(row["key_id"]), row["wrapping_key_id"], row["wrapped"])
