"""Feeds sample submissions to intake as their agencies would send them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from services.chassis.settings import REPOSITORY
from services.workbench.calls import CallError, Calls

SAMPLES: Final = REPOSITORY / "deploy" / "samples" / "concerns.ndjson"


@dataclass
class Fed:
    """What was fed.

    Attributes:
        accepted: answers 202, resends included.
        repeated: resends that changed nothing.
        refused: problem codes and how often.
        receipts: the signed receipts.
    """

    accepted: int = 0
    repeated: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    receipts: list[dict[str, Any]] = field(default_factory=list)
    concern_ids: set[str] = field(default_factory=set)


def samples(path: Path = SAMPLES, limit: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read samples: (agency, submission), one JSON object a line."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if limit and number > limit:
                return
            if line.strip():
                submission = json.loads(line)
                yield submission.pop("agency"), submission


def feed(calls: Calls, agency: str, submission: dict[str, Any], fed: Fed) -> None:
    """Send one submission and note the answer."""
    try:
        answer = calls("intake", "POST", "/v1/concerns", agency=agency, json=submission)
    except CallError as error:
        fed.refused[error.code] = fed.refused.get(error.code, 0) + 1
        return
    fed.accepted += 1
    fed.repeated += bool(answer.get("repeated"))
    fed.concern_ids.add(answer["concern_id"])
    if receipt := answer.get("receipt"):
        fed.receipts.append(receipt)
