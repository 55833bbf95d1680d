"""MemoryKeys: the vault's behaviour in the process, for pure tests and for scenarios."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid4

from services.chassis.event import KeyScope
from services.chassis.keys.port import check_code, check_selection
from services.chassis.sealing import SECRET_BYTES, Key


class KeyState(StrEnum):
    """Where a key stands. Destroyed is for good."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DESTROYED = "destroyed"


@dataclass(slots=True)
class _Held:
    scope: KeyScope
    key: Key | None
    state: KeyState


@dataclass(frozen=True, slots=True)
class _Selection:
    """Keys of a concern: the named ones, else those of a person and a consent, where empty means any."""

    concern_id: str
    person_id: str
    consent_ref: str
    key_ids: frozenset[str]

    def covers(self, key_id: str, scope: KeyScope) -> bool:
        if scope.concern_id != self.concern_id:
            return False
        if self.key_ids:
            return key_id in self.key_ids
        return self.person_id in {"", scope.person_id} and self.consent_ref in {"", scope.consent_ref}


class MemoryKeys:
    """All keys of a run, bare. Several services of one process share one."""

    def __init__(self) -> None:
        self._ids: dict[KeyScope, str] = {}
        self._held: dict[str, _Held] = {}
        # what holds for keys that do not exist yet, by (concern, person, consent); empty means any
        self._standing: dict[tuple[str, str, str], KeyState] = {}
        self._id_key = Key(str(uuid4()), os.urandom(SECRET_BYTES))

    async def issue(self, scopes: Collection[KeyScope]) -> dict[KeyScope, Key]:
        """As ``Keys.issue``."""
        for scope in scopes:
            UUID(scope.concern_id)
            state = self._state_of_new(scope)
            if scope not in self._ids and state is not KeyState.DESTROYED:
                key = Key(str(uuid4()), os.urandom(SECRET_BYTES))
                self._ids[scope] = key.key_id
                self._held[key.key_id] = _Held(scope, key, state)
        open_keys = {scope: self._open(self._ids.get(scope, "")) for scope in scopes}
        return {scope: key for scope, key in open_keys.items() if key is not None}

    async def open(self, key_ids: Collection[str], *, purpose: str, fresh: bool = False) -> dict[str, Key]:
        """As ``Keys.open``; nothing is held here, every answer is fresh."""
        del fresh
        check_code("the purpose", purpose)
        open_keys = {key_id: self._open(key_id) for key_id in key_ids}
        return {key_id: key for key_id, key in open_keys.items() if key is not None}

    async def id_key(self) -> Key:
        """As ``Keys.id_key``."""
        return self._id_key

    async def suspend(
        self, concern_id: str, *, reason: str, consent_ref: str = "", key_ids: Collection[str] = ()
    ) -> tuple[str, ...]:
        """As ``Keys.suspend``."""
        check_code("the reason", reason)
        check_selection(consent_ref, key_ids)
        if consent_ref:
            place = (concern_id, "", consent_ref)
            self._standing[place] = max(self._standing.get(place, KeyState.SUSPENDED), KeyState.SUSPENDED, key=_weight)
        selection = _Selection(concern_id, "", consent_ref, frozenset(key_ids))
        return self._move(selection, KeyState.ACTIVE, KeyState.SUSPENDED)

    async def resume_consent(self, concern_id: str, consent_ref: str, *, reason: str) -> tuple[str, ...]:
        """As ``Keys.resume_consent``."""
        check_code("the reason", reason)
        return self.resume(concern_id, consent_ref=consent_ref)

    def resume(self, concern_id: str, *, consent_ref: str = "", key_ids: Collection[str] = ()) -> tuple[str, ...]:
        """Let suspended keys open again; the vault alone may."""
        if not key_ids and self._standing.get((concern_id, "", consent_ref)) is KeyState.SUSPENDED:
            del self._standing[concern_id, "", consent_ref]
        selection = _Selection(concern_id, "", consent_ref, frozenset(key_ids))
        return self._move(selection, KeyState.SUSPENDED, KeyState.ACTIVE)

    def destroy(
        self, concern_id: str, *, person_id: str = "", consent_ref: str = "", key_ids: Collection[str] = ()
    ) -> tuple[str, ...]:
        """Destroy keys for good, and let none be made in their place; the vault alone may."""
        if not key_ids:
            self._standing[concern_id, person_id, consent_ref] = KeyState.DESTROYED
        selection = _Selection(concern_id, person_id, consent_ref, frozenset(key_ids))
        gone = (
            *self._move(selection, KeyState.ACTIVE, KeyState.DESTROYED),
            *self._move(selection, KeyState.SUSPENDED, KeyState.DESTROYED),
        )
        for key_id in gone:
            self._held[key_id].key = None
        return tuple(sorted(gone))

    def _open(self, key_id: str) -> Key | None:
        held = self._held.get(key_id)
        return held.key if held is not None and held.state is KeyState.ACTIVE else None

    def _state_of_new(self, scope: KeyScope) -> KeyState:
        standing = (
            self._standing.get((scope.concern_id, person_id, consent_ref), KeyState.ACTIVE)
            for person_id in {"", scope.person_id}
            for consent_ref in {"", scope.consent_ref}
        )
        return max(standing, key=_weight)

    def _move(self, selection: _Selection, before: KeyState, after: KeyState) -> tuple[str, ...]:
        moved = []
        for key_id, held in self._held.items():
            if held.state is before and selection.covers(key_id, held.scope):
                held.state = after
                moved.append(key_id)
        return tuple(sorted(moved))


_ORDER = tuple(KeyState)


def _weight(state: KeyState) -> int:
    return _ORDER.index(state)
