"""What is wrong with a submission, said so that it can be put right.

An error names the field by JSON pointer (RFC 6901), carries a stable code, and says the remedy. It never repeats what
was sent: what was sent is about a child.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.chassis.errors import RelayError

ERRORS_MAX = 50
"""Errors told at once; the rest are counted."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing to put right.

    Attributes:
        pointer: the field, as ``/people/0/names``; empty for the whole.
        code: stable code for machines.
        detail: what to do.
    """

    pointer: str
    code: str
    detail: str


class Malformed(RelayError):  # noqa: N818  (an answer to the sender, not a failure of ours)
    """A submission that cannot be taken as it is; nothing was recorded.

    Attributes:
        status: HTTP status: 400 not JSON, 413 too large, 422 a field is wrong.
        code: stable code for machines.
        errors: field by field, at most ``ERRORS_MAX``.
        more: how many further errors were left out.
    """

    def __init__(self, status: int, code: str, message: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.errors = errors[:ERRORS_MAX]
        self.more = max(0, len(errors) - ERRORS_MAX)
