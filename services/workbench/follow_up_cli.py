"""``concern-relay concern add|correct|consent|withdraw|move|link|unlink``: follow a concern up from the terminal.

What each says is what ``POST /v1/concerns/{id}/…`` takes: a JSON file for all of it, options for the short of it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import typer

from services.workbench.calls import CallError, local_calls
from services.workbench.output import Finding, answer, usage

ConcernId = Annotated[str, typer.Argument(help="Id, as `concern raise` gave it.")]
Agency = Annotated[str, typer.Option("--agency", "-a", envvar="RELAY_AGENCY", help="The agency that acts.")]
Name = Annotated[str, typer.Option("--by", help="Who says so: a name.")]
Role = Annotated[str, typer.Option("--role", help="In which role.")]
File = Annotated[str, typer.Option("--file", "-f", help="JSON with all of it; - reads standard input.")]
Key = Annotated[str, typer.Option("--key", help="Idempotency-Key: a new one says that the same words are meant anew.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON envelope, for machines.")]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A follow-up on its way: which verb, of which concern, as whom."""

    verb: str
    concern_id: str
    path: str
    agency: str
    key: str
    as_json: bool

    @property
    def command(self) -> str:
        return f"concern {self.verb}"

    def send(self, body: dict[str, Any]) -> typer.Exit:
        """Send it, and give the exit."""
        try:
            known = str(UUID(self.concern_id))
        except ValueError:
            return usage(self.command, "a concern id looks like 7771a82d-7eba-8022-…", as_json=self.as_json)
        headers = {"Idempotency-Key": self.key} if self.key else {}
        path = f"/v1/concerns/{known}/{self.path}"
        try:
            found = local_calls()("intake", "POST", path, agency=self.agency, json=body, headers=headers)
        except CallError as error:
            return answer(self.command, None, [Finding(error.code, str(error))], as_json=self.as_json)
        lines = [f"{'sent before' if found['repeated'] else 'recorded'} {found['concern_id']}"]
        lines += [f"  {w['code']} {w['pointer']}: {w['detail']}" for w in found["warnings"]]
        lines += [f"  {n['text']}" for n in found["notice"]]
        return answer(self.command, found, [], as_json=self.as_json, lines=lines)

    def body(self, file: str, by: str, role: str, **said: Any) -> dict[str, Any]:
        """Give what is sent: the file, and what the options add to it.

        Raises:
            Exit: the file cannot be read, or nothing was said.
        """
        try:
            text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8") if file else "{}"
            body = json.loads(text)
        except (OSError, ValueError) as error:
            raise usage(self.command, f"cannot read it: {type(error).__name__}", as_json=self.as_json) from None
        if not isinstance(body, dict):
            raise usage(self.command, "the file is one JSON object", as_json=self.as_json)
        body |= {name: value for name, value in said.items() if value}
        if by or role:
            body["by"] = {"name": by, "role": role}
        return body


def register(app: typer.Typer) -> None:
    """Add the verbs to ``concern``."""
    for verb in (add, correct, consent, withdraw, move, link, unlink):
        app.command()(verb)


def add(
    concern_id: ConcernId, text: Annotated[str, typer.Option(help="In words.")] = "", file: File = "",
    urgency: Annotated[str, typer.Option(help="emergency or urgent, if it is more urgent now.")] = "",
    agency: Agency = "", by: Name = "", role: Role = "", key: Key = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Add what was learnt since. If a child is in danger, call 999: this is not a call."""
    asked = _Asked("add", concern_id, "information", agency, key, as_json)
    raise asked.send(asked.body(file, by, role, text=text, urgency=urgency))


def correct(
    concern_id: ConcernId, file: File = "",
    remove: Annotated[list[str] | None, typer.Option(help="Ref of what should never have been there.")] = None,
    reason: Annotated[str, typer.Option(help="Why, in words.")] = "",
    agency: Agency = "", by: Name = "", role: Role = "", key: Key = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Correct what was sent: what the file states takes the place of what stood there, the rest stands."""
    asked = _Asked("correct", concern_id, "corrections", agency, key, as_json)
    raise asked.send(asked.body(file, by, role, remove=remove, reason=reason))


def consent(
    concern_id: ConcernId, ref: Annotated[str, typer.Option(help="What it is called, without names.")] = "",
    kind: Annotated[str, typer.Option(help="basis, service, confidentiality or informed.")] = "",
    subject: Annotated[str, typer.Option(help="Ref of whose consent it is.")] = "",
    file: File = "", agency: Agency = "", by: Name = "", role: Role = "", key: Key = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Record a consent that was given since."""
    asked = _Asked("consent", concern_id, "consents", agency, key, as_json)
    raise asked.send(asked.body(file, by, role, ref=ref, kind=kind, subject=subject))


def withdraw(
    concern_id: ConcernId, ref: Annotated[str, typer.Argument(help="Ref of the consent.")],
    words: Annotated[str, typer.Option(help="What the person said.")] = "",
    agency: Agency = "", by: Name = "", role: Role = "", key: Key = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Record that a consent was withdrawn; what rests on it stops before this answers."""
    asked = _Asked("withdraw", concern_id, f"consents/{quote(ref, safe='')}/withdrawal", agency, key, as_json)
    raise asked.send(asked.body("", by, role, words=words))


def move(
    concern_id: ConcernId, to: Annotated[str, typer.Option(help="ONS code of the authority, as E06000035.")] = "",
    child: Annotated[str, typer.Option(help="Ref of the child.")] = "child",
    moved_at: Annotated[str, typer.Option(help="When, as 2026-11-22 or 2026-11-22T18:00.")] = "",
    temporary: Annotated[bool, typer.Option(help="A stay, no move.")] = False,
    unknown: Annotated[bool, typer.Option(help="Nobody knows where the child went.")] = False,
    file: File = "", agency: Agency = "", by: Name = "", role: Role = "", key: Key = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Say that a child moved, or is gone."""
    asked = _Asked("move", concern_id, "moves", agency, key, as_json)
    said = {"to": to, "child": child, "moved_at": moved_at, "temporary": temporary, "unknown_destination": unknown}
    raise asked.send(asked.body(file, by, role, **said))


def link(
    concern_id: ConcernId, other: Annotated[str, typer.Argument(help="Id of the other concern.")],
    by: Name, reason: Annotated[str, typer.Option(help="Why, in words.")],
    reason_code: Annotated[str, typer.Option(help="same_number, same_name_and_birth_date, family_confirmed, …")] = "",
    agency: Agency = "", role: Role = "", key: Key = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Link two concerns that a named person found to be about one child; nothing is merged."""
    asked = _Asked("link", concern_id, "links", agency, key, as_json)
    raise asked.send(asked.body("", by, role, other_concern_id=other, reason=reason, reason_code=reason_code))


def unlink(
    concern_id: ConcernId, other: Annotated[str, typer.Argument(help="Id of the other concern.")],
    by: Name, reason: Annotated[str, typer.Option(help="Why, in words.")],
    reason_code: Annotated[str, typer.Option(help="different_child, linked_by_mistake or other.")] = "",
    agency: Agency = "", role: Role = "", key: Key = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Part two linked concerns again."""
    asked = _Asked("unlink", concern_id, f"links/{quote(other, safe='')}/removal", agency, key, as_json)
    raise asked.send(asked.body("", by, role, reason=reason, reason_code=reason_code))
