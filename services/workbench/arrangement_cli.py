"""``concern-relay arrangement``: who shares what with whom, as data."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.chassis.arrangement import FOLDER, Arrangement, read_arrangement
from services.chassis.arrangement.check import papers_missing
from services.chassis.arrangement.difference import CIRCUMSTANCES_MAX, Difference, Way, difference
from services.chassis.errors import RelayError
from services.chassis.marked_yaml import DocumentError, Mistake
from services.workbench.output import Finding, answer, usage
from services.workbench.publishing import NotPublishedError, Publisher
from services.workbench.publishing import publish as publish_

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


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(help="The arrangement as it was.")],
    after: Annotated[Path, typer.Argument(help="The arrangement as it would be.")],
    as_json: AsJson = False,
) -> None:
    """Show who would be told more and who less: by class, agency, category and clock."""
    read: list[Arrangement] = []
    findings: list[Finding] = []
    for path in (before, after):
        try:
            read.append(read_arrangement(path))
        except DocumentError as error:
            findings += [_finding(mistake) for mistake in error.mistakes]
        except OSError as error:
            raise usage("arrangement diff", f"{path} cannot be read: {error.strerror}", as_json=as_json) from error
    if findings:
        raise answer("arrangement diff", None, findings, as_json=as_json)
    found = difference(*read)
    raise answer("arrangement diff", _as_data(found), as_json=as_json, lines=_as_lines(found))


@app.command()
def publish(
    file: Annotated[Path, typer.Argument(help="The arrangement as it was signed.")],
    effective: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, as the file says.")],
    name: Annotated[str, typer.Option(help="Name of the person who publishes it.")],
    role: Annotated[str, typer.Option(help="Role of that person, who must have the authority to.")],
    reason: Annotated[str, typer.Option(help="Why, in words; no personal data of families.")] = "",
    folder: Annotated[Path | None, typer.Option(help="Register of arrangements; that of RELAY_DEPLOY_DIR.")] = None,
    production: Annotated[bool, typer.Option("--production", help="Refuse what production would not take.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and publish nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a new version into force from a day on. The one before stays; running services take the new one up."""
    register = folder or Path(os.environ.get("RELAY_DEPLOY_DIR", str(FOLDER.parent))) / "arrangements"
    by = Publisher(name, role, reason)
    production = production or os.environ.get("RELAY_PROFILE") == "production"
    try:
        done = publish_(
            file, register, effective.date(), by, now=datetime.now(UTC), production=production, dry_run=dry_run
        )
    except DocumentError as error:
        raise answer("arrangement publish", None, [_finding(m) for m in error.mistakes], as_json=as_json) from error
    except NotPublishedError as error:
        raise answer("arrangement publish", None, [Finding(error.code, str(error))], as_json=as_json) from error
    except (RelayError, OSError) as error:
        raise usage("arrangement publish", f"not published: {error}", as_json=as_json) from error
    said = "lay there already" if done.again else "would be published" if dry_run else "published"
    data = {
        "sha256": done.arrangement.sha256,
        "file": done.path.name,
        "valid_from": str(done.arrangement.valid_from),
        "supersedes": done.supersedes.sha256,
        "published": not done.again and not dry_run,
        **_as_data(done.changes),
    }
    first = f"{said}: {done.path.name}, from {done.arrangement.valid_from}, after {done.supersedes.sha256[:12]}"
    raise answer("arrangement publish", data, as_json=as_json, lines=[first, *_as_lines(done.changes)])


def _as_data(found: Difference) -> dict[str, Any]:
    return {"changes": [asdict(change) for change in found.changes], "complete": found.complete}


def _as_lines(found: Difference) -> list[str]:
    marks = {Way.MORE: "+", Way.LESS: "-", Way.OTHER: "~"}
    lines = [
        f"{marks[change.way]} {change.subject}: {change.words}" + (f"  (when {change.when})" if change.when else "")
        for way in Way
        for change in found.changes
        if change.way is way
    ]
    if not found.complete:
        lines.append(f"not complete: only the first {CIRCUMSTANCES_MAX} circumstances were tried out")
    return lines or ["nothing changes"]


def _finding(mistake: Mistake) -> Finding:
    where = {"file": mistake.file, "line": mistake.line, "column": mistake.column}
    return Finding("arrangement", str(mistake), where)
