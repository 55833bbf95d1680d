"""A catalogue of submissions that are odd and are taken: what is sent, and the flags that must come with the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.unit.intake.events import submission


@dataclass(frozen=True)
class Odd:
    """One entry: its name, the bytes, and the flags that have to be among the answer's."""

    name: str
    body: bytes
    flags: frozenset[str]


def _odd(name: str, flags: str, **fields: Any) -> Odd:
    body = submission(**{"reference": f"odd {name}", **fields})
    return Odd(name, json.dumps(body).encode(), frozenset(flags.split()))


def _child(name: str, flags: str, **fields: Any) -> Odd:
    return _odd(name, flags, people=[{"role": "child", **fields}])


ODD = (
    # dates
    _child("born in 1900", "age_impossible", birth_date="1900-01-01"),
    _child("born in 2099", "date_in_future", birth_date="2099-12-31"),
    _child("born in the year 0001", "date_unlikely", birth_date="0001-01-01"),
    _child("born in 9999", "date_unlikely", birth_date="9999-12-31"),
    _child("born on the 30th of February", "date_not_read", birth_date="2018-02-30"),
    _child("born in words", "date_not_read", birth_date="last spring"),
    _child("born the American way", "date_not_read", birth_date="02/05/2018"),
    _child("born at 1e999", "date_not_read", birth_date="1e999"),
    _odd("it happened in 2099", "date_in_future", occurred="2099-01-01"),
    _child(
        "a plan that ends first",
        "dates_out_of_order",
        statuses=[{"status": "child_in_need", "from_on": "2026", "to_on": "2019"}],
    ),
    # numbers
    _child("a UPN with a wrong letter", "identifier_invalid", identifiers=[{"kind": "upn", "value": "A000000000000"}]),
    _child(
        "an NHS number with a wrong digit",
        "identifier_invalid",
        identifiers=[{"kind": "nhs_number", "value": "9990000017"}],
    ),
    _child("a number of one kind twice", "", identifiers=[{"kind": "la_child_id", "value": "7"}] * 2),
    _child("a number of hundreds of digits", "identifier_invalid", identifiers=[{"kind": "upn", "value": "9" * 300}]),
    _child("an age of minus one", "age_impossible", age_years=-1),
    _child("an age of a billion", "age_impossible", age_years=10**9),
    # text
    _child("a name from right to left", "", names=["\u0645\u062d\u0645\u062f \u202e\u05d3\u05d5\u05d3"]),
    _child("a name of emoji", "", names=["\U0001f469\u200d\U0001f466"]),
    _child("a name with a null", "characters_removed", names=["A\x00da"]),
    _child("a name with a bell", "characters_removed", names=["A\x07da"]),
    _child("a name with half a surrogate pair", "characters_removed", names=["A\ud800da"]),
    _child("a name in two Unicode forms", "", names=["Zoe\u0308", "Zo\u00eb"]),
    _child("a name that is markup", "", names=["<script>alert(1)</script>"]),
    _child("a name that is SQL", "", names=["Robert'); DROP TABLE entry;--"]),
    _odd("a reference that is a path", "", reference="../../etc/passwd"),
    _odd("a reference with a line break", "", reference="7\n8"),
    # codes
    _odd("an urgency nobody knows", "urgency_not_stated code_not_known", urgency="asap!!"),
    _odd("a trigger nobody knows", "code_not_known", detail={"triggers": ["dragons"]}),
    _odd("factor none and another", "factor_none_combined", detail={"factors": ["21", "1A"]}),
    _child("a role nobody knows", "code_not_known", role="kid"),
    _child("an authority that is none", "authority_code_not_read", authorities=[{"gss_code": "KENT"}]),
    # nobody there
    _child("about a ref of nobody", "ref_unknown", relationships=[{"to": "nobody", "kind": "mother"}]),
    _odd(
        "danger that is no emergency", "danger_but_not_emergency", urgency="routine", detail={"immediate_danger": "yes"}
    ),
)
"""Kept, every one: a child is never behind paperwork (practice 1 to 4)."""
