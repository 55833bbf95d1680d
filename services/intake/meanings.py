"""What the codes of the contract mean: the comments of the contract itself, so that nothing is said twice."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from services.chassis.codes import number_of


@cache
def comments() -> dict[str, dict[str, str]]:
    """Give the comments by enum and value; that of the enum itself under an empty text."""
    found: dict[str, dict[str, str]] = json.loads((files("concern_relay.v1") / "comments.json").read_text("utf-8"))
    return found


def meaning(enum: Any, word: str) -> str:
    """Give what a code means, in words.

    Raises:
        ValueError: no such code.
    """
    return comments()[enum.DESCRIPTOR.name][enum.Name(number_of(enum, word))]
