"""The law packs at hand."""

from __future__ import annotations

from functools import cache

from services.basis_assessment.pack import LawBook
from services.basis_assessment.pack_document import read_book


@cache
def law_book() -> LawBook:
    """Give every pack of deploy/law, read once."""
    return read_book()
