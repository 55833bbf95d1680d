"""``concern-relay import``: the files agencies have. Twice adds nothing; what is odd is kept; nothing stops the next.

With ``--json`` the envelope comes first, and the last line is the sums alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from services.chassis.arrangement import ArrangementBook
from services.workbench.calls import CallError, local_calls
from services.workbench.imports.census.importing import (
    Header,
    Importing,
    Send,
    agency_of,
    header_of,
    opened,
    stop_reason,
)
from services.workbench.imports.census.notes import DETAILS
from services.workbench.imports.census.referral import Return
from services.workbench.imports.judging import judging
from services.workbench.imports.report import Report
from services.workbench.imports.sending import Sender
from services.workbench.imports.table.importing import Importing as TableImporting
from services.workbench.imports.table.importing import opened_rows
from services.workbench.imports.table.mapping import read_mapping
from services.workbench.imports.table.rejects import Rejects
from services.workbench.imports.unreadable import UnreadableError
from services.workbench.output import Finding, answer, on_terminal, usage

CENSUS_TOTALS: Final = ("children", "concerns", "new", "warnings", "unread")
CSV_TOTALS: Final = ("rows", "concerns", "new", "warnings", "unread")

app = typer.Typer(no_args_is_help=True, help="Import files: statutory returns, exports.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, and last the sums on a line of their own.")]
Agency = Annotated[str, typer.Option("--agency", "-a", envvar="RELAY_AGENCY", help="The agency whose file it is.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Read and judge all of it, send nothing; needs nothing running.")
]
ReportFile = Annotated[
    Path | None, typer.Option("--report", help="Write each warning and unread record to this file, one JSON a line.")
]


@app.callback()
def _verbs() -> None:
    """Import files: statutory returns, exports."""


NOBODY_TOLD: Final = (
    "NOBODY IS TOLD: these rows are history, recorded only. Where a child may be in danger now, import the file again "
    "with --live: then each row is a concern that is assessed and sent."
)
"""For whoever takes what is the default to have sent something."""


@app.command("cin-census")
def cin_census(
    file: Annotated[Path, typer.Argument(help="Children in need census, XML, layouts of 2022 to 2026.")],
    agency: Agency = "",
    dry_run: DryRun = False,
    report_file: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Import a children in need census as history: one concern a referral, sent to nobody.

    Without --agency it is recorded for the front door that serves the LEA of the header.
    """
    command = "import cin-census"
    report = Report("child")
    try:
        header = header_of(file)
    except OSError as error:
        raise usage(command, f"{file} cannot be read: {error.strerror}", as_json=as_json) from None
    except UnreadableError as error:
        report.unread(error.code, str(error), error.line, 0)
        raise _told(command, report, CENSUS_TOTALS, {"file": file.name}, as_json=as_json) from None
    whose, assumed = _whose(agency, header)
    _head_warnings(header, report, assumed=assumed)
    of = Return(header.lea or "unknown", header.gss)
    with ExitStack() as stack:
        if report_file is not None:
            _report_to(report, report_file, command, as_json=as_json)
            stack.callback(report.close)
        stream = stack.enter_context(opened(file))
        progress = stack.enter_context(_progress(file, quiet=as_json))
        with _sending(whose, report, dry_run=dry_run, lane="bulk") as send:
            Importing(report, send, of, progress).run(stream)
    if not report.counts["children"] and not report.findings:
        report.findings.append(Finding("empty", "the census holds no child"))
    data = {"file": file.name, "agency": whose, "lea": header.lea, "dry_run": dry_run}
    raise _told(command, report, CENSUS_TOTALS, data, as_json=as_json)


@app.command("csv")
def csv_(
    file: Annotated[Path, typer.Argument(help="CSV with headings, any delimiter.")],
    mapping_file: Annotated[Path, typer.Option("--mapping", "-m", help="YAML: which column is which field.")],
    agency: Agency = "",
    live: Annotated[
        bool,
        typer.Option(
            "--live/--history",
            help="Live: every row is a concern that is sent on. History, if not said: recorded only, NOBODY is told.",
        ),
    ] = False,
    dry_run: DryRun = False,
    report_file: ReportFile = None,
    as_json: AsJson = False,
) -> None:
    """Import a CSV export by a mapping file; rows that are not taken are kept in FILE.rejected.csv."""
    command = "import csv"
    report = Report("row")
    try:
        mapping = read_mapping(mapping_file)
    except (OSError, UnreadableError) as error:
        why = error if isinstance(error, UnreadableError) else error.strerror
        raise usage(command, f"{mapping_file.name}: {why}", as_json=as_json) from None
    whose = agency or mapping.agency
    if not (whose or dry_run or "RELAY_TOKEN" in os.environ):
        raise usage(command, "say whose file it is: --agency, or `agency` in the mapping", as_json=as_json)
    rejects: Rejects | None = None
    with ExitStack() as stack:
        if report_file is not None:
            _report_to(report, report_file, command, as_json=as_json)
            stack.callback(report.close)
        try:
            stream = stack.enter_context(opened(file))
            rows = opened_rows(stream, mapping)
        except OSError as error:
            raise usage(command, f"{file} cannot be read: {error.strerror}", as_json=as_json) from None
        except UnreadableError as error:
            report.unread(error.code, str(error), error.line, 0)
        else:
            rejects = stack.enter_context(Rejects(file, rows.headings, rows.delimiter, keep=not dry_run))
            progress = stack.enter_context(_progress(file, quiet=as_json))
            with _sending(whose, report, dry_run=dry_run, lane="bulk") as send:
                TableImporting(report, send, mapping, not live, progress).run(rows, rejects, stream)
    if not report.counts["rows"] and not report.findings:
        report.findings.append(Finding("empty", "the file holds no row under its headings"))
    kept = rejects.path.name if rejects is not None and rejects.count and not dry_run else None
    data = {"file": file.name, "agency": whose, "live": live, "dry_run": dry_run, "rejected_file": kept}
    if not live:
        data["notice"] = NOBODY_TOLD
    raise _told(command, report, CSV_TOTALS, data, as_json=as_json)


def _whose(agency: str, header: Header) -> tuple[str, str]:
    """Give the agency, and the code of a warning where that was not certain."""
    book = ArrangementBook.load()
    today = datetime.now(UTC).date()
    found, serves = agency_of(header.gss, book, today)
    if not agency:
        if "RELAY_TOKEN" in os.environ:
            return "", ""
        return found, "" if serves else "agency_assumed"
    named = book.on(today).agency(agency)
    fits = named is None or not header.gss or header.gss in named.areas
    return agency, "" if fits else "lea_not_of_agency"


def _head_warnings(header: Header, report: Report, *, assumed: str) -> None:
    for code in (
        *([assumed] if assumed else ()),
        *(["header_missing"] if not header.lea else ()),
        *(["collection_not_cin"] if header.collection.upper() != "CIN" else ()),
    ):
        report.warned(code, DETAILS[code], 1, 0)


@contextmanager
def _sending(agency: str, report: Report, *, dry_run: bool, lane: str) -> Iterator[Send]:
    """Give what sends; leaving waits for every answer, and notes where intake could not be reached."""
    if dry_run:
        yield judging(datetime.now(UTC).date())
        return
    calls = local_calls()
    try:
        calls.url("intake")
        calls.token(agency)
    except CallError as error:
        report.stopped = True
        report.findings.append(Finding(error.code, f"{error}. Nothing was sent; --dry-run reads the file without it"))
        yield lambda *_: False
        return
    with Sender(calls, agency, lane) as sender:
        yield sender.send
    if sender.stopped is not None:
        report.stopped = True
        report.findings.append(Finding(sender.stopped.code, stop_reason(sender.stopped)))


def _report_to(report: Report, path: Path, command: str, *, as_json: bool) -> None:
    try:
        report.write_to(path)
    except OSError as error:
        raise usage(command, f"{path} cannot be written: {error.strerror}", as_json=as_json) from None


@contextmanager
def _progress(file: Path, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=quiet or not on_terminal()) as bars:
        task = bars.add_task(f"importing {file.name}", total=file.stat().st_size)
        yield lambda read: bars.update(task, completed=read)


def _told(command: str, report: Report, names: tuple[str, ...], data: dict[str, Any], *, as_json: bool) -> typer.Exit:
    """Print the answer, and with ``--json`` the sums on a last line."""
    totals = report.totals(*names)
    more = report.totals("corrected", "repeated")
    said = {**data, **totals, **more, "stopped": report.stopped, "by_code": report.warnings()}
    head = " ".join(f"{totals[name]} {name}" for name in names[:1])
    exit_ = answer(
        command,
        said,
        report.findings,
        as_json=as_json,
        lines=[
            *(f"{head}, {line}" if not n else line for n, line in enumerate(report.lines())),
            *([data["notice"]] if "notice" in data else []),
        ],
    )
    if as_json:
        typer.echo(json.dumps(totals))
    return exit_
