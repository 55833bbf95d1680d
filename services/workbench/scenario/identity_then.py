"""What a scenario says must have been concluded on who a child is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pydantic import Field

from concern_relay.v1 import codes_pb2 as codes
from services.chassis.codes import word_of
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.terms import Ref, Strict, coded

IdentityMatch: Any = coded(codes.IdentityMatch)
_SAID: Final = frozenset({"ConcernRaised", "InformationAdded", "InformationCorrected", "ChildMoved"})


class MatchThen(Strict):
    """What must have been concluded on who a child is, as it stands now."""

    person: Ref = Field(description="the child, by ref")
    conclusion: IdentityMatch | None = Field(default=None, description="the newest conclusion")
    pending: bool | None = Field(default=None, description="whether it stands open, for a person to settle")
    identified: bool | None = Field(default=None, description="whether a number is used to tell who the child is")
    candidates: int | None = Field(default=None, ge=0, description="numbers that a person has to compare")


def match_differences(wanted: MatchThen, seen: Seen) -> Iterator[str]:
    """Give what is not as it must be."""
    person_id = seen.part(wanted.person)
    newest: Any = next((fact.data for fact in reversed(seen.facts) if _concludes(fact, person_id)), None)
    found = next((m for m in newest.matches if m.person_id == person_id), None) if newest is not None else None
    opened = [f.type for f in seen.facts if _opens(f, person_id)]
    there = {
        "conclusion": word_of(codes.IdentityMatch, found.conclusion) if found is not None else "none",
        "pending": opened[-1:] == ["LinkPending"],
        "identified": _identified(person_id, seen),
        "candidates": found.candidates if found is not None else 0,
    }
    for name, value in there.items():
        asked = getattr(wanted, name)
        if asked is not None and asked != value:
            yield f"matches: {wanted.person!r} {name} is {value}, must be {asked}"


def _concludes(fact: Any, person_id: str) -> bool:
    return fact.type in _SAID - {"ChildMoved"} and any(m.person_id == person_id for m in fact.data.matches)


def _opens(fact: Any, person_id: str) -> bool:
    return fact.type in ("LinkPending", "LinkSettled") and bool(fact.data.person_id == person_id)


def _identified(person_id: str, seen: Seen) -> bool:
    """Whether the child, as said last, has a number that passed its check, is confirmed and may travel."""
    parts = [f.parts[person_id] for f in seen.facts if f.type in _SAID and person_id in f.parts]
    numbers = parts[-1].person.identifiers if parts else ()
    return any(n.check == codes.IdentifierCheck.IDENTIFIER_CHECK_VALID and not n.hidden for n in numbers)
