"""One element as a small tree, read by expat within bounds. Names lose their prefix: censuses come with and without."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from services.workbench.imports.unreadable import UnreadableError

DEPTH_MAX: Final = 12
ELEMENTS_MAX: Final = 20_000
_ERRORS: Final = expat.errors.codes
_WORDS: Final = {
    _ERRORS[expat.errors.XML_ERROR_TAG_MISMATCH]: ("tags_cross", "an element is closed by another's end tag"),
    _ERRORS[expat.errors.XML_ERROR_UNDEFINED_ENTITY]: ("entity", "an entity that is not declared; write &amp; for &"),
    _ERRORS[expat.errors.XML_ERROR_NO_ELEMENTS]: ("cut_short", "it ends before everything is closed"),
    _ERRORS[expat.errors.XML_ERROR_UNCLOSED_TOKEN]: ("cut_short", "it ends inside a tag"),
    _ERRORS[expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE]: ("attribute_twice", "an attribute stands twice"),
    _ERRORS[expat.errors.XML_ERROR_BAD_CHAR_REF]: ("character", "a character that XML does not allow"),
}


@dataclass(slots=True)
class Element:
    """An element.

    Attributes:
        name: without prefix.
        line: of the file.
        text: its own text, white space at the ends taken off.
        children: in order.
    """

    name: str
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)


class _Builder:
    """Builds the tree from what expat finds."""

    def __init__(self, line: int) -> None:
        self._line = line
        self._open: list[Element] = []
        self._said: list[list[str]] = []
        self.made: list[Element] = []
        # without namespaces: a prefix that is declared at the top of the file is not declared in a piece of it
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._words

    @property
    def _here(self) -> int:
        return self._line + self.parser.CurrentLineNumber - 1

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= DEPTH_MAX:
            raise UnreadableError("too_deep", f"more than {DEPTH_MAX} elements inside one another", self._here)
        if len(self.made) >= ELEMENTS_MAX:
            raise UnreadableError("too_many", f"more than {ELEMENTS_MAX} elements for one child", self._here)
        element = Element(_local(name), self._here)
        element.children += [Element(f"@{_local(n)}", self._here, v) for n, v in attributes.items() if _says(n)]
        if self._open:
            self._open[-1].children.append(element)
        self.made.append(element)
        self._open.append(element)
        self._said.append([])

    def _end(self, _: str) -> None:
        self._open.pop().text = "".join(self._said.pop()).strip()

    def _words(self, data: str) -> None:
        if self._said:
            self._said[-1].append(data)


def parse(text: str, line: int) -> Element:
    """Parse one element.

    Args:
        text: the element, and nothing else.
        line: of the file it begins in.

    Raises:
        UnreadableError: not well-formed, too deep, too many elements.
    """
    builder = _Builder(line)
    try:
        builder.parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise why(error, line - 1) from None
    except UnicodeEncodeError:
        raise UnreadableError("character", "a character that XML does not allow", line) from None
    return builder.made[0]


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _says(attribute: str) -> bool:
    """Whether an attribute is content: declarations of namespaces and schemas are not."""
    return not attribute.startswith("xmlns") and _local(attribute) not in (
        "schemaLocation",
        "noNamespaceSchemaLocation",
    )


def why(error: expat.ExpatError, before: int) -> UnreadableError:
    """Say what expat found; its own words name no content, but say no remedy."""
    code, words = _WORDS.get(error.code, ("not_well_formed", "not well-formed XML"))
    return UnreadableError(code, f"{words}; export it again, or put this line right", before + error.lineno)
