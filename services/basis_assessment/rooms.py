"""What the routes of basis assessment work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.basis_assessment.pack import LawBook, LawPack
from services.basis_assessment.store import Decisions
from services.chassis.arrangement import Arrangement, Book
from services.chassis.clock import Clock
from services.chassis.journal import Journal


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the routes work with."""

    journal: Journal[Any]
    decisions: Decisions
    book: Book
    clock: Clock
    laws: LawBook

    @property
    def arrangement(self) -> Arrangement:
        """The one in force."""
        return self.book.on(self.clock.now().date())

    @property
    def pack(self) -> LawPack:
        """The one in force."""
        return self.laws.on(self.clock.now().date())

    def answers_for(self, agency_id: str) -> set[str]:
        """Give the agencies whose decisions people of an agency may take: its own, and those it covers for."""
        agencies = self.book.on(self.clock.now().date()).agencies.values()
        return {agency_id, *(a.agency_id for a in agencies if a.cover == agency_id)}
