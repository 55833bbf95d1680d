"""``concern-relay erasure``: propose, decide and see the erasing of what an agency sent; hold it back (practice 19)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from services.workbench.calls import CallError, local_calls
from services.workbench.output import Finding, answer, usage

app = typer.Typer(no_args_is_help=True, help="Erase what an agency sent; two named people decide.")

Concern = Annotated[str, typer.Argument(help="Id of the concern.")]
Erasure = Annotated[str, typer.Argument(help="Id of the erasure, as `erasure status` shows it.")]
Agency = Annotated[str, typer.Option("--agency", "-a", envvar="RELAY_AGENCY", help="The agency that acts.")]
Name = Annotated[str, typer.Option("--name", help="Name of the person who does this.")]
Role = Annotated[str, typer.Option("--role", help="Role of that person.")]
Words = Annotated[str, typer.Option("--words", help="Why, in words.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@app.command()
def request(
    concern: Concern,
    agency: Agency,
    name: Name,
    role: Role,
    reason: Annotated[str, typer.Option(help="A code of ErasureReason, as consent_withdrawn.")],
    person: Annotated[str, typer.Option(help="Only what is about this person: ref or id.")] = "",
    consent: Annotated[str, typer.Option(help="Only what rests on this consent: ref or id.")] = "",
    words: Words = "",
    as_json: AsJson = False,
) -> None:
    """Propose to erase a concern, a person, or what rests on a consent. Another named person decides within a month."""
    body = {"reason": reason, "person": person, "consent": consent, "by": {"name": name, "role": role}, "words": words}
    raise _done("request", concern, "POST", "erasures", agency, body, as_json=as_json)


@app.command()
def approve(
    concern: Concern,
    erasure: Erasure,
    agency: Agency,
    name: Name,
    role: Role,
    words: Words = "",
    as_json: AsJson = False,
) -> None:
    """Approve, as another person than the one who proposed it. The keys are destroyed; recipients are asked."""
    body = {"by": {"name": name, "role": role}, "words": words}
    raise _done("approve", concern, "POST", f"erasures/{erasure}/approval", agency, body, as_json=as_json)


@app.command()
def reject(
    concern: Concern, erasure: Erasure, agency: Agency, name: Name, role: Role, words: Words, as_json: AsJson = False
) -> None:
    """Keep it, with the reason in words."""
    body = {"by": {"name": name, "role": role}, "words": words}
    raise _done("reject", concern, "POST", f"erasures/{erasure}/rejection", agency, body, as_json=as_json)


@app.command()
def status(concern: Concern, agency: Agency, as_json: AsJson = False) -> None:
    """Show what was proposed of a concern, what became of it, and the holds that stand."""
    raise _done("status", concern, "GET", "erasures", agency, None, as_json=as_json)


@app.command()
def hold(
    concern: Concern,
    agency: Agency,
    name: Name,
    role: Role,
    ground: Annotated[str, typer.Option(help="A code of HoldGround, as inquiry or police_investigation.")],
    words: Words = "",
    as_json: AsJson = False,
) -> None:
    """Ask that nothing of a concern is erased for now. Whoever raised it or was told of it may."""
    body = {"ground": ground, "by": {"name": name, "role": role}, "words": words}
    raise _done("hold", concern, "POST", "holds", agency, body, as_json=as_json)


@app.command()
def lift(
    concern: Concern,
    hold: Annotated[str, typer.Argument(help="Id of the hold, as `erasure status` shows it.")],
    agency: Agency,
    name: Name,
    role: Role,
    words: Words = "",
    as_json: AsJson = False,
) -> None:
    """Lift a hold that your agency placed."""
    body = {"by": {"name": name, "role": role}, "words": words}
    raise _done("lift", concern, "POST", f"holds/{hold}/removal", agency, body, as_json=as_json)


def _done(
    verb: str, concern: str, method: str, path: str, agency: str, body: dict[str, Any] | None, *, as_json: bool
) -> typer.Exit:
    command = f"erasure {verb}"
    try:
        known = UUID(concern)
    except ValueError:
        return usage(command, "a concern id looks like 7771a82d-7eba-8022-…", as_json=as_json)
    options = {} if body is None else {"json": body}
    try:
        found = local_calls()("intake", method, f"/v1/concerns/{known}/{path}", agency=agency, **options)
    except CallError as error:
        return answer(command, None, [Finding(error.code, str(error))], as_json=as_json)
    lines = [f"{e['erasure_id']}  {e['state']:<9} {e['reason']}  due {e['due_at']}" for e in found["erasures"]]
    lines += [f"hold {hold_id}" for hold_id in found["holds"]]
    return answer(command, found, as_json=as_json, lines=lines, nothing="nothing was proposed, no hold stands")
