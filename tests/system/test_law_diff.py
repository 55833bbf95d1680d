"""Recorded decisions under another law, on the running house."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from services.workbench.calls import Calls
from services.workbench.house import House
from tests.system.test_journey import journey, raised
from tests.system.waiting import until

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]


def test_what_is_recorded_is_compared_under_both_laws(running_house: House, calls: Calls) -> None:
    """Given a school's concern of today, under the law before the duty it has no legal obligation beside its basis."""
    concern_id = raised(calls)["concern_id"]
    until("an assessment", lambda: (journey(calls, concern_id) or {}).get("assessed_at"))

    done = subprocess.run(
        [sys.executable, "-m", "services.workbench.cli", "law", "diff", "working-together-2026",
         "information-sharing-duty-2026", "--json"],
        env={**os.environ, "RELAY_STATE_DIR": str(running_house.state.path)},
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    history: dict[str, Any] = json.loads(done.stdout)["data"]["history"]
    [mine] = [found for found in history["differs"] if found["concern_id"] == concern_id]
    assert "childrens_social_care alternates: - -> c_legal_obligation" in mine["codes"]
