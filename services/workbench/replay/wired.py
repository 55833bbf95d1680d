"""What the engine has to know of a service: its core, what it reads, what it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.chassis.envelope import Event
from services.chassis.event import Core


class NotAtHand(Exception):  # noqa: N818  (a finding)
    """The law pack or arrangement that an event names is not among the files."""


@dataclass(frozen=True)
class Wired:
    """A service's core as replay runs it.

    Attributes:
        service: its name.
        reads: topics it takes; others' events only.
        writes: topics it writes.
        opens: event types whose parts it is given; None for all.
        core: gives the core as it stood when a decision was recorded: law pack and arrangement by the digests in the
            events of that decision, other settings by what it recorded of the whole concern. Without events of a
            decision, as it stands by date. Raises NotAtHand.
    """

    service: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    opens: frozenset[str] | None
    core: Callable[[Sequence[Event], Sequence[Event]], Core[Any]]
