"""What the paper in docs/ says is so: every test and file it names exists, and no step, failure or myth is left out."""

from __future__ import annotations

import csv
import io
import re
from contextlib import closing
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner

from concern_relay.v1 import assessments_pb2, concerns_pb2, shares_pb2
from concern_relay.v1.codes_pb2 import DpaCondition, SharingMyth
from services.basis_assessment.pack_document import read_book
from services.basis_assessment.ropa import as_csv, record_of_processing
from services.chassis.arrangement import ArrangementBook
from services.chassis.codes import words
from services.workbench.cli import NOUNS
from services.workbench.dry_run import DryRun
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.play import play, read

CONTRACT = (concerns_pb2, assessments_pb2, shares_pb2)
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAPER = (
    "ico-ten-steps.md",
    "hazard-log.md",
    "dpia.md",
    "controllers-and-processors.md",
    "appropriate-policy-document-template.md",
)
PRINCIPLES = 7  # of Article 5: (a) to (f), and accountability
MYTH_CELLS = 6  # four cells, and what stands before the first and after the last bar
NAMED = re.compile(r"`((?:tests|docs)/[\w./-]+?\.(?:py|yaml|md))(?:::(\w+))?`")


@cache
def text(name: str) -> str:
    """Give a page."""
    return (DOCS / name).read_text(encoding="utf-8")


def rows(name: str) -> list[str]:
    """Give the rows of a page's tables."""
    return [line for line in text(name).splitlines() if line.startswith("| ") and not line.startswith("|--")]


@pytest.mark.parametrize("page", PAPER)
def test_every_test_and_file_named_exists(page: str) -> None:
    """A page that names a test nobody has is worse than none."""
    for path, test in NAMED.findall(text(page)):
        file = ROOT / path
        assert file.exists(), f"{page} names {path}"
        if test:
            assert re.search(rf"def {test}\(", file.read_text(encoding="utf-8")), f"{page} names {path}::{test}"


@pytest.mark.parametrize("page", PAPER)
def test_links_between_pages_hold(page: str) -> None:
    """Each page that is linked to is there."""
    for target in re.findall(r"\]\(([\w./-]+\.md)\)", text(page)):
        assert (DOCS / target).exists(), f"{page} links to {target}"


def test_every_step_principle_and_myth_has_a_line() -> None:
    """Ten steps, seven principles, each myth a sender can state; each names a test or a file."""
    found = rows("ico-ten-steps.md")
    steps = [row for row in found if re.match(r"\| \d+\. ", row)]
    principles = [row for row in found if re.match(r"\| (\([a-f]\)|accountability)", row)]

    assert [int(re.findall(r"\d+", row)[0]) for row in steps] == list(range(1, 11))
    assert len(principles) == PRINCIPLES
    assert all(NAMED.search(row) for row in (*steps, *principles))
    myths = {row.split("|")[2].strip(" `"): row for row in found if len(row.split("|")) == MYTH_CELLS}
    assert set(myths) - {"code"} >= set(words(SharingMyth))
    assert all(NAMED.search(myths[myth]) for myth in words(SharingMyth))


def test_every_known_failure_has_a_control_a_test_and_a_residual_risk() -> None:
    """F1 to F20, none left out, and the product is what it says."""
    failures = [row for row in rows("hazard-log.md") if re.match(r"\| F\d+ ", row)]

    assert [int(re.findall(r"F(\d+)", row)[0]) for row in failures] == list(range(1, 21))
    for row in rows("hazard-log.md"):
        if re.match(r"\| [FH]\d+ ", row):
            assert NAMED.search(row), row[:40]
            [severity, likelihood, risk] = map(int, re.findall(r"(\d) \u00d7 (\d) = (\d+)", row)[0])
            assert severity * likelihood == risk < 10


def test_every_field_and_command_the_controllers_page_names_exists() -> None:
    """Who is controller is said by fields of the contract and commands of the product: none of them is invented."""
    page = text("controllers-and-processors.md")
    fields = re.findall(r"`([A-Z]\w+)(?:\.(\w+))?`", page)
    known = {m.name: m for module in CONTRACT for m in module.DESCRIPTOR.message_types_by_name.values()}

    assert len(fields) >= len(("sender", "lead", "recipient", "cover"))
    for message, field in fields:
        assert message in known, message
        assert not field or field in known[message].fields_by_name, f"{message}.{field}"
    for noun, verb in re.findall(r"`concern-relay (\w+) (\w+)", page):
        ran = CliRunner().invoke(import_module(NOUNS[noun][0]).app, [verb, "--help"])
        assert ran.exit_code == 0, f"{noun} {verb}"


def test_every_party_is_controller_or_processor_and_no_duty_is_nobodys() -> None:
    """Each party is said to be the one or the other; each duty has its owner and what the system gives for it."""
    parties, duties = text("controllers-and-processors.md").split("## Duties, and who does them")
    cells = [[cell.strip() for cell in row.split("|")[1:-1]] for row in parties.splitlines() if row.startswith("| ")]
    owners = [[cell.strip() for cell in row.split("|")[1:-1]] for row in duties.splitlines() if row.startswith("| ")]

    assert all(re.search(r"controller|processor|acts for", row[1]) for row in cells[1:])
    assert all(cell for row in owners for cell in row)


def test_the_policy_document_template_has_what_schedule_1_part_4_asks_for() -> None:
    """Each condition that needs one, each principle of Article 5, retention and erasure, review and who signs."""
    page = text("appropriate-policy-document-template.md")
    conditions = {word.split("_")[1] for word in words(DpaCondition) if word.startswith("sch1_p")}

    assert {f"p{number}" for number in re.findall(r"Sch 1 para (\d+)", page)} <= conditions
    assert {"18", "6", "36"} <= set(re.findall(r"Sch 1 para (\d+)", page))
    principles = [
        row for row in rows("appropriate-policy-document-template.md") if re.match(r"\| (\([a-f]\)|acc)", row)
    ]
    assert len(principles) == PRINCIPLES
    for said in ("Retention and erasure", "six months after", "next review", "Signed"):
        assert said in page


def test_the_impact_assessment_holds_what_article_35_asks_for() -> None:
    """What is processed, necessity and proportionality, the risks with what is done about each, and who was asked."""
    page = text("dpia.md")
    for heading in (
        "What is processed",
        "Necessity and proportionality",
        "Risks to people",
        "Who was asked",
        "Decision",
    ):
        assert re.search(rf"^## \d\. .*{heading}", page, re.MULTILINE), heading
    figures = [re.findall(r"(\d) \u00d7 (\d)", row) for row in rows("dpia.md")]
    risks = [found for found in figures if found]

    assert len(risks) >= PRINCIPLES
    for before, after in risks:
        assert int(after[0]) * int(after[1]) < int(before[0]) * int(before[1]) or before == after


def test_governance_is_asked_and_nothing_waits() -> None:
    """A missing DPIA is a task for governance, and social care is told all the same."""
    path = ROOT / "tests/scenarios/s07-charity-without-policy-document.yaml"
    with closing(InProcess()) as hand:
        scenario = read(path)
        play(scenario, path, hand)
        seen = hand.seen(scenario.then[-1].concern)

    assert seen.assessed is not None
    assert "dpia_missing" in seen.assessed.governance_codes
    assert "kent-csc" in {share.recipient_agency_id for share in seen.of("SharePlanned")}


def test_a_child_who_leaves_school_is_a_trigger() -> None:
    """Missing from education can be said, and with a child in need social care is told of it."""
    child = {"ref": "child", "role": "child", "names": [{"given": "Robin", "family": "Invented"}]}
    item = {"category": "education", "kind": "fact", "about": "child", "core": True, "text": "Has left the roll."}
    submission = {
        "reference": "left",
        "raised_by": {"name": "Sam Specimen", "role": "teacher"},
        "detail": {"level": "child_in_need", "triggers": ["missing_education"]},
        "people": [child],
        "items": [item],
    }

    found = DryRun().of(submission, "larkfield-primary")

    assert "childrens_social_care" in {one["class"] for one in found.told}


def test_the_record_of_processing_speaks_of_every_agency_and_class() -> None:
    """Each controller has a row for each class it may disclose to; legitimate interests are open to no public body."""
    arrangement = ArrangementBook.load().arrangements[-1]
    pack = read_book().on(date(2026, 11, 23))
    rows = record_of_processing(arrangement, pack)

    assert {row.controller_id for row in rows} == set(arrangement.agencies)
    for row in rows:
        assert row.article6_open
        if "public authority" in row.legal_nature:
            assert "(ea)" not in row.article6_open
            assert "(f)" not in row.article6_open
        assert row.regime
        assert bool(row.part3_basis) == row.regime.startswith("law enforcement") == bool(row.part3_conditions)
    [heading, *lines] = list(csv.reader(io.StringIO(as_csv(rows))))
    assert len(lines) == len(rows)
    assert "article6_open" in heading


def test_the_record_of_processing_lists_law_enforcement_processing_apart() -> None:
    """Given competent authorities, what one may tell another under Part 3 has a row of its own, and no Article 6 basis.

    Police tell probation for law enforcement alone; youth justice for that or, where no crime is in question, for
    safeguarding; a school never. A school has no such row.
    """
    arrangement = ArrangementBook.load().arrangements[-1]
    rows = record_of_processing(arrangement, read_book().on(date(2026, 11, 23)))
    made = {(row.controller_id, row.recipients, bool(row.part3_basis)): row for row in rows}

    assert ("kent-police", "Probation", True) in made
    assert ("kent-police", "Probation", False) not in made
    assert {("kent-police", "Youth justice", part3) for part3 in (True, False)} <= made.keys()
    assert ("kent-police", "Education", True) not in made
    assert not [key for key in made if key[0] == "larkfield-primary" and key[2]]
    row = made["kent-police", "Probation", True]
    assert "s35(2)(b)" in row.part3_basis
    assert "Sch 8 para 4" in row.part3_conditions
    assert row.article6_open == "none: law enforcement processing"
    assert "held under law enforcement" in made["kent-police", "Education", False].regime
