"""How a disclosure looks: one printable page of HTML, nothing in it from elsewhere, and the same as text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.basis_assessment.explain import Step
from services.basis_assessment.filed.record import Disclosure
from services.chassis.calendar import LONDON

_FOLDER: Final = Path(__file__).parent / "templates"


def _moment(value: datetime | str | None) -> str:
    """Give a moment as people in England read it."""
    if not value:
        return "not yet"
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(LONDON).strftime("%a %d %b %Y, %H:%M")


def _distinct(steps: Iterable[Step]) -> list[Step]:
    """Give each clause once, in order."""
    return list({step.code: step for step in steps}.values())


def _environment(*, autoescape: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=autoescape,  # noqa: S701  (off for the text alone, which no browser reads)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"moment": _moment, "distinct": _distinct}
    return made


_HTML: Final = _environment(autoescape=True)
_TEXT: Final = _environment(autoescape=False)


def as_html(found: Disclosure) -> str:
    """Give it as a page of HTML."""
    return _HTML.get_template("disclosure.html").render(d=found)


def as_markdown(found: Disclosure) -> str:
    """Give it as Markdown, which reads as plain text too."""
    return _TEXT.get_template("disclosure.md").render(d=found)
