"""The cache of opened keys: bounded in time and in size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from services.chassis.clock import Clock
from services.chassis.event import KeyScope
from services.chassis.sealing import Key


@dataclass(frozen=True, slots=True)
class _Entry:
    key: Key
    asked_at: float
    scope: KeyScope | None


class KeyCache:
    """Keys that the vault gave a moment ago.

    An entry's age counts from before the vault was asked, so a key suspended at T is served by no cache later than
    T + ``held_s``, however long the answer took.
    """

    def __init__(self, clock: Clock, *, held_s: float, keys_max: int) -> None:
        self._clock = clock
        self._held_s = held_s
        self._keys_max = keys_max
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # oldest first
        self._ids: dict[KeyScope, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key_id: str) -> Key | None:
        """Give a key, unless it is too old."""
        entry = self._entries.get(key_id)
        return entry.key if entry is not None and self._fresh(entry) else None

    def of_scope(self, scope: KeyScope) -> Key | None:
        """Give the key of a scope, if it was issued here, unless it is too old."""
        key_id = self._ids.get(scope)
        return None if key_id is None else self.get(key_id)

    def put(self, key: Key, *, asked_at: float, scope: KeyScope | None = None) -> None:
        """Hold a key; the oldest go when there are too many or they are too old."""
        before = self._entries.pop(key.key_id, None)
        if before is not None and scope is None:
            scope = before.scope
        if before is not None and before.asked_at > asked_at:
            asked_at = before.asked_at
        self._entries[key.key_id] = _Entry(key, asked_at, scope)
        if scope is not None:
            self._ids[scope] = key.key_id
        while self._entries:
            oldest = next(iter(self._entries.values()))
            if len(self._entries) <= self._keys_max and self._fresh(oldest):
                break
            self.drop([oldest.key.key_id])

    def drop(self, key_ids: Collection[str]) -> None:
        """Hold these no longer."""
        for key_id in key_ids:
            entry = self._entries.pop(key_id, None)
            if entry is not None and entry.scope is not None:
                self._ids.pop(entry.scope, None)

    def drop_consent(self, concern_id: str, consent_ref: str) -> None:
        """Hold no key that rests on this consent."""
        resting = [k for s, k in self._ids.items() if (s.concern_id, s.consent_ref) == (concern_id, consent_ref)]
        self.drop(resting)

    def _fresh(self, entry: _Entry) -> bool:
        return self._clock.monotonic() - entry.asked_at < self._held_s
