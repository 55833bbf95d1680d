"""Text as it is kept: one Unicode form, no control characters; every script, direction and emoji stays.

Works on the decoded JSON before anything else looks at it, so that every limit and every comparison sees the same form
(Unicode NFC) and the sender is told where something was taken out.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from services.intake.flags import FlagCode, Flags

# Cc but tab and newline; lone surrogates, which no encoding can carry; noncharacters.
_TAKEN_OUT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n?|\u2028|\u2029")
_RUNS = re.compile(r"\s+")


def clean(text: str) -> tuple[str, bool]:
    """Give the text as kept, and whether characters were taken out. Line ends become newlines unflagged."""
    ended = _LINE_ENDS.sub("\n", text)
    kept = _TAKEN_OUT.sub("", ended)
    return unicodedata.normalize("NFC", kept), kept != ended


def one_line(text: str) -> str:
    """Give a name or another single-line value: runs of white space are one space."""
    return _RUNS.sub(" ", text).strip()


def clean_tree(tree: Any, flags: Flags, *where: str | int) -> Any:
    """Clean every value of decoded JSON; a member that is null is one that was not sent."""
    if isinstance(tree, str):
        kept, lost = clean(tree)
        if lost:
            flags.add(FlagCode.CHARACTERS_REMOVED, *where)
        return kept
    if isinstance(tree, list):
        return [clean_tree(value, flags, *where, index) for index, value in enumerate(tree)]
    if isinstance(tree, dict):
        return {name: clean_tree(value, flags, *where, name) for name, value in tree.items() if value is not None}
    return tree
