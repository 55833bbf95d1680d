"""The frame of a census: everything but the children. Its header says whose return it is."""

from __future__ import annotations

from typing import Final
from xml.parsers import expat

from services.workbench.imports.census.element import DEPTH_MAX, why
from services.workbench.imports.encoding import NOT_DECODED
from services.workbench.imports.unreadable import UnreadableError

VALUE_CHARS_MAX: Final = 200
HELD_MAX: Final = 200
"""Elements of the frame that are remembered; a header has a dozen."""
_UNREAD_BYTES_MAX: Final = 128 * 1024
_KNOWN: Final = frozenset(
    {"Message", "Header", "CollectionDetails", "Collection", "Year", "ReferenceDate", "Source", "SourceLevel", "LEA"}
    | {"LA", "SoftwareCode", "Release", "SerialNo", "DateTime", "Content", "CBDSLevels", "CBDSLevel", "Children"}
)


class Frame:
    """Reads the frame as it comes.

    Attributes:
        values: text of the header's elements by name, the first of each.
        unknown: names of elements that are not known, with their line.
        problem: the first thing that is not well-formed.
        root: name of the outermost element.
    """

    def __init__(self) -> None:
        """Begin at the first line."""
        self.values: dict[str, str] = {}
        self.unknown: list[tuple[str, int]] = []
        self.problem: UnreadableError | None = None
        self.root = ""
        self._path: list[str] = []
        self._said = ""
        self._fed = 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._words

    def feed(self, text: str) -> None:
        """Take a piece."""
        self._parse(text.replace(NOT_DECODED, "\ufffd"), final=False)

    def close(self) -> None:
        """Say that there is no more."""
        self._parse("", final=True)

    def _parse(self, text: str, *, final: bool) -> None:
        if self.problem is not None:
            return
        data = text.encode("utf-8", "replace")
        self._fed += len(data)
        try:
            self._parser.Parse(data, final)
        except expat.ExpatError as error:
            self.problem = why(error, 0)
        except UnreadableError as error:
            self.problem = error
        else:
            if self._fed - self._parser.CurrentByteIndex > _UNREAD_BYTES_MAX:
                line = self._parser.CurrentLineNumber
                self.problem = UnreadableError("markup_without_end", "a tag has no end", line)

    def _start(self, name: str, _: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if len(self._path) >= DEPTH_MAX:
            raise UnreadableError("too_deep", "elements too deep in one another", self._parser.CurrentLineNumber)
        self.root = self.root or name
        if name not in _KNOWN and len(self.unknown) < HELD_MAX:
            self.unknown.append((name, self._parser.CurrentLineNumber))
        self._path.append(name)
        self._said = ""

    def _end(self, _: str) -> None:
        name, said = self._path.pop(), self._said.strip()
        if said and len(self.values) < HELD_MAX:
            self.values.setdefault(name, said)
        self._said = ""

    def _words(self, data: str) -> None:
        if len(self._said) < VALUE_CHARS_MAX:
            self._said += data[:VALUE_CHARS_MAX]
