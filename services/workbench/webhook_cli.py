"""``concern-relay webhook``: where an agency's system is told that something is there for it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.workbench.calls import asked
from services.workbench.output import answer

app = typer.Typer(no_args_is_help=True, help="Where an agency's system is told that something is there for it.")

Agency = Annotated[str, typer.Option("--agency", "-a", help="The agency whose endpoint it is.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Endpoint = Annotated[str, typer.Argument(help="Id of the endpoint, as `webhook list` shows it.")]


@app.command()
def register(
    url: Annotated[str, typer.Argument(help="https://…; on a developer's machine http://127.0.0.1:… as well.")],
    agency: Agency,
    event: Annotated[list[str] | None, typer.Option(help="Only these events; all when left out.")] = None,
    test: Annotated[bool, typer.Option(help="Practice shares only; without it, real ones only.")] = False,
    as_json: AsJson = False,
) -> None:
    """Register an endpoint; its secret is shown this once."""
    body = {"url": url, "test": test, **({"events": event} if event else {})}
    data, findings = asked("routing", agency, "POST", "/v1/webhooks", json=body)
    lines = [f"endpoint {data['endpoint_id']}", f"secret   {data['secret']}", data["next"]] if data else []
    raise answer("webhook register", data, findings, as_json=as_json, lines=lines)


@app.command("list")
def list_(agency: Agency, as_json: AsJson = False) -> None:
    """List an agency's endpoints and how they do."""
    data, findings = asked("routing", agency, "GET", "/v1/webhooks")
    lines = [_line(endpoint) for endpoint in data or []]
    raise answer("webhook list", data, findings, as_json=as_json, lines=lines, nothing="none registered")


@app.command()
def verify(endpoint: Endpoint, agency: Agency, as_json: AsJson = False) -> None:
    """Send the challenge; an endpoint that answers it is enabled."""
    data, findings = asked("routing", agency, "POST", f"/v1/webhooks/{endpoint}/verify")
    raise answer("webhook verify", data, findings, as_json=as_json, lines=[_line(data)] if data else [])


@app.command()
def rotate(endpoint: Endpoint, agency: Agency, as_json: AsJson = False) -> None:
    """Give a new secret; the one before signs beside it for 24 hours."""
    data, findings = asked("routing", agency, "POST", f"/v1/webhooks/{endpoint}/rotate")
    lines = [f"secret   {data['secret']}", data["next"]] if data else []
    raise answer("webhook rotate", data, findings, as_json=as_json, lines=lines)


@app.command()
def disable(endpoint: Endpoint, agency: Agency, as_json: AsJson = False) -> None:
    """Send nothing there until it is verified again; shares go the next way."""
    data, findings = asked("routing", agency, "POST", f"/v1/webhooks/{endpoint}/disable")
    raise answer("webhook disable", data, findings, as_json=as_json, lines=[_line(data)] if data else [])


@app.command()
def replay(endpoint: Endpoint, agency: Agency, as_json: AsJson = False) -> None:
    """Send once more what was parked."""
    data, findings = asked("routing", agency, "POST", f"/v1/webhooks/{endpoint}/replay")
    lines = [f"{data['sent_again']} sent again"] if data else []
    raise answer("webhook replay", data, findings, as_json=as_json, lines=lines)


@app.command()
def remove(endpoint: Endpoint, agency: Agency, as_json: AsJson = False) -> None:
    """Forget an endpoint and what waits for it."""
    data, findings = asked("routing", agency, "DELETE", f"/v1/webhooks/{endpoint}")
    raise answer("webhook remove", data, findings, as_json=as_json, lines=[] if findings else ["removed"])


def _line(endpoint: dict[str, Any]) -> str:
    state = endpoint["state"] + (f" ({endpoint['reason']})" if endpoint["reason"] else "")
    failing = (
        f"  failing since {endpoint['failing_since']}: {endpoint['last_reason']}" if endpoint["failing_since"] else ""
    )
    counts = f"{endpoint['waiting']} waiting, {endpoint['parked']} parked"
    return f"{endpoint['endpoint_id']}  {state:<18} {counts}{failing}  {endpoint['url']}"
