"""Deliveries a second to real HTTP receivers, through the journal, the outbox and the webhook worker of one process.

Two receivers on this machine, a front door's and the police's, verify nothing and answer 200 at once; each concern is
told to both. Concerns are raised as fast as they are taken, and all of it runs: intake, assessment, routing, ledger.
Counted is what the receivers got, from the first message to the last; every share must have come, and none twice.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from bench.measure import Bench
from bench.rows import Row
from services.routing.webhooks.message import SHARE_READY
from services.workbench.calls import Calls
from services.workbench.house import House, house
from services.workbench.servers import Lines
from tests.routing.receiver import Post, Receiver, receiving
from tests.routing.rig import deployed_with
from tests.system.concerns import concern

CSC, POLICE, SENDER = "kent-csc", "kent-police", "larkfield-primary"
CONCERNS: Final = 400
WARM: Final = 20
CALLERS: Final = 8
CALL_DEADLINE_S: Final = 30.0
REST_S: Final = 180.0
LOOK_EVERY_S: Final = 0.05


@dataclass
class Came:
    """What a receiver got, and when; it answers 200."""

    moments: dict[str, float] = field(default_factory=dict)
    twice: int = 0

    def __call__(self, post: Post) -> int:
        """Answer a message."""
        if post.said["type"] == SHARE_READY:
            self.twice += post.id in self.moments
            self.moments.setdefault(post.id, time.perf_counter())
        return 200


def rows(bench: Bench, runs: int, count: int) -> list[Row]:
    """Measure ``runs`` times; it is bounded, whatever ``count`` says."""
    del bench, count  # the house has servers of its own
    with TemporaryDirectory(prefix="relay-bench-webhooks-") as folder:
        state = Path(folder) / "state"
        deploy = deployed_with(Path(folder), dict.fromkeys((CSC, POLICE), "webhook, inbox"))
        with house(state, Lines(), environment={"RELAY_DEPLOY_DIR": str(deploy)}) as found:
            rates = asyncio.run(_all(found, runs))
    return [Row("webhooks: deliveries to real HTTP receivers, all of it running", "deliveries/s", tuple(rates))]


async def _all(found: House, runs: int) -> list[float]:
    csc, police = Came(), Came()
    async with receiving(behave=csc) as one, receiving(behave=police) as two:
        await asyncio.to_thread(_registered, found, {CSC: one, POLICE: two})
        numbers = itertools.count()
        await _run(found, numbers, WARM, (csc, police))
        return [await _run(found, numbers, CONCERNS, (csc, police)) for _ in range(runs)]


def _registered(found: House, by_agency: dict[str, Receiver]) -> None:
    calls = Calls(dict(found.urls), found.state.path / "tokens")
    for agency, receiver in by_agency.items():
        made = calls("routing", "POST", "/v1/webhooks", agency=agency, json={"url": receiver.url})
        calls("routing", "POST", f"/v1/webhooks/{made['endpoint_id']}/verify", agency=agency)


async def _run(found: House, numbers: Iterator[int], count: int, receivers: tuple[Came, ...]) -> float:
    """Raise concerns, wait until both receivers have all; give messages a second."""
    before = [len(came.moments) for came in receivers]
    await _raised(found, [next(numbers) for _ in range(count)])
    until = time.perf_counter() + REST_S
    while any(len(came.moments) < had + count for came, had in zip(receivers, before, strict=True)):
        if time.perf_counter() > until:
            raise RuntimeError(f"not all of {count} concerns reached both receivers in {REST_S:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)
    if any(came.twice for came in receivers):
        raise RuntimeError("a message came twice although it was answered")
    moments = [sorted(came.moments.values())[had:] for came, had in zip(receivers, before, strict=True)]
    return sum(map(len, moments)) / (max(m[-1] for m in moments) - min(m[0] for m in moments))


async def _raised(found: House, numbers: list[int]) -> None:
    token = (found.state.path / "tokens" / f"{SENDER}.jwt").read_text().strip()
    left = iter(numbers)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=found.urls["intake"], headers=headers, timeout=CALL_DEADLINE_S) as client:

        async def call() -> None:
            for number in left:
                (await client.post("/v1/concerns", json=concern(f"bench webhooks {number}"))).raise_for_status()

        await asyncio.gather(*(call() for _ in range(CALLERS)))
