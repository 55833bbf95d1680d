"""``concern-relay duty``: what an agency has to do by a time, beside acknowledging; and saying that it was done."""

from __future__ import annotations

from typing import Annotated

import typer

from services.workbench.calls import Practice, asked
from services.workbench.concern_lines import at
from services.workbench.output import answer
from services.workbench.share_lines import duty_lines

app = typer.Typer(no_args_is_help=True, help="Conferences, visits, notices and interviews that are due, and done.")

Agency = Annotated[str, typer.Option("--agency", "-a", help="Your agency.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@app.command("list")
def list_(
    agency: Agency,
    concern: Annotated[str, typer.Option(help="Only those of one concern.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Those that were done, too.")] = False,
    practice: Practice = False,
    as_json: AsJson = False,
) -> None:
    """List what your agency has to do by a time, the earliest first."""
    params = ({} if every else {"state": "running"}) | ({"concern_id": concern} if concern else {})
    params["test"] = str(practice).lower()
    data, findings = asked("routing", agency, "GET", "/v1/duties", params=params)
    lines = list(duty_lines(data["duties"])) or ["nothing here"] if data else []
    raise answer("duty list", data, findings, as_json=as_json, lines=lines)


@app.command()
def done(
    duty: Annotated[str, typer.Argument(help="Id of the duty, as `duty list` shows it.")],
    agency: Agency,
    name: Annotated[str, typer.Option("--name", help="Name of the person who did it.")],
    role: Annotated[str, typer.Option("--role", help="Role of that person, as `duty social worker`.")],
    words: Annotated[str, typer.Option(help="In words; sealed.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say that it was done. What is the professional's own nobody else can say; saying it twice is harmless."""
    body = {"name": name, "role": role, "words": words}
    data, findings = asked("routing", agency, "POST", f"/v1/duties/{duty}/done", json=body)
    lines = [f"{data['duty']} done {at(data['done_at'])}{', late' if data['late'] else ''}"] if data else []
    raise answer("duty done", data, findings, as_json=as_json, lines=lines)
