"""An overlay: a law pack that says only what differs from the one before it, from its own first day on.

Laid over its base node by node, before anything is compiled, so that a clause of the base that names a clause which
was replaced means the new one, and every error still points at the file and line it stands in.

    overlays: {pack: working-together-2018, sha256: …}   # these very bytes; a base that changed is refused
    drop: {clauses: [...], questions: [...], rows: {table: [codes]}}
    recite: {wt2018: wt2023}                             # citations of a source become unverified ones of another
    recite: {wt2018: {source: wt2023, places: {p. 18: p. 16}}}    # but those that somebody compared, at their new place
    sources, questions, sensitivity, deciders, cover, gateways, clauses: what is new or replaced
    tables: {article6: [{before: a6_f, if: …}, {after: …}, {replaces: …}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from services.chassis.marked_yaml import elements, entries, fail, near, text

MERGED: Final = ("sources", "questions", "sensitivity", "deciders", "cover", "gateways", "clauses")
OWN: Final = ("overlays", "drop", "recite")
_PLACES: Final = ("before", "after", "replaces")
_STR: Final = "tag:yaml.org,2002:str"

Sections = dict[str, yaml.Node]


def laid_over(base: Mapping[str, yaml.Node], over: Mapping[str, yaml.Node]) -> Sections:
    """Give the sections of the pack that an overlay and its base make together.

    Raises:
        DocumentError: it drops, replaces or stands beside something that is not there; clauses name each other in a
            circle.
    """
    found: Sections = {**base, **{k: v for k, v in over.items() if k not in (*OWN, *MERGED, "tables")}}
    found = _recited(found, over)
    dropped = entries(over["drop"]) if "drop" in over else {}
    for section in MERGED:
        merged = entries(found[section]) if section in found else {}
        for code in elements(dropped[section]) if section in dropped else ():
            _known(code, merged, section)
            del merged[text(code)]
        merged |= entries(over[section]) if section in over else {}
        if section in found or merged:
            found[section] = _mapping(merged, over.get(section) or found.get(section))
    found["clauses"] = _mapping(_in_order(entries(found["clauses"])), found["clauses"])
    found["tables"] = _tables(found["tables"], over.get("tables"), dropped.get("rows"))
    return found


def _recited(found: Sections, over: Mapping[str, yaml.Node]) -> Sections:
    if "recite" not in over:
        return found
    editions = {code: _Edition.read(node) for code, node in entries(over["recite"]).items()}
    recited = {k: _recite(v, editions) if k in ("questions", "clauses") else v for k, v in found.items()}
    for code, edition in editions.items():
        for place in edition.places.keys() - edition.cited:
            fail(edition.places[place], f"no citation of {code!r} is at {place!r}", "name it as the base does")
    return recited


@dataclass(frozen=True, slots=True)
class _Edition:
    """What is cited in place of a source: another one, with the places that somebody compared.

    Attributes:
        places: where the new one says it, by where the old one said it.
        cited: which of them the base cites; filled while it is recited.
    """

    source: str
    places: Mapping[str, yaml.Node]
    cited: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, node: yaml.Node) -> _Edition:
        """Read a source's code, or a mapping of it and its places."""
        if isinstance(node, yaml.ScalarNode):
            return cls(text(node), {})
        given = entries(node)
        for needed in ("source", "places"):
            if needed not in given:
                fail(node, f"{needed!r} is missing", "write {source: …, places: {…}}, or the source alone")
        return cls(text(given["source"]), entries(given["places"]))


def _recite(node: yaml.Node, sources: Mapping[str, _Edition]) -> yaml.Node:
    """Give a node that cites other sources in place of some: unverified, but for places that were compared."""
    if isinstance(node, yaml.SequenceNode):
        return yaml.SequenceNode(node.tag, [_recite(one, sources) for one in node.value], node.start_mark)
    if not isinstance(node, yaml.MappingNode):
        return node
    plain = {text(key): value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    source = plain.get("source")
    if {"at", "verified"} <= plain.keys() and isinstance(source, yaml.ScalarNode) and source.value in sources:
        edition, place = sources[source.value], text(plain["at"])
        edition.cited.add(place)
        plain["source"] = _scalar(edition.source, source)
        plain["at"] = edition.places.get(place, plain["at"])
        plain["verified"] = _scalar("true" if place in edition.places else "false", plain["verified"])
        return _mapping(plain, node)
    pairs = [(key, _recite(value, sources)) for key, value in node.value]
    return yaml.MappingNode(node.tag, pairs, node.start_mark)


def _in_order(clauses: dict[str, yaml.Node]) -> dict[str, yaml.Node]:
    """Order clauses so that each stands below those it names; otherwise as they stood."""
    ordered: dict[str, yaml.Node] = {}
    open_: list[str] = []

    def place(code: str) -> None:
        if code in ordered or code not in clauses:
            return
        if code in open_:
            fail(clauses[code], f"{' names '.join([*open_, code])}: a circle", "let one of them stand on its own")
        open_.append(code)
        for named in _names(clauses[code]):
            place(named)
        open_.pop()
        ordered[code] = clauses[code]

    for code in clauses:
        place(code)
    return ordered


def _names(node: yaml.Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == "holds" and isinstance(value, yaml.ScalarNode):
                yield value.value
            else:
                yield from _names(value)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _names(one)


def _tables(base: yaml.Node, over: yaml.Node | None, dropped: yaml.Node | None) -> yaml.Node:
    tables = {table: elements(rows) for table, rows in entries(base).items()}
    for table, codes in entries(dropped).items() if dropped is not None else ():
        for code in elements(codes):
            rows = tables.get(table, [])
            _known(code, [_code(row) for row in rows], f"rows of {table}")
            tables[table] = [row for row in rows if _code(row) != text(code)]
    for table, edits in entries(over).items() if over is not None else ():
        for edit in elements(edits):
            _edit(tables.setdefault(table, []), edit, table)
    nodes = {table: yaml.SequenceNode("tag:yaml.org,2002:seq", rows, base.start_mark) for table, rows in tables.items()}
    return _mapping(nodes, base)


def _edit(rows: list[yaml.Node], edit: yaml.Node, table: str) -> None:
    found = entries(edit)
    places = [place for place in _PLACES if place in found]
    if len(places) > 1:
        fail(edit, "a row stands in one place", f"write one of {', '.join(_PLACES)}")
    row = _mapping({key: value for key, value in found.items() if key not in _PLACES}, edit)
    if not places:
        rows.append(row)
        return
    anchor = found[places[0]]
    codes = [_code(one) for one in rows]
    _known(anchor, codes, f"rows of {table}")
    at = codes.index(text(anchor))
    if places[0] == "replaces":
        rows[at] = row
    else:
        rows.insert(at + (places[0] == "after"), row)


def _code(row: yaml.Node) -> str:
    found = entries(row)
    if "if" not in found:
        fail(row, "a row without its clause", "write 'if: clause'")
    return text(found["if"])


def _known(code: yaml.Node, codes: Mapping[str, object] | list[str], where: str) -> None:
    if text(code) not in codes:
        fail(code, f"{where}: the base has no {text(code)!r}", near(text(code), codes))


def _mapping(values: Mapping[str, yaml.Node], like: yaml.Node | None) -> yaml.MappingNode:
    mark = like.start_mark if like is not None else None
    pairs = [(_scalar(key, value), value) for key, value in values.items()]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, mark)


def _scalar(value: str, like: yaml.Node) -> yaml.ScalarNode:
    return yaml.ScalarNode(_STR, value, like.start_mark)
