"""The OpenAPI documents in ``docs/openapi`` are what the services offer."""

from __future__ import annotations

import pytest

from scripts.openapi import TARGET, documents

DOCUMENTS = documents()


@pytest.mark.parametrize("service", sorted(DOCUMENTS))
def test_the_document_is_current(service: str) -> None:
    """What a supplier reads is what answers; ``python scripts/openapi.py`` writes it anew."""
    assert (TARGET / f"{service}.json").read_text(encoding="utf-8") == DOCUMENTS[service]
