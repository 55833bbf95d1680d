"""What can go wrong, as exceptions: one for each thing a caller can do about it.

RelayError
├── NoAnswer            nothing was heard before the deadline; it may or may not be recorded: send it again
├── ReceiptNotGenuine   an answer's receipt does not verify: do not take it for a yes
├── SuiteNotKnown       submissions are sealed otherwise by now: a newer client is needed
└── Problem             the other side said no (RFC 9457); nothing was recorded
    ├── NotAuthenticated  401
    ├── NotAllowed        403
    ├── NotFound          404
    ├── Conflict          409
    ├── NotValid          400, 413, 415, 422: mend it; ``errors`` says where and how
    ├── TooMany           429, after as many tries as the deadline allowed
    └── NotReady          5xx, likewise

Problems hold pointers and remedies, never what was sent; they may be logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


class RelayError(Exception):
    """Anything this client raises on purpose."""


class NoAnswer(RelayError):  # noqa: N818  (named by what happened, as the others)
    """Nothing was heard before the deadline. It may be recorded; sending it again is harmless."""


class ReceiptNotGenuine(RelayError):  # noqa: N818
    """A receipt that does not verify."""


class SuiteNotKnown(RelayError):  # noqa: N818
    """The other side seals otherwise by now."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing to mend: where (JSON pointer), a stable code, and what to do."""

    pointer: str
    code: str
    detail: str


class Problem(RelayError):  # noqa: N818  (RFC 9457's own word)
    """The other side said no; nothing was recorded.

    Attributes:
        status: as over HTTP.
        code: stable, for machines.
        detail: what to do.
        errors: field by field.
    """

    def __init__(self, status: int, code: str, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors


class NotAuthenticated(Problem):
    """The token is missing, expired or not valid here."""


class NotAllowed(Problem):
    """The token does not allow this."""


class NotFound(Problem):
    """There is no such thing of your agency's."""


class Conflict(Problem):
    """It does not go with what is recorded."""


class NotValid(Problem):
    """Something in it has to be mended."""


class TooMany(Problem):
    """More than your agency may send at once."""


class NotReady(Problem):
    """Something failed there; sending it again is harmless."""


_KINDS: Final[Mapping[int, type[Problem]]] = {
    400: NotValid, 401: NotAuthenticated, 403: NotAllowed, 404: NotFound, 409: Conflict, 413: NotValid, 415: NotValid,
    422: NotValid, 429: TooMany,
}  # fmt: skip


def problem_of(status: int, body: Any) -> Problem:
    """Read a problem; also one that a proxy wrote and that says nothing."""
    said = body if isinstance(body, dict) else {}
    errors = tuple(
        FieldError(str(e.get("pointer", "")), str(e.get("code", "")), str(e.get("detail", "")))
        for e in said.get("errors", ())
        if isinstance(e, dict)
    )
    kind = _KINDS.get(status, NotReady if status >= 500 else Problem)
    detail = str(said.get("detail") or said.get("title") or "no reason was given")
    return kind(status, str(said.get("code", status)), detail, errors)
