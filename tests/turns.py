"""Which tests stay with one worker when several share them: a file's, and all files that use what there is once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from xdist.scheduler import LoadFileScheduling

ROOT: Final = Path(__file__).parents[1]
TAKE_TURNS: Final = ("running_house", "registered_topics")
"""Fixtures of which there is one: a house whose clock is moved and whose processes are killed, the topics by name."""


class InTurns(LoadFileScheduling):
    """Gives files out in the order they were collected; a file that names such a fixture, with all others that do."""

    def _split_scope(self, nodeid: str) -> str:
        return turn_of(nodeid.split("::", 1)[0])


@cache
def turn_of(file: str) -> str:
    """Give the name under which a test file is given out; what it uses stands in its text."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return next((fixture for fixture in TAKE_TURNS if fixture in text), file)
