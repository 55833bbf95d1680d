"""Routing: recipients worked out a second by the pure core; deliveries a second and their wait in the whole system.

The core is given what the other cores made of the shipped samples: a concern raised, its assessment, and each delivery;
its plans are thrown away. Seconds are of processor time, so that what else runs on the machine does not count.

The whole system is a house of its own: servers, all services, and the callers, on this one machine. Concerns come at a
steady rate over HTTP; a wait is from the recorded raising to the recorded delivery. Rates are tried in turn; what is
told is how each went, also where the system could not keep up.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final

import httpx

from bench.measure import Bench
from bench.rows import Row
from services.chassis.arrangement import ArrangementBook
from services.chassis.envelope import Event
from services.chassis.event import Fact, FactKind
from services.routing.core import RoutingCore
from services.workbench.feeder import samples
from services.workbench.house import House, house
from services.workbench.recorded import events_of
from services.workbench.scenario.acts import Raise
from services.workbench.scenario.given import Given
from services.workbench.scenario.in_process import InProcess
from services.workbench.servers import Lines

RATES: Final = (10, 25, 50, 100)
"""Concerns a second; the last is what the design asks for."""
PACED_S: Final = 10.0
P50_MS_MAX: Final = 50.0
P99_MS_MAX: Final = 300.0
BURST: Final = 400
CALLERS: Final = 16
DEADLINE_S: Final = 30.0
REST_S: Final = 180.0
LOOK_EVERY_S: Final = 1.0
NOW: Final = "2026-11-23T10:00"


@dataclass(frozen=True, slots=True)
class Waits:
    """How long shares waited from the raising of their concern to their delivery, ms; and how many came a second."""

    p50: float
    p99: float
    delivered_s: float


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure ``runs`` times; the core over ``count`` concerns."""
    del bench  # the house has servers of its own
    core = RoutingCore(ArrangementBook.load())
    histories = [list(_history(agency, tree)) for agency, tree in samples()]
    concerns, plans = list[float](), list[float]()
    for _ in range(runs):
        concern_s, plan_s = _routed(core, histories, count // 20)
        concerns.append(concern_s)
        plans.append(plan_s)
    return [
        Row("routing core: concerns routed", "concerns/CPU s", tuple(concerns)),
        Row("routing core: shares planned", "shares/CPU s", tuple(plans)),
        *_whole(runs),
    ]


def _history(agency: str, tree: dict[str, Any]) -> Iterator[Fact]:
    """Give the facts routing gets of a sample, as the other cores make them."""
    hand = InProcess()
    hand.begin(Given.model_validate({"now": NOW}))
    hand.raise_(Raise.model_validate({**tree, "agency": agency}))
    for fact in hand.seen("concern").facts:
        if fact.type in {"ConcernRaised", "BasisAssessed"}:
            yield fact


def _routed(core: RoutingCore, histories: Sequence[Sequence[Fact]], count: int) -> tuple[float, float]:
    """Give concerns and shares planned for a second."""
    planned = 0
    began = process_time()
    for history in itertools.islice(itertools.cycle(histories), count):
        state = core.start(history[0].concern_id)
        for fact in history:
            decision = core.decide(state, fact)
            state = core.evolve(state, fact)
            for number, effect in enumerate(decision.effects):
                planned += effect.type == "SharePlanned"
                state = core.evolve(state, _fact_of(fact, number, effect))
    took = process_time() - began
    if not planned:
        raise RuntimeError("nothing was routed")
    return count / took, planned / took


def _fact_of(cause: Fact, number: int, effect: Any) -> Fact:
    parts = {content.part_id: content.part for content in effect.contents}
    identity = type(cause.id)(int=(cause.id.int + number + 1) % 2**128)
    return Fact(
        FactKind.EVENT, identity, effect.type, cause.concern_id, cause.recorded, cause.recorded, effect.data, parts
    )


def _whole(runs: int) -> list[Row]:
    waits: dict[int, list[Waits]] = {rate: [] for rate in RATES}
    burst: list[float] = []
    with (
        TemporaryDirectory(prefix="relay-bench-routing-") as folder,
        house(Path(folder), Lines()) as found,
    ):
        numbers = itertools.count()
        _measured(found, numbers, CALLERS, RATES[0])  # warm
        for _ in range(runs):
            for rate in RATES:
                waits[rate].append(_measured(found, numbers, int(rate * PACED_S), rate))
            burst.append(_measured(found, numbers, BURST, None).delivered_s)
    found_rows = [Row("whole system: shares delivered while concerns pile up", "deliveries/s", tuple(burst))]
    for rate, seen in waits.items():
        asked = rate == RATES[-1]
        found_rows += [
            Row(f"whole system at {rate} concerns/s, raised to delivered, p50", "ms", tuple(w.p50 for w in seen),
                at_most=P50_MS_MAX if asked else None),
            Row(f"whole system at {rate} concerns/s, raised to delivered, p99", "ms", tuple(w.p99 for w in seen),
                at_most=P99_MS_MAX if asked else None),
        ]  # fmt: skip
    return found_rows


def _measured(found: House, numbers: Iterator[int], count: int, rate: int | None) -> Waits:
    """Raise concerns at a rate, or as fast as they are taken; wait until all are delivered."""
    raised = asyncio.run(raise_concerns(found, [next(numbers) for _ in range(count)], rate))
    until = time.monotonic() + REST_S
    while True:
        events = [e for e in _events(found) if e.concern_id in raised]
        delivered = [e for e in events if e.type == "ShareDelivered"]
        planned = {e.data.share_id for e in events if e.type == "SharePlanned"}  # type: ignore[attr-defined]
        done = {e.data.share_id for e in delivered}  # type: ignore[attr-defined]
        assessed = {e.concern_id for e in events if e.type == "BasisAssessed"}
        if assessed == raised and planned == done:
            return _waits(events, delivered)
        if time.monotonic() > until:
            raise RuntimeError(f"of {len(planned)} shares {len(planned - done)} were not delivered in {REST_S:.0f} s")
        time.sleep(LOOK_EVERY_S)


def _waits(events: Sequence[Event], delivered: Sequence[Event]) -> Waits:
    began = {e.concern_id: e.recorded for e in events if e.type == "ConcernRaised"}
    took = [(e.recorded - began[e.concern_id]).total_seconds() * 1000 for e in delivered]
    moments = [event.recorded for event in delivered]
    span = (max(moments) - min(moments)).total_seconds()
    quantiles = statistics.quantiles(took, n=100)
    return Waits(quantiles[49], quantiles[98], len(delivered) / span if span else 0.0)


def _events(found: House) -> list[Event]:
    topics = ("concerns.v1", "assessments.v1", "shares.v1")
    return list(asyncio.run(events_of(found.servers.kafka.connection("workbench"), topics)))


async def raise_concerns(found: House, numbers: Sequence[int], rate: int | None) -> set[str]:
    """Raise concerns at a rate, or as fast as they are taken; give their ids."""
    agency, tree = next((a, t) for a, t in samples() if a == "larkfield-primary")
    token = (found.state.path / "tokens" / f"{agency}.jwt").read_text().strip()
    limits = httpx.Limits(max_connections=CALLERS, max_keepalive_connections=CALLERS)
    headers = {"Authorization": f"Bearer {token}"}
    raised: set[str] = set()
    async with httpx.AsyncClient(
        base_url=found.urls["intake"], headers=headers, limits=limits, timeout=DEADLINE_S
    ) as client:
        began = time.perf_counter()
        turns = asyncio.Semaphore(CALLERS)

        async def one(place: int, number: int) -> None:
            if rate is not None and (ahead := began + place / rate - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            async with turns:  # httpx looks through all that wait for a connection each time one is free
                answer = await client.post("/v1/concerns", json={**tree, "reference": f"bench {number}"})
            raised.add(answer.raise_for_status().json()["concern_id"])

        await asyncio.gather(*(one(place, number) for place, number in enumerate(numbers)))
    return raised
