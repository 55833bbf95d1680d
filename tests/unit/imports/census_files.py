"""Synthetic censuses: every name and number is invented, the same for the same seed.

Written from the published element names, not from any authority's file; ids begin with ``SYN``.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from xml.sax.saxutils import escape

_NEEDS = [f"N{n}" for n in range(10)]
_SOURCES = [
    "1A",
    "1B",
    "1C",
    "1D",
    "2A",
    "2B",
    "3A",
    "3B",
    "3C",
    "3D",
    "3E",
    "3F",
    "4",
    "5A",
    "5B",
    "5C",
    "5D",
    "6",
    "7",
    "8",
    "9",
    "10",
]
_FACTORS = ["1A", "2B", "3A", "3B", "4A", "4B", "7A", "10A", "16A", "17A", "18C", "19B", "20", "22A", "23A", "24A"]
_ABUSE = ["NEG", "PHY", "SAB", "EMO", "MUL"]
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def upn(number: int) -> str:
    """Give a unique pupil number whose check letter is right."""
    digits = f"886{number % 10**9:09d}"
    check = sum((n + 2) * int(digit) for n, digit in enumerate(digits)) % 23
    return _UPN_LETTERS[check] + digits


def tag(name: str, *inner: str) -> str:
    """Give an element; empty where nothing is in it."""
    return f"<{name}>{''.join(inner)}</{name}>"


def leaf(name: str, value: object) -> str:
    """Give an element with a value, or nothing."""
    return "" if value in ("", None) else f"<{name}>{escape(str(value))}</{name}>"


def header(lea: str = "886", year: int = 2025) -> str:
    """Give a header."""
    details = tag(
        "CollectionDetails", leaf("Collection", "CIN"), leaf("Year", year), leaf("ReferenceDate", f"{year}-03-31")
    )
    source = tag("Source", leaf("SourceLevel", "L"), leaf("LEA", lea), leaf("SoftwareCode", "synthetic"))
    return tag("Header", details, source)


def child(number: int, layout: int = 2025, *, shuffled: bool = False) -> str:
    """Give a child with one to three referrals.

    Args:
        number: which; the same number is the same child.
        layout: year; sex is GenderCurrent before 2024, pre-proceedings came in 2026.
        shuffled: the order of elements differs.
    """
    rng = random.Random(number)

    def mixed(parts: list[str]) -> list[str]:
        if shuffled:
            random.Random(number * 7 + 1).shuffle(parts)
        return parts

    born = date(2008, 1, 1) + timedelta(days=rng.randrange(5000))
    sex = leaf("GenderCurrent", rng.choice("1209")) if layout < 2024 else leaf("Sex", rng.choice("FMU"))
    number_or_why = leaf("UPN", upn(number)) if rng.random() < 0.7 else leaf("UPNunknown", f"UN{rng.randint(1, 7)}")
    identifiers = mixed([leaf("LAchildID", f"SYN{number:07d}"), number_or_why, leaf("PersonBirthDate", born), sex])
    disabled = [leaf("Disability", code) for code in rng.sample(["MOB", "AUT", "LD", "HEAR"], rng.randrange(3))]
    characteristics = [leaf("Ethnicity", rng.choice(["WBRI", "AOTH", "MWBC", "REFU"]))]
    characteristics += [tag("Disabilities", *disabled)] if disabled else []
    details = [tag("CINdetails", *mixed(_details(rng, born, layout, n))) for n in range(rng.choice((1, 1, 1, 2, 3)))]
    parts = [tag("ChildIdentifiers", *identifiers), tag("ChildCharacteristics", *characteristics), *details]
    return tag("Child", *mixed(parts)) + "\n"


def referrals(number: int, layout: int = 2025) -> int:
    """Give how many referrals a child has."""
    return child(number, layout).count("<CINdetails>")


def census(numbers: range, layout: int = 2025, *, lea: str = "886", shuffled: bool = False) -> str:
    """Give a whole census without XML declaration."""
    return "".join(pieces(numbers, layout, lea=lea, shuffled=shuffled))


def pieces(numbers: range, layout: int = 2025, *, lea: str = "886", shuffled: bool = False) -> Iterator[str]:
    """Give a census in pieces: as large as is wanted, without holding it."""
    yield f"<Message>\n{header(lea, layout)}\n<Children>\n"
    for number in numbers:
        yield child(number, layout, shuffled=shuffled)
    yield "</Children>\n</Message>\n"


def _details(rng: random.Random, born: date, layout: int, n: int) -> list[str]:
    begun = max(born, date(2018, 1, 1)) + timedelta(days=rng.randrange(400) + 900 * n)
    closed = begun + timedelta(days=rng.randrange(50, 700)) if rng.random() < 0.6 else None
    nothing = rng.random() < 0.1
    parts = [leaf("CINreferralDate", begun), leaf("ReferralSource", rng.choice(_SOURCES))]
    parts += [
        leaf("PrimaryNeedCode", rng.choice(_NEEDS)),
        leaf("ReferralNFA", rng.choice(("1", "true")) if nothing else "0"),
    ]
    if closed:
        parts += [leaf("CINclosureDate", closed), leaf("ReasonForClosure", f"RC{rng.randint(2, 9)}")]
    if nothing:
        return parts
    for m in range(rng.randrange(3)):
        starts = begun + timedelta(days=10 * m + 1)
        factors = [leaf("AssessmentFactors", code) for code in rng.sample(_FACTORS, rng.randint(1, 5))]
        parts.append(
            tag(
                "Assessments",
                leaf("AssessmentActualStartDate", starts),
                leaf("AssessmentInternalReviewDate", starts + timedelta(days=5)),
                leaf("AssessmentAuthorisationDate", starts + timedelta(days=30)),
                tag("FactorsIdentifiedAtAssessment", *factors),
            )
        )
    parts += _protection(rng, begun) if rng.random() < 0.3 else []
    if layout >= 2026 and rng.random() < 0.2:
        parts.append(
            tag(
                "PreProceedingsandFGDM", leaf("PPStartDate", begun), leaf("FGDMMeetingOffer", 1), leaf("PPOutcome", "A")
            )
        )
    return parts


def _protection(rng: random.Random, begun: date) -> list[str]:
    held = begun + timedelta(days=20)
    enquiry = [leaf("S47ActualStartDate", begun + timedelta(days=5)), leaf("InitialCPCtarget", held)]
    enquiry += [leaf("DateOfInitialCPC", held), leaf("ICPCnotRequired", "false")]
    reviews = [leaf("CPPreviewDate", held + timedelta(days=80 * n)) for n in range(1, 4)]
    plan = [leaf("CPPstartDate", held), leaf("CPPendDate", held + timedelta(days=300))]
    plan += [leaf("InitialCategoryOfAbuse", rng.choice(_ABUSE)), leaf("LatestCategoryOfAbuse", rng.choice(_ABUSE))]
    plan += [leaf("NumberOfPreviousCPP", rng.randrange(3)), tag("Reviews", *reviews)]
    need = tag("CINPlanDates", leaf("CINPlanStartDate", begun), leaf("CINPlanEndDate", begun + timedelta(days=15)))
    return [need, tag("Section47", *enquiry), tag("ChildProtectionPlans", *plan)]
