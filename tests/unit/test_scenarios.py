"""The scenarios, in process, and the words they may use."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.play import ScenarioFileError, play, read, schema

SCENARIOS = sorted((Path(__file__).parents[1] / "scenarios").glob("*.yaml"))
MINIMAL = """
scenario: minimal
given: {now: 2026-11-23T09:00}
when:
  - raise:
      agency: larkfield-primary
      reference: r
      urgency: routine
      raised_by: {name: Pat Example, role: teacher}
      detail: {level: child_in_need}
      people: [{ref: child, role: child, age_years: 8}]
      items: [{ref: worry, category: welfare, kind: fact, about: child, core: true, text: A worry.}]
then: {}
"""


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "scenario.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_a_scenario_passes(path: Path) -> None:
    """Every shipped scenario comes out as it says."""
    with closing(InProcess()) as hand:
        played = play(read(path), path, hand)

    assert played.findings == ()


def test_there_are_at_least_eight_cases_of_the_domain() -> None:
    """The shipped scenarios cover eight of the domain's numbered cases."""
    numbered = [path for path in SCENARIOS if path.name[0] == "s" and path.name[1:3].isdigit()]

    assert len(numbered) >= 8


@pytest.mark.parametrize(
    "text",
    [
        MINIMAL.replace("then: {}", "then: {recipient: [kent-csc]}"),
        MINIMAL.replace("then: {}", "then: {basis: [{class: social_care}]}"),
        MINIMAL.replace("then: {}", "then: {events: [ConcernRised]}"),
        MINIMAL.replace("given:", "givn:"),
        "scenario: [",
        "",
    ],
)
def test_an_unknown_word_is_no_scenario(tmp_path: Path, text: str) -> None:
    """A word the schema does not have is refused, with its place."""
    with pytest.raises(ScenarioFileError, match=r"scenario\.yaml"):
        read(_write(tmp_path, text))


def test_a_scenario_that_is_wrong_is_found(tmp_path: Path) -> None:
    """A demand that is not met is a finding that names what is there instead."""
    path = _write(
        tmp_path, MINIMAL.replace("then: {}", "then: {not_recipients: [kent-csc, medway-csc], events: [ShareRead]}")
    )
    with closing(InProcess()) as hand:
        played = play(read(path), path, hand)

    assert "event ShareRead did not happen" in played.findings


def test_the_schema_names_every_word() -> None:
    """The JSON Schema lists the codes of the contract and refuses others."""
    found = schema()

    assert "childrens_social_care" in str(found)
    assert found["additionalProperties"] is False
