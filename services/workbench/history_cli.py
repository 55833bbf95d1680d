"""``concern-relay history``: replay, explain, look back, export. From what is recorded, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from concern_relay.v1.assessments_pb2 import BasisAssessed
from services.audit import history
from services.audit.journey import Journey
from services.audit.journey_json import in_full
from services.audit.journeys import journey_of
from services.audit.known import disclosures, known
from services.audit.known_telling import disclosure_dict, disclosure_lines, known_dict, known_lines
from services.basis_assessment.explain import Explanation
from services.basis_assessment.explain import explain as explain_basis
from services.basis_assessment.pack_document import read_book
from services.chassis.envelope import Event
from services.chassis.errors import RelayError
from services.chassis.event import Fact
from services.chassis.journal import opened, sealed_parts
from services.chassis.keys import Key
from services.workbench.output import Finding, answer, on_terminal, usage
from services.workbench.replay.check import PURPOSE, Access, check_all, check_histories, check_one
from services.workbench.replay.engine import GRACE
from services.workbench.replay.finding import Tally
from services.workbench.replay.reach import DEPLOY, Reach, reached, why
from services.workbench.replay.source import from_kafka
from services.workbench.replay.telling import told
from services.workbench.replay.wiring import wire
from services.workbench.servers import ServersError

app = typer.Typer(no_args_is_help=True, help="What is recorded: replayed, explained, looked back at, exported.")

FINDINGS_SHOWN: Final = 200
WORKERS_MAX: Final = 64
#: Why content is opened for somebody who looks back: the vault keeps it with each opening.
PURPOSES: Final = ("inquiry", "practice_review", "subject_access", "audit")
UNAVAILABLE: Final = (ServersError, RelayError, OSError, asyncpg.PostgresError)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Concern = Annotated[str, typer.Argument(help="Id of a concern.")]
Recorded = list[tuple[int, Event]]


@app.command()
def replay(
    check: Annotated[bool, typer.Option("--check", help="Exit 1 if anything comes out otherwise.")] = False,
    concern: Annotated[str, typer.Option(help="Only this concern.")] = "",
    source: Annotated[str, typer.Option("--from", help="database, or kafka: the topics themselves.")] = "database",
    workers: Annotated[int, typer.Option(min=1, max=WORKERS_MAX, help="Processes.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Run the services' cores over recorded history; every recorded effect must come out again, and nothing else."""
    name = "history replay"
    if source not in ("database", "kafka") or (source == "kafka" and concern):
        raise usage(name, "--from is database or kafka; --concern goes with database", as_json=as_json)
    only = _concern(name, concern, as_json) if concern else None
    try:
        with reached(broker=source == "kafka", quiet=as_json) as reach:
            grace = GRACE if reach.services_run else timedelta()
            if source == "kafka":
                tally = asyncio.run(_replayed_from_kafka(reach, grace))
            elif only is not None:
                tally = check_one(reach.access, only, grace=grace)
            else:
                with _bar(quiet=as_json) as moved:
                    tally = check_all(reach.access, grace=grace, workers=workers, told=moved)
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    if only is not None and not tally.concerns:
        raise answer(name, None, [Finding("unknown_concern", "nothing is recorded of it")], as_json=as_json)
    counts = tally.counts() | {"findings": len(tally.findings)}
    lines = [
        f"{tally.concerns} concerns, {tally.events} events: {tally.same} of {tally.effects} effects decided the same",
        f"{tally.tombstones} parts open for nobody any more, {tally.unverifiable} effects rest on such",
        f"{tally.pending} effects are not recorded yet",
    ]
    closing = answer(name, counts, _shown(tally), as_json=as_json, lines=lines)
    raise closing if check else typer.Exit(0)


@app.command()
def explain(concern_id: Concern, as_json: AsJson = False) -> None:
    """Tell what happened to a concern, and why: clause by clause, under the law of the day. Holds no content."""
    name = "history explain"
    events = _recorded(name, concern_id, as_json)
    journey = journey_of(concern_id, events)
    laws = read_book(DEPLOY / "law")
    explained = [explain_basis(laws, e.data) for _, e in events if isinstance(e.data, BasisAssessed)]
    data = {"journey": in_full(journey), "assessments": [one.as_dict() for one in explained]}
    findings = [Finding(f.code, f.detail) for one in explained for f in one.findings]
    raise answer(name, data, findings, as_json=as_json, lines=list(_told_with_reasons(journey, explained)))


@app.command("as-of")
def as_of(
    concern_id: Concern,
    time: Annotated[str, typer.Argument(help="A moment with its zone, as 2026-03-02T09:00Z.")],
    agency: Annotated[
        list[str],
        typer.Option("--agency", "-a", help="What this agency knew, from what was sent to it; may be repeated."),
    ] = [],  # noqa: B006  (typer reads it)
    purpose: Annotated[
        str, typer.Option(help=f"Open the content, which the vault records: {', '.join(PURPOSES)}.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Tell what was known of a concern, and who had been told, at a moment, by recorded time.

    Holds no content, unless a purpose is given with an agency.
    """
    name = "history as-of"
    if purpose and (purpose not in PURPOSES or not agency):
        raise usage(name, f"--purpose goes with --agency and is one of: {', '.join(PURPOSES)}", as_json=as_json)
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901  (has no zone, which is refused next)
    if moment.tzinfo is None:
        raise usage(name, "give the moment with its zone, as 2026-03-02T09:00Z", as_json=as_json)
    if agency:
        facts = _facts(name, concern_id, purpose, as_json)
        each = [known(facts, one, moment) for one in agency]
        data = {"as_of": moment.isoformat(), "known": [known_dict(one, opened=bool(purpose)) for one in each]}
        shown = [line for one in each for line in known_lines(one, opened=bool(purpose))]
        raise answer(name, data, as_json=as_json, lines=shown)
    journey = journey_of(concern_id, _recorded(name, concern_id, as_json), moment)
    lines = [f"As of {moment.isoformat()}:", *told(journey)]
    raise answer(name, {"as_of": moment.isoformat(), **in_full(journey)}, as_json=as_json, lines=lines)


@app.command("disclosures")
def disclosures_(
    concern_id: Concern,
    agency: Annotated[str, typer.Option("--agency", "-a", help="Only those to this agency.")] = "",
    as_json: AsJson = False,
) -> None:
    """List every disclosure of a concern: controller, recipient, rule, law, and what became of it. No content."""
    name = "history disclosures"
    found = disclosures(_facts(name, concern_id, "", as_json), datetime.max.replace(tzinfo=UTC))
    wanted = [one for one in found if agency in ("", one.recipient_agency_id)]
    lines = [line for one in wanted for line in disclosure_lines(one)]
    data = {"disclosures": [disclosure_dict(one) for one in wanted]}
    raise answer(name, data, as_json=as_json, lines=lines, nothing="nobody was told")


@app.command()
def export(
    concern_id: Concern,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Export what is recorded of a concern, one event a line: ids, times and codes, sealed parts counted."""
    name = "history export"
    steps = in_full(journey_of(concern_id, _recorded(name, concern_id, as_json)))["events"]
    lines = [json.dumps(step, ensure_ascii=False, default=str) for step in steps]
    if output is not None:
        output.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        lines = [f"{len(steps)} events written to {output}"]
    data = {"events": steps} if output is None else {"events": len(steps), "file": str(output)}
    raise answer(name, data, as_json=as_json, lines=lines)


def _shown(tally: Tally) -> list[Finding]:
    shown = [
        Finding(
            f.code.value,
            f.words,
            {"service": f.service, "concern_id": f.concern_id, "event_id": f.event_id, "path": f.path},
        )
        for f in tally.findings[:FINDINGS_SHOWN]
    ]
    if (more := len(tally.findings) - len(shown)) > 0:
        shown.append(Finding("more", f"{more} more findings; replay one concern to see all of its own"))
    return shown


def _told_with_reasons(journey: Journey, explained: list[Explanation]) -> Iterator[str]:
    yield from told(journey)
    for one in explained:
        yield ""
        yield from one.lines()


def _recorded(name: str, concern_id: str, as_json: bool) -> Recorded:
    """Give everything recorded of a concern, or end the command saying why not."""
    wanted = _concern(name, concern_id, as_json)
    try:
        with reached(quiet=as_json) as reach:
            found = asyncio.run(_events(reach.access, wanted))
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    if not found:
        raise answer(name, None, [Finding("unknown_concern", "nothing is recorded of it")], as_json=as_json)
    return found


def _facts(name: str, concern_id: str, purpose: str, as_json: bool) -> list[Fact]:
    """Give the recorded events as facts; opened where a purpose is given, which the vault records."""
    events = [event for _, event in _recorded(name, concern_id, as_json)]
    if not purpose:
        return [opened(event, {}) for event in events]
    try:
        with reached(quiet=as_json) as reach:
            found = asyncio.run(_keys(reach.access, events, f"as_of_{purpose}"))
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    return [opened(event, found) for event in events]


async def _keys(access: Access, events: list[Event], purpose: str) -> dict[str, Key]:
    async with access.keys() as keys:
        wanted = {part.key_id for event in events for part in sealed_parts(event.data)}
        return await keys.open(wanted, purpose=purpose) if wanted else {}


def _concern(name: str, text: str, as_json: bool) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise usage(name, "a concern id looks like 7771a82d-7eba-8022-…", as_json=as_json) from None


async def _events(access: Access, concern_id: UUID) -> Recorded:
    connection = await access.connect()
    try:
        return (await history.events_of(connection, [concern_id]))[str(concern_id)]
    finally:
        await connection.close(timeout=10)


async def _replayed_from_kafka(reach: Reach, grace: timedelta) -> Tally:
    async with reach.access.keys() as keys:
        histories = from_kafka(reach.settings, reach.charter, keys, purpose=PURPOSE)
        return await check_histories(histories, wire(DEPLOY), grace)


@contextmanager
def _bar(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=quiet or not on_terminal()) as bars:
        task: Any = bars.add_task("slices of the concerns replayed", total=None)
        yield lambda done, of: bars.update(task, completed=done, total=of)
