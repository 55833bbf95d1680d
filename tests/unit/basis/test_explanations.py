"""Why it was shared so: in words, as data, and never in words of another law than the one that was followed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from concern_relay.v1.assessments_pb2 import BasisAssessed
from services.basis_assessment import words
from services.basis_assessment.explain import NOT_COMPARED, explain
from services.basis_assessment.pack import LawBook
from services.chassis.codes import words as words_of
from tests.unit.basis.law_anything import Case, cases
from tests.unit.basis.law_cases import (
    BRUISE,
    CHARITY,
    CHILD,
    NOTE,
    WORRY,
    Raised,
    assessed,
    laws,
    together,
)

SCHOOL_BRUISES = Raised(
    parts=together(CHILD, BRUISE, WORRY),
    detail={
        "level": "significant_harm",
        "consent_absence": "would_prejudice_protection",
        "basis_asked_for": "f_legitimate_interests",
    },
)


def page(found: BasisAssessed) -> str:
    """Give the page in plain English."""
    return "\n".join(explain(laws(), found).lines())


def test_a_page_says_who_is_told_on_which_basis_and_why() -> None:
    """Recipient, basis, enactment, controller, condition, limb and citation stand there in words."""
    said = page(assessed(SCHOOL_BRUISES))

    assert "Children's social care: told, the law permits it." in said
    assert "Article 6(1)(e), public task and Children Act 1989 s47" in said
    assert "Controller: larkfield-primary." in said
    assert "para 18, safeguarding of children and individuals at risk" in said
    assert "asking for consent would prejudice the protection" in said
    assert "refused: Legitimate interests are not open to a public authority performing its tasks." in said
    assert "Not legal advice" in said


def test_what_nobody_has_compared_is_shown_as_such() -> None:
    """A citation from memory never looks like one that was checked, nor the other way round."""
    [pack] = laws().packs
    found = assessed(SCHOOL_BRUISES)

    def said(verified: bool) -> str:
        clauses = {
            code: replace(one, cites=tuple(replace(cite, verified=verified) for cite in one.cites))
            for code, one in pack.clauses.items()
        }
        return "\n".join(explain(LawBook((replace(pack, clauses=clauses),)), found).lines())

    assert NOT_COMPARED in said(verified=False)
    assert NOT_COMPARED not in said(verified=True)


def test_questions_myths_and_tasks_are_on_the_page() -> None:
    """What is asked stands once, with its possible answers and for whom it matters."""
    raised = Raised(
        agency=CHARITY,
        parts=together(CHILD, WORRY, NOTE),
        detail={"level": "significant_harm", "basis_asked_for": "a_consent", "immediate_danger": True},
    )

    said = page(assessed(raised))

    assert "Myths answered:" in said
    assert "no appropriate policy document on record" in said
    assert said.count("Is the legitimate-interests assessment complete") == 1
    assert "[yes, no] (matters for: childrens social care, police)" in said


def test_the_machine_form_is_plain_data() -> None:
    """It goes through JSON and has every class, part and clause."""
    found = assessed(SCHOOL_BRUISES)

    data = json.loads(json.dumps(explain(laws(), found).as_dict()))

    assert data["law_pack_sha256"] == laws().packs[0].sha256
    assert len(data["classes"]) == len(found.classes)
    [csc] = [c for c in data["classes"] if c["recipient_class"] == "childrens_social_care"]
    assert {part["part_id"] for part in csc["parts"]} == {"bruise", "child", "worry"}
    assert all(step["says"] and step["cites"] for step in csc["steps"])


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_assessment_can_be_explained(case: Case) -> None:
    """Whatever came out, each code has its words and its citation, and nothing is amiss."""
    explained = explain(laws(), assessed(case.raised, using=case.core))

    assert explained.findings == ()
    assert all(line == line.rstrip() for line in explained.lines())
    steps = [s for c in explained.classes for s in (*c.steps, *c.refused, *(s for p in c.parts for s in p.steps))]
    assert all(step.says and step.cites for step in (*steps, *explained.governance, *explained.answers))
    assert all(asked.asks and asked.answers for asked in explained.questions)


def test_a_pack_that_was_changed_after_use_is_a_finding() -> None:
    """The changed file's words are not put to the decision; its codes stand alone."""
    found = assessed(SCHOOL_BRUISES)
    found.law_pack_sha256 = "0" * 64

    explained = explain(laws(), found)

    assert [finding.code for finding in explained.findings] == ["law_pack_changed"]
    assert "bring the old file back" in explained.findings[0].detail
    assert all(step.says == "" for of_class in explained.classes for step in of_class.steps)
    assert "because: gateway_s47" in "\n".join(explained.lines())


def test_a_pack_that_is_not_at_hand_is_a_finding() -> None:
    """It says which file is missing."""
    found = assessed(SCHOOL_BRUISES)
    found.law_pack, found.law_pack_sha256 = "working-together-1999", "0" * 64

    assert [finding.code for finding in explain(laws(), found).findings] == ["law_pack_missing"]


def test_a_clause_the_pack_does_not_have_is_a_finding() -> None:
    """Record or pack is not what it was; the rest is still explained."""
    found = assessed(SCHOOL_BRUISES)
    found.classes[0].clause_codes.append("made_up")

    assert [finding.code for finding in explain(laws(), found).findings] == ["clause_unknown"]


@pytest.mark.parametrize(
    ("enum", "table"), words.TABLES, ids=lambda v: getattr(getattr(v, "DESCRIPTOR", None), "name", "")
)
def test_every_code_has_words(enum: object, table: dict[str, str]) -> None:
    """A code that is added to the contract is worded here."""
    assert set(table) == set(words_of(enum))
