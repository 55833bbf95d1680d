"""The route that moves the test clock: there only when the clock may be moved, and for an operator only."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.chassis.auth import Tokens, mint_token
from services.chassis.clock import Clock, SystemClock, TestClock
from services.chassis.clock_api import clock_routes
from services.chassis.health import Health
from services.chassis.http import create_app
from services.chassis.telemetry import Telemetry

KEY = Ed25519PrivateKey.generate()
NEAR = timedelta(seconds=5)


def post(clock: Clock, body: Any, scope: str = "operate") -> httpx.Response:
    """Ask an app with that clock to move it."""
    tokens = Tokens(KEY.public_key())
    app = create_app("test", clock_routes(clock), health=Health(), telemetry=Telemetry("test"), tokens=tokens)
    token = mint_token(KEY, agency_id="operator", subject="op", scopes=frozenset({scope}))

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.post("/v1/test/clock", json=body, headers={"authorization": f"Bearer {token}"})

    return asyncio.run(once())


def test_an_operator_moves_it_for_all(tmp_path: Path) -> None:
    """To an instant, then on by a span; every process that shares the file sees it."""
    path = tmp_path / "clock.json"

    post(TestClock(path), {"set": "2026-03-02T09:00:00Z"})
    answer = post(TestClock(path), {"advance_s": 3600})

    expected = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert abs(datetime.fromisoformat(answer.json()["now"]) - expected) < NEAR
    assert abs(TestClock(path).now() - expected) < NEAR


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance_s": -1},
        {"advance_s": 1e12},
        {"advance_s": 1e300},
        {"set": "2026-03-02T09:00:00"},
        {"set": "1066-10-14T09:00:00Z"},
        {"set": "2026-03-02T09:00:00Z", "advance_s": 1},
        {"advance": 1},
    ],
)
def test_nowhere_is_nowhere(tmp_path: Path, body: dict[str, object]) -> None:
    """What is no move, or too far, is refused, and the clock stays."""
    clock = TestClock(tmp_path / "clock.json")

    assert post(clock, body).status_code == 422
    assert abs(clock.now() - datetime.now(UTC)) < NEAR


def test_nobody_else_moves_it(tmp_path: Path) -> None:
    """An agency's token is not enough; and a clock that may not be moved has no such route at all."""
    assert post(TestClock(tmp_path / "clock.json"), {"advance_s": 1}, scope="raise").status_code == 403
    assert post(SystemClock(), {"advance_s": 1}).status_code == 404
