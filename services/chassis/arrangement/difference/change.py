"""One difference between two arrangements, and all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """Which way a change goes for those who might be told."""

    MORE = "more"
    LESS = "less"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference.

    Attributes:
        kind: told, view, instruction, category, person, number, detail, agency, channel, area, duty, clock, standing.
        subject: class, agency, clock or duty it is about.
        words: what changes, in words.
        when: the shortest circumstances in which it shows; empty where it always does.
    """

    kind: str
    subject: str
    way: Way
    words: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that changes.

    Attributes:
        complete: whether every circumstance that changed rules speak of was tried out.
    """

    changes: tuple[Change, ...]
    complete: bool = True


def more_or_less(kind: str, subject: str, more: Iterable[str], less: Iterable[str], words: str) -> Iterator[Change]:
    """Give a change for each that came and each that went."""
    for one in more:
        yield Change(kind, subject, Way.MORE, words.format(one))
    for one in less:
        yield Change(kind, subject, Way.LESS, f"no longer: {words.format(one)}")
