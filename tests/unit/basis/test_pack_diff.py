"""What differs between two laws, and what would have come out differently."""

from __future__ import annotations

from services.basis_assessment.pack_diff import differences
from services.workbench.law_history import differing
from tests.unit.basis.law_cases import CHARITY, CHILD, WORRY, Raised, assessed, core, laws, together
from tests.unit.basis.law_examples_later import REPORTED, RLI
from tests.unit.basis.law_table import HARM

BEFORE = "operation-encompass-2025"


def changes(one: str, other: str) -> set[tuple[str, str, str]]:
    """Give section, code and kind of each change."""
    return {(c.section, c.code, c.kind) for c in differences(laws(one).packs[0], laws(other).packs[0])}


def test_a_law_does_not_differ_from_itself() -> None:
    """Nothing is made up."""
    assert changes(RLI, RLI) == set()


def test_what_a_law_brings_and_takes_away_is_named() -> None:
    """Clauses and rows added and removed; a condition that names another clause is no change of that condition."""
    found = changes(BEFORE, RLI)

    assert {
        ("clauses", "a6_ea_safeguarding", "added"),
        ("clauses", "a6_ea_not_in_force", "removed"),
        ("tables.article6", "a6_ea_safeguarding", "added"),
        ("tables.refused_bases", "a6_ea_not_in_force", "removed"),
    } <= found
    assert not {code for section, code, kind in found if kind == "condition"}


def test_a_changed_condition_and_changed_places_are_told_apart() -> None:
    """The duty changes one condition; the new edition changes places only."""
    found = changes(RLI, REPORTED)

    assert {code for section, code, kind in found if kind == "condition"} == {"a6_c_no_duty"}
    assert ("clauses", "must", "citations") in found


def test_a_charitys_basis_would_come_out_differently() -> None:
    """Legitimate interests before, recognised legitimate interest after, code by code."""
    raised = Raised(agency=CHARITY, parts=together(CHILD, WORRY), detail=HARM)
    one, other = (assessed(raised, using=core(laws(name))) for name in (BEFORE, RLI))

    assert "childrens_social_care article6: f_legitimate_interests -> ea_recognised_legitimate_interest" in set(
        differing(one, other)
    )
    assert list(differing(one, one)) == []
