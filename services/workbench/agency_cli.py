"""``concern-relay agency``: let an agency in, renew its secrets, let it go."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from concern_relay_client import RelayError as ClientError
from services.chassis.errors import RelayError
from services.chassis.settings import REPOSITORY
from services.workbench import onboarding
from services.workbench.calls import Calls, local_calls
from services.workbench.output import Finding, answer, usage
from services.workbench.practice_message import practise
from services.workbench.servers import ServersError, running
from services.workbench.servers.state import StateDir

app = typer.Typer(no_args_is_help=True, help="Agencies that send and receive: let in, renewed, let go.")

KAFKA: Final = frozenset({"kafka"})
Ids = Annotated[list[str], typer.Argument(help="Agency ids of an arrangement; or sandbox-… for a supplier's.")]
Id = Annotated[str, typer.Argument(help="Agency id.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Arrangements = Annotated[Path, typer.Option(help="Folder of arrangements; a later-published one counts at once.")]
ARRANGEMENTS: Final = REPOSITORY / "deploy" / "arrangements"


@app.command()
def add(
    agencies: Ids,
    message: Annotated[bool, typer.Option(help="Send a practice message and wait for its acknowledgement.")] = True,
    arrangements: Arrangements = ARRANGEMENTS,
    as_json: AsJson = False,
) -> None:
    """Give agencies their login, topics, access rules, token and a practice message; again changes nothing."""
    _each("agency add", agencies, arrangements, onboarding.let_in, message=message, as_json=as_json)


@app.command()
def rotate(agencies: Ids, message: bool = True, as_json: AsJson = False) -> None:
    """Give agencies a new Kafka password and token; those before hold no longer."""
    _each("agency rotate", agencies, None, onboarding.renew, message=message, as_json=as_json)


@app.command()
def remove(
    agency: Id,
    purge: Annotated[bool, typer.Option("--purge", help="Delete its topics too, and what lies there unread.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take an agency's login, access rules and tokens away. What it raised stays; its topics run out by themselves."""
    command = "agency remove"
    try:
        with running(want=KAFKA) as servers:
            state = StateDir.at(servers.state_dir)
            if agency not in onboarding.onboarded(state) and not purge:
                raise answer(command, None, [_not_in(agency)], as_json=as_json)
            done = onboarding.let_go(servers, state, agency, purge=purge)
    except (ServersError, RelayError) as error:
        raise answer(command, None, [Finding("not_done", str(error))], as_json=as_json) from error
    raise answer(
        command, {"agency": agency, "removed": done}, as_json=as_json, lines=[f"{agency}: {', '.join(done)} removed"]
    )


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the agencies that are in."""
    state = StateDir.at(local_calls().tokens.parent)
    rows = [{"agency": name, **row} for name, row in sorted(state.read(onboarding.FILE).items())]
    lines = [f"{row['agency']:<32} since {row['since']}" for row in rows] or ["nobody was let in: agency add"]
    raise answer("agency list", {"agencies": rows}, as_json=as_json, lines=lines)


@app.command()
def show(agency: Id, as_json: AsJson = False) -> None:
    """Show what an agency has; its secrets are in the file named."""
    told = onboarding.told_of(StateDir.at(local_calls().tokens.parent), agency)
    if told is None:
        raise answer("agency show", None, [_not_in(agency)], as_json=as_json)
    raise answer("agency show", told, as_json=as_json, lines=[f"{name}: {value}" for name, value in told.items()])


def _each(
    command: str, agencies: list[str], arrangements: Path | None, act: onboarding.Act, *, message: bool, as_json: bool
) -> None:
    findings: list[Finding] = []
    rows: list[dict[str, object]] = []
    calls = local_calls()
    unknown = [each for each in agencies if arrangements is not None and not onboarding.known(each, arrangements)]
    if unknown:
        detail = f"in no arrangement: {', '.join(unknown)}; add them to one, or use an id that begins with sandbox-"
        raise usage(command, detail, as_json=as_json)
    try:
        with running(want=KAFKA) as servers:
            state = StateDir.at(servers.state_dir)
            for agency in agencies:
                if arrangements is None and agency not in onboarding.onboarded(state):
                    findings.append(_not_in(agency))
                    continue
                done = act(servers, state, agency, calls.urls.get("intake", ""))
                rows.append({"agency": agency, "changed": done.changed, "handover": str(done.handover)})
                if message:
                    rows[-1]["message"] = _practised(done, calls, findings)
    except (ServersError, RelayError) as error:
        findings.append(Finding("not_done", str(error)))
    lines = [f"{r['agency']}: {', '.join(r['changed']) or 'nothing to change'}; {r['handover']}" for r in rows]  # type: ignore[arg-type]
    raise answer(command, {"agencies": rows}, findings, as_json=as_json, lines=lines)


def _practised(done: onboarding.Letting, calls: Calls, findings: list[Finding]) -> dict[str, object] | None:
    where = {"agency": done.agency_id}
    if "intake" not in calls.urls:
        findings.append(Finding("not_running", "no practice message: start the house, then the same again", where))
        return None
    if "token_file" not in done.told and "RELAY_TOKEN" not in os.environ:
        findings.append(Finding("no_token", "no practice message: give a token of the issuer in RELAY_TOKEN", where))
        return None
    try:
        found = practise(done.told, calls)
    except (ClientError, OSError) as error:
        findings.append(Finding("message_refused", str(error), where))
        return None
    if found.state == "received":
        findings.append(Finding("not_acknowledged", "nobody acknowledged the practice message in time", where))
    if not found.over_kafka:
        findings.append(Finding("two_doors", "the same reference over Kafka was another concern", where))
    return found.as_json()


def _not_in(agency: str) -> Finding:
    return Finding("not_in", f"{agency} was not let in: `concern-relay agency add {agency}`")
