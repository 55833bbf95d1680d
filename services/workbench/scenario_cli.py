"""``concern-relay scenario``: cases to get right, in process in milliseconds or live on the running system."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from services.workbench.output import Finding, answer, usage
from services.workbench.scenario.document import Scenario
from services.workbench.scenario.play import Played, ScenarioFileError, files, play, read, schema
from services.workbench.scenario.stage import NotHereError, SceneError

app = typer.Typer(no_args_is_help=True, help="Cases to get right, in process or on the running system.")


@app.command()
def run(
    paths: Annotated[list[Path], typer.Argument(help="Scenario files, or folders of them.")],
    live: Annotated[
        bool, typer.Option(help="On real servers: a house that runs with RELAY_CLOCK=test, or else one of its own.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Tell what came of each: bases, shares, clocks, events.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")] = False,
) -> None:
    """Run scenarios: exit 1 when something is not as it must be, 2 when a file is no scenario."""
    started = time.perf_counter()
    played: list[Played] = []
    skipped: list[str] = []
    path = Path()
    try:
        scenarios = _read_all(files(paths))
        from services.workbench.scenario.where import stagehands  # noqa: PLC0415  (servers, only when asked for)

        with stagehands(live=live, quiet=as_json) as new_hand:
            for path, scenario in scenarios:
                with closing(new_hand()) as hand:
                    try:
                        played.append(play(scenario, path, hand, show=show))
                    except NotHereError:
                        skipped.append(scenario.scenario)
    except (ScenarioFileError, SceneError) as error:
        where = "" if str(error).startswith(path.name) or not path.name else f"{path.name}: "
        raise usage("scenario run", f"{where}{error}", as_json=as_json) from error
    findings = [
        Finding("differs", finding, {"scenario": one.name, "file": one.path})
        for one in played
        for finding in one.findings
    ]
    data = {
        "scenarios": [
            {"scenario": one.name, "file": one.path, "passed": not one.findings, "came_of_it": list(one.came_of_it)}
            for one in played
        ],
        "elapsed_ms": round((time.perf_counter() - started) * 1000),
        "live": live,
        "skipped": skipped,
    }
    raise answer("scenario run", data, findings, as_json=as_json, lines=_lines(played, skipped))


def _read_all(paths: list[Path]) -> list[tuple[Path, Scenario]]:
    """Read every file before any is played; what is wrong with all of them is said at once."""
    read_: list[tuple[Path, Scenario]] = []
    wrong: list[str] = []
    for path in paths:
        try:
            read_.append((path, read(path)))
        except ScenarioFileError as error:
            wrong.append(str(error))
    if wrong:
        raise ScenarioFileError("\n".join(wrong))
    return read_


def _lines(played: list[Played], skipped: list[str]) -> list[str]:
    failed = [one for one in played if one.findings]
    tally = f"{len(played) - len(failed)} passed, {len(failed)} failed"
    return [
        *(
            line
            for one in played
            for line in (f"{'FAIL' if one.findings else 'pass'}  {one.name}", *(f"      {c}" for c in one.came_of_it))
        ),
        *(f"skip  {name} (only in process)" for name in skipped),
        tally + (f", {len(skipped)} skipped" if skipped else ""),
    ]


@app.command("schema")
def schema_() -> None:
    """Print the JSON Schema of a scenario: every word there is."""
    typer.echo(json.dumps(schema(), indent=1))
