"""Practice reaches nobody in earnest, by whichever door it came, on no list of any service (practice 28).

Every list that any service offers is asked, as every agency: one that is added to the API later is asked too.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from concern_relay_client import Client
from concern_relay_client.kafka import KafkaClient
from services.workbench.calls import CallError, Calls
from services.workbench.house import House
from services.workbench.onboarding import let_in
from tests.system.concerns import concern
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

SENDER, SUPPLIER, SANDBOX = "larkfield-primary", "supplier-example-mis", "sandbox-example-mis"
SOCIAL_CARE, POLICE, OTHER = "kent-csc", "kent-police", "medway-csc"
JO = {"name": "Jo Sample", "role": "duty social worker"}
ASHA = {"name": "Asha Example", "role": "designated safeguarding lead"}
FILE = b"%PDF-1.4 an invented body map\n%%EOF\n"
ASKED = {"level": "significant_harm", "suspected_crime": "yes", "suspect_is_child": "yes", "immediate_danger": "no"}
"""Whether the police are told is for a person to decide (practice 6)."""
DAYS_S = 9 * 24 * 3600
OWN_LISTS = {("intake", "/v1/concerns"), ("audit", "/v1/journeys")}
"""Where a sender, or an auditor, sees all concerns; there each says of itself that it is practice."""
THE_LOG = ("audit", "/v1/ledger/export")


@contextmanager
def receiver() -> Iterator[tuple[str, list[str]]]:
    """A recipient's system: its address, and what it was sent, challenges left out."""
    came: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            challenge = json.loads(body).get("data", {}).get("challenge")
            if challenge is None:
                came.append(body.decode())
            said = json.dumps({"challenge": challenge} if challenge else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", came
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Stage:
    """The house, and every concern that was practised on it."""

    house: House
    calls: Calls
    senders: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def practised(self, agency: str, *, supplier: bool = False, **changes: Any) -> str:
        """Raise practice over HTTP; its id."""
        body = {**concern(f"practice {uuid4().hex[:8]}"), **changes}
        found = self.send(agency, supplier, "/v1/concerns", body)
        self.senders[found["concern_id"]] = (SUPPLIER if supplier else agency, _behalf(agency, supplier))
        return str(found["concern_id"])

    def over_kafka(self) -> str:
        """Raise practice over Kafka; its id."""
        told = let_in(self.house.servers, self.house.state, SENDER, self.house.urls["intake"]).told
        token = Path(told["token_file"]).read_text().strip()

        async def raised() -> str:
            with Client(told["url"], token) as relay:
                async with KafkaClient(relay, agency=SENDER, connection=told["kafka"]) as kafka:
                    body = {**concern(f"practice {uuid4().hex[:8]}"), "test": True}
                    accepted = await kafka.raise_concern(body)
                    await kafka.add(accepted.concern_id, {"by": ASHA, "text": "Practice: seen again."})
                    return accepted.concern_id

        found = asyncio.run(raised())
        self.senders[found] = (SENDER, {})
        return found

    def send(self, agency: str, supplier: bool, path: str, body: Any) -> dict[str, Any]:
        """Post to intake as an agency, or as its supplier."""
        headers, who = _behalf(agency, supplier), SUPPLIER if supplier else agency
        found: dict[str, Any] = self.calls("intake", "POST", path, agency=who, json=body, headers=headers)
        return found

    def follow(self, concern_id: str, path: str, body: Any, **options: Any) -> dict[str, Any]:
        """Post of a concern, as whoever raised it."""
        who, headers = self.senders[concern_id]
        where = f"/v1/concerns/{concern_id}/{path}"
        found: dict[str, Any] = self.calls("intake", "POST", where, agency=who, json=body, headers=headers, **options)
        return found

    def share(self, concern_id: str, agency: str = SOCIAL_CARE) -> dict[str, Any]:
        """Wait for the newest share an agency has of a practice concern."""

        def look() -> dict[str, Any] | None:
            listed = self.calls("routing", "GET", "/v1/inbox?test=true&limit=500", agency=agency)["shares"]
            return next((s for s in reversed(listed) if s["concern_id"] == concern_id), None)

        return until(f"a practice share for {agency}", look, 60)

    def routing(self, agency: str, path: str, **body: Any) -> dict[str, Any]:
        """Do something in routing; what the concern's state refuses is no matter here."""
        with suppress(CallError):
            found: dict[str, Any] = self.calls("routing", "POST", path, agency=agency, json={**JO, **body})
            return found
        return {}


def _behalf(agency: str, supplier: bool) -> dict[str, str]:
    return {"On-Behalf-Of": agency} if supplier else {}


def _lived(stage: Stage, concern_id: str) -> None:
    """Let everything happen to a practice concern that can: follow-ups, a file, requests, a redirect, a recall."""
    stage.share(concern_id)
    stage.follow(concern_id, "information", {"by": ASHA, "urgency": "urgent", "text": "Practice: seen again."})
    stage.follow(concern_id, "corrections", {"by": ASHA, "people": [{"ref": "child", "age_years": 9}]})
    stage.follow(concern_id, "consents", {"ref": "c1", "kind": "service", "subject": "child", "by": ASHA})
    stage.follow(concern_id, "consents/c1/withdrawal", {"by": ASHA})
    stage.follow(concern_id, "moves", {"child": "child", "unknown_destination": True, "by": ASHA})
    _attached(stage, concern_id)
    share = stage.share(concern_id)
    own, ids = f"/v1/inbox/{share['share_id']}", {"concern_id": concern_id}
    stage.routing(SOCIAL_CARE, f"{own}/read")
    stage.routing(SOCIAL_CARE, f"{own}/acknowledge")
    asked = {"to_agency_id": "kent-schools", "question": "Practice?", "purpose": "Practice.", "power": "ca1989_s47"}
    for to in (POLICE, OTHER):
        stage.routing(SOCIAL_CARE, "/v1/requests", **ids, **asked | {"to_agency_id": to}, band="red")
    stage.routing(SOCIAL_CARE, "/v1/disagreements", **ids, share_id=share["share_id"], about="outcome", words="No.")
    stage.routing(SOCIAL_CARE, f"{own}/redirect", to_agency_id=OTHER, reason="Practice.")
    who, _ = stage.senders[concern_id]
    stage.routing(
        who, "/v1/recalls", **ids, recipient_agency_id=POLICE, reason="wrong_recipient", hidden_address=True, words="x"
    )
    with suppress(CallError):
        body = {**ids, "requester": "subject", "name": "Robin", "words": "", "share_id": share["share_id"]}
        stage.calls("basis_assessment", "POST", "/v1/subject-access", agency=SOCIAL_CARE, json=body)


def _attached(stage: Stage, concern_id: str) -> None:
    who, headers = stage.senders[concern_id]
    content = FILE + concern_id.encode()
    declared = {"child_image": "no", "kind": "body_map", "media_type": "application/pdf", "length": len(content),
                "sha256": hashlib.sha256(content).hexdigest(), "by": ASHA}  # fmt: skip
    found = stage.follow(concern_id, "attachments", declared)
    stage.calls("intake", "PUT", found["upload_url"], agency=who, content=content, headers=headers)
    released = {"to_class": "childrens_social_care", "reason": "Practice.", "accept_unscanned": True, "by": ASHA}
    stage.follow(concern_id, f"attachments/{found['attachment_id']}/releases", released)


def _lists(house: House) -> Iterator[tuple[str, str]]:
    """Give every list that services offer: what is got without naming anything."""
    for service in ("intake", "basis_assessment", "routing", "audit"):
        document = httpx.get(f"{house.urls[service]}/v1/openapi.json", timeout=20).json()
        for path, ways in document["paths"].items():
            if "get" in ways and "{" not in path and path.startswith("/v1/"):
                yield service, path


def _found_in_lists(stage: Stage, wanted: set[str], query: str = "") -> set[tuple[str, str, str]]:
    """Give where any of these ids stands: service, list, whose."""
    found = set()
    tokens = {path.stem: path.read_text().strip() for path in stage.calls.tokens.glob("*.jwt")}
    with httpx.Client(timeout=20) as client:
        for service, path in _lists(stage.house):
            if (service, path) in {*OWN_LISTS, THE_LOG}:
                continue
            for agency, token in tokens.items():
                url = f"{stage.house.urls[service]}{path}{query}"
                answer = client.get(url, headers={"Authorization": f"Bearer {token}"})
                if answer.status_code == 200 and any(one in answer.text for one in wanted):
                    found.add((service, path, agency))
    return found


def _hooked(calls: Calls, agency: str, url: str, *, test: bool) -> None:
    made = calls("routing", "POST", "/v1/webhooks", agency=agency, json={"url": url, "test": test})
    verified = calls("routing", "POST", f"/v1/webhooks/{made['endpoint_id']}/verify", agency=agency)
    assert verified["state"] == "enabled"


def _told_of(came: list[str], concern_ids: set[str]) -> Callable[[], bool]:
    return lambda: all(any(one in body for body in came) for one in concern_ids)


def test_practice_is_on_no_list_and_at_no_webhook_whichever_door_it_came_by(running_house: House, calls: Calls):
    """Given practice by every door, lived through to the end of every clock, nothing of it is where the real is."""
    stage = Stage(running_house, calls)
    with receiver() as (real_url, real), receiver() as (practice_url, practice):
        for agency in (SOCIAL_CARE, POLICE, OTHER):
            _hooked(calls, agency, real_url, test=False)
            _hooked(calls, agency, practice_url, test=True)
        raised = {
            stage.practised(SENDER, test=True, detail=ASKED),
            stage.practised(SENDER, test=True, urgency="emergency"),
            stage.practised(SENDER, test=True, supplier=True),
            stage.practised(SANDBOX, supplier=True),
            stage.over_kafka(),
        }
        for concern_id in sorted(raised):
            _lived(stage, concern_id)
        calls("intake", "POST", "/v1/test/clock", agency="operator", json={"advance_s": DAYS_S})
        in_earnest = stage.practised(SENDER)
        until("the practice webhook", _told_of(practice, raised), 60)
        until("the real webhook", _told_of(real, {in_earnest}), 60)

        on_lists = _found_in_lists(stage, raised)
        in_practice = _found_in_lists(stage, raised, "?test=true")
        real_ones = _found_in_lists(stage, {in_earnest})
        brought = {json.loads(body)["data"]["concern_id"] for body in real}

    assert on_lists == set()
    assert brought & raised == set()
    assert in_earnest in brought
    # the same lists show the real concern, and all that was practised where practice is asked for: this can fail
    assert ("routing", "/v1/inbox", SOCIAL_CARE) in real_ones
    lists = {path for _, path, _ in in_practice}
    assert lists >= {"/v1/inbox", "/v1/decisions", "/v1/duties", "/v1/requests", "/v1/breaches", "/v1/erasures",
                     "/v1/disagreements", "/v1/subject-access"}  # fmt: skip
    for service, path in sorted(OWN_LISTS):
        whose = SENDER if service == "intake" else "operator"
        listed = calls(service, "GET", f"{path}?limit=200", agency=whose)
        assert all(one["test"] for one in next(iter(listed.values())) if one["concern_id"] in raised)
