"""Fills a message of the contract from what was sent; what cannot be read is kept beside it and flagged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from concern_relay.v1.codes_pb2 import HiddenReason, Ternary
from concern_relay.v1.facts_pb2 import Unread
from services.chassis.codes import number_of, words
from services.intake.dates import Day, read_day
from services.intake.flags import FlagCode, Flags
from services.intake.identifiers import GSS


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes one message.

    Attributes:
        message: the message; it has a field ``unread``.
        flags: where odd things are noted.
        today: the day of acceptance.
        where: path of the message in the submission.
    """

    message: Any
    flags: Flags
    today: date
    where: tuple[str | int, ...] = ()

    def flag(self, code: FlagCode, *field: str | int) -> None:
        """Flag a field of this message."""
        self.flags.add(code, *self.where, *field)

    def keep(self, code: FlagCode, text: str, *field: str | int) -> None:
        """Flag a field and keep its words for a person to read."""
        self.flag(code, *field)
        self.message.unread.append(Unread(field="/".join(map(str, field)), text=text))

    def code(self, enum: Any, word: str, *field: str | int, short: bool = False) -> Any:
        """Give the value of a word; unspecified where the word is not known.

        Args:
            enum: enum of the contract.
            word: as sent, normalised by the model.
            field: path of the field in this message.
            short: the census code alone will do: ``n1`` for ``n1_abuse_or_neglect``.
        """
        if short and (full := [w for w in words(enum) if w.startswith(f"{word}_")]) and len(full) == 1:
            return number_of(enum, full[0])
        try:
            return number_of(enum, word)
        except ValueError:
            self.keep(FlagCode.CODE_NOT_KNOWN, word, *field)
            return 0

    def codes(self, enum: Any, sent: Sequence[str], *field: str | int, short: bool = False) -> list[Any]:
        """Give the values of several words, each once; those not known are kept as unread."""
        found = [self.code(enum, word, *field, index, short=short) for index, word in enumerate(sent)]
        return sorted({value for value in found if value})

    def answer(self, word: str, *field: str | int) -> Ternary:
        """Give yes, no, or unspecified, which is unknown."""
        return Ternary.TERNARY_UNSPECIFIED if word == "unknown" else self.code(Ternary, word, *field)

    def hidden(self, word: str, *field: str | int) -> HiddenReason:
        """Give why something is hidden. Whatever is said but a plain no hides it: shown once, it is known for good."""
        if word in ("", "no", "false", "none"):
            return HiddenReason.HIDDEN_REASON_UNSPECIFIED
        if word in words(HiddenReason):
            return number_of(HiddenReason, word)  # type: ignore[no-any-return]
        self.keep(FlagCode.HIDDEN_WITHOUT_REASON, word, *field)
        return HiddenReason.HIDDEN_REASON_NOT_STATED

    def day(self, text: str, *field: str | int, past: bool = False) -> str:
        """Give a date in ISO 8601, as precise as it was; empty where it cannot be read.

        Args:
            text: as sent.
            field: path of the field in this message.
            past: a date that has not come yet is flagged.
        """
        if not text:
            return ""
        read = read_day(text)
        if read is None:
            self.keep(FlagCode.DATE_NOT_READ, text, *field)
            return ""
        if not read.likely:
            self.flag(FlagCode.DATE_UNLIKELY, *field)
        elif past and read.first > self.today + timedelta(days=1):
            self.flag(FlagCode.DATE_IN_FUTURE, *field)
        return read.text

    def in_order(self, begins: str, ends: str, *field: str | int) -> None:
        """Flag an end that lies before its beginning."""
        first, last = read_day(begins), read_day(ends)
        if first is not None and last is not None and _before(last, first):
            self.flag(FlagCode.DATES_OUT_OF_ORDER, *field)

    def gss(self, code: str, *field: str | int) -> str:
        """Give the ONS code of an authority; empty where it is none."""
        if not code or GSS.fullmatch(code.upper()):
            return code.upper()
        self.keep(FlagCode.AUTHORITY_CODE_NOT_READ, code, *field)
        return ""


def _before(day: Day, other: Day) -> bool:
    return day.last < other.first
