"""Read an arrangement from YAML. Every error names file, line and column, what is wrong and what to do.

The file is data that people sign: nothing in it is guessed, a word that is not known is refused, and two rows that
contradict each other are refused rather than one of them winning.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from concern_relay.v1.codes_pb2 import (
    AgencyClass,
    Category,
    Channel,
    Gateway,
    IdentifierKind,
    LegalNature,
    PersonRole,
    Urgency,
)
from concern_relay.v1.facts_pb2 import ConcernDetail
from services.chassis.arrangement.check import refuse_contradictions
from services.chassis.arrangement.model import (
    Agency,
    Arrangement,
    Force,
    InternalRole,
    MatrixRow,
    OfficeHours,
    SelectBy,
    Selection,
    Stage,
    Status,
    TellRule,
    Told,
)
from services.chassis.calendar import AMOUNT_MAX, Clock, ClockRule, Starts
from services.chassis.clauses import Clause, Declared, read_clause
from services.chassis.codes import number_of, words
from services.chassis.concern_facts import DECLARED
from services.chassis.marked_yaml import elements, entries, fail, near, read_document, read_text, text

FOLDER: Final = Path(__file__).parents[3] / "deploy" / "arrangements"
AUTHORITIES: Final = FOLDER / "local_authorities_england.csv"
NEVER_SHARED: Final = frozenset({Category.CATEGORY_POLICE_INTELLIGENCE, Category.CATEGORY_SOURCE_IDENTITY})
NEVER_IN_DETAIL: Final = frozenset({"basis_asked_for", "more_detrimental", "detrimental_to", "considered_by", "unread"})
CODE: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")

T = TypeVar("T")
Node = yaml.Node


@dataclass(frozen=True, slots=True)
class _Keys:
    """A mapping whose keys are all known, read by key."""

    node: Node
    found: Mapping[str, Node]

    @classmethod
    def of(cls, node: Node, *allowed: str) -> _Keys:
        found = entries(node)
        for key in found:
            if key not in allowed:
                fail(found[key], f"nothing here is called {key!r}", near(key, allowed))
        return cls(node, found)

    def get(self, key: str, read: Callable[[Node], T]) -> T:
        """Read a required key."""
        if key not in self.found:
            fail(self.node, f"{key!r} is missing", f"write '{key}: …'")
        return read(self.found[key])

    def maybe(self, key: str, read: Callable[[Node], T], default: T) -> T:
        """Read a key that may be left out or left empty."""
        node = self.found.get(key)
        if node is None or (isinstance(node, yaml.ScalarNode) and node.value in ("", "null")):
            return default
        return read(node)


def _said(node: Node) -> str:
    found = " ".join(text(node).split())
    if not found:
        fail(node, "empty", "write it, or leave the line out")
    return found


def _code(node: Node) -> str:
    found = text(node)
    if not found or not CODE.issuperset(found):
        fail(node, f"{found!r} is no code", "use small letters, digits, '-' and '_'")
    return found


def _day(node: Node) -> date:
    try:
        return date.fromisoformat(text(node))
    except ValueError:
        fail(node, f"{text(node)!r} is no day", "write it as 2026-09-30")


def _time(node: Node) -> time:
    try:
        return time.fromisoformat(text(node))
    except ValueError:
        fail(node, f"{text(node)!r} is no time of day", 'write it as "17:00"')


def _amount(node: Node) -> int:
    found = text(node)
    if not found.isdigit() or not 1 <= int(found) <= AMOUNT_MAX:
        fail(node, f"{found!r} is no amount", f"write a whole number from 1 to {AMOUNT_MAX}")
    return int(found)


def _flag(node: Node) -> bool:
    found = text(node)
    if found not in ("true", "false"):
        fail(node, f"{found!r} is neither true nor false", "write true or false")
    return found == "true"


def _word(enum: Any) -> Callable[[Node], Any]:
    def read(node: Node) -> Any:
        try:
            return number_of(enum, text(node))
        except ValueError:
            fail(node, f"unknown {enum.DESCRIPTOR.name} {text(node)!r}", near(text(node), words(enum)))

    return read


def _one_of(enum: type[T]) -> Callable[[Node], T]:
    def read(node: Node) -> T:
        known = [str(member) for member in enum]  # type: ignore[attr-defined]
        if text(node) not in known:
            fail(node, f"unknown word {text(node)!r}", near(text(node), known))
        return enum(text(node))  # type: ignore[call-arg]

    return read


def _list(read: Callable[[Node], T]) -> Callable[[Node], tuple[T, ...]]:
    def several(node: Node) -> tuple[T, ...]:
        found: list[T] = []
        for element in elements(node):
            one = read(element)
            if one in found:
                fail(element, "stands twice", "keep one")
            found.append(one)
        return tuple(found)

    return several


def _set(read: Callable[[Node], T]) -> Callable[[Node], frozenset[T]]:
    listed = _list(read)
    return lambda node: frozenset(listed(node))


def _by_code(node: Node, code_of: Callable[[T], str], read: Callable[[Node], T]) -> dict[str, T]:
    found: dict[str, T] = {}
    for element in elements(node):
        one = read(element)
        if code_of(one) in found:
            fail(element, f"{code_of(one)!r} stands twice", "keep one")
        found[code_of(one)] = one
    return found


def _clock(node: Node) -> Clock:
    keys = _Keys.of(node, "code", "rule", "amount", "starts", "at", "cite")
    rule = keys.get("rule", _one_of(ClockRule))
    plain = Clock("", rule, 1, Starts.RECEIVED, "")
    if rule is ClockRule.SCHOOL_DAY and "at" not in keys.found:
        fail(node, "a school_day clock has no time of day", 'add at: "08:00"')
    return Clock(
        code=keys.get("code", _code),
        rule=rule,
        amount=keys.maybe("amount", _amount, 1),
        starts=keys.get("starts", _one_of(Starts)),
        cite=keys.get("cite", _said),
        at=keys.maybe("at", _time, plain.at),
    )


def _internal(node: Node) -> InternalRole:
    keys = _Keys.of(node, "code", "title", "deputies")
    return InternalRole(keys.get("code", _code), keys.get("title", _said), keys.maybe("deputies", _list(_code), ()))


def _hours(node: Node) -> OfficeHours:
    keys = _Keys.of(node, "opens", "closes")
    opens, closes = keys.get("opens", _time), keys.get("closes", _time)
    if opens >= closes:
        fail(node, "closes before it opens", "leave hours out for somebody who is always there")
    return OfficeHours(opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute)


def _agency(node: Node) -> Agency:
    keys = _Keys.of(
        node,
        *("id", "name", "class", "natures", "areas", "roles", "policy_document", "dpia", "agreement", "channels"),
        *("hours", "cover", "conflict_to", "succeeded_by", "valid_from", "valid_to", "internal"),
    )
    valid_from = keys.maybe("valid_from", _day, date.min)
    valid_to = keys.maybe("valid_to", lambda n: _end(n, valid_from), None)
    channels = keys.get("channels", _list(_word(Channel)))
    if not channels:
        fail(keys.found["channels"], "no way to reach it", "name one; 'manual' always serves")
    return Agency(
        agency_id=keys.get("id", _code),
        name=keys.get("name", _said),
        agency_class=keys.get("class", _word(AgencyClass)),
        natures=keys.get("natures", _set(_word(LegalNature))),
        areas=keys.get("areas", _set(_said)),
        roles=keys.maybe("roles", _set(_code), frozenset()),
        policy_document=keys.maybe("policy_document", _said, None),
        dpia=keys.maybe("dpia", _said, None),
        agreement=keys.maybe("agreement", _said, None),
        channels=channels,
        hours=keys.maybe("hours", _hours, None),
        cover=keys.maybe("cover", _code, None),
        conflict_to=keys.maybe("conflict_to", _code, None),
        succeeded_by=keys.maybe("succeeded_by", _code, None),
        valid_from=valid_from,
        valid_to=valid_to,
        internal=keys.maybe("internal", _list(_internal), ()),
    )


def _end(node: Node, first: date) -> date:
    last = _day(node)
    if last < first:
        fail(node, f"ends on {last}, before it begins on {first}", "correct one of the two days")
    return last


def _shareable(node: Node) -> Category:
    category: Category = _word(Category)(node)
    if category in NEVER_SHARED:
        fail(node, f"{text(node)} is never shared by rule (practice 9)", "take it out of the row")
    return category


def _detail_field(node: Node) -> str:
    known = {f.name for f in ConcernDetail.DESCRIPTOR.fields} - NEVER_IN_DETAIL
    if text(node) not in known:
        fail(node, f"{text(node)!r} is no field of the detail a recipient may see", near(text(node), known))
    return text(node)


def _selection(node: Node) -> Selection:
    keys = _Keys.of(node, "role", "by", "otherwise", "named")
    nobody: tuple[str, ...] = ()
    nowhere: tuple[SelectBy, ...] = ()
    named = keys.maybe("named", _list(_code), nobody)
    by = keys.get("by", _list(_one_of(SelectBy)))
    otherwise = keys.maybe("otherwise", _list(_one_of(SelectBy)), nowhere)
    if (SelectBy.NAMED in (*by, *otherwise)) != bool(named):
        fail(node, "'named' in by or otherwise and the list 'named' go together", "write both or neither")
    return Selection(keys.maybe("role", _code, ""), by, otherwise, named)


def _row(node: Node) -> MatrixRow:
    keys = _Keys.of(
        node,
        *("class", "purpose", "gateway", "categories", "person_roles", "identifiers", "detail", "select", "cite"),
    )
    return MatrixRow(
        agency_class=keys.get("class", _word(AgencyClass)),
        purpose_code=keys.get("purpose", _code),
        gateway=keys.get("gateway", _word(Gateway)),
        categories=keys.get("categories", _set(_shareable)),
        person_roles=keys.get("person_roles", _set(_word(PersonRole))),
        identifiers=keys.maybe("identifiers", _set(_word(IdentifierKind)), frozenset()),
        detail=keys.maybe("detail", _set(_detail_field), frozenset()),
        select=keys.get("select", _selection),
        cite=keys.get("cite", _said),
    )


def _rule(node: Node, facts: Mapping[str, Declared]) -> TellRule:
    keys = _Keys.of(node, "code", "when", "unless", "tell", "cite", "emergency")
    code, cite = keys.get("code", _code), keys.get("cite", _said)
    emergency = keys.maybe("emergency", _flag, default=False)

    def told(one: Node) -> Told:
        inner = _Keys.of(one, "class", "role", "by", "otherwise", "named", "force", "clock")
        chosen = {key: value for key, value in inner.found.items() if key in ("role", "by", "otherwise", "named")}
        pairs = [(key, value) for key, value in one.value if key.value in chosen]
        select = _selection(yaml.MappingNode(one.tag, pairs, one.start_mark, one.end_mark))
        return Told(
            rule_code=code,
            agency_class=inner.get("class", _word(AgencyClass)),
            select=select,
            force=inner.get("force", _one_of(Force)),
            clock_code=inner.get("clock", _code),
            cite=cite,
            emergency=emergency,
        )

    def clause(name: str) -> Callable[[Node], Clause | None]:
        return lambda inner: read_clause(name, inner, facts)

    when = keys.get("when", lambda inner: read_clause(code, inner, facts))
    return TellRule(
        code, when, keys.maybe("unless", clause(f"{code}_unless"), None), keys.get("tell", _list(told)), cite
    )


def _stages(node: Node) -> tuple[Stage, ...]:
    found: list[Stage] = []
    for number, element in enumerate(elements(node), start=1):
        keys = _Keys.of(element, "role", "clock", "urgent_clock")
        found.append(Stage(number, keys.get("role", _code), keys.get("clock", _code), keys.get("urgent_clock", _code)))
    if not found:
        fail(node, "no stage", "name the role that is asked when nobody acknowledges")
    return tuple(found)


def _urgency_clocks(node: Node) -> dict[Urgency, str]:
    keys = _Keys.of(node, "urgent", "emergency")
    return {
        Urgency.URGENCY_URGENT: keys.get("urgent", _code),
        Urgency.URGENCY_EMERGENCY: keys.get("emergency", _code),
    }


@cache
def authorities(path: Path = AUTHORITIES) -> Mapping[str, str]:
    """Give the name of every authority of England by its ONS code."""
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["gss_code"]: row["name"] for row in csv.DictReader(lines)}


def read_arrangement(path: Path, facts: Mapping[str, Declared] = DECLARED) -> Arrangement:
    """Read and check an arrangement.

    Raises:
        DocumentError: says file, line, column, what is wrong and what to do.
    """
    root, raw = read_document(path)
    return _arrangement(root, raw, facts)


def parse_arrangement(raw: bytes, name: str, facts: Mapping[str, Declared] = DECLARED) -> Arrangement:
    """Read an arrangement as ``read_arrangement`` does, from bytes; ``name`` stands in errors."""
    return _arrangement(read_text(raw, name), raw, facts)


def _arrangement(root: Node, raw: bytes, facts: Mapping[str, Declared]) -> Arrangement:
    keys = _Keys.of(
        root,
        *("name", "title", "status", "valid_from", "valid_to", "front_door", "clocks", "urgency_clocks"),
        *("deliver_clock", "stages", "matrix", "rules", "agencies"),
    )
    valid_from = keys.get("valid_from", _day)
    found = Arrangement(
        name=keys.get("name", _code),
        title=keys.get("title", _said),
        status=keys.get("status", _one_of(Status)),
        valid_from=valid_from,
        valid_to=keys.maybe("valid_to", lambda n: _end(n, valid_from), None),
        sha256=sha256(raw).hexdigest(),
        front_door=keys.get("front_door", _code),
        agencies=keys.get("agencies", lambda n: _by_code(n, lambda a: a.agency_id, _agency)),
        matrix={
            row.agency_class: row
            for row in keys.get("matrix", lambda n: _by_code(n, lambda r: str(r.agency_class), _row)).values()
        },
        rules=tuple(keys.get("rules", lambda n: _by_code(n, lambda r: r.code, lambda o: _rule(o, facts))).values()),
        clocks=keys.get("clocks", lambda n: _by_code(n, lambda c: c.code, _clock)),
        urgency_clocks=keys.get("urgency_clocks", _urgency_clocks),
        deliver_clock=keys.get("deliver_clock", _code),
        stages=keys.get("stages", _stages),
        authorities=authorities(),
    )
    refuse_contradictions(found, keys.found)
    return found
