"""A file, or a piece of one, that cannot be read: why, where, and what to do. Never a word of its content."""

from __future__ import annotations

from services.chassis.errors import RelayError


class UnreadableError(RelayError):
    """Something that cannot be read.

    Attributes:
        code: stable code for machines.
        line: line of the file, 0 where it has none.
    """

    def __init__(self, code: str, detail: str, line: int = 0) -> None:
        """Say what is wrong and what to do."""
        super().__init__(detail)
        self.code = code
        self.line = line
