"""Shares on a terminal: an inbox with what must be done first on top, and a share as a sheet to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from services.chassis.sheet import sheet
from services.workbench.concern_lines import NOT_YET, at, table

DONE: Final = frozenset({"outcome", "recalled"})
_INDENT: Final = "    "


def inbox_lines(shares: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Tell an agency what came: what waits for somebody first, the earliest deadline on top, then the rest."""
    waiting = sorted((s for s in shares if not _taken(s)), key=lambda s: (s["acknowledge_by"] or "", s["share_id"]))
    taken = [s for s in shares if _taken(s) and s["state"] not in DONE]
    done = [s for s in shares if s["state"] in DONE]
    blocks = [
        block
        for title, some in (
            ("waits for a person to acknowledge", waiting),
            ("acknowledged; say what was done", taken),
            ("done", done),
        )
        if (block := list(table(f"{title} ({len(some)})", _HEADS, [_row(s) for s in some])))
    ]
    for n, block in enumerate(blocks):
        yield from block if n else block[1:]


def duty_lines(duties: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Tell an agency what it has to do by a time beside acknowledging, as its list has it: the earliest first."""
    heads = ("due", "what", "state", "duty", "because")
    rows = [[at(d["due"]), d["duty"].replace("_", " "), _stands(d), d["duty_id"], d["cite"]] for d in duties]
    yield from list(table(f"has to be done ({len(rows)})", heads, rows))[1:]


def share_lines(opened: dict[str, Any]) -> Iterator[str]:
    """Give an opened share as it reads on paper: who sent it, by when to acknowledge, then what is said."""
    share = opened["share"]
    practice = "PRACTICE, no real child: " if share["test"] else ""
    yield f"{practice}{share['urgency']} concern shared by {share['sender_agency_id']}, {share['state']}"
    if share["urgency"] == "emergency":
        yield "If a child is in danger now, call 999."
    if share["acknowledged_at"]:
        yield f"acknowledged {at(share['acknowledged_at'])}"
    else:
        yield f"acknowledge by {at(share['acknowledge_by'])} ({share['clock']['cite'] or share['clock']['code']})"
    for section in sheet(opened["parts"]):
        yield from ("", section.title.upper())
        for entry in section.entries:
            if entry.heading:
                yield f"  {entry.heading}"
            for line in sorted(entry.lines, key=lambda line: bool(line.label)):
                yield f"{_INDENT}{line.label + ': ' if line.label else ''}{line.text}"
    yield from ("", f"share {share['share_id']}, concern {share['concern_id']}")


_HEADS: Final = ("due", "urgency", "from", "state", "share")


def _stands(duty: dict[str, Any]) -> str:
    marks = [name for name in ("late", "personal", "test") if duty[name]]
    return ", ".join([duty["state"], *marks])


def _taken(share: dict[str, Any]) -> bool:
    return bool(share["acknowledged_at"]) or share["state"] in DONE


def _row(share: dict[str, Any]) -> list[str]:
    marks = [name for name in ("overdue", "test") if share[name]]
    if share["reopened_at"]:
        marks.append("reopened")
    if files := share.get("files"):
        marks.append(f"{len(files)} file{'s' if len(files) > 1 else ''}")
    if share["stands_in_for"]:
        marks.append(f"for {share['stands_in_for']}")
    said = share["outcome"] if share["state"] == "outcome" else share["state"]
    return [
        at(share["acknowledge_by"]) if share["acknowledge_by"] else NOT_YET,
        share["urgency"],
        share["sender_agency_id"],
        ", ".join([said.replace("_", " "), *marks]),
        share["share_id"],
    ]
