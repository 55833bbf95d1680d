"""What is told of a scenario that was played: what came of it, and whether it comes out the same again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from concern_relay.v1.shares_pb2 import SharePlanned
from services.chassis.settings import REPOSITORY
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.play import play, read

SCENARIOS = REPOSITORY / "tests" / "scenarios"
S07 = SCENARIOS / "s07-charity-without-policy-document.yaml"


def test_what_came_of_it_is_told_in_the_words_of_a_scenario() -> None:
    """Given a scenario, when it is played and shown, then bases, shares and what waits stand there, by ref."""
    with closing(InProcess()) as hand:
        told = play(read(S07), S07, hand, show=True).came_of_it

    assert any(line.startswith("basis: childrens_social_care share_power article6: ea_") for line in told)
    assert any(line.startswith("  item note: blocked_pending special_category reason: no_policy") for line in told)
    assert any(line.startswith("share: to kent-csc delivered due 2026-11-24T17:00 (acknowledge_") for line in told)
    assert "withheld: [note] from kent-csc for no_policy_document" in told
    assert not [line for line in told if "Robin" in line or "Low for weeks" in line]


def test_what_was_not_asked_for_is_not_told() -> None:
    """Given nobody asks, then nothing but findings comes back."""
    with closing(InProcess()) as hand:
        assert play(read(S07), S07, hand).came_of_it == ()


def test_what_comes_out_otherwise_when_decided_again_is_a_finding() -> None:
    """Given a recorded share that the core would not have planned so, when all is decided again, then it is told."""
    with closing(InProcess()) as hand:
        play(read(S07), S07, hand)
        assert hand.again() == []

        planned = next(e.fact.data for e in hand._stage.events if isinstance(e.fact.data, SharePlanned))
        planned.rule_code = "another_rule"

        assert any("rule_code" in line for line in hand.again())


def test_a_clause_that_did_not_lead_to_an_item_is_found(tmp_path: Path) -> None:
    """Given an item that must rest on a clause, when it rests on another, then both ways of saying so are findings."""
    path = tmp_path / "s07.yaml"
    said = S07.read_text(encoding="utf-8").replace(
        "          reason: no_policy_document\n",
        "          clauses: [policy_document]\n          not_clauses: [waits_for_policy_document]\n",
        1,
    )
    path.write_text(said, encoding="utf-8")

    with closing(InProcess()) as hand:
        findings = play(read(path), path, hand).findings

    assert [line.rpartition("'note' ")[2] for line in findings] == [
        "does not rest on policy_document",
        "rests on waits_for_policy_document and must not",
    ]
