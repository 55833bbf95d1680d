"""An explanation as a page of plain English. Pure; the words stand in the explanation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.basis_assessment.explain import Explanation, Step


def page(whole: Explanation) -> Iterator[str]:
    """Give its lines."""
    yield f"Concern {whole.concern_id}, assessed for event {whole.assessed_event_id}"
    yield f"Law: {whole.law_title or whole.law_pack}, as of {whole.law_as_of}; arrangement: {whole.arrangement}"
    yield f"Law pack {whole.law_pack}, SHA-256 {whole.law_pack_sha256}"
    yield "Not legal advice: a person with authority reviews the pack and stands behind its use."
    for finding in whole.findings:
        yield f"! {finding.code}: {finding.detail}"
    if whole.emergency:
        yield "An emergency: told first, assessed after."
    for one in whole.classes:
        yield ""
        yield one.sentence
        yield from _said_steps(one.steps, "  because: ")
        yield from _said_steps(one.refused, "  refused: ")
        for own in one.recipients:
            yield f"  {own.sentence}"
            yield from _said_steps(own.steps, "    because: ")
        for part in one.parts:
            yield f"  {part.part_id}: {part.sentence}"
            yield from _said_steps(part.steps, "    because: ")
            for candidate in part.candidates:
                yield f"    {candidate.sentence}"
                yield from _said_steps(candidate.lacks, "      not shown: ")
    yield from _rest(whole)


def _rest(whole: Explanation) -> Iterator[str]:
    for title, steps in (("Myths answered", whole.answers), ("Tasks for governance", whole.governance)):
        if steps:
            yield ""
            yield f"{title}:"
            yield from _said_steps(steps, "  ")
    if whole.questions:
        yield ""
        yield "Asked (sharing does not wait for it, except where an item says so):"
        for code in dict.fromkeys(asked.code for asked in whole.questions):
            same = [asked for asked in whole.questions if asked.code == code]
            for_whom = ", ".join(asked.recipient_class.replace("_", " ") for asked in same)
            yield f"  {same[0].asks or code} [{', '.join(same[0].answers)}] (matters for: {for_whom})"


def _said_steps(steps: Iterable[Step], before: str) -> Iterator[str]:
    for step in steps:
        cites = f" [{'; '.join(step.cites)}]" if step.cites else ""
        yield f"{before}{step.says or step.code}{cites}"
