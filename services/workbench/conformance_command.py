"""``concern-relay conformance URL``: does a relay keep what it promises whoever raises concerns?"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer

from services.workbench.conformance import Outcome, Result, Target, conform
from services.workbench.output import Finding, answer, usage

COMMAND = "conformance"
MARKS = {Outcome.PASS: "pass", Outcome.FAIL: "FAIL", Outcome.SKIPPED: "skip"}


def conformance_command(
    url: str, token: str, other_token: str, kafka: str, *, on_behalf_of: str = "", as_json: bool
) -> typer.Exit:
    """Make the checks and give the exit: 0 all passed, 1 something failed, 2 the call was wrong."""
    try:
        target = replace(_target(url, token, other_token, kafka), on_behalf_of=on_behalf_of)
    except ValueError as error:
        return usage(COMMAND, str(error), as_json=as_json)
    results = conform(target, (lambda _: None) if as_json else _say)
    counts = Counter(result.outcome.value for result in results)
    findings = [
        Finding(f"{result.door}.{result.name}", f"{result.detail}; {result.remedy} ({result.clause})")
        for result in results
        if result.outcome is Outcome.FAIL
    ]
    data: dict[str, Any] = {
        **{outcome.value: counts[outcome.value] for outcome in Outcome},
        "checks": [asdict(result) for result in results],
    }
    lines = [", ".join(f"{counts[outcome.value]} {outcome.value}" for outcome in Outcome)]
    return answer(COMMAND, data, findings, as_json=as_json, lines=lines)


def _target(url: str, token: str, other_token: str, kafka: str) -> Target:
    """Put together what is checked.

    Raises:
        ValueError: says what is missing or wrong.
    """
    told: dict[str, Any] = {}
    if kafka:
        try:
            told = json.loads(Path(kafka).read_text())
            agency, connection = str(told["agency"]), dict(told["kafka"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{kafka} is not what `agency add` writes: agency, and kafka with its login") from error
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("give the relay's address, as https://relay.example")
    token = _text(token) or os.environ.get("RELAY_TOKEN", "")
    if not token and told.get("token_file"):
        token = _text(str(told["token_file"]))
    if not token:
        raise ValueError("give --token (or a file that holds it), RELAY_TOKEN, or --kafka with a token_file")
    if not kafka:
        return Target(url, token, _text(other_token))
    return Target(url, token, _text(other_token), agency=agency, kafka=connection)


def _text(given: str) -> str:
    """Give a token, or what is in the file of that name."""
    try:
        return Path(given).read_text().strip() if given and Path(given).is_file() else given
    except OSError:
        return given


def _say(result: Result) -> None:
    said = f": {result.detail}" if result.detail else ""
    typer.echo(f"{MARKS[result.outcome]}  {result.door:<5} {result.name:<32} {result.elapsed_ms:>6} ms{said}")
