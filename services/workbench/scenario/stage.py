"""Where a scenario plays: the doors it knocks at, the same in process and live."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.workbench.scenario.access import Access
from services.workbench.scenario.acts import Decide, GiveOutcome, OnShare, Raise, Redirect
from services.workbench.scenario.after import Afterwards, Renew, Revoke
from services.workbench.scenario.attaching import Attaching
from services.workbench.scenario.erasing import Erasing
from services.workbench.scenario.following import Follow
from services.workbench.scenario.given import Given
from services.workbench.scenario.seen import Seen

Act = OnShare | GiveOutcome | Redirect


class Stagehand(Protocol):
    """Does what a step says. Every method gives the code with which it was refused, or an empty text."""

    def begin(self, given: Given) -> None:
        """Set the scene.

        Raises:
            SceneError: it cannot be set here.
        """

    def raise_(self, step: Raise) -> str:
        """Send a submission."""

    def act(self, verb: str, step: Act) -> str:
        """Read, acknowledge, give an outcome, redirect."""

    def follow(self, verb: str, step: Follow) -> str:
        """Add, correct, record a consent or its withdrawal, a move, a link."""

    def afterwards(self, verb: str, step: Afterwards) -> str:
        """Recall, answer an erasure or a breach, disagree, ask for information, answer."""

    def agreement(self, step: Revoke | Renew) -> str:
        """Revoke an agency's agreement, or renew it."""

    def decide(self, step: Decide) -> str:
        """Record a decision."""

    def access(self, step: Access) -> str:
        """Ask for a copy, or decide on it."""

    def attaching(self, verb: str, step: Attaching) -> str:
        """Attach a file, release it or take that back, fetch it."""

    def erasing(self, step: Erasing) -> str:
        """Propose an erasure, decide on it, place a hold or lift it."""

    def advance(self, to: datetime) -> None:
        """Move the time."""

    @property
    def now(self) -> datetime:
        """The time."""

    def seen(self, concern: str) -> Seen:
        """Give what is known of a concern, by the scenario's name for it."""

    def again(self) -> list[str]:
        """Decide everything again from what was recorded; give what comes out otherwise."""

    def close(self) -> None:
        """Let go of what was taken hold of."""


class SceneError(Exception):
    """The scene cannot be set: an unknown agency, arrangement or question. A mistake of the file: exit 2."""


class NotHereError(SceneError):
    """This scene cannot be set on the running house; in process it can. Skipped, and said so."""
