"""The law right around each date: the day before, the day itself and the day after, by worked examples."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta

import pytest
from typer.testing import CliRunner

from services.basis_assessment.pack import LawBook
from services.workbench.law_cli import app
from services.workbench.law_history import differing
from services.workbench.law_worked import Example, examples, worked
from tests.unit.basis.law_cases import book

DATED = book().dated
NEW = [pack.name for pack in DATED[1:]]
CHARITY, SCHOOL, POLICE = (
    "an independent charity without balancing test",
    "a school: significant harm, with a health item",
    "police that attended domestic abuse",
)
CHANGES: dict[str, dict[str, str]] = {
    "operation-encompass-2025": {POLICE: "education article6: e_public_task -> c_legal_obligation"},
    "recognised-legitimate-interest-2026": {
        CHARITY: "childrens_social_care article6: f_legitimate_interests -> ea_recognised_legitimate_interest"
    },
    "information-sharing-duty-2026": {
        SCHOOL: "childrens_social_care alternates: - -> c_legal_obligation",
        "consent to early help, given": "family_help alternates: e_public_task -> e_public_task, c_legal_obligation",
    },
}
"""What the law of a date changes, by example; packs that are not here change places and words alone."""


def on(day: date, example: Example, hour: int = 12) -> list[str]:
    """Give how an example comes out on a day, against the first law of the book."""
    at = datetime.combine(day, time(hour), tzinfo=UTC)
    return list(differing(example.assessed(LawBook(DATED[:1]), at), example.assessed(book(), at)))


@pytest.mark.parametrize("name", NEW)
def test_the_day_before_the_day_and_the_day_after(name: str) -> None:
    """Given a law that begins, then the one before decides until the day before, and it from that day on."""
    pack = book().by_name(name)
    assert pack is not None
    before = DATED[DATED.index(pack) - 1]
    days = [pack.valid_from + timedelta(days=n) for n in (-1, 0, 1)]
    [example] = [one for one in examples() if one.says == SCHOOL]

    found = [example.assessed(book(), datetime.combine(day, time(12), tzinfo=UTC)).law_pack for day in days]

    assert found == [before.name, name, name]


def test_a_law_begins_at_midnight_in_england() -> None:
    """Given 30 September 2026, 00:30 in London and 23:30 the day before in UTC, the law of the 30th decides."""
    [example] = [one for one in examples() if one.says == SCHOOL]
    last, first = (datetime(2026, 9, 29, hour, 30, tzinfo=UTC) for hour in (22, 23))

    assert example.assessed(book(), last).law_pack == "working-together-2026"
    assert example.assessed(book(), first).law_pack == "information-sharing-duty-2026"


@pytest.mark.parametrize("name", NEW)
def test_what_a_date_changes_is_what_law_diff_says(name: str) -> None:
    """Given the law before and the new one, then the examples that change are these, and no other change is made up."""
    pack = book().by_name(name)
    assert pack is not None
    before = DATED[DATED.index(pack) - 1]

    found = {example.says: codes for example, codes in worked(before, pack) if codes}

    for says, line in CHANGES.get(name, {}).items():
        assert line in found[says]
    assert bool(found) == (name in CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_it_changes_on_the_day_and_not_a_day_earlier(name: str) -> None:
    """Given an example that the law changes, then it comes out as before on the day before, and otherwise that day."""
    pack = book().by_name(name)
    assert pack is not None
    for example in (one for one in examples() if one.says in CHANGES[name]):
        earlier, then, later = (on(pack.valid_from + timedelta(days=n), example) for n in (-1, 0, 1))

        assert earlier != then == later


def test_law_diff_without_history_shows_worked_examples() -> None:
    """Given no recorded history, then the command says what the law changes for the examples; the duty in force too."""
    ran = CliRunner().invoke(
        app,
        ["diff", "information-sharing-duty-2026", "information-sharing-duty-2026-commenced", "--no-history", "--json"],
    )

    found = json.loads(ran.stdout)["data"]["examples"]
    [school] = [each["codes"] for each in found["differs"] if each["says"] == SCHOOL]

    assert found["examples"] == len(examples())
    assert "childrens_social_care article6: e_public_task -> c_legal_obligation" in school
