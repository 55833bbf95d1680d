"""Where the words of a scenario stand in its file, so that whoever wrote one is shown the line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from services.chassis.marked_yaml import Mistake
from services.workbench.scenario.said_for import SAID_FOR

Loc = Sequence[str | int]
LISTED_MAX = 60


@dataclass(frozen=True, slots=True)
class Places:
    """The nodes of a file, found by the path of a value: ``("when", 0, "raise", "agency")``."""

    name: str
    root: yaml.Node

    def mistake(self, loc: Loc, wrong: str, remedy: str) -> Mistake:
        """Give a mistake at a value, or as near to it as the file has one."""
        mark = self._node(loc).start_mark
        return Mistake(self.name, mark.line + 1, mark.column + 1, wrong, remedy)

    def key(self, loc: Loc, wrong: str, remedy: str) -> Mistake:
        """Give a mistake at the name of a field rather than its value."""
        for key, _ in _pairs(self._node(loc[:-1])):
            if key.value == loc[-1]:
                return Mistake(self.name, key.start_mark.line + 1, key.start_mark.column + 1, wrong, remedy)
        return self.mistake(loc, wrong, remedy)

    def is_mapping(self, loc: Loc) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self._node(loc), yaml.MappingNode)

    def scalar(self, loc: Loc) -> str | None:
        """Give a single value as it is written, without what YAML takes it for; None where it is none."""
        node = self._node(loc)
        return node.value if isinstance(node, yaml.ScalarNode) and node.value else None

    def _node(self, loc: Loc) -> yaml.Node:
        node = self.root
        for part in loc:
            node = _child(node, part) or node
        return node


def _child(node: yaml.Node, part: str | int) -> yaml.Node | None:
    """Go one step down; a step that only validation knows, as the name of a model, is none."""
    if isinstance(part, int):
        return node.value[part] if isinstance(node, yaml.SequenceNode) and part < len(node.value) else None
    return next((value for key, value in _pairs(node) if key.value == part), None)


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Give a mapping's fields, its own before those that are merged into it (``<<``)."""
    if not isinstance(node, yaml.MappingNode):
        return
    merged = [value for key, value in node.value if key.tag == "tag:yaml.org,2002:merge"]
    yield from ((key, value) for key, value in node.value if key.tag != "tag:yaml.org,2002:merge")
    for one in merged:
        for each in one.value if isinstance(one, yaml.SequenceNode) else [one]:
            yield from _pairs(each)


def twice(node: yaml.Node, name: str) -> Iterator[Mistake]:
    """Give every field that stands twice in one mapping: YAML would keep one of them without a word."""
    seen: set[int] = set()
    todo = [node]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, yaml.SequenceNode):
            todo += one.value
        elif isinstance(one, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in one.value:
                if key.value in keys and key.tag != "tag:yaml.org,2002:merge":
                    mark = key.start_mark
                    yield Mistake(name, mark.line + 1, mark.column + 1, f"{key.value!r} stands twice", "keep one")
                keys.add(str(key.value))
                todo.append(value)


def fields_at(schema: dict[str, Any], loc: Loc) -> list[str]:
    """Give the fields an object at a path may have, by the JSON Schema."""
    return sorted({name for found in _schemas(schema, loc) for name in found.get("properties", {})})


def words_at(schema: dict[str, Any], loc: Loc) -> list[str]:
    """Give the words a value at a path may be, by the JSON Schema."""
    found: list[str] = []
    for one in _schemas(schema, loc):
        words = [*one.get("enum", []), *one.get("x-extensible-enum", []), *([one["const"]] if "const" in one else [])]
        found += [word for word in words if word not in found]
    return found


def _schemas(schema: dict[str, Any], loc: Loc) -> list[dict[str, Any]]:
    at = _open(schema, schema)
    for part in loc:
        down = [
            inner
            for one in at
            for inner in ([one.get("items")] if isinstance(part, int) else [one.get("properties", {}).get(part)])
            if inner
        ]
        if down:
            at = [opened for inner in down for opened in _open(schema, inner)]
    return [opened for one in at for opened in (_open(schema, one["items"]) if "items" in one else [one])]


def _open(schema: dict[str, Any], one: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in one:
        return _open(schema, schema["$defs"][one["$ref"].rpartition("/")[2]])
    if "anyOf" in one:
        return [opened for each in one["anyOf"] for opened in _open(schema, each)]
    return [one]


def remedy_for(word: str, known: Sequence[str]) -> str:
    """Say which word was probably meant, and all there are."""
    said = [one for one in (SAID_FOR.get(word.lower().replace(" ", "_")),) if one in known]
    close = said or get_close_matches(word, known, n=1) or [one for one in known if word and word in one][:1]
    listed = ", ".join(known[:LISTED_MAX]) + (", …" if len(known) > LISTED_MAX else "")
    return (f"did you mean {close[0]!r}? " if close else "") + (f"one of: {listed}" if listed else "leave it out")
