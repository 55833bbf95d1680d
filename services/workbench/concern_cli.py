"""``concern-relay concern``: raise concerns from JSON or NDJSON, see where they stand, list an agency's own.

A file sent twice adds nothing. Each line is answered by itself: one that is refused is named with its number and what
to do, and does not stop the next.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.workbench import follow_up_cli
from services.workbench.calls import CallError, Calls, local_calls
from services.workbench.concern_lines import journey_lines, status_lines
from services.workbench.output import Finding, answer, on_terminal, usage
from services.workbench.share_lines import duty_lines
from services.workbench.submission_files import NotRead, documents

ATTEMPTS_MAX: Final = 4
PAUSE_S: Final = 0.5
RETRY_AFTER_MAX_S: Final = 60.0
SHOWN_MAX: Final = 1000
"""Answers and findings kept for the end; beyond that only counted, so that memory does not grow with the file."""
PASSING: Final = frozenset({0, 429, 503})
"""What may pass: no answer, too many, not ready. A resend is harmless."""

app = typer.Typer(no_args_is_help=True, help="Raise concerns, follow them up, see where they stand.")
follow_up_cli.register(app)

Agency = Annotated[
    str, typer.Option("--agency", "-a", envvar="RELAY_AGENCY", help="The agency that acts; a line may name its own.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@dataclass
class _Raised:
    """What became of a file."""

    counts: Counter[str] = field(default_factory=Counter)
    concerns: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def accepted(self, line: int, given: dict[str, Any]) -> None:
        """Note an answer that says yes."""
        word = "repeated" if given.get("repeated") else "corrected" if given.get("corrected") else "new"
        self.counts["accepted"] += 1
        self.counts[word] += 1
        self.counts["warnings"] += len(given.get("warnings", ()))
        if len(self.concerns) < SHOWN_MAX:
            self.concerns.append({"line": line, **given})
            self.lines.append(f"line {line}: {word} {given['concern_id']}")
            self.lines += [f"  {w['code']} {w['pointer']}: {w['detail']}" for w in given.get("warnings", ())]
            self.lines += [f"  {n['text']}" for n in given.get("notice", ())]
            self.lines += [f"  answered: {a['text']}" for a in given.get("answers", ())]

    def refused(self, line: int, code: str, detail: str) -> None:
        """Note one that was not accepted."""
        self.counts["refused"] += 1
        if len(self.findings) < SHOWN_MAX:
            self.findings.append(Finding(code, f"line {line}: {detail}", {"line": line}))

    def data(self) -> dict[str, Any]:
        """Give what machines get."""
        names = ("accepted", "new", "repeated", "corrected", "refused", "warnings")
        left_out = self.counts["accepted"] + self.counts["refused"] - len(self.concerns) - len(self.findings)
        return {**{n: self.counts[n] for n in names}, "concerns": self.concerns, "left_out": left_out}


@app.command("raise")
def raise_(
    file: Annotated[str, typer.Argument(help="JSON (one concern, or a list) or NDJSON; - reads standard input.")],
    agency: Agency = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--explain", help="Send nothing: say who would be told, on which basis.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Raise the concerns of a file. If a child is in danger, call 999: this is not a call."""
    raised = _Raised()
    with ExitStack() as stack:
        try:
            stream = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise usage("concern raise", f"{file} cannot be read: {error.strerror}", as_json=as_json) from None
        if dry_run:
            raise _looked_at(_shown(stream, file, stack, quiet=as_json), agency, as_json=as_json)
        _raise_all(_shown(stream, file, stack, quiet=as_json), local_calls(), agency, raised)
    if not raised.counts["accepted"] and not raised.counts["refused"]:
        raised.findings.append(Finding("empty", "nothing to raise: the file holds no concern"))
    raise answer("concern raise", raised.data(), raised.findings, as_json=as_json, lines=[*raised.lines, _sum(raised)])


@app.command()
def show(
    concern_id: Annotated[str, typer.Argument(help="Id, as `concern raise` gave it.")],
    agency: Agency = "",
    as_json: AsJson = False,
) -> None:
    """Show where a concern stands; for operators and auditors, its journey through all services."""
    try:
        known = str(UUID(concern_id))
    except ValueError:
        raise usage("concern show", "a concern id looks like 7771a82d-7eba-8022-…", as_json=as_json) from None
    calls = local_calls()
    data: dict[str, Any] = {"concern_id": known, "status": None, "journey": None, "duties": None}
    findings: list[Finding] = []
    if agency:
        data["status"] = _asked(calls, "intake", f"/v1/concerns/{known}", agency, findings)
        params = {"concern_id": known}
        data["duties"] = (_asked(calls, "routing", "/v1/duties", agency, findings, params=params) or {}).get("duties")
    else:
        data["journey"] = _asked(calls, "audit", f"/v1/journeys/{known}", "operator", findings)
    status, journey = data["status"], data["journey"]
    duties = list(duty_lines(data["duties"])) if data["duties"] else []
    told = [*(status_lines(status) if status else ()), *(journey_lines(journey) if journey else ())]
    lines = [*told, *(["", *duties] if duties else [])]
    raise answer("concern show", data, findings, as_json=as_json, lines=lines)


@app.command("list")
def list_(
    agency: Agency,
    state: Annotated[str, typer.Option(help="received, acknowledged or outcome_given; all when left out.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the concerns an agency has raised, newest first."""
    calls = local_calls()
    found: list[dict[str, Any]] = []
    findings: list[Finding] = []
    after = ""
    while len(found) < limit:
        params = {"limit": str(min(200, limit)), **({"after": after} if after else {})}
        page = _asked(calls, "intake", "/v1/concerns", agency, findings, params=params)
        found += [c for c in (page or {}).get("concerns", ()) if state in ("", c["state"])]
        after = (page or {}).get("after") or ""
        if not after:
            break
    found = found[:limit]
    lines = [f"{c['concern_id']}  {c['state']:<13}  {c['urgency']:<9}  {c['received_at']}" for c in found]
    raise answer(
        "concern list",
        {"concerns": found},
        findings,
        as_json=as_json,
        lines=lines,
        nothing="nothing here",
    )


def _looked_at(given: Iterator[tuple[int, bytes | NotRead]], agency: str, *, as_json: bool) -> typer.Exit:
    """Say what each concern of a file would come to, without sending it."""
    from services.intake.errors import Malformed  # noqa: PLC0415  (only a dry run loads the cores)
    from services.workbench.dry_run import DryRun  # noqa: PLC0415

    looking = DryRun()
    findings: list[Finding] = []
    shown: list[dict[str, Any]] = []
    lines: list[str] = []
    for line, document in given:
        if isinstance(document, NotRead):
            findings.append(Finding(document.code, f"line {line}: {document.detail}", {"line": line}))
            continue
        tree = json.loads(document)
        sender = str(tree.pop("agency", agency)) if isinstance(tree, dict) else agency
        try:
            found = looking.of(tree, sender)
        except Malformed as error:
            wrong = "; ".join(f"{e.pointer}: {e.detail}" for e in error.errors) or str(error)
            findings.append(Finding(error.code, f"line {line}: {wrong}", {"line": line}))
            continue
        if len(shown) < SHOWN_MAX:
            shown.append({"line": line, **found.as_dict()})
            lines += [f"line {line}: {found.sentence}", *(f"  {answered}" for answered in found.answers)]
    data = {"previews": shown, "recorded": 0}
    return answer("concern raise", data, findings, as_json=as_json, lines=[*lines, "nothing was sent or kept"])


def _raise_all(given: Iterator[tuple[int, bytes | NotRead]], calls: Calls, agency: str, raised: _Raised) -> None:
    for line, document in given:
        if isinstance(document, NotRead):
            raised.refused(line, document.code, document.detail)
            continue
        body = json.loads(document)
        sender = agency
        if isinstance(body, dict):
            sender = str(body.pop("agency", agency))
        if not sender and "RELAY_TOKEN" not in os.environ:
            raised.refused(line, "no_agency", 'say who sends it: --agency, or "agency" in the line')
            continue
        try:
            # as it came where nothing was taken out of it: what is wrong with it, intake says
            content = document if sender == agency else json.dumps(body).encode()
            raised.accepted(line, _sent(calls, content, sender))
        except CallError as error:
            unreached = error.code in ("not_running", "no_answer")
            rest = "; neither this nor any line after it was sent, send the file again" if unreached else ""
            raised.refused(line, error.code, f"{error}{rest}")
            if unreached:
                return


def _sent(calls: Calls, content: bytes, agency: str) -> dict[str, Any]:
    """Send one; what may pass is tried again, for a resend is harmless."""
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            headers = {"Content-Type": "application/json"}
            found: dict[str, Any] = calls(
                "intake", "POST", "/v1/concerns", agency=agency, content=content, headers=headers
            )
        except CallError as error:
            if error.status not in PASSING or error.code in ("not_running", "no_token") or attempt == ATTEMPTS_MAX:
                raise
            time.sleep(max(PAUSE_S * attempt, min(error.retry_after_s, RETRY_AFTER_MAX_S)))
        else:
            return found
    raise AssertionError("unreachable")


def _asked(
    calls: Calls, service: str, path: str, agency: str, findings: list[Finding], **options: Any
) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = calls(service, "GET", path, agency=agency, **options)
    except CallError as error:
        findings.append(Finding(error.code, str(error)))
        return None
    return found


def _shown(stream: BinaryIO, name: str, stack: ExitStack, *, quiet: bool) -> Iterator[tuple[int, bytes | NotRead]]:
    """Give the documents, with progress where a person looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    hidden = quiet or not on_terminal()
    bars = stack.enter_context(Progress(*columns, console=Console(stderr=True), disable=hidden))
    raising = bars.add_task(f"raising {Path(name).name}", total=None)
    for line, document in documents(stream, many=Path(name).suffix in (".ndjson", ".jsonl")):
        yield line, document
        bars.advance(raising)


def _sum(raised: _Raised) -> str:
    c = raised.counts
    return (
        f"{c['accepted']} accepted ({c['new']} new, {c['corrected']} corrected, {c['repeated']} sent before), "
        f"{c['refused']} refused, {c['warnings']} warnings"
    )
