"""The table of cores: which core wrote which topic, under which law and arrangement. The only place that knows them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from concern_relay.v1.assessments_pb2 import BasisAssessed
from concern_relay.v1.concerns_pb2 import WatchExpired
from concern_relay.v1.shares_pb2 import SharePlanned
from services.basis_assessment.core import BasisCore
from services.basis_assessment.pack import LawBook, LawPack
from services.basis_assessment.pack_document import read_book
from services.chassis.arrangement import Arrangement, ArrangementBook
from services.chassis.concern import CONTENT_EVENTS
from services.chassis.envelope import Event
from services.chassis.event import Core
from services.chassis.settings import REPOSITORY
from services.intake.core import WATCH_DEFAULT, IntakeCore, attachments, erasure
from services.routing.core import RoutingCore
from services.workbench.replay.wired import NotAtHand, Wired

INTAKE_OPENS: Final = CONTENT_EVENTS | erasure.TYPES | attachments.TYPES
ROUTING_OPENS: Final = CONTENT_EVENTS | {"SharePlanned"}
WATCH_MINUTES: Final = "RELAY_WATCH_MINUTES"


@dataclass(frozen=True)
class PinnedArrangements(ArrangementBook):
    """A book in which one arrangement is in force, whatever the day: the one that a decision names."""

    pinned: Arrangement | None = None

    def on(self, day: date) -> Arrangement:
        """Give the pinned one."""
        return self.pinned or ArrangementBook.on(self, day)


def wire(deploy_dir: Path = REPOSITORY / "deploy") -> tuple[Wired, ...]:
    """Give every service that decides, with its core.

    Raises:
        SettingsError: a law pack or arrangement cannot be read.
    """
    laws, book = read_book(deploy_dir / "law"), ArrangementBook.load(deploy_dir / "arrangements")
    return wired(laws, book)


def wired(laws: LawBook, book: ArrangementBook) -> tuple[Wired, ...]:
    """Give every service that decides, over these laws and arrangements."""
    return (
        Wired("intake", ("assessments.v1", "shares.v1"), ("concerns.v1",), INTAKE_OPENS, _Intake()),
        Wired("basis_assessment", ("concerns.v1",), ("assessments.v1",), CONTENT_EVENTS, _Basis(laws, book)),
        Wired("routing", ("concerns.v1", "assessments.v1"), ("shares.v1",), ROUTING_OPENS, _Routing(book)),
    )


class _Intake:
    """Intake's core: its watch as configured, or as long as a recorded expiry says it was."""

    def __init__(self) -> None:
        minutes = os.environ.get(WATCH_MINUTES)
        self._core = IntakeCore(timedelta(minutes=float(minutes)) if minutes else WATCH_DEFAULT)

    def __call__(self, events: Sequence[Event], whole: Sequence[Event]) -> Core[Any]:
        del events
        for event in whole:
            if isinstance(event.data, WatchExpired):
                return IntakeCore(event.data.due_at.ToDatetime() - event.data.accepted_at.ToDatetime())
        return self._core


class _Basis:
    """The core of basis assessment, under the pack and arrangement that an assessment names by digest."""

    def __init__(self, laws: LawBook, book: ArrangementBook) -> None:
        self._laws = laws
        self._book = book
        self._default = BasisCore(laws, book)
        self._pinned: dict[tuple[str, str], BasisCore] = {}

    def __call__(self, events: Sequence[Event], whole: Sequence[Event]) -> Core[Any]:
        del whole
        data = next((e.data for e in events if isinstance(e.data, BasisAssessed)), None)
        if data is None:
            return self._default
        named = (data.law_pack_sha256, data.arrangement_sha256)
        if named not in self._pinned:
            pack: LawPack | None = self._laws.by_digest(named[0])
            if pack is None:
                raise NotAtHand(f"law pack {data.law_pack} {named[0][:12]} is not in deploy/law")
            self._pinned[named] = BasisCore(LawBook((pack,)), pinned(self._book, named[1]))
        return self._pinned[named]


class _Routing:
    """Routing's core, under the arrangement that a share names by digest."""

    def __init__(self, book: ArrangementBook) -> None:
        self._book = book
        self._default = RoutingCore(book)
        self._pinned: dict[str, RoutingCore] = {}

    def __call__(self, events: Sequence[Event], whole: Sequence[Event]) -> Core[Any]:
        del whole
        data = next((e.data for e in events if isinstance(e.data, SharePlanned)), None)
        if data is None or not data.arrangement_sha256:
            return self._default
        digest = data.arrangement_sha256
        if digest not in self._pinned:
            self._pinned[digest] = RoutingCore(pinned(self._book, digest))
        return self._pinned[digest]


def pinned(book: ArrangementBook, digest: str) -> PinnedArrangements:
    """Give the book with the arrangement of that digest in force.

    Raises:
        NotAtHand: it is not in the book.
    """
    found = book.by_digest(digest)
    if found is None:
        raise NotAtHand(f"arrangement {digest[:12]} is not in deploy/arrangements")
    return PinnedArrangements(book.arrangements, found)
