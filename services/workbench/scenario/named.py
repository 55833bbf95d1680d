"""Whether what a scenario names exists: agencies, parts, clauses, codes of what is sent.

Without this a scenario could pass because a word in it was misspelt: whoever does not exist is told nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, get_args

from pydantic import BaseModel

from concern_relay.v1 import codes_pb2 as codes
from services.chassis.arrangement import Arrangement
from services.chassis.codes import words
from services.chassis.marked_yaml import Mistake
from services.intake.content import contents_of
from services.intake.errors import Malformed
from services.intake.flags import FlagCode
from services.intake.ids import IdKey
from services.intake.reading import read_tree
from services.workbench.scenario.acts import Raise
from services.workbench.scenario.document import Scenario
from services.workbench.scenario.following import Add, Correct, GiveConsent, MoveChild
from services.workbench.scenario.laws import law_book
from services.workbench.scenario.places import Places, remedy_for, words_at
from services.workbench.scenario.scene import arrangement_of
from services.workbench.scenario.stage import SceneError
from services.workbench.scenario.steps import Step
from services.workbench.scenario.terms import (
    LONDON,
    IsAgency,
    IsAnswer,
    IsClause,
    IsDuty,
    IsFile,
    IsFlag,
    IsQuestion,
    IsRef,
    local,
)
from services.workbench.scenario.then import Then

Loc = tuple[str | int, ...]
Sent = Raise | Add | Correct | GiveConsent | MoveChild
# Odd, and kept, where an agency sends it. In a scenario it is a slip, unless `warnings` says that it must be flagged.
SLIPS: Final = {
    FlagCode.CODE_NOT_KNOWN: "is no word here",
    FlagCode.DATE_NOT_READ: "is no date",
    FlagCode.REF_UNKNOWN: "names nobody and nothing that is sent here",
    FlagCode.AGE_IMPOSSIBLE: "is no age",
    FlagCode.AUTHORITY_CODE_NOT_READ: "is no ONS code of an authority",
}
REMEDIES: Final = {
    FlagCode.CODE_NOT_KNOWN: "`concern-relay scenario schema` prints the words there are",
    FlagCode.DATE_NOT_READ: "write 2018, 2018-05 or 2018-05-02",
    FlagCode.REF_UNKNOWN: "give something a ref that it can name",
    FlagCode.AGE_IMPOSSIBLE: "write whole years, as 8",
    FlagCode.AUTHORITY_CODE_NOT_READ: "as E10000016 for Kent, E06000035 for Medway; deploy/arrangements lists them",
}
_KEY: Final = IdKey(b"scenario" * 8)
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"

_MARKS: Final = IsAgency | IsRef | IsClause | IsDuty | IsFile | IsAnswer | IsFlag | IsQuestion


@dataclass(frozen=True, slots=True)
class _Listed:
    """Agencies that may be named: those of the arrangement, and those a scenario names as unlisted on purpose."""

    arrangement: Arrangement
    on_purpose: frozenset[str]


def misnamed(scenario: Scenario, places: Places, schema: dict[str, Any]) -> Iterator[Mistake]:
    """Give every name of something that is not there."""
    try:
        arrangement = arrangement_of(scenario.given, local(scenario.given.now))
    except SceneError as error:
        yield places.mistake(("given", "arrangement"), str(error), "leave it out for the one in force")
        return
    listed = _Listed(arrangement, frozenset(scenario.given.unlisted))
    there = _there(scenario, arrangement)
    for loc, value, mark in _marked(scenario, ()):
        if mark is IsAgency and value:
            yield from _agency(loc, value, listed, places)
        elif mark in there and (value or mark is IsRef):
            known, wrong = there[mark]
            if value not in known:
                yield places.mistake(loc, f"{value!r} {wrong}", remedy_for(value, sorted(known)))
    expected = {code for then in _thens(scenario) for code in then.warnings}
    today = local(scenario.given.now).astimezone(LONDON).date()
    for loc, sent in _sent(scenario):
        for field, agency in _agencies(sent):
            yield from _agency((*loc, *field), agency, listed, places)
        if isinstance(sent, Raise):
            yield from _slips(loc, sent, expected, places, schema, today=today)


def _there(scenario: Scenario, arrangement: Arrangement) -> dict[type, tuple[set[str], str]]:
    """Give what each mark may name, and what is wrong with anything else."""
    packs = law_book().packs
    clauses = {code for pack in packs for code in pack.clauses}
    refs = {"detail", "text", "whereabouts"} | {ref for _, sent in _sent(scenario) for ref in _refs(sent) if ref}
    files = {step.attach.file for _, step in _steps(scenario) if step.attach is not None}
    return {
        IsRef: (refs, "is no ref of anything sent here"),
        IsFile: (files, "is attached by no step"),
        IsClause: (clauses, "is no clause of a law pack"),
        IsAnswer: (clauses | set(words(codes.SharingMyth)), "is no myth, and no clause of a law pack"),
        IsQuestion: ({code for pack in packs for code in pack.questions}, "is no question of a law pack"),
        IsDuty: (set(arrangement.timed), "is no duty of the arrangement"),
        IsFlag: (set(FlagCode), "is nothing that is flagged"),
    }


def _agency(loc: Loc, agency: str, listed: _Listed, places: Places) -> Iterator[Mistake]:
    if listed.arrangement.agency(agency) is None and agency not in listed.on_purpose:
        known = sorted(listed.arrangement.agencies)
        yield places.mistake(loc, f"{agency!r} is no agency of the arrangement", remedy_for(agency, known))


def _slips(
    loc: Loc, sent: Raise, expected: set[str], places: Places, schema: dict[str, Any], *, today: date
) -> Iterator[Mistake]:
    tree = sent.model_dump(mode="json", exclude={"agency", "concern", "over"}, exclude_unset=True)
    try:
        reading = read_tree(tree)
    except Malformed as error:
        for one in error.errors:
            yield places.mistake((*loc, *_path(one.pointer)), one.detail, "mend it")
        return
    contents = contents_of(reading.submission, concern_id=_NOBODY, key=_KEY, today=today)
    for flag in (*reading.flags, *contents.flags):
        if flag.code in SLIPS and flag.code.value not in expected:
            path = _path(flag.pointer)
            said, words = _value(tree, path), words_at(schema, (*loc, *path))
            if flag.code is FlagCode.REF_UNKNOWN:
                words = sorted(set(_refs(sent)) - {""})
            remedy = remedy_for(str(said), words) if words else REMEDIES[flag.code]
            yield places.mistake((*loc, *path), f"{said!r} {SLIPS[flag.code]}", remedy)


def _marked(model: BaseModel, loc: Loc) -> Iterator[tuple[Loc, str, type]]:
    """Give every value of a type that is marked, and where it stands."""
    for name, field in type(model).model_fields.items():
        value, at = getattr(model, name), (*loc, field.alias or name)
        if isinstance(value, BaseModel):
            yield from _marked(value, at)
        elif isinstance(value, list):
            marks = _marks(field.annotation)
            for index, one in enumerate(value):
                if isinstance(one, BaseModel):
                    yield from _marked(one, (*at, index))
                else:
                    yield from (((*at, index), one, mark) for mark in marks)
        elif isinstance(value, str):
            marks = {type(m) for m in field.metadata if isinstance(m, _MARKS)}
            yield from ((at, value, mark) for mark in marks | _marks(field.annotation))


def _marks(annotation: Any) -> set[type]:
    own = {type(m) for m in getattr(annotation, "__metadata__", ()) if isinstance(m, _MARKS)}
    return own.union(*(_marks(inner) for inner in get_args(annotation)))


def _steps(scenario: Scenario) -> Iterator[tuple[Loc, Step]]:
    yield from ((("given", "earlier", i), step) for i, step in enumerate(scenario.given.earlier))
    yield from ((("when", i), step) for i, step in enumerate(scenario.when))


def _thens(scenario: Scenario) -> Iterator[Then]:
    yield from scenario.then
    yield from (step.expect for _, step in _steps(scenario) if step.expect is not None)


def _sent(scenario: Scenario) -> Iterator[tuple[Loc, Sent]]:
    for loc, step in _steps(scenario):
        for name in ("raise", "add", "correct", "consent_given", "move"):
            sent = step.raise_ if name == "raise" else getattr(step, name)
            if sent is not None:
                yield (*loc, name), sent


def _refs(sent: Sent) -> Iterator[str]:
    """Give what a part of something sent may be called: its ref, or a person's role."""
    for name in ("people", "places", "groups", "items", "consents"):
        for one in getattr(sent, name, ()):
            yield one.ref or getattr(one, "role", "")
    yield getattr(sent, "ref", "")


def _agencies(sent: Sent) -> Iterator[tuple[Loc, str]]:
    """Give the agencies that people who are named are pupils of, known to, or can read."""
    for index, person in enumerate(getattr(sent, "people", ())):
        at: Loc = ("people", index)
        if person.school.agency:
            yield (*at, "school", "agency"), person.school.agency
        for name in ("known_to_agencies", "can_read_agencies"):
            yield from (((*at, name, i), agency) for i, agency in enumerate(getattr(person, name)))


def _path(pointer: str) -> Loc:
    steps = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    return tuple(int(step) if step.isdigit() else step for step in steps)


def _value(tree: Any, path: Loc) -> str | int:
    """Give what stands at a path; a step into one that is written for a list of one is none."""
    for step in path:
        if isinstance(tree, dict):
            tree = tree.get(str(step), tree)
        elif isinstance(tree, list) and isinstance(step, int) and step < len(tree):
            tree = tree[step]
    return tree if isinstance(tree, str | int) else "this"
