"""``concern-relay decision``: what only a named person may decide."""

from __future__ import annotations

from typing import Annotated

import typer

from services.workbench.calls import CallError, local_calls
from services.workbench.output import Finding, answer

app = typer.Typer(no_args_is_help=True, help="What only a named person may decide.")

Agency = Annotated[str, typer.Option("--agency", "-a", help="The agency whose person decides.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@app.command("list")
def list_(agency: Agency, as_json: AsJson = False) -> None:
    """List the decisions that wait for a person of this agency."""
    findings: list[Finding] = []
    data = None
    try:
        data = local_calls()("basis_assessment", "GET", "/v1/decisions", agency=agency)
    except CallError as error:
        findings = [Finding(error.code, str(error))]
    found = (data or {}).get("decisions", [])
    lines = [f"{d['decision_id']}  {d['question_code']:<40} due {d.get('due_at', '-')}" for d in found]
    raise answer("decision list", data, findings, as_json=as_json, lines=lines or ["nothing waits"])


@app.command()
def record(
    decision: Annotated[str, typer.Argument(help="Id, as `decision list` shows it.")],
    outcome: Annotated[str, typer.Argument(help="share_power, share_duty, not_shared_detriment, …")],
    agency: Agency,
    name: Annotated[str, typer.Option(help="Name of the person who decides.")],
    role: Annotated[str, typer.Option(help="safeguarding_lead, social_work_manager, caldicott_guardian, …")],
    reason: Annotated[str, typer.Option(help="Reason code.")] = "",
    note: Annotated[str, typer.Option(help="In words; sealed.")] = "",
    review_on: Annotated[str, typer.Option(help="When it is looked at again, YYYY-MM-DD; required not to share.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record a decision under a name."""
    body = {
        "outcome": outcome, "decided_by": {"name": name, "role": role},
        "reason_code": reason, "note": note, "review_on": review_on,
    }  # fmt: skip
    findings: list[Finding] = []
    data = None
    try:
        data = local_calls()("basis_assessment", "POST", f"/v1/decisions/{decision}", agency=agency, json=body)
    except CallError as error:
        findings = [Finding(error.code, str(error))]
    raise answer("decision record", data, findings, as_json=as_json, lines=["recorded"] if data else [])
