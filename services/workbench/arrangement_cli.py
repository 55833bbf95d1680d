"""``concern-relay arrangement``: who shares what with whom, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.chassis.arrangement import FOLDER, read_arrangement
from services.chassis.arrangement.check import papers_missing
from services.chassis.errors import RelayError
from services.chassis.marked_yaml import DocumentError, Mistake
from services.workbench.output import Finding, answer, usage

app = typer.Typer(no_args_is_help=True, help="Who shares what with whom, as data.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files; those of deploy/arrangements when left out.")
    ] = None,
    production: Annotated[
        bool, typer.Option("--production", help="Also ask whether production would take them (papers, status).")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read arrangements; every mistake with file, line, column, reason and remedy."""
    wanted = paths or sorted(FOLDER.glob("*.yaml"))
    if missing := [p for p in wanted if not p.exists()]:
        raise usage("arrangement check", f"there is no {missing[0]}", as_json=as_json)
    found: list[dict[str, object]] = []
    findings: list[Finding] = []
    for path in wanted:
        try:
            arrangement = read_arrangement(path)
        except DocumentError as error:
            findings += [_finding(mistake) for mistake in error.mistakes]
            continue
        except (RelayError, OSError) as error:
            findings.append(Finding("arrangement", str(error), {"file": path.name}))
            continue
        if production:
            findings += [
                Finding("not_for_production", said, {"file": path.name}) for said in papers_missing(arrangement)
            ]
        found.append(
            {
                "name": arrangement.name,
                "status": arrangement.status.value,
                "agencies": len(arrangement.agencies),
                "rules": len(arrangement.rules),
                "sha256": arrangement.sha256,
            }
        )
    lines = [
        f"{a['name']} ({a['status']}): {a['agencies']} agencies, {a['rules']} rules, {str(a['sha256'])[:12]}"
        for a in found
    ]
    raise answer("arrangement check", found, findings, as_json=as_json, lines=lines)


def _finding(mistake: Mistake) -> Finding:
    where = {"file": mistake.file, "line": mistake.line, "column": mistake.column, "remedy": mistake.remedy}
    return Finding("arrangement", str(mistake), where)
