"""Three routing processes share the work: killed, stopped and their receivers misbehaving, counted at real receivers.

A house of its own, with a test clock: leases and deadlines are waited for by moving it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.chassis.arrangement import read_arrangement
from services.chassis.calendar import LONDON
from services.chassis.envelope import Event
from services.workbench.calls import CallError, Calls
from services.workbench.house import House, house
from services.workbench.publishing import Publisher, publish
from services.workbench.recorded import events_of
from services.workbench.servers import Lines, ServersError
from tests.routing.receiver import CUT, HANG, LATE, TWICE, Post, Receiver, receiving
from tests.routing.rig import deployed_with
from tests.system.concerns import concern
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

CSC, POLICE = "kent-csc", "kent-police"
CONCERNS = 36
MISBEHAVIOURS = (500, LATE, TWICE, CUT, HANG, 429)
HOURS = 3600
OPERATOR = {"agency": "operator"}
FOLLOWERS = ("routing", "routing-2", "routing-3", "basis_assessment")


class Wayward:
    """Misbehaves at the first attempt of each message, each in its own way, then takes it."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def __call__(self, post: Post) -> int:
        """Answer a message."""
        first = post.id not in self.seen
        number = self.seen.setdefault(post.id, len(self.seen))
        return MISBEHAVIOURS[number % len(MISBEHAVIOURS)] if first else 200


@contextmanager
def receivers(*behaviours: Any) -> Iterator[list[Receiver]]:
    """Real HTTP receivers in a loop of their own."""
    loop, stop, made = asyncio.new_event_loop(), asyncio.Event(), []
    ready = threading.Event()

    async def serve() -> None:
        async with receiving() as one, receiving() as two:
            one.behave, two.behave = behaviours
            one.late_s = 11.0
            made.extend((one, two))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


@pytest.fixture(scope="module")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deploy folder whose front door and police are reached by webhook, then by inbox."""
    return deployed_with(tmp_path_factory.mktemp("three"), dict.fromkeys((CSC, POLICE), "webhook, inbox"))


@pytest.fixture(scope="module")
def three(deploy: Path) -> Iterator[House]:
    """A house with three routing processes."""
    folder = Path(tempfile.mkdtemp(prefix="relay-three-"))
    wanted = {"RELAY_CLOCK": "test", "RELAY_DEPLOY_DIR": str(deploy), "RELAY_ROUTING_PROCESSES": "3"}
    try:
        with house(folder, Lines(), environment=wanted) as found:
            yield found
    except ServersError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no servers: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def send_signal(running: House, name: str, number: signal.Signals) -> None:
    """Send a signal to a process of the house, and to no other."""
    for record in running.state.records.glob("*"):
        found = json.loads(record.read_text())
        if found.get("name") == name:
            with suppress(ProcessLookupError):
                os.kill(found["pid"], number)


def again(calls: Calls, *arguments: Any, **options: Any) -> Any:
    """Call as a client must: again until it is answered."""

    def ask() -> Any:
        try:
            return calls(*arguments, **options) or {"answered": True}
        except CallError as error:
            if error.status not in {0, 500, 503}:
                raise
            return None

    return until("an answer", ask, 60)


def move(calls: Calls, seconds: float) -> None:
    """Move the clock of every process."""
    again(calls, "intake", "POST", "/v1/test/clock", agency="operator", json={"advance_s": seconds})


def shares(events: list[Event], type_name: str) -> Counter[str]:
    """How often each share had an event of a type."""
    found: Counter[str] = Counter()
    for event in {event.id: event for event in events}.values():
        if event.type == type_name:
            found[event.data.share_id] += 1  # type: ignore[attr-defined]
    return found


def registered(calls: Calls, by_agency: dict[str, Receiver]) -> None:
    """Register and verify a receiver for each agency."""
    for agency, receiver in by_agency.items():
        made = calls("routing", "POST", "/v1/webhooks", agency=agency, json={"url": receiver.url})
        calls("routing", "POST", f"/v1/webhooks/{made['endpoint_id']}/verify", agency=agency)


def raised_through_trouble(running: House, calls: Calls) -> set[str]:
    """Raise the concerns; one routing process is killed among them, another stopped."""
    raised = set()
    for number in range(CONCERNS):
        if number == CONCERNS // 4:
            send_signal(running, "routing-2", signal.SIGKILL)
        if number == CONCERNS // 2:
            send_signal(running, "routing-3", signal.SIGSTOP)
        body = concern(f"three-{uuid4()}")
        raised.add(again(calls, "intake", "POST", "/v1/concerns", agency="larkfield-primary", json=body)["concern_id"])
    return raised


def days_pass(running: House, calls: Calls) -> None:
    """Let eight days pass, and kill each routing process once while clocks fall due."""
    for name in ("routing", "routing-2", "routing-3", "", "", "", "", ""):
        move(calls, 24 * HOURS)
        if name:
            send_signal(running, name, signal.SIGKILL)
        again(calls, "routing", "GET", "/v1/inbox", agency=CSC)


def test_each_share_once_each_clock_once(three: House) -> None:
    """Three processes, killed and stopped; receivers that fail, hang, answer late and twice: each effect once.

    Each share is at its receiver under one id and delivered once, and each of its clocks fires once.
    """
    calls = Calls(dict(three.urls), three.state.path / "tokens")

    with receivers(Wayward(), lambda _: 200) as (csc, police):
        by_agency = {CSC: csc, POLICE: police}
        registered(calls, by_agency)
        raised = raised_through_trouble(three, calls)

        def recorded() -> list[Event]:
            found = asyncio.run(events_of(three.servers.kafka.connection("workbench")))
            return list({event.id: event for event in found if event.concern_id in raised}.values())

        def told() -> list[Event] | None:
            found = recorded()
            planned, delivered = shares(found, "SharePlanned"), shares(found, "ShareDelivered")
            if len(planned) >= 2 * CONCERNS and planned.keys() == delivered.keys():
                return found
            move(calls, 31)  # leases and delays end
            return None

        until("half of the shares", lambda: len(shares(recorded(), "ShareDelivered")) >= CONCERNS, 90)
        send_signal(three, "routing", signal.SIGKILL)
        send_signal(three, "routing-3", signal.SIGCONT)
        events = until("every share delivered", told, 120)

        assert set(shares(events, "SharePlanned").values()) == {1}
        assert set(shares(events, "ShareDelivered").values()) == {1}
        for agency, receiver in by_agency.items():
            planned = [event.data for event in events if event.type == "SharePlanned"]
            wanted = {data.share_id for data in planned if data.recipient_agency_id == agency}
            until(f"{agency} heard of all", lambda w=wanted, r=receiver: w <= heard(r) or move(calls, 31), 60)
            assert heard(receiver) == wanted
            assert len(receiver.effects()) == len(wanted) == CONCERNS  # one id a share, however often it came
        assert max(csc.effects().values()) > 1
        days_pass(three, calls)

    def all_fired() -> list[Event] | None:
        found = recorded()
        return (
            found if shares(found, "ShareDelivered").keys() == shares(found, "AcknowledgementOverdue").keys() else None
        )

    fired = until("every clock", all_fired, 90)
    assert set(shares(fired, "AcknowledgementOverdue").values()) == {1}
    stages = Counter((event.data.share_id, event.data.stage) for event in fired if event.type == "ShareEscalated")
    assert set(stages.values()) == {1}


def heard(receiver: Receiver) -> set[str]:
    """The shares a receiver was told are ready."""
    return {post.said["data"]["share_id"] for post in receiver.messages if post.said["type"] == "share.ready"}


def test_what_is_published_is_taken_up_and_replays(three: House, deploy: Path, tmp_path: Path) -> None:
    """A version that begins tomorrow: today by the old one, tomorrow by the new one, and the replay agrees of both."""
    calls = Calls(dict(three.urls), three.state.path / "tokens")
    now = datetime.fromisoformat(
        again(calls, "intake", "POST", "/v1/test/clock", **OPERATOR, json={"advance_s": 0})["now"]
    )
    begins = now.astimezone(LONDON).date() + timedelta(days=1)
    folder = deploy / "arrangements"
    old = read_arrangement(folder / "kent-and-medway.yaml")
    signed = tmp_path / "signed.yaml"
    text = (folder / "kent-and-medway.yaml").read_text(encoding="utf-8")
    signed.write_text(text.replace("valid_from: 2018-05-25", f"valid_from: {begins}", 1), encoding="utf-8")

    new = publish(signed, folder, begins, Publisher("Bo", "lead"), now=now, production=False).arrangement
    until("taken up everywhere", lambda: all(taken_up(three, name) for name in FOLLOWERS), 60)
    before = again(calls, "intake", "POST", "/v1/concerns", agency="larkfield-primary", json=concern(f"v-{uuid4()}"))
    planned_by(three, before["concern_id"], old.sha256)
    move(calls, 24 * HOURS)
    after = again(calls, "intake", "POST", "/v1/concerns", agency="larkfield-primary", json=concern(f"v-{uuid4()}"))
    planned_by(three, after["concern_id"], new.sha256)

    # a day at one stroke: what fell due in it is still being fired, and not missed for that
    until("the replay agrees", lambda: not replayed(three, deploy)["findings"], 90)


def replayed(running: House, deploy: Path) -> dict[str, Any]:
    """Replay everything recorded, as an auditor would."""
    result = subprocess.run(
        (sys.executable, "-m", "services.workbench.cli", "history", "replay", "--check", "--json"),
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "RELAY_STATE_DIR": str(running.state.path), "RELAY_DEPLOY_DIR": str(deploy)},
        check=False,
    )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def taken_up(running: House, name: str) -> bool:
    """Whether a process says that it has both arrangements at hand."""
    with suppress(httpx.HTTPError):
        page = httpx.get(f"http://127.0.0.1:{running.state.read('ports.json')[name]}/metrics", timeout=5).text
        return "relay_arrangements 2.0" in page
    return False


def planned_by(running: House, concern_id: str, sha256: str) -> None:
    """Wait for the shares of a concern, and see by which arrangement they were planned."""

    def look() -> set[str]:
        events = asyncio.run(events_of(running.servers.kafka.connection("workbench"), ("shares.v1",)))
        mine = [event for event in events if event.concern_id == concern_id and event.type == "SharePlanned"]
        return {event.data.arrangement_sha256 for event in mine}  # type: ignore[attr-defined]

    assert until("its shares", look, 60) == {sha256}
