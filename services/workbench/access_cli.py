"""``concern-relay access``: requests for a copy of what is held, and what a named person decides on them."""

from __future__ import annotations

from typing import Annotated

import typer

from services.workbench.calls import Practice, asked
from services.workbench.output import answer

app = typer.Typer(no_args_is_help=True, help="Subject access: who asked for a copy, and what was decided.")

Agency = Annotated[str, typer.Option("--agency", "-a", help="The controller that was asked.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
PATH = "/v1/subject-access"


@app.command("list")
def list_(agency: Agency, practice: Practice = False, as_json: AsJson = False) -> None:
    """List requests for a copy, open ones first."""
    data, findings = asked("basis_assessment", agency, "GET", PATH, params={"test": practice})
    found = (data or {}).get("requests", [])
    lines = [f"{r['request_id']}  {r['requester']:<18} {r['role']:<20} due {r['due_at']}  {r['state']}" for r in found]
    raise answer("access list", data, findings, as_json=as_json, lines=lines, nothing="nobody has asked")


@app.command()
def exemptions(agency: Agency, as_json: AsJson = False) -> None:
    """Show the exemptions, each with its tests and where it comes from."""
    data, findings = asked("basis_assessment", agency, "GET", f"{PATH}/exemptions")
    lines = []
    for one in (data or {}).get("exemptions", []):
        seen = "" if one["verified"] else " (not yet compared with the published text)"
        lines += [f"{one['code']}: {one['says']} [{one['cites']}{seen}]", *(f"  - {test}" for test in one["tests"])]
    raise answer("access exemptions", data, findings, as_json=as_json, lines=lines)


@app.command()
def ask(
    concern: Annotated[str, typer.Argument(help="The concern it would come from.")],
    agency: Agency,
    requester: Annotated[str, typer.Option(help="subject, parent, person_of_concern, representative, other")],
    name: Annotated[str, typer.Option(help="Who asks; sealed.")],
    share: Annotated[str, typer.Option(help="The share by which you hold it; none if you raised it.")] = "",
    words: Annotated[str, typer.Option(help="What they asked for; sealed.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record that somebody asked for a copy; the month runs."""
    held = {"concern_id": concern, "share_id": share or None}
    body = {**held, "requester": requester, "name": name, "words": words}
    data, findings = asked("basis_assessment", agency, "POST", PATH, json=body)
    lines = [f"{data['request_id']}: {data['role']} decides by {data['due_at']}"] if data else []
    raise answer("access ask", data, findings, as_json=as_json, lines=lines)


@app.command()
def decide(
    request: Annotated[str, typer.Argument(help="Id, as `access list` shows it.")],
    outcome: Annotated[str, typer.Argument(help="give_all, give_part, refuse, neither_confirm_nor_deny")],
    agency: Agency,
    name: Annotated[str, typer.Option(help="Name of the person who decides.")],
    role: Annotated[str, typer.Option(help="As `access list` shows it; a data protection officer advises.")],
    exemption: Annotated[list[str] | None, typer.Option(help="What it rests on; may be given again.")] = None,
    withhold: Annotated[list[str] | None, typer.Option(help="A part that is not given; may be given again.")] = None,
    health_opinion: Annotated[bool, typer.Option(help="A health professional gave an opinion.")] = False,
    reasons: Annotated[str, typer.Option(help="Kept inside; sealed.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record a decision under a name."""
    body = {
        "outcome": outcome, "decided_by": {"name": name, "role": role}, "exemptions": exemption or [],
        "withheld_part_ids": withhold or [], "health_opinion": health_opinion, "reasons": reasons,
    }  # fmt: skip
    data, findings = asked("basis_assessment", agency, "POST", f"{PATH}/{request}", json=body)
    lines = [f"recorded; the requester is told: {data['decided']['answer']}"] if data else []
    raise answer("access decide", data, findings, as_json=as_json, lines=lines)
