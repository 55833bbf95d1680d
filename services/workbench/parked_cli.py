"""``concern-relay parked``: records a service could not take."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.workbench.calls import CallError, local_calls
from services.workbench.output import Finding, answer, usage

app = typer.Typer(no_args_is_help=True, help="Records a service could not take: nothing of them is lost.")

CONSUMERS = ("intake", "basis_assessment", "routing")
OPERATOR = "operator"
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Consumer = Annotated[str, typer.Option("--consumer", "-c", help=f"One of {', '.join(CONSUMERS)}; all when left out.")]
Id = Annotated[str, typer.Argument(help="Id, as `parked list` shows it.")]


def _services(consumer: str) -> tuple[str, ...]:
    return (consumer,) if consumer else CONSUMERS


@app.command("list")
def list_(consumer: Consumer = "", state: str = "parked", as_json: AsJson = False) -> None:
    """List parked records; with any, exit 1."""
    if consumer and consumer not in CONSUMERS:
        raise usage("parked list", f"--consumer is one of {', '.join(CONSUMERS)}", as_json=as_json)
    found: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for service in _services(consumer):
        try:
            answer_ = local_calls()(service, "GET", "/v1/parked", agency=OPERATOR, params={"state": state})
        except CallError as error:
            findings.append(Finding(error.code, str(error), {"consumer": service}))
            continue
        found += [{"consumer": service, **p} for p in answer_["parked"]]
    if state == "parked":
        findings += [
            Finding(
                "parked",
                f"{p['reason']} at {p['topic']}/{p['partition']}/{p['kafka_offset']}",
                {"parked_id": p["parked_id"]},
            )
            for p in found
        ]
    lines = [f"{p['parked_id']}  {p['consumer']:<17} {p['reason']:<16} {p['event_type'] or '?'}" for p in found]
    raise answer("parked list", {"parked": found}, findings, as_json=as_json, lines=lines, nothing="nothing is parked")


def _one(
    command: str, method: str, path: str, consumer: str, as_json: bool, agency: str = OPERATOR, **options: Any
) -> typer.Exit:
    last: CallError | None = None
    for service in _services(consumer):
        try:
            data = local_calls()(service, method, path, agency=agency, **options)
        except CallError as error:
            if error.status != 404:
                return answer(command, None, [Finding(error.code, str(error))], as_json=as_json)
            last = error
            continue
        lines = [f"{key}: {value}" for key, value in data.items()]
        return answer(command, {"consumer": service, **data}, as_json=as_json, lines=lines)
    detail = str(last) if last else "no such parked record"
    return answer(command, None, [Finding("unknown_parked_record", detail)], as_json=as_json)


@app.command()
def show(parked_id: Id, consumer: Consumer = "", as_json: AsJson = False) -> None:
    """Show one: where it came from and why it is parked, never its content."""
    raise _one("parked show", "GET", f"/v1/parked/{parked_id}", consumer, as_json)


@app.command()
def replay(parked_id: Id, consumer: Consumer = "", as_json: AsJson = False) -> None:
    """Take it, and what waits behind it, again."""
    raise _one("parked replay", "POST", f"/v1/parked/{parked_id}/replay", consumer, as_json)


@app.command()
def discard(
    parked_id: Id,
    reason: Annotated[str, typer.Option(help="Why.")],
    agency: Annotated[str, typer.Option("--agency", "-a", help="The sending agency, for a concern.")] = OPERATOR,
    consumer: Consumer = "",
    as_json: AsJson = False,
) -> None:
    """Give it up, on the record. A concern only its sender's practitioner may give up."""
    path, body = f"/v1/parked/{parked_id}/discard", {"reason": reason}
    raise _one("parked discard", "POST", path, consumer, as_json, agency=agency, json=body)
