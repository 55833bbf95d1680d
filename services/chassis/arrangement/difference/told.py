"""Who is told, how strongly, found how, seeing which view; what everybody is kept from, and what goes with a share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from concern_relay.v1.codes_pb2 import AgencyClass, Category
from services.chassis.arrangement.difference.change import Change, Way, more_or_less
from services.chassis.arrangement.difference.circumstances import tried, written
from services.chassis.arrangement.model import USUAL, Arrangement, Force, TellRule, Told
from services.chassis.arrangement.selecting import Selection
from services.chassis.clauses import Facts
from services.chassis.codes import word_of

_STRENGTH: Final = {None: 0, Force.PERSON_DECIDES: 1, Force.USUALLY: 1, Force.MUST: 2}
_SAID: Final = {
    None: "not told",
    Force.PERSON_DECIDES: "a person decides",
    Force.USUALLY: "proposed",
    Force.MUST: "told at once",
}
_ADULT: Final = "adult of concern"


@dataclass(frozen=True, slots=True)
class _Rows:
    """What the strongest rows say of a class in a role, in one line of shares."""

    force: Force | None = None
    selections: frozenset[Selection] = frozenset()
    clocks: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()

    def and_row(self, row: Told) -> _Rows:
        if _STRENGTH[row.force] < _STRENGTH[self.force]:
            return self
        kept = self if row.force is self.force else _Rows()
        return _Rows(
            row.force,
            kept.selections | {row.select},
            kept.clocks | {row.clock_code},
            kept.views | {row.view_code or USUAL},
        )


_NOBODY: Final = _Rows()


def told(before: Arrangement, after: Arrangement) -> tuple[list[Change], bool]:
    """Give what the rules change, and whether every circumstance was tried."""
    old, new = ({rule.code: rule for rule in one.rules} for one in (before, after))
    codes = {code for code in {*old, *new} if _essence(old.get(code)) != _essence(new.get(code))}
    changed = [rules[code] for code in codes for rules in (old, new) if code in rules]
    clauses = [clause for rule in changed for clause in (rule.when, rule.unless)]

    def differs(facts: Facts) -> Iterator[Change]:
        yield from _told(before, after, facts)
        yield from _kept_out(before, after, facts)
        yield from _instructed(before, after, facts)

    return tried(clauses, differs)


def _essence(rule: TellRule | None) -> Any:
    if rule is None:
        return None
    tells = {(t.agency_class, t.select, t.force, t.clock_code, t.emergency, t.view_code, t.apart) for t in rule.tells}
    return written(rule.when), written(rule.unless), tells, rule.leaves_out, rule.instructs


def _told(before: Arrangement, after: Arrangement, facts: Facts) -> Iterator[Change]:
    old, new = (one.told(facts) for one in (before, after))
    was, becomes = _strongest(old), _strongest(new)
    for key in {*was, *becomes}:
        subject = _subject(*key)
        yield from _of_class(subject, was.get(key, _NOBODY), becomes.get(key, _NOBODY))
    first, then = ({_subject(*_key(row)) for row in rows if row.emergency} for rows in (old, new))
    for subject in first ^ then:
        way, words = (Way.MORE, "") if subject in then else (Way.LESS, "no longer: ")
        yield Change("told", subject, way, f"{words}told in an emergency before anything is assessed")


def _of_class(subject: str, was: _Rows, becomes: _Rows) -> Iterator[Change]:
    if was.force is not becomes.force:
        strength = _STRENGTH[becomes.force] - _STRENGTH[was.force]
        way = Way.MORE if strength > 0 else Way.LESS if strength < 0 else Way.OTHER
        yield Change("told", subject, way, f"{_SAID[becomes.force]}, was {_SAID[was.force]}")
        return
    yield from _of_selections(subject, was.selections, becomes.selections)
    if was.clocks != becomes.clocks:
        more, less = becomes.clocks - was.clocks, was.clocks - becomes.clocks
        words = f"told by the clock {_joined(more)}" + (f", was {_joined(less)}" if less else " as well")
        words = words if more else f"no longer: told by the clock {_joined(less)}"
        yield Change("clock", subject, Way.OTHER, words)
    if was.views != becomes.views:
        way = Way.MORE if USUAL in becomes.views - was.views else Way.OTHER
        way = Way.LESS if USUAL in was.views - becomes.views else way
        yield Change("view", subject, way, f"sees the view {_joined(becomes.views)}, was {_joined(was.views)}")


def _of_selections(subject: str, was: frozenset[Selection], becomes: frozenset[Selection]) -> Iterator[Change]:
    """Give the ways by which agencies are found that came or went; or how the rows that differ look."""
    old, new = ({way for one in some for way in (*one.by, *one.named)} for some in (was, becomes))
    if old != new:
        yield from more_or_less("told", subject, sorted(new - old), sorted(old - new), "found by {}")
    elif was != becomes:
        words = f"found by {_found_by(becomes - was)}, was {_found_by(was - becomes)}"
        yield Change("told", subject, Way.OTHER, words)


def _kept_out(before: Arrangement, after: Arrangement, facts: Facts) -> Iterator[Change]:
    """Give the categories nobody is shown of the adult of concern, unless they are the core (``leave_out``)."""
    was, becomes = before.left_out(facts), after.left_out(facts)
    for category in was ^ becomes:
        name = word_of(Category, category)
        if category in becomes:
            yield Change("category", _ADULT, Way.LESS, f"{name} is shown to nobody, unless it is the core")
        else:
            yield Change("category", _ADULT, Way.MORE, f"{name} is no longer kept from everybody")


def _instructed(before: Arrangement, after: Arrangement, facts: Facts) -> Iterator[Change]:
    was, becomes = (frozenset(one.instructions(facts)) for one in (before, after))
    for code in was ^ becomes:
        words = "goes with every share" if code in becomes else "no longer: goes with every share"
        yield Change("instruction", code, Way.OTHER, words)


def _strongest(rows: Iterable[Told]) -> dict[tuple[AgencyClass, str, str], _Rows]:
    found: dict[tuple[AgencyClass, str, str], _Rows] = {}
    for row in rows:
        found[_key(row)] = found.get(_key(row), _NOBODY).and_row(row)
    return found


def _key(row: Told) -> tuple[AgencyClass, str, str]:
    return row.agency_class, row.select.role, row.line


def _subject(agency_class: AgencyClass, role: str, line: str) -> str:
    said = ", ".join(filter(None, (role, f"{line} apart" if line else "")))
    return word_of(AgencyClass, agency_class) + (f" ({said})" if said else "")


def found_by(select: Selection) -> str:
    """Say in words how agencies are found."""
    told_of = [f"{word} only" for word in _narrowed(select)]
    return ", ".join((*select.by, *(f"else {one}" for one in select.otherwise), *select.named, *told_of))


def _narrowed(select: Selection) -> Iterator[str]:
    if select.ages is not None:
        yield f"ages {select.ages[0]} to {select.ages[1]}"
    if select.status:
        yield "children of a status"


def _found_by(selections: Iterable[Selection]) -> str:
    return "; ".join(sorted(found_by(select) for select in selections)) or "no row of its own"


def _joined(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
