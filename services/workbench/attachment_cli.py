"""``concern-relay attachment``: attach a file to a concern, release it to a recipient, fetch what was released."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.workbench.calls import CallError, asked, local_calls
from services.workbench.output import Finding, answer, usage

app = typer.Typer(no_args_is_help=True, help="Files of a concern: add, list, release to a recipient, fetch.")

Agency = Annotated[str, typer.Option("--agency", "-a", envvar="RELAY_AGENCY", help="The agency that acts.")]
Name = Annotated[str, typer.Option("--by", help="Name of the person who says so.")]
Role = Annotated[str, typer.Option("--role", help="Role of that person.")]
Concern = Annotated[str, typer.Argument(help="Id of the concern.")]
Attachment = Annotated[str, typer.Argument(help="Id of the attachment, as `attachment list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]
CHUNK_BYTES: Final = 256 * 1024
UPLOAD_DEADLINE_S: Final = 300.0
_TYPES: Final = {".heic": "image/heic", ".webp": "image/webp"}


@app.command()
def question(as_json: AsJson = False, agency: Agency = "operator") -> None:
    """Show what is asked before any upload, and what to do where the answer is not no."""
    data, findings = asked("intake", agency, "GET", "/v1/attachment-question")
    lines = [] if data is None else [data["question"], data["not_asked_by_looking"]]
    lines += [f"  - {each['text']}" for each in (data or {}).get("instead", ())]
    raise answer("attachment question", data, findings, as_json=as_json, lines=lines)


@app.command()
def add(
    concern_id: Concern,
    file: Annotated[str, typer.Argument(help="The file. Leave it out where the answer is yes or unsure.")] = "",
    *,
    child_image: Annotated[
        str,
        typer.Option(help="Does it show a nude, semi-nude or sexual image of anybody under 18? no, yes or unsure."),
    ],
    by: Name,
    role: Role = "",
    kind: Annotated[
        str, typer.Option(help="body_map, injury_photo, report, …; see /v1/codes/AttachmentKind.")
    ] = "other",
    item: Annotated[str, typer.Option(help="Ref of the item it belongs to: it goes where that item goes.")] = "",
    description: Annotated[str, typer.Option(help="What it shows, in words.")] = "",
    media_type: Annotated[str, typer.Option(help="If the name of the file does not say it.")] = "",
    scan_again: Annotated[bool, typer.Option(help="The scan refused this very file; have it scanned again.")] = False,
    agency: Agency = "",
    as_json: AsJson = False,
) -> None:
    """Attach a file. The question is answered before anything is read or sent."""
    command = "attachment add"
    body: dict[str, Any] = {
        "child_image": child_image, "kind": kind, "item": item, "description": description,
        "by": {"name": by, "role": role}, **({"scan_again": True} if scan_again else {}),
    }  # fmt: skip
    path = Path(file)
    if child_image == "no":
        if not file:
            raise usage(command, "name the file to attach", as_json=as_json)
        try:
            body |= _measured(path) | {"media_type": media_type or _type_of(path)}
        except OSError as error:
            raise usage(command, f"cannot read it: {type(error).__name__}", as_json=as_json) from None
    under = f"/v1/concerns/{concern_id}/attachments"
    data, findings = asked("intake", agency, "POST", under, json=body)
    if findings and findings[0].code == "image_not_taken":
        told, _ = asked("intake", agency, "GET", "/v1/attachment-question")
        findings += [Finding("instead", each["text"]) for each in (told or {}).get("instead", ())]
    if not findings and data["upload_url"]:
        data, findings = _uploaded(agency, data["upload_url"], path)
    lines = [] if findings else [f"{data['attachment_id']}  {data['state']}"]
    raise answer(command, data, findings, as_json=as_json, lines=lines)


@app.command("list")
def list_(
    concern_id: Annotated[str, typer.Argument(help="Id of your concern; or none, with --share.")] = "",
    *,
    share: Annotated[str, typer.Option(help="Id of a share: what was released to your agency with it.")] = "",
    agency: Agency = "",
    as_json: AsJson = False,
) -> None:
    """List the attachments of your concern; or what was released to your agency with a share."""
    if bool(concern_id) == bool(share):
        raise usage("attachment list", "name a concern of yours, or a share of yours with --share", as_json=as_json)
    service, path = ("routing", f"/v1/inbox/{share}") if share else ("intake", f"/v1/concerns/{concern_id}")
    data, findings = asked(service, agency, "GET", f"{path}/attachments")
    lines = [
        f"{a['attachment_id']}  {a['state']:<12} {a['kind']:<14} {a['length']:>10}  {a['sha256'][:16]}"
        f"{'  fetched ' + str(len(a['fetched'])) + 'x' if a.get('fetched') else ''}"
        for a in (data or {}).get("attachments", ())
    ]
    raise answer("attachment list", data, findings, as_json=as_json, lines=lines, nothing="nothing here")


@app.command()
def release(
    concern_id: Concern,
    attachment_id: Attachment,
    *,
    by: Name,
    reason: Annotated[str, typer.Option(help="Why this recipient needs it, in words.")],
    role: Role = "",
    to: Annotated[str, typer.Option(help="Id of an agency.")] = "",
    to_class: Annotated[str, typer.Option(help="A class of agencies, as police.")] = "",
    accept_unscanned: Annotated[bool, typer.Option(help="Nothing here scanned it, and you know that.")] = False,
    back: Annotated[bool, typer.Option(help="Take the release back.")] = False,
    agency: Agency = "",
    as_json: AsJson = False,
) -> None:
    """Let one recipient have a file, as a named person; in force for whoever of that name holds a share."""
    body = {
        "to": to, "to_class": to_class, "reason": reason, "accept_unscanned": accept_unscanned,
        "by": {"name": by, "role": role},
    }  # fmt: skip
    path = f"/v1/concerns/{concern_id}/attachments/{attachment_id}"
    path += "/release-withdrawals" if back else "/releases"
    data, findings = asked("intake", agency, "POST", path, json=body)
    lines = [] if findings else ["taken back" if back else "released"]
    raise answer("attachment release", data, findings, as_json=as_json, lines=lines)


@app.command()
def fetch(
    share: Annotated[str, typer.Argument(help="Id of the share.")],
    attachment_id: Attachment,
    *,
    name: Annotated[str, typer.Option(help="Name of the person who fetches it.")],
    role: Role,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where to write it; it must not exist.")],
    agency: Agency = "",
    as_json: AsJson = False,
) -> None:
    """Fetch a file that was released to your agency; that it was fetched, and by whom, is recorded."""
    command = "attachment fetch"
    path = f"/v1/inbox/{share}/attachments/{attachment_id}/fetch"
    try:
        with out.open("xb") as target:
            digest = local_calls().download(
                "routing", path, agency=agency, json={"name": name, "role": role}, to=target
            )
    except CallError as error:
        out.unlink(missing_ok=True)
        raise answer(command, None, [Finding(error.code, str(error))], as_json=as_json) from None
    except OSError as error:
        raise usage(command, f"cannot write it: {type(error).__name__}", as_json=as_json) from None
    raise answer(command, {"sha256": digest}, [], as_json=as_json, lines=[f"fetched, SHA-256 {digest}"])


def _uploaded(agency: str, url: str, path: Path) -> tuple[Any, list[Finding]]:
    return asked(
        "intake", agency, "PUT", url, content=_chunks(path), timeout=UPLOAD_DEADLINE_S,
        headers={"Content-Type": "application/octet-stream", "Content-Length": str(path.stat().st_size)},
    )  # fmt: skip


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk


def _measured(path: Path) -> dict[str, Any]:
    digest, length = hashlib.sha256(), 0
    for chunk in _chunks(path):
        digest.update(chunk)
        length += len(chunk)
    return {"name": path.name, "length": length, "sha256": digest.hexdigest()}


def _type_of(path: Path) -> str:
    return _TYPES.get(path.suffix.lower()) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
