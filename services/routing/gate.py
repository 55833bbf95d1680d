"""The last look before a share leaves, whatever the channel: is its view there, does it open, may it go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from concern_relay.v1.shares_pb2 import DispatchBlocked
from services.chassis.arrangement import Book
from services.chassis.keys import Key
from services.chassis.sealing import SealBroken
from services.routing import door
from services.routing.acting import ids_of
from services.routing.core.policy import POLICY_STALE
from services.routing.revocations import Standing
from services.routing.sealed_view import SealedView, all_open, row_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Attributes:
        failed: code of what keeps it from leaving now and may pass; empty for nothing.
        blocked: code of what stops it for good; empty for nothing.
        agreement_ref: the agreement that does not stand, where that is what stops it.
    """

    failed: str = ""
    blocked: str = ""
    agreement_ref: str = ""

    @property
    def may_go(self) -> bool:
        """Whether it may leave now."""
        return not self.failed and not self.blocked


def looked_at(view: SealedView | None, found: Mapping[str, Key], book: Book, standing: Standing) -> Verdict:
    """Look at a share once more, with keys and agreements that were asked for at this moment."""
    if view is None:
        return Verdict(failed="view_missing")
    if ref := standing.stale_ref(view):
        return Verdict(blocked=POLICY_STALE, agreement_ref=ref)
    try:
        parts = all_open(view, found)
    except SealBroken:
        return Verdict(failed="seal_broken")
    return Verdict(blocked=door.KEY_SUSPENDED if parts is None else door.objection(parts, row_of(book, view)))


def stopped(row: asyncpg.Record, verdict: Verdict) -> DispatchBlocked:
    """Give what is recorded of a share that may not leave."""
    return DispatchBlocked(**ids_of(row), reason_code=verdict.blocked, agreement_ref=verdict.agreement_ref)
