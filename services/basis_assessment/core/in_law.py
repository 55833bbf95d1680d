"""What some agencies are in law together (practice 13), and under the law of which country they act.

Where several are meant, a standing counts only if all of them have it, so that no duty towards one of them is taken to
be a duty towards the other; what telling each rests on beyond that stands with it (``towards``).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from concern_relay.v1.codes_pb2 import Country, LegalNature
from services.basis_assessment.core.verdict import Known
from services.chassis.arrangement import Agency
from services.chassis.codes import word_of

REMEMBERED_MAX: Final = 4096
"""Answers that are remembered: bodies that are alike in law share one."""

_COUNTRIES: Final = {
    "E": Country.COUNTRY_ENGLAND,
    "W": Country.COUNTRY_WALES,
    "S": Country.COUNTRY_SCOTLAND,
    "N": Country.COUNTRY_NORTHERN_IRELAND,
}


def in_law(agencies: tuple[Agency, ...]) -> Known:
    """Give what all of them are in law, and the countries whose law all of them act under, as words.

    The first is None where none is known, or of one nobody has entered it; one without areas acts under the law of no
    country in particular.
    """
    return _together(tuple([(one.natures, one.areas) for one in agencies]))


@lru_cache(maxsize=REMEMBERED_MAX)
def _together(bodies: tuple[tuple[frozenset[LegalNature], frozenset[str]], ...]) -> Known:
    if not bodies:
        return None, frozenset()
    each = [frozenset(filter(None, (_COUNTRIES.get(area[:1]) for area in areas))) for _, areas in bodies]
    countries = frozenset(word_of(Country, one) for one in frozenset.intersection(*each))
    if not all(natures for natures, _ in bodies):
        return None, countries
    natures = frozenset.intersection(*(natures for natures, _ in bodies))
    return frozenset(word_of(LegalNature, one) for one in natures), countries
