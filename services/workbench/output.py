"""How every command answers: one envelope for machines, a few lines for people, three exit codes.

    {"ok": true, "command": "ledger verify", "data": {...}, "findings": [{"code": ..., "detail": ...}]}

0 pass, 1 finding, 2 usage.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import typer


class Exit(IntEnum):
    """What a command found."""

    PASS = 0
    FINDING = 1
    USAGE = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be: a stable code, and words that say where and what to do."""

    code: str
    detail: str
    where: dict[str, Any] = field(default_factory=dict)


def answer(
    command: str,
    data: Any,
    findings: Sequence[Finding] = (),
    *,
    as_json: bool,
    lines: Sequence[str] = (),
    nothing: str = "",
) -> typer.Exit:
    """Print a command's answer and give the exit to raise.

    Args:
        command: noun and verb.
        data: what machines get.
        findings: what is not as it should be.
        as_json: for a machine.
        lines: for a person; findings follow on standard error.
        nothing: said to a person where there is no line and no finding: whoever got no answer is not told it is empty.
    """
    if as_json:
        envelope = {
            "ok": not findings,
            "command": command,
            "data": data,
            "findings": [{"code": f.code, "detail": f.detail, **f.where} for f in findings],
        }
        typer.echo(json.dumps(envelope, default=str))
    else:
        for line in lines or ([nothing] if nothing and not findings else ()):
            typer.echo(line)
        for finding in findings:
            where = " ".join(f"{name}={value}" for name, value in finding.where.items())
            typer.echo(f"finding {finding.code}: {finding.detail}{f'  ({where})' if where else ''}", err=True)
    return typer.Exit(Exit.FINDING if findings else Exit.PASS)


def usage(command: str, detail: str, *, as_json: bool) -> typer.Exit:
    """Print what was wrong with the call and give the exit to raise."""
    if as_json:
        typer.echo(
            json.dumps(
                {"ok": False, "command": command, "data": None, "findings": [{"code": "usage", "detail": detail}]}
            )
        )
    else:
        typer.echo(detail, err=True)
    return typer.Exit(Exit.USAGE)


def on_terminal() -> bool:
    """Whether a person looks at standard error: progress belongs there, and only then."""
    return sys.stderr.isatty()
