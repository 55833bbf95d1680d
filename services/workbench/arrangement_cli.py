"""``concern-relay arrangement``: who shares what with whom, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.chassis.arrangement import FOLDER, read_arrangement
from services.chassis.errors import RelayError
from services.workbench.output import Finding, answer, usage

app = typer.Typer(no_args_is_help=True, help="Who shares what with whom, as data.")


@app.command()
def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files; those of deploy/arrangements when left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")] = False,
) -> None:
    """Read arrangements; each mistake with file, line, column and reason."""
    wanted = paths or sorted(FOLDER.glob("*.yaml"))
    if missing := [p for p in wanted if not p.exists()]:
        raise usage("arrangement check", f"there is no {missing[0]}", as_json=as_json)
    found, findings = [], []
    for path in wanted:
        try:
            arrangement = read_arrangement(path)
        except RelayError as error:
            findings.append(Finding("arrangement", str(error), {"file": path.name}))
            continue
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
