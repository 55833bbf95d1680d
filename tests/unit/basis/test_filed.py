"""The page a data protection officer files: what it says, to whom, and that it needs no content."""

from __future__ import annotations

import re
from contextlib import closing
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.basis_assessment.filed import Audience, Disclosure, as_html, as_markdown, disclosures, names
from services.basis_assessment.pack_document import read_book
from services.chassis.arrangement import ArrangementBook
from services.workbench.law_cli import app
from services.workbench.scenario.in_process import InProcess
from services.workbench.scenario.play import play, read
from services.workbench.scenario.seen import Seen

SCENARIOS = Path(__file__).parents[2] / "scenarios"
CHARITY = SCENARIOS / "s07-charity-without-policy-document.yaml"


class Once(InProcess):
    """Plays, and does not decide all of it again: ``test_scenarios`` does."""

    def again(self) -> list[str]:
        """Nothing."""
        return []


def seen(path: Path) -> Seen:
    """Play a scenario and give what it left."""
    with closing(Once()) as hand:
        scenario = read(path)
        play(scenario, path, hand)
        return hand.seen(scenario.then[-1].concern)


def pages(path: Path, audience: Audience = Audience.AUDITOR) -> list[Disclosure]:
    """Give the pages of a scenario."""
    return disclosures(read_book(), ArrangementBook.load(), seen(path).facts, audience=audience)


def test_a_page_names_controllers_basis_condition_and_law() -> None:
    """Given a share, its page says who told whom, on which basis, by which pack, and what nobody has verified."""
    [page] = [one for one in pages(CHARITY) if one.sent is not None]

    html, text = as_html(page), as_markdown(page)
    for shown in (unescape(html), text):
        assert "open-door-charity" in shown
        assert "kent-csc" in shown
        assert page.article6 in shown
        assert page.law.sha256 in shown
        assert all(f"{place}" in shown for place in page.law.unverified)
    assert page.law.unverified
    assert page.withheld


def test_a_page_stands_alone() -> None:
    """A page has no script and asks nothing of anybody: it can be filed and printed as it is."""
    html = as_html(pages(CHARITY)[0])

    assert not re.search(r"<script|<link|<img|src=|url\(|@import", html)


def test_a_page_says_who_decides_and_by_when() -> None:
    """Given an item that waits, the page has the question, the role it was put to, the proposal and the clock."""
    [page] = [one for one in pages(CHARITY) if one.sent is not None]

    [decision] = page.decisions
    assert decision.state == "open"
    assert decision.role == "safeguarding lead"
    assert decision.asks in as_html(page)
    assert decision.clock == "item_decision_significant_harm"


def test_a_recipient_is_not_shown_that_something_was_held_back() -> None:
    """Given an item held back, the recipient's page is as if there had never been one (practice 8)."""
    [page] = pages(CHARITY, Audience.RECIPIENT)

    assert not page.withheld
    assert not page.decisions
    assert not page.questions
    assert not page.governance
    for shown in (as_html(page), as_markdown(page)):
        assert "held back" not in shown
        assert "waits" not in shown


def test_a_page_holds_no_content() -> None:
    """Neither a name nor a word of what was told stands on any page."""
    scene = seen(CHARITY)
    secrets = {
        value
        for fact in scene.facts
        for part in fact.parts.values()
        for value in re.findall(r'(?:given|family|text|name): "([^"]{4,})"', str(part))
    }

    shown = "\n".join(as_html(one) for one in disclosures(read_book(), ArrangementBook.load(), scene.facts))
    assert secrets
    assert not [secret for secret in secrets if secret in shown]


def test_a_class_that_waits_or_was_judged_against_has_a_page_too() -> None:
    """Not sharing is a decision: what was decided against, or waits, can be filed; what had no role is no decision."""
    found = {one.recipient_class: one.verb for one in pages(CHARITY) if one.sent is None}

    assert found
    assert set(found.values()) <= {"has not yet told", "did not tell"}


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_share_of_every_scenario_has_its_page(path: Path) -> None:
    """Each share has one page, with a name of its own and no word of the pack missing."""
    scene = seen(path)
    found = disclosures(read_book(), ArrangementBook.load(), scene.facts)
    if scene.assessed is None:
        assert not found
        return

    shares = [data.share_id for data in scene.of("SharePlanned")]
    assert [one.sent.share_id for one in found if one.sent] == shares
    assert len(set(names(found))) == len(found)
    assert all(step.says for one in found for step in one.why)


def test_the_command_writes_a_page_for_each(tmp_path: Path) -> None:
    """``law explain --page DIR`` writes HTML and text for each disclosure, and names the files."""
    ran = CliRunner().invoke(app, ["explain", "--scenario", str(CHARITY), "--page", str(tmp_path), "--json"])

    assert ran.exit_code == 0, ran.output
    endings = sorted(path.suffix for path in tmp_path.iterdir())
    assert endings.count(".html") == endings.count(".md") == len(pages(CHARITY))


def test_a_recipient_does_not_read_what_the_sender_hesitated_over() -> None:
    """What was said against sharing, and the answer, is on the sender's page and on no recipient's."""
    path = SCENARIOS / "a-myth-is-answered.yaml"

    [own, *_] = pages(path, Audience.SENDER)
    assert own.answers
    assert all(page.answers == () for page in pages(path, Audience.RECIPIENT))
