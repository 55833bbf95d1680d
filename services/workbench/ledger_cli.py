"""``concern-relay ledger``: verify, prove, export, rebuild. Works on what runs here, on a file, or on another audit."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final
from uuid import UUID

import asyncpg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.audit import store
from services.audit.ledger import NotInLedger, NotYetSigned, snapshot
from services.audit.rebuild import LedgerInUse, Rebuilt, rebuild
from services.audit.verify import Kind, Report, Unusable
from services.audit.verify import verify as verify_export
from services.chassis.clock import SystemClock
from services.chassis.errors import RelayError
from services.workbench.ledger_given import Given, NotUsable, given
from services.workbench.ledger_source import (
    Counted,
    Export,
    SourceError,
    exported,
    from_file,
    of_database,
    of_http,
    streamed,
)
from services.workbench.output import Finding, answer, on_terminal, usage
from services.workbench.replay.reach import Reach, reached, why
from services.workbench.servers import ServersError
from services.workbench.servers.state import chosen

app = typer.Typer(no_args_is_help=True, help="The ledger: every record of history, provable offline.")

#: Records that wait longer than this for a signature are a finding.
UNSIGNED_FOR: Final = timedelta(minutes=5)
STATEMENT_DEADLINE_S: Final = 60.0
UNAVAILABLE: Final = (SourceError, ServersError, RelayError, OSError, asyncpg.PostgresError)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead of to standard output.")]
Keys = Annotated[list[str] | None, typer.Option("--key", help="Verifier key of the ledger, or a file of them.")]
ReceiptKeys = Annotated[
    list[str] | None, typer.Option("--receipt-key", help="Verifier key of receipts, or a file of them.")
]
Receipts = Annotated[
    list[Path] | None, typer.Option("--receipt", help="Receipt of a 202 (JSON): its record must be there.")
]
Held = Annotated[list[Path] | None, typer.Option("--held", help="Checkpoint kept from earlier: it must still hold.")]


@app.command()
def verify(
    file: Annotated[Path | None, typer.Option(help="An export file, instead of what runs here.")] = None,
    url: Annotated[str, typer.Option(help="A running audit, instead of what runs here.")] = "",
    key: Keys = None,
    receipt: Receipts = None,
    receipt_key: ReceiptKeys = None,
    held: Held = None,
    as_json: AsJson = False,
) -> None:
    """Verify offline: records, order, roots, signatures; with what you hold, that nothing is missing or rewritten."""
    name = "ledger verify"
    try:
        against = given(chosen(), key or (), receipt or (), receipt_key or (), held or ())
        report = _verified(file, url, against, quiet=as_json)
    except (NotUsable, Unusable) as error:
        raise usage(name, str(error), as_json=as_json) from error
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    findings = [Finding(f.kind.value, f.message, {"index": f.index, "line": f.line}) for f in report.findings]
    data = {
        "source": str(file or url or "database"), "origin": report.origin, "records": report.records,
        "batches": report.batches, "checkpoints": report.checkpoints, "signed": report.signed,
        "root": report.root.hex(), "receipts": report.receipts, "complete": report.complete,
        "first_bad_index": report.first_bad_index,
    }  # fmt: skip
    lines = [
        f"{report.origin}: {report.records} records in {report.batches} batches",
        f"{report.signed} of them under {report.checkpoints} checkpoints, {report.receipts} receipts honoured",
    ]
    raise answer(name, data, findings, as_json=as_json, lines=lines)


@app.command()
def prove(
    event_id: Annotated[str, typer.Argument(help="Id of an event, as a receipt or a journey names it.")],
    output: Output = None,
    as_json: AsJson = False,
) -> None:
    """Prove that an event is in the ledger: a C2SP tlog-proof, checked offline with the record and the public key."""
    name = "ledger prove"
    try:
        wanted = UUID(event_id)
    except ValueError:
        raise usage(name, "an event id looks like 7771a82d-7eba-5022-…", as_json=as_json) from None
    try:
        with reached(quiet=as_json) as reach:
            proof = asyncio.run(_proof(reach, wanted))
    except (NotInLedger, NotYetSigned) as error:
        raise answer(name, None, [Finding(_code(error), str(error))], as_json=as_json) from error
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    if output is not None:
        output.write_bytes(proof)
    data = {"event_id": str(wanted), "proof": proof.decode(), "file": str(output or "")}
    raise answer(name, data, as_json=as_json, lines=[f"written to {output}" if output else proof.decode().rstrip()])


@app.command()
def export(output: Output = None, as_json: AsJson = False) -> None:
    """Export every record up to the newest checkpoint, for somebody else to verify."""
    name = "ledger export"
    if output is None and (as_json or sys.stdout.isatty()):
        raise usage(name, "say where to: --output FILE, or redirect standard output", as_json=as_json)
    try:
        with reached(quiet=as_json) as reach, _bar("exported", reach, quiet=as_json) as told:
            source = of_database(reach.access.audit_url, reach.charter.origin, unsigned=False)
            with output.open("wb") if output else os.fdopen(os.dup(1), "wb") as out:
                asyncio.run(_copy(source, out, told))
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    if output is not None:
        raise answer(name, {"file": str(output)}, as_json=as_json, lines=[f"written to {output}"])


@app.command("rebuild")
def rebuild_(
    check: Annotated[bool, typer.Option("--check", help="Only compare; change nothing. Audit may run.")] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild the audit database from Kafka alone, to the same root; where it differs, the index is told."""
    name = "ledger rebuild"
    try:
        with reached(broker=True, quiet=as_json) as reach:
            found = asyncio.run(_rebuilt(reach, replacing=not check, quiet=as_json))
    except LedgerInUse as error:
        raise usage(name, str(error), as_json=as_json) from error
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    findings = [Finding(d.code, d.message, {"index": d.index}) for d in found.differences]
    done = found.followed
    data = {
        "records": done.records, "batches": done.batches, "checkpoints": done.checkpoints, "root": found.root.hex(),
        "replaced": found.replaced,
    }  # fmt: skip
    lines = [f"{done.records} records in {done.batches} batches from Kafka; root {found.root.hex()}"]
    raise answer(name, data, findings, as_json=as_json, lines=lines)


@app.command("findings")
def findings_(as_json: AsJson = False) -> None:
    """List what the recorder found and nobody has settled: gaps, rewritten or cut back partitions, id conflicts."""
    name = "ledger findings"
    try:
        with reached(quiet=as_json) as reach:
            rows = asyncio.run(_findings(reach))
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    found = [
        Finding(r["kind"], f"{r['topic']}/{r['partition']} offsets {r['first_offset']} to {r['last_offset']}", r)
        for r in rows
    ]
    raise answer(name, {"findings": len(found)}, found, as_json=as_json, lines=[] if found else ["none"])


@app.command()
def settle(
    kind: Annotated[str, typer.Argument(help="Kind, as `ledger findings` shows it.")],
    topic: str,
    partition: int,
    first_offset: int,
    because: Annotated[str, typer.Option(help="What was found out, for the record.")],
    as_json: AsJson = False,
) -> None:
    """Settle a finding that somebody has looked into; it stays on record, and audit is well again."""
    name = "ledger settle"
    try:
        with reached(quiet=as_json) as reach:
            done = asyncio.run(_settled(reach, (kind, topic, partition, first_offset), because))
    except UNAVAILABLE as error:
        raise answer(name, None, [Finding("unavailable", why(error))], as_json=as_json) from error
    if not done:
        raise usage(name, "there is no such open finding; see `ledger findings`", as_json=as_json)
    raise answer(name, {"settled": True}, as_json=as_json, lines=["settled"])


def _verified(file: Path | None, url: str, against: Given, *, quiet: bool) -> Report:
    if file is not None:
        with from_file(file) as stream:
            return _report(stream, against)
    if url:
        with streamed(of_http(url, os.environ.get("RELAY_TOKEN", ""))) as stream:
            return _report(stream, against)
    with reached(quiet=quiet) as reach, _bar("verified", reach, quiet=quiet) as told:
        with exported(reach.access.audit_url, reach.charter.origin, told) as stream:
            report = _report(stream, against)
        return asyncio.run(_without_the_newest(reach, report))


def _report(stream: BinaryIO, against: Given) -> Report:
    return verify_export(
        stream, against.keys, receipts=against.receipts, receipt_keys=against.receipt_keys, held=against.held
    )


async def _without_the_newest(reach: Reach, report: Report) -> Report:
    """Leave out that the newest records are not signed yet, while they are only minutes old: ``signed`` tells it."""
    async with _connected(reach) as connection:
        since = await connection.fetchval(
            "SELECT e.recorded FROM batch b JOIN entry e USING (event_id) WHERE b.first_index >= $1 "
            "ORDER BY b.first_index LIMIT 1",
            report.signed,
        )
    if since is None or datetime.now(UTC) - since > UNSIGNED_FOR:
        return report
    kept = tuple(f for f in report.findings if f.kind is not Kind.UNSIGNED)
    return replace(report, findings=kept)


@asynccontextmanager
async def _connected(reach: Reach) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(
        reach.access.audit_url, timeout=STATEMENT_DEADLINE_S, command_timeout=STATEMENT_DEADLINE_S
    )
    try:
        yield connection
    finally:
        await connection.close(timeout=STATEMENT_DEADLINE_S)


async def _proof(reach: Reach, event_id: UUID) -> bytes:
    async with _connected(reach) as connection, snapshot(connection) as ledger:
        return (await ledger.proof(event_id)).to_bytes()


async def _findings(reach: Reach) -> list[dict[str, Any]]:
    async with _connected(reach) as connection, snapshot(connection) as ledger:
        return await ledger.findings()


async def _size(reach: Reach) -> int:
    async with _connected(reach) as connection, snapshot(connection) as ledger:
        return await ledger.size()


async def _settled(reach: Reach, which: Sequence[Any], because: str) -> bool:
    async with _connected(reach) as connection:
        return await store.settle(connection, which, because, datetime.now(UTC))


async def _rebuilt(reach: Reach, *, replacing: bool, quiet: bool) -> Rebuilt:
    async with _connected(reach) as connection:
        with _progress(quiet=quiet) as bars:
            task = bars.add_task("announcements followed", total=None)
            return await rebuild(
                connection, reach.settings, reach.charter, SystemClock(), replace=replacing,
                progress=lambda done, of: bars.update(task, completed=done, total=of),
            )  # fmt: skip


async def _copy(source: Export, out: BinaryIO, told: Counted) -> None:
    async for chunk in source():
        out.write(chunk)
        told(chunk.count(b"\n"))


def _progress(*, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), disable=quiet or not on_terminal())


@contextmanager
def _bar(what: str, reach: Reach, *, quiet: bool) -> Iterator[Counted]:
    """Show on a terminal how many records went by; every line but a few is a record."""
    with _progress(quiet=quiet) as bars:
        task = bars.add_task(f"records {what}", total=asyncio.run(_size(reach)))
        yield lambda lines: bars.advance(task, lines)


def _code(error: NotInLedger | NotYetSigned) -> str:
    return "not_in_ledger" if isinstance(error, NotInLedger) else "not_yet_signed"
