"""``concern-relay inbox by-hand``: what a person brings to a recipient that is on no network (practice 23)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import httpx
import typer

from services.workbench.calls import CallError, asked, local_calls
from services.workbench.output import Finding, answer

app = typer.Typer(no_args_is_help=True, help="What a person brings: calls, one-time links, print packs.")

Agency = Annotated[str, typer.Option("--agency", "-a", help="The agency that sends; or operator.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Share = Annotated[str, typer.Argument(help="Id of the share, as `inbox by-hand list` shows it.")]
Name = Annotated[str, typer.Option("--name", help="Name of the person who brings it.")]
Role = Annotated[str, typer.Option("--role", help="Role of that person.")]


@app.command("list")
def list_(agency: Agency, as_json: AsJson = False) -> None:
    """List what has to be brought: an agency's own, or all for the operator."""
    data, findings = asked("routing", agency, "GET", "/v1/by-hand")
    lines = [
        f"{share['share_id']}  {share['state']:<13} {share['urgency']:<10} to {share['recipient_agency_id']}"
        for share in (data or {}).get("shares", [])
    ]
    raise answer("inbox by-hand list", data, findings, as_json=as_json, lines=lines, nothing="nothing to bring")


@app.command()
def call(
    share: Share,
    agency: Agency,
    name: Name,
    role: Role,
    told_name: Annotated[str, typer.Option(help="Name of the person who was told.")],
    told_role: Annotated[str, typer.Option(help="Role of that person.")],
    said: Annotated[str, typer.Option(help="What was said, in words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record a call or a handing over: who told whom, and what was said. It is delivered then."""
    body = {"name": name, "role": role, "told_name": told_name, "told_role": told_role, "said": said}
    data, findings = asked("routing", agency, "POST", f"/v1/by-hand/{share}/delivered", json=body)
    raise answer("inbox by-hand call", data, findings, as_json=as_json, lines=["delivered"] if data else [])


@app.command()
def acknowledged(
    share: Share,
    agency: Agency,
    name: Annotated[str, typer.Option("--name", help="Name of the person at the recipient who took it on.")],
    role: Annotated[str, typer.Option("--role", help="Role of that person.")],
    as_json: AsJson = False,
) -> None:
    """Record that a named person at the recipient has taken it on."""
    body = {"name": name, "role": role}
    data, findings = asked("routing", agency, "POST", f"/v1/by-hand/{share}/acknowledged", json=body)
    raise answer("inbox by-hand acknowledged", data, findings, as_json=as_json, lines=["acknowledged"] if data else [])


@app.command()
def link(
    share: Share,
    agency: Agency,
    name: Name,
    role: Role,
    hours: Annotated[int, typer.Option(help="How long it lives, 1 to 72.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Make a link that opens once, and the code to tell by telephone."""
    body = {"name": name, "role": role, "hours": hours}
    data, findings = asked("routing", agency, "POST", f"/v1/by-hand/{share}/link", json=body)
    lines = [data["link"], f"code {data['code'][:3]} {data['code'][3:]}", data["next"]] if data else []
    raise answer("inbox by-hand link", data, findings, as_json=as_json, lines=lines)


@app.command()
def pack(
    share: Share,
    agency: Agency,
    name: Name,
    role: Role,
    out: Annotated[Path, typer.Option(help="HTML file to print; must not exist.")],
    as_json: AsJson = False,
) -> None:
    """Write the view for printing to a file; that you opened it is recorded."""
    findings: list[Finding] = []
    try:
        out.touch(mode=0o600, exist_ok=False)  # claimed first: nothing is opened that cannot be kept
        text = _page(agency, f"/v1/by-hand/{share}/pack", {"name": name, "role": role})
        out.write_text(text, encoding="utf-8")
    except CallError as error:
        out.unlink(missing_ok=True)
        findings.append(Finding(error.code, str(error)))
    except FileExistsError:
        findings.append(Finding("exists", f"{out} exists: name another file, or remove it"))
    lines = [] if findings else [f"{out}: print it, hand it over, record the call, remove the file"]
    raise answer("inbox by-hand pack", {"file": str(out)}, findings, as_json=as_json, lines=lines)


def _page(agency: str, path: str, body: dict[str, str]) -> str:
    calls = local_calls()
    headers = {"Authorization": f"Bearer {calls.token(agency)}"}
    try:
        response = httpx.post(calls.url("routing") + path, json=body, headers=headers, timeout=15)
    except httpx.HTTPError as error:
        raise CallError(0, "no_answer", "routing does not answer: is it running? `make run`") from error
    if response.is_success:
        return response.text
    problem = response.json()
    raise CallError(response.status_code, str(problem.get("code", "")), str(problem.get("detail", "")))
