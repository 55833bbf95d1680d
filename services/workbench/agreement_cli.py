"""``concern-relay agreement``: what an agency signed; revoked, and standing again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.workbench.calls import asked
from services.workbench.concern_lines import at
from services.workbench.output import Finding, answer

app = typer.Typer(no_args_is_help=True, help="Agreements of agencies: revoked, and standing again.")

Whose = Annotated[str, typer.Argument(help="The agency whose agreement it is.")]
Agency = Annotated[str, typer.Option("--agency", "-a", help="Your agency; left out, the one whose agreement it is.")]
Name = Annotated[str, typer.Option("--name", help="Name of the person who decides it.")]
Role = Annotated[str, typer.Option("--role", help="Role of that person, as `information governance lead`.")]
Words = Annotated[str, typer.Option(help="Why, in words; sealed.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@app.command()
def revoke(
    whose: Whose, name: Name, role: Role, agency: Agency = "", words: Words = "", as_json: AsJson = False
) -> None:
    """Revoke an agreement: what rests on it alone and has not left is stopped. What is due or urgent goes on."""
    data, findings = _said("revocations", whose, agency, {"name": name, "role": role, "words": words})
    lines = [f"{line(data)}: {data['stopped']} that had not left were stopped"] if data else []
    raise answer("agreement revoke", data, findings, as_json=as_json, lines=lines)


@app.command()
def renew(
    whose: Whose, name: Name, role: Role, agency: Agency = "", words: Words = "", as_json: AsJson = False
) -> None:
    """Say that an agreement you revoked stands again: what was stopped for it is planned anew."""
    data, findings = _said("renewals", whose, agency, {"name": name, "role": role, "words": words})
    lines = [f"{line(data)}: {data['planned_anew']} that were stopped were planned anew"] if data else []
    raise answer("agreement renew", data, findings, as_json=as_json, lines=lines)


@app.command("list")
def list_(
    agency: Annotated[str, typer.Option("--agency", "-a", help="Your agency; `operator` sees all.")],
    as_json: AsJson = False,
) -> None:
    """List what was revoked, the newest first."""
    data, findings = asked("routing", agency, "GET", "/v1/agreements/revocations")
    lines = [line(one) for one in data["revocations"]] or ["nothing here"] if data else []
    raise answer("agreement list", data, findings, as_json=as_json, lines=lines)


def _said(path: str, whose: str, agency: str, body: dict[str, str]) -> tuple[Any, list[Finding]]:
    asks = {"agency_id": whose, **body}
    return asked("routing", agency or whose, "POST", f"/v1/agreements/{path}", json=asks)


def line(one: dict[str, Any]) -> str:
    """Say how an agreement stands, in one line."""
    stands = f"stands again since {at(one['renewed_at'])}" if one["renewed_at"] else "does not stand"
    revoked = f"revoked by {one['revoked_by_agency_id']} {at(one['revoked_at'])}"
    return f"{one['agency_id']}  {one['agreement_ref']}  {revoked}, {stands}"
