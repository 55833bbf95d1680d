"""Making the checks one after the other: whatever one of them meets, the others are made."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiokafka.errors import KafkaError

# the checks register themselves, in the order they are made
from services.workbench.conformance import attaching, over_kafka, raising, refusing, seeing
from services.workbench.conformance.bench import Bench
from services.workbench.conformance.check import Check, Fails, Outcome, Result, Skips, every

__all__ = ["Target", "attaching", "conform", "raising", "refusing", "seeing"]


@dataclass(frozen=True, slots=True)
class Target:
    """What is checked.

    Attributes:
        url: the relay.
        token: of an agency that may raise.
        other_token: of another agency; empty: none.
        on_behalf_of: for a supplier's token: the agency each request is for.
        agency: whose topics, for Kafka.
        kafka: aiokafka's arguments; None: HTTP only.
    """

    url: str
    token: str = field(repr=False)
    other_token: str = field(default="", repr=False)
    on_behalf_of: str = ""
    agency: str = ""
    kafka: Mapping[str, Any] | None = field(default=None, repr=False)


def conform(target: Target, say: Callable[[Result], None] = lambda _: None) -> list[Result]:
    """Make every check, and tell of each as it is made."""
    bench = Bench(target.url.rstrip("/"), target.token, target.other_token, target.on_behalf_of)
    results: list[Result] = []
    try:
        for result in _over_http(bench):
            say(result)
            results.append(result)
        if target.kafka is not None:
            results += asyncio.run(_over_kafka(bench, target, say))
    finally:
        bench.close()
    return results


def _over_http(bench: Bench) -> Iterator[Result]:
    for check in every("http"):
        started = time.monotonic()
        try:
            check.act(bench)
        except Exception as error:  # noqa: BLE001  (whatever a check meets is its result)
            yield _result(check, started, error)
        else:
            yield _result(check, started)


async def _over_kafka(bench: Bench, target: Target, say: Callable[[Result], None]) -> list[Result]:
    results = []
    for check in every("kafka"):
        assert inspect.iscoroutinefunction(check.act)
        started = time.monotonic()
        failure: Exception | None = None
        try:
            # clients of its own: what one check broke must not break the next
            async with over_kafka.Wire(bench, target.agency, target.kafka or {}) as wire:
                await check.act(wire)
        except Exception as error:  # noqa: BLE001  (as above)
            failure = error
        results.append(_result(check, started, failure))
        say(results[-1])
    return results


def _result(check: Check, started: float, error: Exception | None = None) -> Result:
    elapsed_ms = round((time.monotonic() - started) * 1000)
    match error:
        case None:
            outcome, detail = Outcome.PASS, ""
        case Skips():
            outcome, detail = Outcome.SKIPPED, str(error)
        case Fails():
            outcome, detail = Outcome.FAIL, str(error)
        case httpx.HTTPError() | KafkaError() | TimeoutError():
            outcome, detail = Outcome.FAIL, f"no answer ({type(error).__name__})"
        case _:  # an answer of a shape nobody expects; its words may be content
            outcome, detail = Outcome.FAIL, f"the answer cannot be read ({type(error).__name__})"
    remedy = check.remedy if outcome is Outcome.FAIL else ""
    return Result(check.name, check.door, outcome, check.clause, detail, remedy, elapsed_ms)
