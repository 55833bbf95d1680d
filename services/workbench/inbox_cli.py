"""``concern-relay inbox``: what came for an agency, and what its people did with it."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from services.workbench import by_hand_cli
from services.workbench.calls import Practice, asked
from services.workbench.output import Finding, answer
from services.workbench.share_lines import duty_lines, inbox_lines, share_lines

PAGE: Final = 200

app = typer.Typer(no_args_is_help=True, help="What came for an agency, and what its people did with it.")
app.add_typer(by_hand_cli.app, name="by-hand")

Agency = Annotated[str, typer.Option("--agency", "-a", help="The agency whose inbox it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Share = Annotated[str, typer.Argument(help="Id of the share, as `inbox list` shows it.")]
Name = Annotated[str, typer.Option("--name", help="Name of the person who acts.")]
Role = Annotated[str, typer.Option("--role", help="Role of that person, as `duty social worker`.")]


@app.command("list")
def list_(
    agency: Agency,
    state: Annotated[str, typer.Option(help="delivered, read, acknowledged or outcome; all when left out.")] = "",
    practice: Practice = False,
    as_json: AsJson = False,
) -> None:
    """List the shares in an agency's inbox, and what it has to do by a time."""
    shares, duties, findings = _pages(agency, {"test": str(practice).lower(), **({"state": state} if state else {})})
    data = None if findings else {"shares": shares, "duties": duties}
    due = list(duty_lines(duties))
    lines = [*inbox_lines(shares), *(("", *due) if shares and due else due)]
    raise answer("inbox list", data, findings, as_json=as_json, lines=lines, nothing="nothing here")


def _pages(agency: str, params: dict[str, str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Finding]]:
    """Give all of an inbox, and what is to be done: a page alone would keep what came last from whoever must answer."""
    shares: list[dict[str, Any]] = []
    duties: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = {"limit": str(PAGE), "after": str(after)}
        data, findings = asked("routing", agency, "GET", "/v1/inbox", params={**params, **page})
        if findings:
            return shares, duties, findings
        shares += data["shares"]
        duties += data.get("duties", ())
        after = data["next"]
    return shares, duties, []


@app.command()
def alarms(agency: Agency, as_json: AsJson = False) -> None:
    """List concerns that nobody had in time: telephone their senders now. Exit 1 while there are any."""
    data, findings = asked("routing", agency, "GET", "/v1/alarms")
    found = (data or {}).get("alarms", [])
    findings += [
        Finding(
            "telephone_now",
            f"{a['telephone']} raised it, nobody had it by {a['watch_ran_out_at']}",
            {"concern_id": a["concern_id"]},
        )
        for a in found
    ]
    raise answer("inbox alarms", data, findings, as_json=as_json, lines=[] if found else ["no alarm"])


@app.command()
def read(
    share: Share,
    agency: Agency,
    name: Name,
    role: Role,
    as_json: AsJson = False,
) -> None:
    """Open a share; that it was opened, and by whom, is recorded."""
    body = {"name": name, "role": role}
    data, findings = asked("routing", agency, "POST", f"/v1/inbox/{share}/read", json=body)
    raise answer("inbox read", data, findings, as_json=as_json, lines=list(share_lines(data)) if data else [])


@app.command()
def acknowledge(share: Share, agency: Agency, name: Name, role: Role, as_json: AsJson = False) -> None:
    """Acknowledge a share as a named person in the role. A machine cannot."""
    body = {"name": name, "role": role}
    data, findings = asked("routing", agency, "POST", f"/v1/inbox/{share}/acknowledge", json=body)
    raise answer("inbox acknowledge", data, findings, as_json=as_json, lines=["acknowledged"] if data else [])


@app.command()
def outcome(
    share: Share,
    agency: Agency,
    outcome: Annotated[str, typer.Argument(help="A code of /v1/codes, as referral_accepted.")],
    name: Name,
    role: Role,
    reason: Annotated[str, typer.Option(help="In words; required for no_further_action.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what was done."""
    body = {"name": name, "role": role, "outcome": outcome, "reason": reason}
    data, findings = asked("routing", agency, "POST", f"/v1/inbox/{share}/outcome", json=body)
    raise answer("inbox outcome", data, findings, as_json=as_json, lines=["recorded"] if data else [])


@app.command()
def redirect(
    share: Share,
    agency: Agency,
    to: Annotated[str, typer.Argument(help="The agency it belongs to.")],
    name: Name,
    role: Role,
    reason: Annotated[str, typer.Option(help="In words.")],
    as_json: AsJson = False,
) -> None:
    """Send a share to the right place; you stay accountable until it acknowledges."""
    body = {"name": name, "role": role, "to_agency_id": to, "reason": reason}
    data, findings = asked("routing", agency, "POST", f"/v1/inbox/{share}/redirect", json=body)
    raise answer("inbox redirect", data, findings, as_json=as_json, lines=["redirected"] if data else [])
