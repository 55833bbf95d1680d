"""``concern-relay share``: calling a share back, erasures, breaches, and resolving professional disagreement."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from services.workbench.calls import Practice, asked
from services.workbench.output import answer

app = typer.Typer(
    no_args_is_help=True, help="What follows a share: recall, erasure, breach, resolving professional disagreement."
)

Agency = Annotated[str, typer.Option("--agency", "-a", help="Your agency.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Concern = Annotated[str, typer.Argument(help="Id of the concern.")]
Name = Annotated[str, typer.Option("--name", help="Name of the person who acts.")]
Role = Annotated[str, typer.Option("--role", help="Role of that person, as `safeguarding lead`.")]
Words = Annotated[str, typer.Option(help="The reasons, in words; sealed.")]


def _listed(
    name: str, agency: str, practice: bool, as_json: bool, path: str, key: str, what: tuple[str, ...]
) -> typer.Exit:
    data, findings = asked("routing", agency, "GET", path, params={"test": practice})
    lines = ["  ".join(str(row[column]) or "-" for column in what) for row in (data or {}).get(key, [])]
    return answer(name, data, findings, as_json=as_json, lines=lines, nothing="nothing here")


def _done(name: str, agency: str, as_json: bool, path: str, body: dict[str, Any]) -> typer.Exit:
    data, findings = asked("routing", agency, "POST", path, json=body)
    return answer(name, data, findings, as_json=as_json, lines=[json.dumps(data, indent=2)] if data else [])


@app.command()
def recall(
    concern: Concern,
    recipient: Annotated[str, typer.Argument(help="The agency that should not have it.")],
    agency: Agency,
    name: Name,
    role: Role,
    reason: Annotated[str, typer.Option(help="wrong_recipient, wrong_child, too_much or sent_in_error.")],
    correct: Annotated[str, typer.Option(help="The agency it was meant for; it is served at once.")] = "",
    hidden_address: Annotated[bool, typer.Option(help="A hidden address may have been given away.")] = False,
    words: Words = "",
    as_json: AsJson = False,
) -> None:
    """Call back what an agency was told by mistake: its view closes, it is asked to erase, a breach is recorded."""
    body = {"name": name, "role": role, "concern_id": concern, "recipient_agency_id": recipient, "reason": reason}
    body |= {"correct_agency_id": correct, "words": words}
    raise _done("share recall", agency, as_json, "/v1/recalls", body | {"hidden_address": hidden_address})


@app.command()
def erasures(agency: Agency, practice: Practice = False, as_json: AsJson = False) -> None:
    """List what your agency was asked to erase, and what is asked of others for your concerns."""
    columns = ("erasure_id", "agency_id", "reason", "answer", "due", "overdue")
    raise _listed("share erasures", agency, practice, as_json, "/v1/erasures", "erasures", columns)


@app.command()
def erased(
    erasure: Annotated[str, typer.Argument(help="Id of the erasure.")],
    agency: Agency,
    name: Name,
    role: Role,
    ground: Annotated[str, typer.Option(help="To decline: own_duty, inquiry_hold, investigation, …")] = "",
    words: Words = "",
    as_json: AsJson = False,
) -> None:
    """Confirm an erasure; or with --ground say why it is kept, and who decided."""
    verb = "decline" if ground else "confirm"
    body = {"name": name, "role": role, "words": words} | ({"ground": ground} if ground else {})
    raise _done("share erased", agency, as_json, f"/v1/erasures/{erasure}/{verb}", body)


@app.command()
def breaches(agency: Agency, practice: Practice = False, as_json: AsJson = False) -> None:
    """List the breaches your agency owns, with their clocks."""
    columns = ("breach_id", "recipient_agency_id", "reason", "report_by", "overdue", "call_by", "called_at", "closed")
    raise _listed("share breaches", agency, practice, as_json, "/v1/breaches", "breaches", columns)


@app.command()
def breach(
    breach: Annotated[str, typer.Argument(help="Id of the breach.")],
    what: Annotated[str, typer.Argument(help="safety-call, reported or not-reportable.")],
    agency: Agency,
    name: Name,
    role: Role,
    words: Words = "",
    told_name: Annotated[str, typer.Option(help="For safety-call: who was told.")] = "",
    told_role: Annotated[str, typer.Option(help="For safety-call: their role.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record what was done about a breach: the safety call first, where an address was hidden."""
    body = {"name": name, "role": role, "words": words}
    if what == "safety-call":
        body |= {"told_name": told_name, "told_role": told_role}
    raise _done("share breach", agency, as_json, f"/v1/breaches/{breach}/{what}", body)


@app.command()
def disagreements(agency: Agency, practice: Practice = False, as_json: AsJson = False) -> None:
    """List the disagreements your agency is a party to."""
    columns = ("disagreement_id", "raised_by_agency_id", "about", "stage", "role", "due", "overdue", "resolution")
    raise _listed("share disagreements", agency, practice, as_json, "/v1/disagreements", "disagreements", columns)


@app.command()
def disagree(
    concern: Concern,
    about: Annotated[
        str, typer.Argument(help="outcome, threshold, no_answer, information_sharing, redirection, other.")
    ],
    agency: Agency,
    name: Name,
    role: Role,
    words: Words,
    recipient: Annotated[str, typer.Option(help="With whom; left out, who answers for the concern.")] = "",
    as_json: AsJson = False,
) -> None:
    """Disagree, as a named person of the sender or a recipient; the first stage's roles are asked."""
    body = {"name": name, "role": role, "concern_id": concern, "about": about, "words": words}
    raise _done("share disagree", agency, as_json, "/v1/disagreements", body | {"recipient_agency_id": recipient})


@app.command()
def resolve(
    disagreement: Annotated[str, typer.Argument(help="Id of the disagreement.")],
    how: Annotated[str, typer.Argument(help="next-stage; or outcome_changed, outcome_stands, agreed_plan, withdrawn.")],
    agency: Agency,
    name: Name,
    role: Role,
    words: Words,
    as_json: AsJson = False,
) -> None:
    """Take a disagreement to its next stage, or say how it ended."""
    body = {"name": name, "role": role, "words": words}
    if how == "next-stage":
        raise _done("share resolve", agency, as_json, f"/v1/disagreements/{disagreement}/next-stage", body)
    path = f"/v1/disagreements/{disagreement}/resolve"
    raise _done("share resolve", agency, as_json, path, body | {"resolution": how})
