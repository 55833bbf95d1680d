"""The scenario that the documentation shows is a scenario, and passes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from services.chassis.settings import REPOSITORY
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.play import play, read

PAGE = REPOSITORY / "docs" / "scenarios.md"
SHOWN = [block.partition("```")[0] for block in PAGE.read_text(encoding="utf-8").split("```yaml\n")[1:]]


@pytest.mark.parametrize("shown", SHOWN, ids=range(len(SHOWN)))
def test_what_is_shown_passes(shown: str, tmp_path: Path) -> None:
    """A newcomer who copies it sees it pass."""
    path = tmp_path / "shown.yaml"
    path.write_text(shown, encoding="utf-8")

    with closing(InProcess()) as hand:
        played = play(read(path), path, hand)

    assert played.findings == ()
