"""Erasure on the running house: two named people of the sender, then each recipient for its own copy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from services.workbench.calls import CallError, Calls
from services.workbench.house import House
from tests.system.test_journey import delivered, journey, raised
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]

SCHOOL, SOCIAL_CARE = "larkfield-primary", "kent-csc"
ASHA = {"name": "Asha Example", "role": "information governance lead"}
BEN = {"name": "Ben Sample", "role": "head teacher"}
JO = {"name": "Jo Sample", "role": "duty social worker"}


def destroyed(calls: Calls, concern_id: str) -> int:
    """Count the keys of a concern that audit knows to be gone."""
    found: dict[str, Any] = journey(calls, concern_id) or {"keys": {"destroyed": 0}}
    return int(found["keys"]["destroyed"])


def test_what_two_people_erase_is_gone_and_recipients_answer_for_their_own(running_house: House, calls: Calls) -> None:
    """Given a shared concern, when it is erased, the sender's copy is gone; the recipient's opens until it confirms."""
    concern_id = raised(calls, urgency="routine")["concern_id"]
    share = delivered(calls, concern_id)
    path = f"/v1/concerns/{concern_id}/erasures"
    found = calls("intake", "POST", path, agency=SCHOOL, json={"reason": "no_longer_needed", "by": ASHA})
    [proposed] = found["erasures"]

    with pytest.raises(CallError) as same:
        calls("intake", "POST", f"{path}/{proposed['erasure_id']}/approval", agency=SCHOOL, json={"by": ASHA})
    assert same.value.code == "same_person"
    calls("intake", "POST", f"{path}/{proposed['erasure_id']}/approval", agency=SCHOOL, json={"by": BEN})

    until("destroyed keys", lambda: destroyed(calls, concern_id))
    reading = f"/v1/inbox/{share['share_id']}/read"
    assert calls("routing", "POST", reading, agency=SOCIAL_CARE, json=JO)

    def asked() -> list[dict[str, Any]]:
        listed = calls("routing", "GET", "/v1/erasures", agency=SOCIAL_CARE)["erasures"]
        return [e for e in listed if e["concern_id"] == concern_id]

    [erasure] = until("what the recipient is asked", asked)
    assert erasure["reason"] == "erased_at_source"
    before = destroyed(calls, concern_id)
    calls("routing", "POST", f"/v1/erasures/{erasure['erasure_id']}/confirm", agency=SOCIAL_CARE, json=JO)
    until("the recipient's key destroyed", lambda: destroyed(calls, concern_id) > before)
    with pytest.raises(CallError) as gone:
        calls("routing", "POST", reading, agency=SOCIAL_CARE, json=JO)
    assert gone.value.code == "content_gone"

    # every decision of its history can be made again all the same, with tombstones for what is gone
    replayed = subprocess.run(
        [
            sys.executable,
            "-m",
            "services.workbench.cli",
            "history",
            "replay",
            "--check",
            "--concern",
            concern_id,
            "--json",
        ],
        env={**os.environ, "RELAY_STATE_DIR": str(running_house.state.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    answer = json.loads(replayed.stdout)
    assert answer["findings"] == []
    assert answer["data"]["tombstones"] > 0
