"""Health: named checks behind ``/readyz``. ``/livez`` asks nothing of anyone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One check: whether it passes, and what to look at when it does not."""

    name: str
    passes: Callable[[], bool]
    remedy: str


class Health:
    """The checks of a process."""

    def __init__(self) -> None:
        self._checks: list[Check] = []

    def add(self, name: str, passes: Callable[[], bool], remedy: str) -> None:
        """Add a check; it must answer at once, from what is known."""
        self._checks.append(Check(name, passes, remedy))

    def report(self) -> dict[str, str]:
        """Give ``ok`` or the remedy for each check."""
        return {check.name: "ok" if check.passes() else check.remedy for check in self._checks}

    @property
    def ready(self) -> bool:
        """Whether all checks pass."""
        return all(check.passes() for check in self._checks)
