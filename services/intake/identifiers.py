"""What the check of a number finds. A bad one is reported and never blocks (Children Act 2004 s16LC(8))."""

from __future__ import annotations

import re

from stdnum.gb import nhs, upn

from concern_relay.v1.codes_pb2 import IdentifierCheck, IdentifierKind, IdentityMatch

MATCH_FROM = 0.95
POTENTIAL_FROM = 0.85
"""Confidence of a matcher that is a match, or a potential one: as DFE-Digital/SUI_Matcher has them; not verified."""
GSS = re.compile(r"[EWSN]\d{8}", re.ASCII)
_UPRN = re.compile(r"\d{1,12}", re.ASCII)


def check(kind: IdentifierKind, value: str) -> IdentifierCheck:
    """Check a number by the rule of its kind; kinds without a rule are not checkable."""
    match kind:
        case IdentifierKind.IDENTIFIER_KIND_NHS_NUMBER:
            found = bool(nhs.is_valid(value))
        case IdentifierKind.IDENTIFIER_KIND_UPN | IdentifierKind.IDENTIFIER_KIND_FORMER_UPN:
            found = bool(upn.is_valid(value.upper()))
        case IdentifierKind.IDENTIFIER_KIND_UPRN:
            found = _UPRN.fullmatch(value) is not None
        case _:
            return IdentifierCheck.IDENTIFIER_CHECK_NOT_CHECKABLE
    return IdentifierCheck.IDENTIFIER_CHECK_VALID if found else IdentifierCheck.IDENTIFIER_CHECK_INVALID


def compact(value: str) -> str:
    """Give a number without spaces, dots and dashes, upper case: for comparing, not for keeping."""
    return re.sub(r"[\s.\-]", "", value).upper()


def concluded(confidence: str) -> IdentityMatch | None:
    """Give what a matcher's confidence (0 to 1) in one candidate means; None where it is no such number."""
    try:
        read = float(confidence)
    except ValueError:
        return None
    if not 0 <= read <= 1:
        return None
    if read >= MATCH_FROM:
        return IdentityMatch.IDENTITY_MATCH_MATCH
    if read >= POTENTIAL_FROM:
        return IdentityMatch.IDENTITY_MATCH_POTENTIAL_MATCH
    return IdentityMatch.IDENTITY_MATCH_LOW_CONFIDENCE_MATCH
