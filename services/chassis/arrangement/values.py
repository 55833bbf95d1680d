"""Reading single values of an arrangement: each reader takes a node and gives a value, or says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final, TypeVar

import yaml

from services.chassis.calendar import AMOUNT_MAX
from services.chassis.codes import number_of, words
from services.chassis.marked_yaml import elements, entries, fail, near, text
from services.chassis.mistakes import WRONG, note, tried, whole

CODE: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
Node = yaml.Node
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping whose keys are all known, read by key."""

    node: Node
    found: Mapping[str, Node]

    @classmethod
    def of(cls, node: Node, *allowed: str) -> Keys:
        """Read a mapping, refusing a key that is not among those allowed."""
        found = entries(node)
        for key in found:
            if key not in allowed:
                note(found[key], f"nothing here is called {key!r}", near(key, allowed))
        return cls(node, found)

    def get(self, key: str, read: Callable[[Node], T]) -> T:
        """Read a required key."""
        if key not in self.found:
            note(self.node, f"{key!r} is missing", f"write '{key}: …'")
            return WRONG  # type: ignore[no-any-return]
        return tried(read, self.found[key])

    def maybe(self, key: str, read: Callable[[Node], T], default: T) -> T:
        """Read a key that may be left out or left empty."""
        node = self.found.get(key)
        if node is None or (isinstance(node, yaml.ScalarNode) and node.value in ("", "null")):
            return default
        return tried(read, node)


def said(node: Node) -> str:
    """Read a text: not empty, its spaces and line breaks one space each."""
    found = " ".join(text(node).split())
    if not found:
        fail(node, "empty", "write it, or leave the line out")
    return found


def code(node: Node) -> str:
    """Read a code: small letters, digits, - and _."""
    found = text(node)
    if not found or not CODE.issuperset(found):
        fail(node, f"{found!r} is no code", "use small letters, digits, '-' and '_'")
    return found


def day(node: Node) -> date:
    """Read a day, as 2026-09-30."""
    try:
        return date.fromisoformat(text(node))
    except ValueError:
        fail(node, f"{text(node)!r} is no day", "write it as 2026-09-30")


def time_of_day(node: Node) -> time:
    """Read a time of day, as "17:00"."""
    try:
        return time.fromisoformat(text(node))
    except ValueError:
        fail(node, f"{text(node)!r} is no time of day", 'write it as "17:00"')


def amount(node: Node) -> int:
    """Read how many days, hours or minutes a clock has."""
    found = text(node)
    if not found.isdigit() or not 1 <= int(found) <= AMOUNT_MAX:
        fail(node, f"{found!r} is no amount", f"write a whole number from 1 to {AMOUNT_MAX}")
    return int(found)


def flag(node: Node) -> bool:
    """Read true or false."""
    found = text(node)
    if found not in ("true", "false"):
        fail(node, f"{found!r} is neither true nor false", "write true or false")
    return found == "true"


def word(enum: Any) -> Callable[[Node], Any]:
    """Give a reader of an enum's words."""

    def read(node: Node) -> Any:
        try:
            return number_of(enum, text(node))
        except ValueError:
            fail(node, f"unknown {enum.DESCRIPTOR.name} {text(node)!r}", near(text(node), words(enum)))

    return read


def one_of(enum: type[T]) -> Callable[[Node], T]:
    """Give a reader of the words of a StrEnum."""

    def read(node: Node) -> T:
        known = [str(member) for member in enum]  # type: ignore[attr-defined]
        if text(node) not in known:
            fail(node, f"unknown word {text(node)!r}", near(text(node), known))
        return enum(text(node))  # type: ignore[call-arg]

    return read


def list_of(read: Callable[[Node], T]) -> Callable[[Node], tuple[T, ...]]:
    """Give a reader of a list in which nothing stands twice."""

    def several(node: Node) -> tuple[T, ...]:
        found: list[T] = []
        for element in elements(node):
            one = whole(read, element)
            if one is WRONG:
                continue
            if one in found:
                note(element, "stands twice", "keep one")
            found.append(one)
        return tuple(found)

    return several


def set_of(read: Callable[[Node], T]) -> Callable[[Node], frozenset[T]]:
    """Give a reader of a list whose order does not matter."""
    listed = list_of(read)
    return lambda node: frozenset(listed(node))


def by_code(node: Node, code_of: Callable[[T], str], read: Callable[[Node], T]) -> dict[str, T]:
    """Read a list of things that each have a code of their own."""
    found: dict[str, T] = {}
    for element in elements(node):
        one = whole(read, element)
        if one is WRONG:
            continue
        if code_of(one) in found:
            note(element, f"{code_of(one)!r} stands twice", "keep one")
        found[code_of(one)] = one
    return found
