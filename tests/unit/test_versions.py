"""Versions: what goes away says so twelve months before, in headers that machines read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.chassis.versions import Deprecated, headers_for

SINCE = datetime(2026, 11, 1, tzinfo=UTC)


def test_what_goes_away_says_when_and_what_instead() -> None:
    """Deprecation is a structured date (RFC 9745), Sunset an HTTP date (RFC 8594); other paths say nothing of it."""
    gone = Deprecated("/v1/old/.*", SINCE, SINCE + timedelta(days=365), "/docs/versions")

    found = dict(headers_for("/v1/old/thing", [gone]))

    assert found["Deprecation"] == "@1793491200"
    assert found["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"
    assert 'rel="deprecation"' in found["Link"]
    assert headers_for("/v1/new", [gone]) == [("API-Version", "1")]


def test_nothing_goes_away_within_a_year() -> None:
    """A notice that is too short is refused where it is written."""
    with pytest.raises(ValueError, match="365 days"):
        Deprecated("/v1/old", SINCE, SINCE + timedelta(days=364), "/docs/versions")
