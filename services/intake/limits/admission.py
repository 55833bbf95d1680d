"""Who may come in now, and who comes again later.

Before a body is read only the agency is known: its bytes and the bodies that are coming in at once are bounded. Once it
is read, its lane is known. An emergency passes. What is live is bounded by a rate that no sender of real concerns
reaches. Bulk has a rate of its own, few places and a short queue per agency; it never holds what the live lane needs.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.chassis.problems import Problem, problem
from services.intake.limits.allowance import Allowance, Limits
from services.intake.limits.bucket import Bucket
from services.intake.submission import Submission

AGENCIES_MAX: Final = 10_000
"""Agencies whose buckets are kept; the one seen longest ago starts anew."""
RETRY_AFTER_MAX_S: Final = 60
STAND_BACK_S: Final = 0.25
"""How long a bulk request that has a place waits for live ones to be done; then it goes on beside them."""
BULK: Final = "bulk"


class Lane(StrEnum):
    """Which way in."""

    EMERGENCY = "emergency"
    LIVE = "live"
    BULK = "bulk"


def lane_of(given: Submission, asked: str = "") -> Lane:
    """Give the lane of a submission. Who asks for the bulk lane gets it, but for what is urgent.

    Args:
        given: the submission.
        asked: the header ``Relay-Lane``.
    """
    if given.history or given.test:
        return Lane.BULK
    if given.urgency == "emergency":
        return Lane.EMERGENCY
    return Lane.BULK if asked.strip().lower() == BULK and given.urgency == "routine" else Lane.LIVE


@dataclass(slots=True)
class _Agency:
    """What one agency has taken."""

    allowance: Allowance
    live: Bucket
    bulk: Bucket
    bytes: Bucket
    reading: int = 0
    waiting: int = 0


class Admission:
    """Lets requests in, or says when to come again.

    Args:
        limits: as data.
        registry: where the figures go.
        now: monotonic seconds.
    """

    def __init__(
        self, limits: Limits, registry: CollectorRegistry | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._now = now
        self._agencies: OrderedDict[str, _Agency] = OrderedDict()
        self._bulk = asyncio.Semaphore(limits.bulk_at_once)
        self._live = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._refused = Counter(
            "relay_intake_refused", "Requests told to come again later", ["lane", "limit"], registry=registry
        )
        self._waiting = Gauge("relay_intake_bulk_waiting", "Bulk requests that wait for a place", registry=registry)

    @contextmanager
    def reading(self, agency_id: str, declared_bytes: int) -> Iterator[None]:
        """Hold a place while a body comes in.

        Raises:
            Problem: 429.
        """
        agency = self._of(agency_id)
        if agency.reading >= agency.allowance.reading:
            raise self._later("any", "at_once", 1.0)
        if wait_s := agency.bytes.take(declared_bytes, self._now()):
            raise self._later("any", "bytes", wait_s)
        agency.reading += 1
        try:
            yield
        finally:
            agency.reading -= 1

    @asynccontextmanager
    async def turn(self, agency_id: str, lane: Lane) -> AsyncIterator[None]:
        """Wait for a turn where that is short, and hold it.

        Raises:
            Problem: 429.
        """
        agency = self._of(agency_id)
        if lane is Lane.LIVE and (wait_s := agency.live.take(1, self._now())):
            raise self._later(lane, "requests", wait_s)
        if lane is not Lane.BULK:
            self._live += 1
            self._quiet.clear()
            try:
                yield
            finally:
                self._live -= 1
                if not self._live:
                    self._quiet.set()
            return
        if wait_s := agency.bulk.take(1, self._now()):
            raise self._later(lane, "requests", wait_s)
        if agency.waiting >= agency.allowance.bulk_waiting:
            raise self._later(lane, "waiting", 1.0)
        agency.waiting += 1
        self._waiting.inc()
        try:
            await self._bulk.acquire()
            await self._let_pass()
        finally:
            agency.waiting -= 1
            self._waiting.dec()
        try:
            yield
        finally:
            self._bulk.release()

    async def _let_pass(self) -> None:
        """Let what is live go first, but not for ever."""
        try:
            async with asyncio.timeout(STAND_BACK_S):
                await self._quiet.wait()
        except TimeoutError:
            return
        except BaseException:
            self._bulk.release()
            raise

    def _of(self, agency_id: str) -> _Agency:
        found = self._agencies.get(agency_id)
        if found is None:
            allowance, now = self._limits.of(agency_id), self._now()
            found = _Agency(
                allowance,
                Bucket.full(allowance.live, now),
                Bucket.full(allowance.bulk, now),
                Bucket.full(allowance.bytes, now),
            )
            self._agencies[agency_id] = found
            while len(self._agencies) > AGENCIES_MAX:
                self._agencies.popitem(last=False)
        self._agencies.move_to_end(agency_id)
        return found

    def _later(self, lane: str, limit: str, wait_s: float) -> Problem:
        self._refused.labels(lane, limit).inc()
        after_s = min(RETRY_AFTER_MAX_S, max(1, math.ceil(wait_s)))
        return problem(
            429,
            "too_many",
            f"more than this agency may send at once ({limit}): nothing was recorded, send it again in {after_s} s. In "
            "an emergency call 999",
            headers={"Retry-After": str(after_s)},
            limit=limit,
        )
