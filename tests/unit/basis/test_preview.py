"""One sentence before sending: who would be told, on which basis, and what would wait. Nothing is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from concern_relay.v1.codes_pb2 import SharingMyth
from services.chassis.codes import words
from services.workbench.concern_cli import app
from services.workbench.dry_run import DryRun

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
SAMPLES = Path(__file__).parents[3] / "deploy" / "samples"


def submission(**more: Any) -> dict[str, Any]:
    """Give what a school would send."""
    child = {"ref": "child", "role": "child", "names": [{"given": "Robin", "family": "Invented"}], "age_years": 8,
             "known_to_agencies": ["kent-community-health", "maidstone-housing"],
             "authorities": [{"gss_code": "E10000016", "role": "lives"}]}  # fmt: skip
    worry = {"category": "welfare", "kind": "fact", "about": "child", "core": True, "text": "Unexplained bruises."}
    detail = {"level": "significant_harm", "consent_absence": "would_prejudice_protection"}
    raised_by = {"name": "Sam Specimen", "role": "teacher"}
    return {
        "reference": "p",
        "urgency": "urgent",
        "raised_by": raised_by,
        "detail": detail,
        "people": [child],
        "items": [worry],
        **more,
    }


def test_one_sentence_says_who_and_on_which_basis() -> None:
    """Given a school's worry, the sentence names children's social care, the basis, and what waits, and is one."""
    found = DryRun().of(submission(), "larkfield-primary", NOW)

    assert "Children's social care" in found.sentence
    assert "Article 6(1)" in found.sentence
    assert "wait until a person has looked" in found.sentence
    assert found.sentence.count(". ") == 0
    assert found.sentence.endswith(".")


def test_that_nobody_is_known_to_be_told_is_said() -> None:
    """Given a child of whom no probation service is known, it says so and asks to name it; nobody is asked about it."""
    found = DryRun().of(submission(), "larkfield-primary", NOW)

    said = {each["class"]: each["why"] for each in found.not_told}
    assert "name it" in said["probation"]
    assert "health" not in said


def test_an_emergency_says_to_call_999() -> None:
    """Given an emergency, the sentence says that it is told first, and that this is not a call."""
    found = DryRun().of(submission(urgency="emergency"), "larkfield-primary", NOW)

    assert found.emergency
    assert "call 999" in found.sentence


def test_that_there_is_no_consent_is_answered() -> None:
    """Given a sender who notes that consent was refused, the myth is answered with its citation."""
    refused = {"kind": "basis", "status": "refused", "subject": "child"}
    found = DryRun().of(submission(consents=[refused]), "larkfield-primary", NOW)

    assert any("not needed to safeguard a child" in answer and "Working Together" in answer for answer in found.answers)


@pytest.mark.parametrize("myth", words(SharingMyth))
def test_each_thing_said_against_sharing_is_answered_before_sending(myth: str) -> None:
    """Given a sender who doubts, there is one answer, it names a source, and who would be told stays the same."""
    plain = DryRun().of(submission(detail={"level": "significant_harm"}), "larkfield-primary", NOW)
    found = DryRun().of(submission(detail={"level": "significant_harm", "myths": [myth]}), "larkfield-primary", NOW)

    [answered] = set(found.answers) - set(plain.answers)
    assert answered.endswith("]")
    assert found.told == plain.told


def test_an_unknown_agency_gets_an_answer_and_questions() -> None:
    """Given a sender the arrangement does not list, social care is told all the same; the unknown is asked."""
    found = DryRun().of(submission(), "nobody-knows-it", NOW)

    assert "Children's social care" in found.sentence
    assert found.questions


def test_the_command_sends_nothing(tmp_path: Path) -> None:
    """``concern raise --dry-run`` needs nothing that runs, answers line by line, and says nothing was kept."""
    path = tmp_path / "concerns.ndjson"
    path.write_text(json.dumps({**submission(), "agency": "larkfield-primary"}) + '\n{"reference": 5}\n')

    ran = CliRunner().invoke(app, ["raise", "--dry-run", str(path), "--json"])

    answer = json.loads(ran.output)
    assert answer["data"]["recorded"] == 0
    assert len(answer["data"]["previews"]) == 1
    assert [finding["detail"][:7] for finding in answer["findings"]] == ["line 2:"]


def test_every_shipped_sample_has_its_sentence() -> None:
    """Each concern of the shipped sample can be looked at before it is sent."""
    looking = DryRun()
    for line in (SAMPLES / "concerns.ndjson").read_text().splitlines():
        tree = json.loads(line)
        assert looking.of(tree, tree.pop("agency"), NOW).sentence
