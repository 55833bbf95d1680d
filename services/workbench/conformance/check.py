"""A check: a name, the clause it holds the relay to, and what to do when it fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

T = TypeVar("T", bound=Callable[..., Any])


class Outcome(StrEnum):
    """What a check came to."""

    PASS = "pass"  # noqa: S105  (no password)
    FAIL = "fail"
    SKIPPED = "skipped"


class Fails(Exception):  # noqa: N818  (a finding)
    """The relay did not keep the clause; says what was seen, never content."""


class Skips(Exception):  # noqa: N818
    """The check could not be made; says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: ``area.what``, stable.
        door: http or kafka.
        clause: what the relay promises, and where that stands.
        remedy: what to look at when it fails.
        act: makes the check on a bench; raises ``Fails`` or ``Skips``.
    """

    name: str
    door: str
    clause: str
    remedy: str
    act: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Result:
    """What one check came to."""

    name: str
    door: str
    outcome: Outcome
    clause: str
    detail: str = ""
    remedy: str = ""
    elapsed_ms: int = 0


_CHECKS: Final[list[Check]] = []


def http(name: str, clause: str, remedy: str) -> Callable[[T], T]:
    """Register a check over HTTP."""
    return _registered(name, "http", clause, remedy)


def kafka(name: str, clause: str, remedy: str) -> Callable[[T], T]:
    """Register a check over Kafka; a coroutine function."""
    return _registered(name, "kafka", clause, remedy)


def every(door: str = "") -> tuple[Check, ...]:
    """Give the checks in the order they are made."""
    return tuple(check for check in _CHECKS if door in ("", check.door))


def holds(kept: object, seen: str) -> None:
    """Say what was seen instead, if the clause was not kept.

    Raises:
        Fails: it was not.
    """
    if not kept:
        raise Fails(seen)


def _registered(name: str, door: str, clause: str, remedy: str) -> Callable[[T], T]:
    def register(act: T) -> T:
        assert name not in {check.name for check in _CHECKS if check.door == door}, f"two checks called {name}"
        _CHECKS.append(Check(name, door, clause, remedy, act))
        return act

    return register
