"""Versions of the HTTP API: which is served, what is going away and when (docs/versions.md).

A version is the first piece of a path: ``/v1``. Within one, things are only added. What goes away says so twelve months
before, in the headers ``Deprecation`` (RFC 9745) and ``Sunset`` (RFC 8594) of every answer, with a link to what comes
instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Final

SERVED: Final = ("1",)
HEADER: Final = "API-Version"
NOTICE_MIN: Final = timedelta(days=365)
"""Between saying that something goes away and its going (practice 28: versions kept 12 months)."""


@dataclass(frozen=True, slots=True)
class Deprecated:
    """Something that goes away.

    Attributes:
        path: the paths it is about, as a pattern of the whole path.
        since: when that was said; aware.
        sunset: when it goes; aware, at least ``NOTICE_MIN`` later.
        instead: address of what to use, or of a page that says so.
    """

    path: str
    since: datetime
    sunset: datetime
    instead: str

    def __post_init__(self) -> None:
        if self.sunset - self.since < NOTICE_MIN:
            raise ValueError(f"{self.path} goes away too soon: give {NOTICE_MIN.days} days of notice")

    def headers(self) -> Iterator[tuple[str, str]]:
        """Give the headers of an answer: a structured date (RFC 9651), and an HTTP date."""
        yield "Deprecation", f"@{int(self.since.timestamp())}"
        yield "Sunset", format_datetime(self.sunset, usegmt=True)
        yield "Link", f'<{self.instead}>; rel="deprecation", <{self.instead}>; rel="sunset"'


DEPRECATED: Final[tuple[Deprecated, ...]] = ()
"""What goes away. Nothing, as yet."""


def headers_for(path: str, deprecated: Sequence[Deprecated] = DEPRECATED) -> list[tuple[str, str]]:
    """Give the headers that say which version answered, and whether what was asked for goes away."""
    found = [(HEADER, SERVED[-1])]
    for each in deprecated:
        if re.fullmatch(each.path, path):
            found += each.headers()
    return found


def is_served(asked: str) -> bool:
    """Whether a version that a request names, if it names one, is served."""
    return not asked or asked.strip() in SERVED
