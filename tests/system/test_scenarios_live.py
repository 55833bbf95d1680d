"""The scenarios, on the running system."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from services.workbench.house import House
from services.workbench.scenario.live import Live
from services.workbench.scenario.play import play, read
from services.workbench.scenario.stage import NotHereError

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("s[0-9]*.yaml"))
"""The domain's own cases; for the variants, two seconds each, there is ``scenario run --live tests/scenarios``."""

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.slow]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_a_scenario_comes_out_live_as_it_does_in_process(path: Path, running_house: House) -> None:
    """What the cores decide in process, the running system does."""
    scenario = read(path)
    with closing(Live()) as hand:
        try:
            played = play(scenario, path, hand)
        except NotHereError:
            pytest.skip("sets a scene that only exists in process")

    assert played.findings == ()
