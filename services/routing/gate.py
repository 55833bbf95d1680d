"""The last look before a share leaves, whatever the channel: is its view there, does it open, may it go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.chassis.arrangement import ArrangementBook
from services.chassis.keys import Key
from services.chassis.sealing import SealBroken
from services.routing import door
from services.routing.sealed_view import SealedView, all_open, row_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Attributes:
        failed: code of what keeps it from leaving now and may pass; empty for nothing.
        blocked: code of what stops it for good; empty for nothing.
    """

    failed: str = ""
    blocked: str = ""

    @property
    def may_go(self) -> bool:
        """Whether it may leave now."""
        return not self.failed and not self.blocked


def looked_at(view: SealedView | None, found: Mapping[str, Key], book: ArrangementBook) -> Verdict:
    """Look at a share once more, with keys that were asked for at this moment."""
    if view is None:
        return Verdict(failed="view_missing")
    try:
        parts = all_open(view, found)
    except SealBroken:
        return Verdict(failed="seal_broken")
    return Verdict(blocked=door.KEY_SUSPENDED if parts is None else door.objection(parts, row_of(book, view)))
