"""The samples that are shipped can be raised as they are, and cover what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.chassis.marked_yaml import plain
from services.intake.reading import read_tree
from tests.unit.intake.events import said

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "deploy" / "samples"
LINES: list[dict[str, Any]] = [
    json.loads(line) for line in (SAMPLES / "concerns.ndjson").read_text(encoding="utf-8").splitlines()
]


def body(sample: dict[str, Any]) -> dict[str, Any]:
    """Give the submission of a sample."""
    return {name: value for name, value in sample.items() if name != "agency"}


@pytest.mark.parametrize("number", range(1, len(LINES) + 1))
def test_every_sample_can_be_raised(number: int):
    """Each line is a submission as it stands."""
    assert read_tree(body(LINES[number - 1])).submission.reference


@pytest.mark.parametrize("name", ["school-bruising", "emergency", "the-least"])
def test_the_samples_to_read_can_be_raised(name: str):
    """The files of the documentation are submissions too."""
    assert read_tree(json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8")))


def test_the_senders_are_agencies_of_the_arrangement():
    """So the demo has a token for each."""
    arrangement = plain((ROOT / "deploy/arrangements/kent-and-medway.yaml").read_text(encoding="utf-8"))
    known = {agency["id"] for agency in arrangement["agencies"]}

    named = {value for line in LINES for p in line.get("people", ()) for value in _agencies(p)}
    assert {line["agency"] for line in LINES} | named <= known


def _agencies(person: dict[str, Any]) -> list[str]:
    school = [person["school"]] if isinstance(person.get("school"), str) else []
    return [*person.get("can_read_agencies", ()), *person.get("known_to_agencies", ()), *school]


def test_the_samples_are_many_and_varied():
    """At least 60 concerns; every urgency, level and most triggers occur."""
    details = [line.get("detail", {}) for line in LINES]

    assert len({(line["agency"], line["reference"]) for line in LINES}) >= 60
    assert {line.get("urgency") for line in LINES} >= {"emergency", "urgent", "routine", None}
    assert len({t for d in details for t in d.get("triggers", ())}) >= 25
    assert len({line["agency"] for line in LINES}) >= 20


def test_the_samples_cover_what_is_odd():
    """A wrong number, an unknown code, hidden without a reason: the demo shows that nothing waits for them."""
    found = {flag.code.value for line in LINES for flag in said(body(line)).flags}

    assert found >= {
        "identifier_invalid",
        "identifier_missing",
        "identifier_hidden_adoption",
        "code_not_known",
        "date_not_read",
        "dates_out_of_order",
        "hidden_without_reason",
        "refuge_hidden",
        "child_unnamed",
        "urgency_not_stated",
        "consent_without_end",
        "ref_unknown",
    }


def test_nhs_numbers_of_samples_are_of_the_range_never_issued():
    """Nobody has one of them."""
    numbers = [
        i["value"]
        for line in LINES
        for p in line.get("people", ())
        for i in p.get("identifiers", ())
        if i["kind"] == "nhs_number"
    ]

    assert len(numbers) > 20
    assert all(number.startswith("999") for number in numbers)
