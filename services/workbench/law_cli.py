"""``concern-relay law``: packs checked, decisions explained clause by clause."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import asyncpg
import typer

from concern_relay.v1.assessments_pb2 import BasisAssessed
from services.basis_assessment.explain import explain
from services.basis_assessment.filed import as_html, as_markdown, disclosures, names
from services.basis_assessment.filed.gather import Recorded
from services.basis_assessment.pack import LawBook, LawPack
from services.basis_assessment.pack_check import PackFinding
from services.basis_assessment.pack_check import check as check_pack
from services.basis_assessment.pack_diff import differences
from services.basis_assessment.pack_document import read_book, read_pack
from services.basis_assessment.ropa import as_csv, record_of_processing
from services.chassis.arrangement import ArrangementBook
from services.chassis.calendar import LONDON
from services.chassis.errors import RelayError, SettingsError
from services.workbench.output import Finding, answer, usage
from services.workbench.replay.reach import UNAVAILABLE, recorded_of, why
from services.workbench.scenario.play import ScenarioFileError, play, read
from services.workbench.scenario.seen import Seen
from services.workbench.scenario.stage import SceneError
from services.workbench.servers import ServersError, running
from services.workbench.servers.state import chosen

app = typer.Typer(no_args_is_help=True, help="Law packs checked, decisions explained clause by clause.")

DATABASE: Final = frozenset({"postgres"})
DATABASE_DEADLINE_S: Final = 15.0
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Packs; those of deploy/law when left out.")] = None,
    proof: Annotated[
        bool, typer.Option(help="Prove with z3 that every case has an answer and nothing contradicts.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Check packs, and prove them. What nobody has verified is shown, and no finding."""
    findings: list[Finding] = []
    shown: list[dict[str, Any]] = []
    try:
        packs = [read_pack(path) for path in paths] if paths else list(read_book().packs)
    except (RelayError, OSError) as error:
        raise answer("law check", None, [Finding("law", str(error))], as_json=as_json) from error
    for pack in packs:
        found = (*check_pack(pack), *(_proved(pack) if proof else ()))
        findings += [Finding(f.code, f.detail, {"pack": pack.name, "where": f.where}) for f in found if f.wrong]
        noted = [{"code": f.code, "where": f.where, "detail": f.detail} for f in found if not f.wrong]
        shown.append({"pack": pack.name, "sha256": pack.sha256, "clauses": len(pack.clauses), "to_be_known": noted})
    lines = [
        f"{p['pack']} {p['sha256']:.12}: {p['clauses']} clauses, {len(p['to_be_known'])} to be known" for p in shown
    ]
    raise answer("law check", shown, findings, as_json=as_json, lines=lines)


def _proved(pack: LawPack) -> tuple[PackFinding, ...]:
    from services.workbench.proof import prove  # noqa: PLC0415  (z3 is large, and only this needs it)

    return prove(pack)


@app.command()
def ropa(
    agency: Annotated[str, typer.Option("--agency", "-a", help="One controller; all when left out.")] = "",
    form: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Export the record of processing (Article 30) that follows from the arrangement and the law in force."""
    if form not in ("csv", "json"):
        raise usage("law ropa", "--format is csv or json", as_json=as_json)
    today = datetime.now(LONDON).date()
    arrangement, pack = ArrangementBook.load().on(today), read_book().on(today)
    if agency and arrangement.agency(agency) is None:
        raise usage("law ropa", f"{agency!r} is no agency of {arrangement.name}", as_json=as_json)
    rows = record_of_processing(arrangement, pack, agency)
    data = [row.as_dict() for row in rows]
    said = as_csv(rows) if form == "csv" else json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    lines = said.splitlines()
    if output is not None:
        output.write_text(said, encoding="utf-8")
        lines = [f"{len(rows)} rows written to {output}"]
    raise answer("law ropa", data, as_json=as_json, lines=lines)


@app.command("explain")
def explain_(
    concern: Annotated[str, typer.Argument(help="Id of a concern that was assessed.")] = "",
    scenario: Annotated[Path | None, typer.Option(help="Or a scenario: what it ends with is explained.")] = None,
    page: Annotated[
        Path | None, typer.Option(help="A folder: a page to file for each disclosure, HTML and text.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain on which basis a concern was shared, or not, in plain English with citations."""
    laws = read_book()
    if bool(concern) == bool(scenario):
        raise usage("law explain", "give the id of a concern, or --scenario FILE", as_json=as_json)
    if page is not None:
        raise _pages(laws, page, concern, scenario, as_json=as_json)
    try:
        assessed = _of_scenario(scenario) if scenario else _of_concern(concern)
    except (ScenarioFileError, SceneError, ValueError) as error:
        raise usage("law explain", str(error), as_json=as_json) from error
    except ServersError as error:
        raise answer("law explain", None, [Finding("servers", str(error))], as_json=as_json) from error
    if assessed is None:
        missing = Finding("not_assessed", "no assessment of it is recorded here")
        raise answer("law explain", None, [missing], as_json=as_json)
    found = explain(laws, assessed)
    findings = [Finding(f.code, f.detail) for f in found.findings]
    raise answer("law explain", found.as_dict(), findings, as_json=as_json, lines=found.lines())


def _pages(laws: LawBook, folder: Path, concern: str, scenario: Path | None, *, as_json: bool) -> typer.Exit:
    """Write a page for each disclosure into a folder."""
    try:
        events: Sequence[Recorded] = _seen(scenario).facts if scenario else recorded_of(UUID(concern), quiet=as_json)
    except (ScenarioFileError, SceneError, ValueError) as error:
        return usage("law explain", str(error), as_json=as_json)
    except UNAVAILABLE as error:
        return answer("law explain", None, [Finding("unavailable", why(error))], as_json=as_json)
    pages = disclosures(laws, ArrangementBook.load(), events)
    if not pages:
        missing = Finding("not_assessed", "no assessment of it is recorded here")
        return answer("law explain", None, [missing], as_json=as_json)
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in zip(names(pages), pages, strict=True):
        for ending, content in ((".html", as_html(found)), (".md", as_markdown(found))):
            (folder / f"{name}{ending}").write_text(content, encoding="utf-8")
        written.append(str(folder / f"{name}.html"))
    data = {"files": written, "disclosures": [found.as_dict() for found in pages]}
    findings = [Finding(f.code, f.detail) for f in dict.fromkeys(f for found in pages for f in found.findings)]
    lines = [*written, f"{len(written)} pages, each as .html and .md; print the first, or file it as it is"]
    return answer("law explain", data, findings, as_json=as_json, lines=lines)


@app.command()
def diff(
    one: Annotated[str, typer.Argument(help="Name of a pack, or a file.")],
    other: Annotated[str, typer.Argument(help="The other, usually the later.")],
    history: Annotated[bool, typer.Option(help="Compare recorded decisions too, where there are any here.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show what differs between two law packs, and which recorded codes would come out differently.

    Where nothing is recorded here, worked examples are compared in its place.
    """
    try:
        packs = [_pack_called(name) for name in (one, other)]
    except (RelayError, OSError) as error:
        raise usage("law diff", str(error), as_json=as_json) from error
    book = read_book()
    changes = differences(*packs)
    data: dict[str, Any] = {
        "one": _named(book, packs[0]),
        "other": _named(book, packs[1]),
        "changes": [change.as_dict() for change in changes],
        "history": None,
        "examples": None,
    }
    lines = [f"{p.name} {p.sha256:.12}, {p.valid_from} to {book.until(p) or 'now'}" for p in packs]
    recited = [change for change in changes if change.kind == "citations"]
    lines += [str(change) for change in changes if change not in recited] or ["nothing follows differently"]
    lines += [f"{len(recited)} clauses cite other places; --json names them"] if recited else []
    if history:
        data["history"], more = _history(packs[0], packs[1], quiet=as_json)
        lines += more
    if not (data["history"] or {}).get("assessments"):
        data["examples"], more = _examples(packs[0], packs[1])
        lines += more
    raise answer("law diff", data, as_json=as_json, lines=lines)


def _pack_called(name: str) -> LawPack:
    if name.endswith((".yaml", ".yml")):
        return read_pack(Path(name))
    book = read_book()
    pack = book.by_name(name) or book.by_digest(name)
    if pack is None:
        raise SettingsError(f"there is no law pack {name!r}; there are: {', '.join(each.name for each in book.packs)}")
    return pack


def _named(book: LawBook, pack: LawPack) -> dict[str, Any]:
    until = book.until(pack)
    return {
        "pack": pack.name,
        "sha256": pack.sha256,
        "valid_from": pack.valid_from.isoformat(),
        "valid_to": until.isoformat() if until else None,
        "variant": pack.variant,
    }


def _history(one: LawPack, other: LawPack, *, quiet: bool) -> tuple[dict[str, Any] | None, list[str]]:
    """Compare what is recorded here, if anything is."""
    from services.workbench.law_history import compared  # noqa: PLC0415  (every core, only when asked for)
    from services.workbench.replay.reach import reached  # noqa: PLC0415

    if not (chosen() / "postgres").exists() and not (chosen() / "endpoints.json").exists():
        return None, ["no history is recorded here to compare"]
    try:
        with reached(quiet=quiet) as reach:
            found = asyncio.run(compared(reach, one, other))
    except (ServersError, RelayError, OSError, asyncpg.PostgresError) as error:
        return None, [f"history could not be compared: {type(error).__name__}"]
    differs = [{"concern_id": d.concern_id, "event_id": d.event_id, "codes": list(d.lines)} for d in found.differs]
    counted = f"{found.assessments} recorded assessments, {len(differs)} would come out differently"
    lines = [f"{counted}, {found.passed_over} could not be compared"]
    lines += [f"  {d.concern_id} {line}" for d in found.differs for line in d.lines]
    return {"assessments": found.assessments, "passed_over": found.passed_over, "differs": differs}, lines


def _examples(one: LawPack, other: LawPack) -> tuple[dict[str, Any], list[str]]:
    """Compare the worked examples."""
    from services.workbench.law_worked import worked  # noqa: PLC0415  (intake's reading, only when asked for)

    found = worked(one, other)
    differs = [{"says": example.says, "codes": list(codes)} for example, codes in found if codes]
    lines = [f"{len(found)} worked examples, {len(differs)} would come out differently"]
    lines += [f"  {example.says}: {code}" for example, codes in found for code in codes]
    return {"examples": len(found), "differs": differs}, lines


def _of_scenario(path: Path) -> BasisAssessed | None:
    return _seen(path).assessed


def _seen(path: Path) -> Seen:
    from services.workbench.scenario.in_process import InProcess  # noqa: PLC0415  (loads every core)

    scenario = read(path)
    with closing(InProcess()) as hand:
        play(scenario, path, hand)
        return hand.seen(scenario.then[-1].concern)


def _of_concern(concern: str) -> BasisAssessed | None:
    concern_id = UUID(concern)
    with running(want=DATABASE) as servers:
        return asyncio.run(_fetched(servers.database_url("basis_assessment"), concern_id))


async def _fetched(url: str, concern_id: UUID) -> BasisAssessed | None:
    connection = await asyncpg.connect(url, timeout=DATABASE_DEADLINE_S, command_timeout=DATABASE_DEADLINE_S)
    try:
        found = await connection.fetchval("SELECT assessed FROM assessment WHERE concern_id = $1", concern_id)
    finally:
        await connection.close(timeout=DATABASE_DEADLINE_S)
    return None if found is None else BasisAssessed.FromString(bytes(found))
