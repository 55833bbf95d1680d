"""YAML that remembers where each thing stood, so that an error can point at file, line and column.

Nodes rather than plain data; ``text`` gives a scalar as it is written, so that the code ``no`` stays a word.
"""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import yaml

from services.chassis.errors import SettingsError

DOCUMENT_BYTES_MAX = 1_000_000
NESTING_MAX = 100

_REMEDY = "mend it: text with a colon, a comma or # goes in quotes; indent with blanks, not tabs"

# libyaml where the wheel has it: ten times as fast, and every process reads law and arrangement when it starts.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One thing that is wrong in a document, where it stands, and what to do."""

    file: str
    line: int
    column: int
    wrong: str
    remedy: str

    def __str__(self) -> str:
        """Give it on one line, as editors and people read it."""
        return f"{self.file}:{self.line}:{self.column}: {self.wrong}; {self.remedy}"


class DocumentError(SettingsError):
    """A document of data is wrong; says where (file, line, column) and what to do.

    Attributes:
        mistakes: everything that was found, in the order of the document.
    """

    def __init__(self, *mistakes: Mistake) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


def mistake_at(node: yaml.Node, wrong: str, remedy: str) -> Mistake:
    """Give a mistake that points at a node."""
    mark = node.start_mark
    return Mistake(mark.name, mark.line + 1, mark.column + 1, wrong, remedy)


def fail(node: yaml.Node, wrong: str, remedy: str) -> NoReturn:
    """Raise a DocumentError that points at a node."""
    raise DocumentError(mistake_at(node, wrong, remedy))


def read_document(path: Path) -> tuple[yaml.Node, bytes]:
    """Read a YAML document, keeping line numbers. Gives its root, and its bytes for the digest that names it.

    Raises:
        DocumentError: when it is not one YAML document of at most a million bytes.
    """
    raw = read_raw(path)
    return read_text(raw, path.name), raw


def read_raw(path: Path) -> bytes:
    """Read a document's bytes.

    Raises:
        DocumentError: when there are more than a million.
    """
    raw = path.read_bytes()
    if len(raw) > DOCUMENT_BYTES_MAX:
        raise DocumentError(Mistake(path.name, 1, 1, f"larger than {DOCUMENT_BYTES_MAX} bytes", "split it"))
    return raw


def read_text(raw: bytes, name: str) -> yaml.Node:
    """Read YAML as ``read_document`` does, from bytes; ``name`` stands in errors."""
    _refuse_unreadable(raw, name)
    try:
        _refuse_deep(raw, name)
        root: yaml.Node | None = LOADER(_Named(raw, name)).get_single_node()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = getattr(error, "problem", None) or "unreadable"
        remedy = "one document a file" if problem == "but found another document" else _REMEDY
        raise DocumentError(Mistake(name, line, column, f"not YAML ({problem})", remedy)) from error
    if root is None:
        raise DocumentError(Mistake(name, 1, 1, "empty", "write the document"))
    return root


def plain(written: str | bytes) -> Any:
    """Give plain data: for documents of our own, and for what ``read_text`` took.

    Raises:
        YAMLError: it is no YAML.
    """
    return yaml.load(written, LOADER)  # noqa: S506  (a safe loader)


def _refuse_unreadable(raw: bytes, name: str) -> None:
    """Refuse what is text in no encoding that YAML has: UTF-8, or UTF-16 with its mark."""
    if raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = len(raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        raise DocumentError(Mistake(name, line, column, "not UTF-8", "save it as UTF-8")) from None


class _Named(BytesIO):
    """Bytes with a name, which YAML's marks take over."""

    def __init__(self, raw: bytes, name: str) -> None:
        super().__init__(raw)
        self.name = name


def _refuse_deep(raw: bytes, name: str) -> None:
    """Refuse what is nested too deeply before nodes are made of it, which libyaml does without a limit."""
    depth = 0
    for event in yaml.parse(_Named(raw, name), Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > NESTING_MAX:
                mark: Any = event.start_mark
                raise DocumentError(Mistake(name, mark.line + 1, mark.column + 1, "nested too deeply", "flatten it"))
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def entries(node: yaml.Node) -> dict[str, yaml.Node]:
    """Give a mapping's values by key, refusing a key that stands twice."""
    if not isinstance(node, yaml.MappingNode):
        fail(node, "not a mapping", "write 'key: value' lines")
    found: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if text(key) in found:
            fail(key, f"{key.value!r} stands twice", "keep one")
        found[text(key)] = value
    return found


def elements(node: yaml.Node) -> list[yaml.Node]:
    """Give a list's elements."""
    if not isinstance(node, yaml.SequenceNode):
        fail(node, "not a list", "write it as [a, b]")
    return list(node.value)


def text(node: yaml.Node) -> str:
    """Give a scalar as it is written: ``no`` is the word, not false."""
    if not isinstance(node, yaml.ScalarNode):
        fail(node, "not a single value", "write one word")
    return str(node.value)


def near(word: str, words: Iterable[str]) -> str:
    """Give a remedy for an unknown word: the one most like it, or all there are."""
    known = sorted(words)
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"one of: {', '.join(known)}"
