"""Worked examples under two laws: what a law changes where no history is recorded to compare.

The examples are submissions as practitioners would send them, all of them invented, one a line in
``deploy/samples/law-examples.ndjson``: {"says": …, "agency": …, "submission": …}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.concerns_pb2 import ConcernRaised
from services.basis_assessment.core import BasisCore
from services.basis_assessment.pack import LawBook, LawPack
from services.chassis.arrangement import ArrangementBook
from services.chassis.calendar import LONDON
from services.chassis.errors import SettingsError
from services.chassis.event import Fact, FactKind
from services.intake.content import contents_of
from services.intake.ids import IdKey, Reference
from services.intake.reading import read_tree
from services.workbench.law_history import differing

FILE: Final = Path(__file__).parents[2] / "deploy" / "samples" / "law-examples.ndjson"
_KEY: Final = IdKey(b"an example" * 8)
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: its words, who sends it, and what is sent."""

    says: str
    agency: str
    submission: Any

    def assessed(self, laws: LawBook, at: datetime) -> BasisAssessed:
        """Assess it as it would be if it were sent at a moment; records nothing.

        Raises:
            Malformed: what is wrong with the submission.
        """
        given = read_tree(self.submission).submission
        concern_id = Reference(self.agency, given.reference, given.history, given.test).concern_id(_KEY)
        contents = contents_of(given, concern_id=concern_id, key=_KEY, today=at.astimezone(LONDON).date())
        parts = {content.part_id: content.part for content in contents.parts}
        raised = ConcernRaised(concern_id=concern_id, agency_id=self.agency, urgency=contents.urgency)
        fact = Fact(FactKind.EVENT, _NOBODY, "ConcernRaised", concern_id, at, at, raised, parts, self.agency)
        core = BasisCore(laws, _arrangements())
        return core.assess(core.evolve(core.start(concern_id), fact), at, str(_NOBODY)).event


@cache
def _arrangements() -> ArrangementBook:
    return ArrangementBook.load()


@cache
def examples(path: Path = FILE) -> tuple[Example, ...]:
    """Read the examples.

    Raises:
        SettingsError: a line that is no example; it says which.
    """
    return tuple(_examples(path))


def _examples(path: Path) -> Iterator[Example]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield Example(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise SettingsError(
                f'{path.name}:{number}: no example: {error}; write {{"says": …, "agency": …, "submission": …}}'
            ) from error


def worked(one: LawPack, other: LawPack) -> tuple[tuple[Example, tuple[str, ...]], ...]:
    """Give each example with the codes that come out differently under the other law; at noon of its first day."""
    at = datetime.combine(max(one.valid_from, other.valid_from), time(12), tzinfo=UTC)
    before, after = LawBook((one,)), LawBook((other,))
    return tuple((each, tuple(differing(each.assessed(before, at), each.assessed(after, at)))) for each in examples())
