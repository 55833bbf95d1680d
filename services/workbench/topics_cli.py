"""``concern-relay topics``: the registry against the cluster."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from services.chassis import topics
from services.workbench.onboarding import onboarded
from services.workbench.output import Finding, answer
from services.workbench.servers import ServersError, running
from services.workbench.servers.state import StateDir

app = typer.Typer(no_args_is_help=True, help="The topic registry against the cluster.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
KAFKA = frozenset({"kafka"})


@app.command()
def check(as_json: AsJson = False) -> None:
    """Say where the cluster differs from the registry; with any difference, exit 1."""
    try:
        with running(want=KAFKA) as servers:
            agencies = onboarded(StateDir.at(servers.state_dir))
            found = asyncio.run(topics.check(topics.load(), servers.kafka.connection("admin"), agencies=agencies))
    except (ServersError, topics.TopicsError) as error:
        raise answer("topics check", None, [Finding("topics", str(error))], as_json=as_json) from error
    findings = [Finding("differs", str(difference)) for difference in found]
    raise answer(
        "topics check",
        {"differences": len(found)},
        findings,
        as_json=as_json,
        lines=["as the registry says"] if not found else [],
    )


@app.command("apply")
def apply_(as_json: AsJson = False) -> None:
    """Make the cluster as the registry says; a change of partitions is refused."""
    try:
        with running(want=KAFKA) as servers:
            agencies = onboarded(StateDir.at(servers.state_dir))
            applied = asyncio.run(topics.apply(topics.load(), servers.kafka.connection("admin"), agencies=agencies))
    except (ServersError, topics.TopicsError) as error:
        raise answer("topics apply", None, [Finding("topics", str(error))], as_json=as_json) from error
    lines = ["changed" if applied.changed else "nothing to change"]
    raise answer("topics apply", {"changed": applied.changed}, as_json=as_json, lines=lines)


@app.command()
def asyncapi(
    write: Annotated[bool, typer.Option("--write", help="Write docs/asyncapi.yaml.")] = False,
    check_: Annotated[bool, typer.Option("--check", help="Say whether docs/asyncapi.yaml is current.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print the AsyncAPI document, made from the registry and the contract."""
    from services.workbench.asyncapi import PATH, document, is_current, written  # noqa: PLC0415  (slow to load)

    made = document()
    if write:
        PATH.write_text(written(made), encoding="utf-8")
    if write or check_:
        old = [] if is_current() else [Finding("not_current", "run `concern-relay topics asyncapi --write`")]
        data = {"path": str(PATH), "current": not old}
        raise answer("topics asyncapi", data, old, as_json=as_json, lines=[] if old else [f"{PATH.name} is current"])
    raise answer("topics asyncapi", made, as_json=as_json, lines=[written(made).rstrip()])
