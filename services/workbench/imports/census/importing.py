"""Imports a census: slices are read one by one, mapped, and sent; whatever happens to one, the next goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final

from services.chassis.arrangement import ArrangementBook
from services.workbench.calls import CallError
from services.workbench.imports.census.element import parse
from services.workbench.imports.census.frame import Frame
from services.workbench.imports.census.layout import layout
from services.workbench.imports.census.notes import DETAILS, Notes
from services.workbench.imports.census.referral import Return, concerns_of
from services.workbench.imports.census.slices import CHILD_CHARS_MAX, Slice, Slicer
from services.workbench.imports.encoding import encoding_of, text_of
from services.workbench.imports.report import Report
from services.workbench.imports.sending import Answer
from services.workbench.imports.unreadable import UnreadableError

HEAD_BYTES: Final = 512
CENSUS: Final = "Message"
_PROBLEMS: Final = {
    "cut_short": "the file ends inside this child: is it cut short?",
    "not_closed": "this child has no end tag; the next one begins inside it",
    "too_large": f"more than {CHILD_CHARS_MAX} characters for one child",
    "not_of_encoding": "a byte that is not of the file's encoding: write the file in the encoding it declares",
}
Send = Callable[[str, dict[str, Any], Callable[[Answer], None]], bool]


@dataclass(frozen=True, slots=True)
class Header:
    """What the header says.

    Attributes:
        lea: the Department's three digits, or what stands there.
        gss: the ONS code, or empty.
        collection: which return.
        root: the outermost element.
    """

    lea: str
    gss: str
    collection: str
    root: str


def opened(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        OSError: it cannot be read.
    """
    return path.open("rb")


def header_of(path: Path) -> Header:
    """Read the header, wherever it stands.

    Raises:
        UnreadableError: no census at all, packed, an encoding that is not taken, a document type.
        OSError: the file cannot be read.
    """
    frame = Frame()
    with opened(path) as stream:
        head = stream.read(HEAD_BYTES)
        if not head.strip(b" \t\r\n\xef\xbb\xbf"):
            raise UnreadableError("empty", "the file is empty", 1)
        stream.seek(0)
        found = False
        for _ in _slices(stream, frame):
            found = True
            if "LEA" in frame.values or "LA" in frame.values:
                break
        else:
            frame.close()
    if not found and (not frame.root or frame.root != CENSUS):
        detail = "no children in need census: no XML whose outermost element is Message, and no Child in it"
        raise UnreadableError("not_a_census", detail, frame.problem.line if frame.problem else 1)
    lea = frame.values.get("LEA") or frame.values.get("LA", "")
    return Header(lea, layout().authorities.get(lea, ""), frame.values.get("Collection", ""), frame.root)


def agency_of(gss: str, book: ArrangementBook, today: date) -> tuple[str, bool]:
    """Give the front door that serves an authority, and whether it does; else that of the arrangement."""
    arrangement = book.on(today)
    for agency in arrangement.agencies.values():
        if gss in agency.areas and "front_door" in agency.roles and not agency.outside:
            return agency.agency_id, True
    return arrangement.front_door, False


@dataclass(frozen=True, slots=True)
class Importing:
    """One import.

    Attributes:
        report: what became of it.
        send: sends a concern, or judges it (``--dry-run``).
        of: whose return.
        progress: told how many bytes were read.
    """

    report: Report
    send: Send
    of: Return
    progress: Callable[[int], None]

    def run(self, stream: BinaryIO) -> None:
        """Import a stream to its end, or to where the document is refused or intake cannot be reached."""
        frame = Frame()
        cut = False
        try:
            for each in _slices(stream, frame):
                self.report.counts["children"] += 1
                cut = cut or each.problem == "cut_short"
                if not self._child(each):
                    self.report.stopped = True
                    return
                self.progress(stream.tell())
        except UnreadableError as error:
            self.report.unread(error.code, str(error), error.line, 0)
            self.report.stopped = True
            return
        frame.close()
        if frame.problem is not None and not cut:
            self.report.unread(frame.problem.code, f"around the children: {frame.problem}", frame.problem.line, 0)
        for _, line in frame.unknown:
            self.report.warned("element_not_known", DETAILS["element_not_known"], line, 0)
        self.progress(stream.tell())

    def _child(self, each: Slice) -> bool:
        if each.problem:
            self.report.unread(each.problem, _PROBLEMS[each.problem], each.problem_line, each.ordinal)
            return True
        notes = Notes(each.ordinal)
        try:
            found = list(concerns_of(parse(each.text, each.line), self.of, notes))
        except UnreadableError as error:
            self.report.unread(error.code, str(error), error.line, each.ordinal)
            return True
        for note in notes.found:
            self.report.warned(note.code, DETAILS[note.code], note.line, note.child)
        return all(self._concern(line, each.ordinal, submission) for line, submission in found)

    def _concern(self, line: int, ordinal: int, submission: dict[str, Any]) -> bool:
        def told(answer: Answer) -> None:
            if answer.given is None:
                assert answer.error is not None
                self.report.unread(answer.error.code, f"intake refused it: {answer.error}", line, ordinal)
                return
            self.report.accepted(answer.given)
            for warning in answer.given.get("warnings", ()):
                self.report.warned(warning["code"], warning["detail"], line, ordinal, warning["pointer"])

        key = submission["reference"].rpartition("/")[0]
        return self.send(key, submission, told)


def stop_reason(error: CallError) -> str:
    """Say why an import stopped."""
    return f"{error}; the import stopped there. Run it again: what was taken before is not taken twice"


def _slices(stream: BinaryIO, frame: Frame) -> Iterator[Slice]:
    head = stream.read(HEAD_BYTES)
    encoding, mark = encoding_of(head)
    stream.seek(mark)
    yield from Slicer(text_of(stream, encoding), frame)
