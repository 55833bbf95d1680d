"""One concern, all the way: over HTTP, through Kafka, to a named person, and every promise on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.workbench.calls import CallError, Calls
from services.workbench.house import House
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]


def submission(**changes: Any) -> dict[str, Any]:
    """Give a submission that children's social care of Kent must be told of."""
    return {
        "reference": f"journey {uuid4().hex[:8]}",
        "urgency": "urgent",
        "raised_by": {"name": "Pat Example", "role": "designated safeguarding lead"},
        "detail": {"level": "significant_harm", "triggers": ["neglect"], "suspected_crime": "no"},
        "people": [
            {
                "ref": "child",
                "role": "child",
                "names": [{"given": "Robin", "family": "Invented"}],
                "age_years": 8,
                "authorities": [{"gss_code": "E10000016", "role": "lives"}],
            }
        ],
        "items": [
            {"ref": "worry", "category": "welfare", "kind": "fact", "about": "child", "core": True, "text": "A worry."}
        ],
        **changes,
    }


def raised(calls: Calls, agency: str = "larkfield-primary", **changes: Any) -> dict[str, Any]:
    """Raise a concern and give the answer."""
    answer: dict[str, Any] = calls("intake", "POST", "/v1/concerns", agency=agency, json=submission(**changes))
    return answer


def journey(calls: Calls, concern_id: str) -> dict[str, Any] | None:
    """Give a concern's journey, once audit has it."""
    try:
        found: dict[str, Any] = calls("audit", "GET", f"/v1/journeys/{concern_id}", agency="operator")
    except CallError as error:
        if error.status == 404:
            return None
        raise
    return found


def delivered(calls: Calls, concern_id: str, to: str = "kent-csc") -> dict[str, Any]:
    """Wait until a recipient has its share; give the share."""

    def look() -> dict[str, Any] | None:
        found = journey(calls, concern_id) or {"recipients": []}
        return next((r for r in found["recipients"] if r["agency_id"] == to and r["delivered_at"]), None)

    return until("a delivered share", look)


def test_a_concern_reaches_a_named_person(calls: Calls) -> None:
    """Given a school's concern, when a duty worker acknowledges it, the sender sees so, and nothing of others."""
    answer = raised(calls)
    share = delivered(calls, answer["concern_id"])
    person = {"name": "Jo Sample", "role": "duty social worker"}
    path = f"/v1/inbox/{share['share_id']}"

    view = calls("routing", "POST", f"{path}/read", agency="kent-csc", json=person)
    calls("routing", "POST", f"{path}/acknowledge", agency="kent-csc", json=person)
    calls("routing", "POST", f"{path}/acknowledge", agency="kent-csc", json=person)
    calls("routing", "POST", f"{path}/outcome", agency="kent-csc", json={**person, "outcome": "referral_accepted"})

    assert "A worry." in str(view)
    status = until(
        "the outcome at the sender",
        lambda: (
            s
            if (s := calls("intake", "GET", f"/v1/concerns/{answer['concern_id']}", agency="larkfield-primary"))[
                "state"
            ]
            == "outcome_given"
            else None
        ),
    )
    assert "kent-police" not in str(status)


def test_another_agency_sees_nothing(calls: Calls) -> None:
    """A share is its recipient's alone, and a concern its sender's alone."""
    answer = raised(calls)
    share = delivered(calls, answer["concern_id"])
    person = {"name": "Jo Sample", "role": "duty social worker"}

    with pytest.raises(CallError) as other_inbox:
        calls("routing", "POST", f"/v1/inbox/{share['share_id']}/acknowledge", agency="medway-csc", json=person)
    with pytest.raises(CallError) as other_concern:
        calls("intake", "GET", f"/v1/concerns/{answer['concern_id']}", agency="stourside-academy")

    assert other_inbox.value.status in {403, 404}
    assert other_concern.value.status == 404


def test_a_resend_is_harmless(calls: Calls) -> None:
    """The same submission again is answered the same, and recorded once."""
    body = submission()
    first = calls("intake", "POST", "/v1/concerns", agency="larkfield-primary", json=body)
    again = calls("intake", "POST", "/v1/concerns", agency="larkfield-primary", json=body)
    delivered(calls, first["concern_id"])

    assert again["concern_id"] == first["concern_id"]
    assert again["receipt"] == first["receipt"]
    found = journey(calls, first["concern_id"])
    assert found is not None
    assert [e["type"] for e in found["events"]].count("ConcernRaised") == 1


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def test_one_trace_from_submission_to_delivery(calls: Calls, running_house: House) -> None:
    """The spans of intake, basis assessment and routing are parent and child, in that direction."""
    until("Zipkin, which nothing else waits for", lambda: _answers(f"{running_house.servers.zipkin_url}/health"), 90)
    answer = raised(calls)
    delivered(calls, answer["concern_id"])
    found = journey(calls, answer["concern_id"])
    assert found is not None
    trace_id = next(e["trace_id"] for e in found["events"] if e["type"] == "ConcernRaised")
    wanted = {("intake", "basis_assessment"), ("basis_assessment", "routing")}

    def edges() -> set[tuple[str, str]] | None:
        response = httpx.get(f"{running_house.servers.zipkin_url}/api/v2/trace/{trace_id}", timeout=5)
        if response.status_code != 200:
            return None
        spans = {span["id"]: span for span in response.json()}
        service = {i: s["localEndpoint"]["serviceName"].replace("-", "_") for i, s in spans.items()}
        found = {
            (service[s["parentId"]], service[i])
            for i, s in spans.items()
            if s.get("parentId") in service and service[s["parentId"]] != service[i]
        }
        return found if wanted <= found else None

    assert until("the edges between the services", edges) >= wanted
    assert next(e["trace_id"] for e in found["events"] if e["type"] == "ShareDelivered") == trace_id


def test_the_console_shows_the_journey(calls: Calls, running_house: House) -> None:
    """An operator sees the concern and its journey on a page, without content."""
    answer = raised(calls)
    delivered(calls, answer["concern_id"])
    console = running_house.urls["console"]

    index = httpx.get(f"{console}/", timeout=10).text
    page = httpx.get(f"{console}/concerns/{answer['concern_id']}", timeout=10).text
    flow = until("the flow view's figures", lambda: httpx.get(f"{console}/v1/flow", timeout=10).json())

    assert answer["concern_id"][:13] in index
    assert "kent-csc" in page
    assert "A worry." not in index + page
    assert flow["counts"]["ConcernRaised"] >= 1
    assert flow["unreadable"] == 0


def test_a_receipt_is_honoured_by_the_ledger(calls: Calls, running_house: House, tmp_path: Path) -> None:
    """The receipt of a 202 demands its leaf, and the ledger has it; one for something else is a finding."""
    answer = raised(calls)
    delivered(calls, answer["concern_id"])
    good, forged = tmp_path / "good.json", tmp_path / "forged.json"
    good.write_text(json.dumps(answer["receipt"]))
    forged.write_text(json.dumps({**answer["receipt"], "event_id": str(uuid4())}))

    def verify(receipt: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (sys.executable, "-m", "services.workbench.cli", "ledger", "verify", "--json", "--receipt", str(receipt)),
            capture_output=True,
            text=True,
            timeout=100,
            env={**os.environ, "RELAY_STATE_DIR": str(running_house.state.path)},
            check=False,
        )

    found = until("the leaf under a checkpoint", lambda: v if (v := verify(good)).returncode == 0 else None)

    assert json.loads(found.stdout)["data"]["receipts"] == 1
    assert verify(forged).returncode == 1
