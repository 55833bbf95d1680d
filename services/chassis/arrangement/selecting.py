"""Which agency of a class is meant: by where a child lives or was found, its school, who works with it, and so on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import yaml

from concern_relay.v1.codes_pb2 import StatutoryStatus
from services.chassis.arrangement.values import Keys, Node, code, flag, list_of, one_of, set_of, word
from services.chassis.marked_yaml import elements, fail, text

SELECTION_KEYS: Final = ("role", "by", "otherwise", "named", "status", "ages", "optional")
AGE_MAX: Final = 25
"""Oldest age a selection may name; some young people are looked after to 25."""


class SelectBy(StrEnum):
    """How the agency of a class is found. The authority roles are those of ``AuthorityRole``."""

    LIVES = "lives"
    FOUND = "found"
    HOLDS_PLAN = "holds_plan"
    RESPONSIBLE = "responsible"
    HOST = "host"
    FORMER = "former"
    SENDER_AREA = "sender_area"
    CHILD_SCHOOL = "child_school"
    KNOWN_TO = "known_to"
    EMPLOYER_AREA = "employer_area"
    NAMED = "named"
    EMPLOYER = "employer"
    PLACE_AREA = "place_area"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which agency of a class.

    Attributes:
        role: the agency must have this role; empty is any.
        by: every agency found by any of these is told.
        otherwise: tried one after the other when ``by`` finds none.
        named: agency ids, for ``SelectBy.NAMED``.
        status: only for children with one of these statuses (home educated), and only theirs is shown; empty is any.
        ages: youngest and oldest age in whole years, both included; a child whose age nobody knows counts.
        optional: finding nobody is no gap: not every child has a social worker.
    """

    role: str = ""
    by: tuple[SelectBy, ...] = ()
    otherwise: tuple[SelectBy, ...] = ()
    named: tuple[str, ...] = ()
    status: frozenset[StatutoryStatus] = frozenset()
    ages: tuple[int, int] | None = None
    optional: bool = False


def read_selection(node: Node) -> Selection:
    """Read which agency is meant, from a mapping with nothing else in it."""
    keys = Keys.of(node, *SELECTION_KEYS)
    nobody: tuple[str, ...] = ()
    nowhere: tuple[SelectBy, ...] = ()
    named = keys.maybe("named", list_of(code), nobody)
    by = keys.get("by", list_of(one_of(SelectBy)))
    otherwise = keys.maybe("otherwise", list_of(one_of(SelectBy)), nowhere)
    if (SelectBy.NAMED in (*by, *otherwise)) != bool(named):
        fail(node, "'named' in by or otherwise and the list 'named' go together", "write both or neither")
    return Selection(
        keys.maybe("role", code, ""),
        by,
        otherwise,
        named,
        keys.maybe("status", set_of(word(StatutoryStatus)), frozenset()),
        keys.maybe("ages", _ages, None),
        keys.maybe("optional", flag, default=False),
    )


def selection_of(node: Node) -> Selection:
    """Read which agency is meant, from a mapping that says other things too."""
    pairs = [(key, value) for key, value in node.value if key.value in SELECTION_KEYS]
    return read_selection(yaml.MappingNode(node.tag, pairs, node.start_mark, node.end_mark))


def _ages(node: Node) -> tuple[int, int]:
    found = [text(element) for element in elements(node)]
    if (
        len(found) != 2
        or not all(age.isdigit() and int(age) <= AGE_MAX for age in found)
        or int(found[0]) > int(found[1])
    ):
        fail(node, "no span of ages", "write the youngest and the oldest age, as [4, 17]")
    return int(found[0]), int(found[1])
