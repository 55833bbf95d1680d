"""``concern-relay request``: asking another agency what it holds, and answering."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from services.workbench.calls import Practice, asked
from services.workbench.output import answer

app = typer.Typer(no_args_is_help=True, help="Ask another agency what it holds about a child, and answer.")

Agency = Annotated[str, typer.Option("--agency", "-a", help="Your agency.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Request = Annotated[str, typer.Argument(help="Id of the request, as `request list` shows it.")]
Name = Annotated[str, typer.Option("--name", help="Name of the person who acts.")]
Role = Annotated[str, typer.Option("--role", help="Role of that person, as `duty social worker`.")]


@app.command("list")
def list_(agency: Agency, practice: Practice = False, as_json: AsJson = False) -> None:
    """List what your agency was asked and what it asked, open ones first."""
    data, findings = asked("routing", agency, "GET", "/v1/requests", params={"test": practice})
    lines = [
        f"{r['request_id']}  {r['state']:<12} {r['band']:<5} due {r['due'] or '-'}  "
        f"{r['agency_id']} asks {r['asked_agency_id']}{'  OVERDUE' if r['overdue'] and r['state'] == 'open' else ''}"
        for r in (data or {}).get("requests", [])
    ]
    raise answer("request list", data, findings, as_json=as_json, lines=lines, nothing="nothing here")


@app.command()
def ask(
    concern: Annotated[str, typer.Argument(help="Id of a concern your agency knows of.")],
    to: Annotated[str, typer.Argument(help="The agency that is asked.")],
    question: Annotated[str, typer.Argument(help="What is asked, in words.")],
    agency: Agency,
    name: Name,
    role: Role,
    purpose: Annotated[str, typer.Option(help="What for, in words; without one it is returned.")] = "",
    power: Annotated[str, typer.Option(help="The power, as ca1989_s47; without one it is returned.")] = "",
    band: Annotated[str, typer.Option(help="How soon: red, amber or green; the hours are local.")] = "green",
    as_json: AsJson = False,
) -> None:
    """Ask for information: purpose and power stated. The clock of the band starts now."""
    body = {"name": name, "role": role, "concern_id": concern, "to_agency_id": to, "question": question}
    body |= {"purpose": purpose, "band": band} | ({"power": power} if power else {})
    data, findings = asked("routing", agency, "POST", "/v1/requests", json=body)
    lines = [f"asked: {data['request_id']}, due {data['due']}"] if data else []
    raise answer("request ask", data, findings, as_json=as_json, lines=lines)


@app.command()
def read(request: Request, agency: Agency, name: Name, role: Role, as_json: AsJson = False) -> None:
    """Open what was asked and answered; that it was opened, and by whom, is recorded."""
    data, findings = asked("routing", agency, "POST", f"/v1/requests/{request}/read", json={"name": name, "role": role})
    raise answer("request read", data, findings, as_json=as_json, lines=[json.dumps(data, indent=2)] if data else [])


@app.command("answer")
def answer_(
    request: Request,
    what: Annotated[str, typer.Argument(help="provided, refused or nothing_held.")],
    agency: Agency,
    name: Name,
    role: Role,
    words: Annotated[str, typer.Option(help="What is held, or why it is not given.")] = "",
    reason: Annotated[str, typer.Option(help="For refused: a code, as no_basis or more_detrimental.")] = "",
    as_json: AsJson = False,
) -> None:
    """Answer a request as a named person."""
    body = {"name": name, "role": role, "answer": what, "words": words} | ({"reason": reason} if reason else {})
    data, findings = asked("routing", agency, "POST", f"/v1/requests/{request}/answer", json=body)
    lines = [data["state"] + (", late" if data["late"] else "")] if data else []
    raise answer("request answer", data, findings, as_json=as_json, lines=lines)
