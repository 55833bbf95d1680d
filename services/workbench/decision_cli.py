"""``concern-relay decision``: what only a named person may decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from services.workbench.calls import Practice, asked
from services.workbench.output import answer

app = typer.Typer(no_args_is_help=True, help="What only a named person may decide.")

Agency = Annotated[str, typer.Option("--agency", "-a", help="The agency whose person decides.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@app.command("list")
def list_(agency: Agency, practice: Practice = False, as_json: AsJson = False) -> None:
    """List the decisions that wait for a person of this agency."""
    data, findings = asked("basis_assessment", agency, "GET", "/v1/decisions", params={"test": practice})
    found = (data or {}).get("decisions", [])
    lines = [_line(d) for d in found]
    raise answer("decision list", data, findings, as_json=as_json, lines=lines, nothing="nothing waits")


def _line(found: dict[str, Any]) -> str:
    passed_on = found.get("escalated") or {}
    whom = f"; passed on {passed_on['stage']} times, now {passed_on['agency_id']}" if passed_on else ""
    late = "  OVERDUE" if found.get("state") == "overdue" else ""
    return (
        f"{found['decision_id']}  {found['question_code']:<30} {found['class']:<24} due {found['due_at']}{late}{whom}"
    )


@app.command()
def show(
    decision: Annotated[str, typer.Argument(help="Id, as `decision list` shows it.")],
    agency: Annotated[
        str, typer.Option("--agency", "-a", help="The agency that was asked; operators see all.")
    ] = "operator",
    as_json: AsJson = False,
) -> None:
    """Show a decision: what is asked, what is proposed and why, who may answer, by when."""
    data, findings = asked("basis_assessment", agency, "GET", f"/v1/decisions/{decision}")
    raise answer("decision show", data, findings, as_json=as_json, lines=list(_page(data)) if data else [])


def _page(found: dict[str, Any]) -> Iterator[str]:
    yield found["question"] or found["question_code"]
    yield f"About: {found['class'].replace('_', ' ')}; {len(found['part_ids']) or 'no'} single parts"
    yield f"Proposed: {found['proposal']} ({found['proposal_in_words']})"
    yield f"Answers: {', '.join(found['answers'])}"
    yield f"Due: {found['due_at']} ({found['clock_code']}); {found['state']}"
    may = found["may_decide"]
    yield f"May decide: {' or '.join(may['roles'])} of {' or '.join(may['agencies'])}"
    if found["escalated"]:
        on = found["escalated"]
        yield f"Passed on {on['stage']} times: {on['internal_role'] or 'somebody'} of {on['agency_id']}"
    if found["decided"]:
        made = found["decided"]
        reason = made["reason_code"] or "as proposed"
        yield f"Decided: {made['outcome']} by {made['role']} of {made['agency_id']}; {reason}"
    yield from (f"  because: {reason}" for reason in found["why"])
    if not found["decided"]:
        yield from (f"  give {need}" for need in found["needs"])


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
    data, findings = asked("basis_assessment", agency, "POST", f"/v1/decisions/{decision}", json=body)
    raise answer("decision record", data, findings, as_json=as_json, lines=["recorded"] if data else [])
