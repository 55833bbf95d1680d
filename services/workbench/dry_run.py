"""``concern raise --dry-run``: what each concern of a file would come to. Nothing is sent or kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from services.basis_assessment.core import BasisCore
from services.basis_assessment.pack_document import read_book
from services.basis_assessment.preview import Preview, preview
from services.chassis.arrangement import ArrangementBook
from services.chassis.calendar import LONDON
from services.intake.content import contents_of
from services.intake.ids import IdKey, Reference
from services.intake.reading import read_tree

#: Ids of a dry run mean nothing outside it.
_KEY: Final = IdKey(b"a dry run" * 8)


class DryRun:
    """Looks at concerns as they would be sent now."""

    def __init__(self) -> None:
        """Read the law packs and arrangements of this checkout."""
        self._book = ArrangementBook.load()
        self._core = BasisCore(read_book(), self._book)

    def of(self, tree: Any, agency: str, at: datetime | None = None) -> Preview:
        """Say what a submission would come to.

        Raises:
            Malformed: what is wrong with it, field by field.
        """
        now = at or datetime.now(UTC)
        submission = read_tree(tree).submission
        concern_id = Reference(agency, submission.reference, submission.history, submission.test).concern_id(_KEY)
        today = now.astimezone(LONDON).date()
        contents = contents_of(submission, concern_id=concern_id, key=_KEY, today=today)
        parts = {content.part_id: content.part for content in contents.parts}
        return preview(self._core, agency, contents.urgency, parts, now)
