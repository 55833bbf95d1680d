"""The comments of the contract: what each message, field and code means, as its ``.proto`` files say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from services.chassis.settings import REPOSITORY

FOLDER: Final = REPOSITORY / "proto" / "concern_relay" / "v1"
_OPENS = re.compile(r"(message|enum|oneof)\s+(\w+)\s*\{")
_NAMED = re.compile(r"(?:repeated\s+|optional\s+)?[\w.]+\s+(\w+)\s*=\s*\d+|(\w+)\s*=\s*\d+")


@cache
def comments(folder: Path = FOLDER) -> dict[str, str]:
    """Give the comment of each name, as ``ConcernRaised`` or ``ConcernRaised.agency_id``."""
    return {name: text for path in sorted(folder.glob("*.proto")) for name, text in _of(path.read_text())}


def _of(source: str) -> Iterator[tuple[str, str]]:
    within: list[tuple[str, bool]] = []  # name; whether it names what stands in it (a oneof does not)
    said: list[str] = []
    for raw in source.splitlines():
        line = raw.strip()
        if line.startswith("//"):
            said.append(line.removeprefix("//").strip())
            continue
        scope = [name for name, names in within if names]
        if opened := _OPENS.match(line):
            yield ".".join([*scope, opened[2]]), " ".join(said)
            within.append((opened[2], opened[1] != "oneof"))
        elif named := _NAMED.match(line):
            yield ".".join([*scope, named[1] or named[2]]), " ".join(said)
        if line.endswith("}") and not line.startswith(("message", "enum", "oneof")):
            within = within[:-1]
        said = []
