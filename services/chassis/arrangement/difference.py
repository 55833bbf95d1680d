"""What a new arrangement changes: who would be told more, who less, by class, agency, category and clock. Pure.

Rules are compared by what they do, not by how they are written: the circumstances that changed rules speak of are tried
out in both, and each difference is shown with the shortest circumstances in which it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice, product
from typing import Any, Final

from concern_relay.v1.codes_pb2 import AgencyClass, Category, Channel, IdentifierKind, LegalNature, PersonRole, Urgency
from services.chassis.arrangement.model import Agency, Arrangement, Force, MatrixRow, TellRule, Told
from services.chassis.calendar import Clock, ClockRule
from services.chassis.clauses import Condition, Facts, Span, Value
from services.chassis.codes import word_of

CIRCUMSTANCES_MAX: Final = 50_000
"""Most combinations that are tried out; beyond, the answer says that it is not complete."""

_STRENGTH: Final = {None: 0, Force.PERSON_DECIDES: 1, Force.USUALLY: 1, Force.MUST: 2}
_SAID: Final = {
    None: "not told",
    Force.PERSON_DECIDES: "a person decides",
    Force.USUALLY: "proposed",
    Force.MUST: "told at once",
}


class Way(StrEnum):
    """Which way a change goes for those who might be told."""

    MORE = "more"
    LESS = "less"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference.

    Attributes:
        kind: told, category, person, number, detail, agency, channel, area, clock, standing.
        subject: class, agency or clock it is about.
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


def difference(before: Arrangement, after: Arrangement) -> Difference:
    """Compare two arrangements."""
    told, complete = _told(before, after)
    changes = chain(
        told, _matrix(before, after), _agencies(before, after), _clocks(before, after), _standing(before, after)
    )
    return Difference(tuple(sorted(set(changes))), complete)


# -- who is told


def _told(before: Arrangement, after: Arrangement) -> tuple[list[Change], bool]:
    old, new = ({rule.code: rule for rule in one.rules} for one in (before, after))
    changed = [
        rules[code] for code in {*old, *new} for rules in (old, new) if code in rules and _differs(code, old, new)
    ]
    facts, complete = _circumstances(changed)
    found: dict[tuple[Any, ...], tuple[int, str, Change]] = {}
    for one in facts:
        for change in _told_differently(before, after, one):
            said = _circumstance(one)
            key = (change.subject, change.words)
            if key not in found or len(one) < found[key][0]:
                found[key] = (len(one), said, change)
    return [Change(c.kind, c.subject, c.way, c.words, said) for _, said, c in found.values()], complete


def _differs(code: str, old: Mapping[str, TellRule], new: Mapping[str, TellRule]) -> bool:
    if code not in old or code not in new:
        return True
    return bool(_essence(old[code]) != _essence(new[code]))


def _essence(rule: TellRule) -> Any:
    unless = None if rule.unless is None else repr(rule.unless.condition)
    tells = {(t.agency_class, t.select, t.force, t.clock_code, t.emergency) for t in rule.tells}
    return repr(rule.when.condition), unless, tells


def _told_differently(before: Arrangement, after: Arrangement, facts: Facts) -> Iterator[Change]:
    old, new = _strongest(before.told(facts)), _strongest(after.told(facts))
    for key in {*old, *new}:
        agency_class, role = key
        mine, theirs = old.get(key), new.get(key)
        was, becomes = (one.force if one is not None else None for one in (mine, theirs))
        subject = word_of(AgencyClass, agency_class) + (f" ({role})" if role else "")
        if was is not becomes:
            way = Way.MORE if _STRENGTH[becomes] > _STRENGTH[was] else Way.LESS
            way = Way.OTHER if _STRENGTH[becomes] == _STRENGTH[was] else way
            yield Change("told", subject, way, f"{_SAID[becomes]}, was {_SAID[was]}")
        elif mine is not None and theirs is not None and mine.clock_code != theirs.clock_code:
            words = f"told by the clock {theirs.clock_code}, was {mine.clock_code}"
            yield Change("clock", subject, Way.OTHER, words)
        elif mine is not None and theirs is not None and mine.select != theirs.select:
            words = f"found by {_found_by(theirs)}, was {_found_by(mine)}"
            yield Change("told", subject, Way.OTHER, words)


def _found_by(told: Told) -> str:
    return ", ".join((*told.select.by, *(f"else {one}" for one in told.select.otherwise), *told.select.named))


def _strongest(rows: Iterable[Told]) -> dict[tuple[AgencyClass, str], Told]:
    found: dict[tuple[AgencyClass, str], Told] = {}
    for row in rows:
        known = found.get((row.agency_class, row.select.role))
        if known is None or _STRENGTH[row.force] > _STRENGTH[known.force]:
            found[row.agency_class, row.select.role] = row
    return found


def _circumstances(rules: Iterable[TellRule]) -> tuple[Iterable[Facts], bool]:
    """Give the circumstances that some rules tell apart: every value they name of every fact, and none of them."""
    values: dict[str, set[Value | None]] = {}
    for rule in rules:
        for clause in (rule.when, rule.unless):
            for test in clause.condition.tests() if clause is not None else ():
                values.setdefault(test.fact, {None}).update(_values(test))
    names = sorted(values)
    count = 1
    for name in names:
        count *= len(values[name])
    combinations = product(*(sorted(values[name], key=repr) for name in names))
    facts = (_with_triggers({n: v for n, v in zip(names, one, strict=True) if v is not None}) for one in combinations)
    return islice(facts, CIRCUMSTANCES_MAX) if rules else (), count <= CIRCUMSTANCES_MAX


def _values(test: Condition) -> set[Value | None]:
    value = test.value
    match test.op:
        case "is" if isinstance(value, bool):
            return {True, False}
        case "in" | "has_any" if isinstance(value, frozenset):
            return {frozenset({one}) for one in value} if test.op == "has_any" else set(value)
        case "has" if isinstance(value, str):
            return {frozenset({value})}
        case "at_least" if isinstance(value, Span):
            return {value, Span(value.low - 1, value.low - 1)}
        case _:
            return {value}


def _with_triggers(facts: dict[str, Value]) -> Facts:
    """A concern's triggers are always known, if only as none."""
    return {"triggers": frozenset[str](), **facts}


def _circumstance(facts: Facts) -> str:
    said = {
        name: ", ".join(sorted(v)) if isinstance(v, frozenset) else v for name, v in facts.items() if v != frozenset()
    }
    return "; ".join(f"{name}: {_word(value)}" for name, value in sorted(said.items()))


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value.low) if isinstance(value, Span) else str(value)


# -- what a class may be shown


def _matrix(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    for agency_class in {*before.matrix, *after.matrix}:
        subject = word_of(AgencyClass, agency_class)
        old, new = before.matrix.get(agency_class), after.matrix.get(agency_class)
        if old is None or new is None:
            way, words = (Way.MORE, "may be told at all") if old is None else (Way.LESS, "may be told nothing any more")
            yield Change("category", subject, way, words)
            continue
        yield from _shown(subject, old, new)
        for name, was, becomes in (
            ("purpose", old.purpose_code, new.purpose_code),
            ("gateway", old.gateway, new.gateway),
            ("how it is found", old.select, new.select),
        ):
            if was != becomes:
                yield Change("standing", subject, Way.OTHER, f"{name} changes")


def _shown(subject: str, old: MatrixRow, new: MatrixRow) -> Iterator[Change]:
    named: tuple[tuple[str, frozenset[Any], frozenset[Any], Callable[[Any], str]], ...] = (
        ("category", old.categories, new.categories, lambda one: word_of(Category, one)),
        ("person", old.person_roles, new.person_roles, lambda one: word_of(PersonRole, one)),
        ("number", old.identifiers, new.identifiers, lambda one: word_of(IdentifierKind, one)),
        ("detail", old.detail, new.detail, str),
    )
    for kind, was, becomes, word in named:
        yield from _more_or_less(kind, subject, map(word, becomes - was), map(word, was - becomes), "may be shown {}")


def _more_or_less(kind: str, subject: str, more: Iterable[str], less: Iterable[str], words: str) -> Iterator[Change]:
    for one in more:
        yield Change(kind, subject, Way.MORE, words.format(one))
    for one in less:
        yield Change(kind, subject, Way.LESS, f"no longer: {words.format(one)}")


# -- agencies


def _agencies(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    for agency_id in {*before.agencies, *after.agencies}:
        old, new = before.agencies.get(agency_id), after.agencies.get(agency_id)
        if old is None or new is None:
            one = old or new
            assert one is not None
            way, words = (Way.MORE, "joins") if old is None else (Way.LESS, "leaves")
            yield Change("agency", agency_id, way, f"{words}, as {word_of(AgencyClass, one.agency_class)}")
        elif old != new:
            yield from _agency(old, new)


def _agency(old: Agency, new: Agency) -> Iterator[Change]:
    subject = new.agency_id
    yield from _more_or_less("area", subject, new.areas - old.areas, old.areas - new.areas, "serves {}")
    yield from _more_or_less("agency", subject, new.roles - old.roles, old.roles - new.roles, "has the role {}")
    natures = (sorted(word_of(LegalNature, n) for n in one.natures) for one in (old, new))
    was, becomes = (", ".join(one) for one in natures)
    if was != becomes:
        yield Change("standing", subject, Way.OTHER, f"in law {becomes}, was {was}")
    if old.agency_class != new.agency_class:
        yield Change("standing", subject, Way.OTHER, f"is {word_of(AgencyClass, new.agency_class)} now")
    if old.channels != new.channels:
        yield Change("channel", subject, Way.OTHER, f"reached by {_ways(new)}, was {_ways(old)}")
    if old.valid_to != new.valid_to:
        closing = new.valid_to is not None and (old.valid_to is None or new.valid_to < old.valid_to)
        words = f"told until {new.valid_to}" if new.valid_to is not None else "told without end"
        yield Change("agency", subject, Way.LESS if closing else Way.MORE, words)
    for name in ("hours", "cover", "conflict_to", "succeeded_by", "valid_from", "internal"):
        if getattr(old, name) != getattr(new, name):
            yield Change("agency", subject, Way.OTHER, f"{name.replace('_', ' ')} changes")
    for name in ("policy_document", "dpia", "agreement"):
        if (was_there := bool(getattr(old, name))) != bool(getattr(new, name)):
            words = f"has no {name.replace('_', ' ')} any more" if was_there else f"has a {name.replace('_', ' ')} now"
            yield Change("standing", subject, Way.LESS if was_there else Way.MORE, words)


def _ways(agency: Agency) -> str:
    return ", then ".join(word_of(Channel, channel) for channel in agency.channels)


# -- clocks and standing


def _clocks(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    for code in {*before.clocks, *after.clocks}:
        old, new = before.clocks.get(code), after.clocks.get(code)
        if old is None or new is None:
            yield Change("clock", code, Way.OTHER, "is new" if old is None else "is gone")
        elif _counts(old) != _counts(new):
            yield Change("clock", code, Way.OTHER, f"ends after {_runs(new)}, was {_runs(old)}")
    for urgency in {*before.urgency_clocks, *after.urgency_clocks}:
        was, becomes = before.urgency_clocks.get(urgency), after.urgency_clocks.get(urgency)
        if was != becomes:
            yield Change("clock", word_of(Urgency, urgency), Way.OTHER, f"runs by {becomes}, was {was}")
    if before.deliver_clock != after.deliver_clock:
        yield Change("clock", "delivery", Way.OTHER, f"runs by {after.deliver_clock}, was {before.deliver_clock}")
    if before.stages != after.stages:
        asked = ", ".join(stage.role_code for stage in after.stages)
        yield Change("clock", "disagreement", Way.OTHER, f"asks {asked} in turn, or by other clocks")


def _counts(clock: Clock) -> Any:
    return clock.rule, clock.amount, clock.starts, clock.at


def _runs(clock: Clock) -> str:
    by = "" if clock.rule in (ClockRule.HOURS, ClockRule.MINUTES) else f" at {clock.at:%H:%M}"
    return f"{clock.amount} {clock.rule.replace('_', ' ')} from {clock.starts}{by}"


def _standing(before: Arrangement, after: Arrangement) -> Iterator[Change]:
    for name in ("status", "valid_from", "valid_to", "front_door", "duties"):
        was, becomes = getattr(before, name), getattr(after, name)
        if was != becomes:
            words = f"{becomes}, was {was}" if name != "duties" else "change"
            yield Change("standing", name.replace("_", " "), Way.OTHER, words)
