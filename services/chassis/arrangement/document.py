"""Read an arrangement from YAML. Every error names file, line and column, what is wrong and what to do.

The file is data that people sign: nothing in it is guessed, a word that is not known is refused, and two rows that
contradict each other are refused rather than one of them winning.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Final

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
from services.chassis.arrangement.check import look_for_contradictions
from services.chassis.arrangement.duties import read_duties
from services.chassis.arrangement.model import (
    Agency,
    Arrangement,
    Force,
    InternalRole,
    MatrixRow,
    OfficeHours,
    Stage,
    Status,
    TellRule,
    Told,
)
from services.chassis.arrangement.selecting import SELECTION_KEYS, read_selection, selection_of
from services.chassis.arrangement.timed import read_term, read_timed_duty
from services.chassis.arrangement.values import (
    Keys,
    Node,
    amount,
    by_code,
    code,
    day,
    flag,
    list_of,
    one_of,
    said,
    set_of,
    time_of_day,
    word,
)
from services.chassis.calendar import Clock, ClockRule, Starts
from services.chassis.clauses import Clause, Declared, read_clause
from services.chassis.concern_facts import DECLARED
from services.chassis.marked_yaml import elements, fail, near, read_document, read_text, text
from services.chassis.mistakes import all_mistakes, note

FOLDER: Final = Path(__file__).parents[3] / "deploy" / "arrangements"
AUTHORITIES: Final = FOLDER / "local_authorities_england.csv"
NEVER_SHARED: Final = frozenset({Category.CATEGORY_POLICE_INTELLIGENCE, Category.CATEGORY_SOURCE_IDENTITY})
NEVER_IN_DETAIL: Final = frozenset(
    {"basis_asked_for", "more_detrimental", "detrimental_to", "considered_by", "unread", "myths"}
)


def _clock(node: Node) -> Clock:
    keys = Keys.of(node, "code", "rule", "amount", "starts", "at", "cite")
    rule = keys.get("rule", one_of(ClockRule))
    plain = Clock("", rule, 1, Starts.RECEIVED, "")
    if rule is ClockRule.SCHOOL_DAY and "at" not in keys.found:
        fail(node, "a school_day clock has no time of day", 'add at: "08:00"')
    return Clock(
        code=keys.get("code", code),
        rule=rule,
        amount=keys.maybe("amount", amount, 1),
        starts=keys.get("starts", one_of(Starts)),
        cite=keys.get("cite", said),
        at=keys.maybe("at", time_of_day, plain.at),
    )


def _internal(node: Node) -> InternalRole:
    keys = Keys.of(node, "code", "title", "deputies", "away")
    always: tuple[tuple[date, date], ...] = ()
    nobody: tuple[str, ...] = ()
    away = keys.maybe("away", list_of(_away), always)
    deputies = keys.maybe("deputies", list_of(code), nobody)
    return InternalRole(keys.get("code", code), keys.get("title", said), deputies, away)


def _away(node: Node) -> tuple[date, date]:
    keys = Keys.of(node, "from", "to")
    first = keys.get("from", day)
    return first, keys.get("to", lambda n: _end(n, first))


def _hours(node: Node) -> OfficeHours:
    keys = Keys.of(node, "opens", "closes")
    opens, closes = keys.get("opens", time_of_day), keys.get("closes", time_of_day)
    if opens >= closes:
        fail(node, "closes before it opens", "leave hours out for somebody who is always there")
    return OfficeHours(opens.hour * 60 + opens.minute, closes.hour * 60 + closes.minute)


def _agency(node: Node) -> Agency:
    keys = Keys.of(
        node,
        *("id", "name", "class", "natures", "areas", "roles", "policy_document", "dpia", "agreement", "channels"),
        *("hours", "cover", "conflict_to", "succeeded_by", "valid_from", "valid_to", "internal", "parent_visible"),
    )
    valid_from = keys.maybe("valid_from", day, date.min)
    valid_to = keys.maybe("valid_to", lambda n: _end(n, valid_from), None)
    channels = keys.get("channels", list_of(word(Channel)))
    if not channels and "channels" in keys.found and not elements(keys.found["channels"]):
        note(keys.found["channels"], "no way to reach it", "name one; 'manual' always serves")
    return Agency(
        agency_id=keys.get("id", code),
        name=keys.get("name", said),
        agency_class=keys.get("class", word(AgencyClass)),
        natures=keys.get("natures", set_of(word(LegalNature))),
        areas=keys.get("areas", set_of(said)),
        roles=keys.maybe("roles", set_of(code), frozenset()),
        policy_document=keys.maybe("policy_document", said, None),
        dpia=keys.maybe("dpia", said, None),
        agreement=keys.maybe("agreement", said, None),
        channels=channels,
        hours=keys.maybe("hours", _hours, None),
        cover=keys.maybe("cover", code, None),
        conflict_to=keys.maybe("conflict_to", code, None),
        succeeded_by=keys.maybe("succeeded_by", code, None),
        valid_from=valid_from,
        valid_to=valid_to,
        internal=keys.maybe("internal", list_of(_internal), ()),
        parent_visible=keys.maybe("parent_visible", flag, default=False),
    )


def _end(node: Node, first: date) -> date:
    last = day(node)
    if last < first:
        fail(node, f"ends on {last}, before it begins on {first}", "correct one of the two days")
    return last


def _shareable(node: Node) -> Category:
    category: Category = word(Category)(node)
    if category in NEVER_SHARED:
        fail(node, f"{text(node)} is never shared by rule (practice 9)", "take it out of the row")
    return category


def _detail_field(node: Node) -> str:
    known = {f.name for f in ConcernDetail.DESCRIPTOR.fields} - NEVER_IN_DETAIL
    if text(node) not in known:
        fail(node, f"{text(node)!r} is no field of the detail a recipient may see", near(text(node), known))
    return text(node)


def _row(node: Node) -> MatrixRow:
    keys = Keys.of(
        node,
        *("class", "purpose", "gateway", "categories", "person_roles", "identifiers", "detail", "select", "cite"),
        "views",
    )
    row = MatrixRow(
        agency_class=keys.get("class", word(AgencyClass)),
        purpose_code=keys.get("purpose", code),
        gateway=keys.get("gateway", word(Gateway)),
        categories=keys.get("categories", set_of(_shareable)),
        person_roles=keys.get("person_roles", set_of(word(PersonRole))),
        identifiers=keys.maybe("identifiers", set_of(word(IdentifierKind)), frozenset()),
        detail=keys.maybe("detail", set_of(_detail_field), frozenset()),
        select=keys.get("select", read_selection),
        cite=keys.get("cite", said),
    )
    none: dict[str, tuple[str, MatrixRow]] = {}
    views = keys.maybe("views", lambda n: by_code(n, lambda found: found[0], lambda one: _view(one, row)), none)
    return replace(row, views=dict(views.values()))


def _view(node: Node, row: MatrixRow) -> tuple[str, MatrixRow]:
    """Read a narrower view of a row; what it leaves out stays as in the row, and it never admits more."""
    keys = Keys.of(node, "code", "categories", "person_roles", "identifiers", "detail")
    narrowed = replace(
        row,
        categories=keys.maybe("categories", set_of(_shareable), row.categories),
        person_roles=keys.maybe("person_roles", set_of(word(PersonRole)), row.person_roles),
        identifiers=keys.maybe("identifiers", set_of(word(IdentifierKind)), row.identifiers),
        detail=keys.maybe("detail", set_of(_detail_field), row.detail),
    )
    for name in ("categories", "person_roles", "identifiers", "detail"):
        if not getattr(narrowed, name) <= getattr(row, name):
            fail(keys.found[name], "a view admits more than its row", "widen the row, or take it out of the view")
    return keys.get("code", code), narrowed


def _rule(node: Node, facts: Mapping[str, Declared]) -> TellRule:
    keys = Keys.of(node, "code", "when", "unless", "tell", "cite", "emergency", "instruct", "leave_out")
    name, cite = keys.get("code", code), keys.get("cite", said)
    emergency = keys.maybe("emergency", flag, default=False)

    def told(one: Node) -> Told:
        inner = Keys.of(one, "class", *SELECTION_KEYS, "force", "clock", "view", "apart")
        return Told(
            rule_code=name,
            agency_class=inner.get("class", word(AgencyClass)),
            select=selection_of(one),
            force=inner.get("force", one_of(Force)),
            clock_code=inner.get("clock", code),
            cite=cite,
            emergency=emergency,
            view_code=inner.maybe("view", code, ""),
            apart=inner.maybe("apart", flag, default=False),
        )

    def clause(named: str) -> Callable[[Node], Clause | None]:
        return lambda inner: read_clause(named, inner, facts)

    when = keys.get("when", lambda inner: read_clause(name, inner, facts))
    return TellRule(
        name,
        when,
        keys.maybe("unless", clause(f"{name}_unless"), None),
        keys.get("tell", list_of(told)),
        cite,
        keys.maybe("instruct", list_of(code), ()),
        keys.maybe("leave_out", set_of(word(Category)), frozenset()),
    )


def _stages(node: Node) -> tuple[Stage, ...]:
    found: list[Stage] = []
    for number, element in enumerate(elements(node), start=1):
        keys = Keys.of(element, "role", "clock", "urgent_clock")
        found.append(Stage(number, keys.get("role", code), keys.get("clock", code), keys.get("urgent_clock", code)))
    if not found:
        fail(node, "no stage", "name the role that is asked when nobody acknowledges")
    return tuple(found)


def _urgency_clocks(node: Node) -> dict[Urgency, str]:
    keys = Keys.of(node, "urgent", "emergency")
    return {
        Urgency.URGENCY_URGENT: keys.get("urgent", code),
        Urgency.URGENCY_EMERGENCY: keys.get("emergency", code),
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
    return _checked(root, raw, facts)


def parse_arrangement(raw: bytes, name: str, facts: Mapping[str, Declared] = DECLARED) -> Arrangement:
    """Read an arrangement as ``read_arrangement`` does, from bytes; ``name`` stands in errors."""
    return _checked(read_text(raw, name), raw, facts)


def _checked(root: Node, raw: bytes, facts: Mapping[str, Declared]) -> Arrangement:
    """Read, then look at how the rows meet: only once each of them stands, or every mistake would be told twice."""
    with all_mistakes() as mistakes:
        found, nodes = _arrangement(root, raw, facts)
        if not mistakes:
            look_for_contradictions(found, nodes)
    return found


def _arrangement(root: Node, raw: bytes, facts: Mapping[str, Declared]) -> tuple[Arrangement, Mapping[str, Node]]:
    keys = Keys.of(
        root,
        *("name", "title", "status", "valid_from", "valid_to", "front_door", "clocks", "urgency_clocks"),
        *("deliver_clock", "stages", "matrix", "rules", "agencies", "duties", "timed_duties", "school_terms"),
    )
    clocks = keys.get("clocks", lambda n: by_code(n, lambda c: c.code, _clock))
    valid_from = keys.get("valid_from", day)
    found = Arrangement(
        name=keys.get("name", code),
        title=keys.get("title", said),
        status=keys.get("status", one_of(Status)),
        valid_from=valid_from,
        valid_to=keys.maybe("valid_to", lambda n: _end(n, valid_from), None),
        sha256=sha256(raw).hexdigest(),
        front_door=keys.get("front_door", code),
        agencies=keys.get("agencies", lambda n: by_code(n, lambda a: a.agency_id, _agency)),
        matrix={
            row.agency_class: row
            for row in keys.get("matrix", lambda n: by_code(n, lambda r: str(r.agency_class), _row)).values()
        },
        rules=tuple(keys.get("rules", lambda n: by_code(n, lambda r: r.code, lambda o: _rule(o, facts))).values()),
        clocks=clocks,
        urgency_clocks=keys.get("urgency_clocks", _urgency_clocks),
        deliver_clock=keys.get("deliver_clock", code),
        stages=keys.get("stages", _stages),
        authorities=authorities(),
        duties=keys.get("duties", lambda n: read_duties(n, clocks if isinstance(clocks, Mapping) else {})),
        timed=keys.maybe(
            "timed_duties", lambda n: by_code(n, lambda d: d.code, lambda o: read_timed_duty(o, facts)), {}
        ),
        terms=keys.maybe("school_terms", list_of(read_term), ()),
    )
    return found, keys.found
