"""Law by date: which pack decides when, what each brings, and that a pack never changes under what is laid over it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.basis_assessment.pack import LawBook
from services.basis_assessment.pack_document import FOLDER, parse_pack
from services.chassis.errors import SettingsError
from services.chassis.marked_yaml import DocumentError
from tests.unit.basis.law_cases import book, laws
from tests.unit.basis.law_examples_later import COMMENCED, ENCOMPASS, LATER, REPORTED, RLI, UK_GDPR
from tests.unit.basis.law_table import Example, look

BEGINS = {
    "working-together-2018": date(2018, 7, 4),
    UK_GDPR: date(2021, 1, 1),
    "working-together-2023": date(2023, 12, 15),
    "advice-for-practitioners-2024": date(2024, 4, 19),
    ENCOMPASS: date(2025, 11, 7),
    RLI: date(2026, 2, 5),
    "working-together-2026": date(2026, 3, 18),
    REPORTED: date(2026, 9, 30),
}


@pytest.mark.parametrize(
    ("law", "example"), [(law, one) for law, several in LATER.items() for one in several], ids=lambda v: str(v)[:60]
)
def test_a_later_law_by_example(law: str, example: Example) -> None:
    """Given the law of a time, when a concern is assessed, then it says what stands there."""
    going = example.run(laws(law))

    assert {path: look(going, path) for path in example.then} == dict(example.then)


@pytest.mark.parametrize("name", BEGINS)
def test_each_law_decides_from_its_first_day_to_the_day_before_the_next(name: str) -> None:
    """Contiguous: no day without law, none with two."""
    begins, following = BEGINS[name], [day for day in BEGINS.values() if day > BEGINS[name]]
    ends = following[0] - timedelta(days=1) if following else None
    pack = book().by_name(name)
    assert pack is not None

    assert book().until(pack) == ends
    for day in (begins, ends or date(2030, 1, 1)):
        assert book().on(day).name == name


def test_a_variant_is_in_force_on_no_day() -> None:
    """The duty as commenced is chosen by name only."""
    pack = book().by_name(COMMENCED)
    assert pack is not None
    assert pack.variant

    assert book().on(pack.valid_from).name == REPORTED
    assert book().until(pack) is None


def test_two_laws_cannot_begin_on_one_day() -> None:
    """Which of them decides would be an accident."""
    one, other = book().packs[0], book().packs[1]
    with pytest.raises(SettingsError, match="two law packs begin"):
        LawBook.of([one, replace(other, valid_from=one.valid_from)])


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (date(2020, 12, 30), "no law from 2020-12-31 to 2020-12-31"),
        (date(2021, 1, 1), "overlap; let the second begin on 2021-01-02"),
    ],
)
def test_packs_that_say_their_last_day_leave_no_day_without_law_and_none_with_two(ends: date, said: str) -> None:
    """A gap and an overlap are refused with the day that is wanted; to the day is right."""
    first, second = book().packs[:2]

    with pytest.raises(SettingsError, match=said):
        LawBook.of([replace(first, valid_to=ends), second])
    LawBook.of([replace(first, valid_to=date(2020, 12, 31)), second])


def test_a_pack_that_ends_before_it_begins_is_refused_where_it_says_so() -> None:
    """The error names the line."""
    raw = (FOLDER / f"{UK_GDPR}.yaml").read_bytes().replace(b"valid_to:\n", b"valid_to: 2020-12-31\n", 1)

    with pytest.raises(DocumentError, match="before it begins"):
        parse_pack(raw, "backwards.yaml")


def test_a_base_that_changed_is_refused_with_its_digest() -> None:
    """An overlay names the very bytes it was laid over."""
    raw = (FOLDER / f"{UK_GDPR}.yaml").read_bytes()
    base = book().packs[0].sha256

    with pytest.raises(DocumentError, match="a pack never changes") as caught:
        parse_pack(raw.replace(base.encode(), b"0" * 64), "changed.yaml")
    assert "changed.yaml:" in str(caught.value)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("drop: {clauses: [no_such]}", "the base has no 'no_such'"),
        ("drop: {rows: {article6: [no_such]}}", "the base has no 'no_such'"),
        (
            "tables: {article6: [{before: no_such, if: a6_e, basis: e_public_task, outcome: share_power}]}",
            "no 'no_such'",
        ),
        ("tables: {article6: [{before: a6_e, after: a6_e, if: a6_d}]}", "a row stands in one place"),
        (
            "clauses: {a6_d: {says: x, cite: [{source: gdpr, at: x, verified: false}], when: {holds: no_such}}}",
            "no_such",
        ),
        (
            "clauses: {a6_d: {says: x, cite: [{source: gdpr, at: x, verified: false}], when: {holds: a6_d}}}",
            "a circle",
        ),
        ("recite: {gdpr: {source: other}}", "'places' is missing"),
        (
            "recite: {gdpr: {source: other, places: {Article 999: Article 9}}}",
            "no citation of 'gdpr' is at 'Article 999'",
        ),
        ("surprise: 1", "surprise"),
    ],
)
def test_a_broken_overlay_says_where_and_what_to_do(changed: str, said: str) -> None:
    """What it drops, replaces or stands beside must be there; clauses may not name each other in a circle."""
    first = book().packs[0]
    raw = (
        "name: mine\ntitle: Mine\nvalid_from: 2030-01-01\nvalid_to:\n"
        f"overlays: {{pack: {first.name}, sha256: {first.sha256}}}\n{changed}\n"
    )

    with pytest.raises(DocumentError) as caught:
        parse_pack(raw.encode(), "mine.yaml")
    assert said in str(caught.value)


def test_a_citation_of_an_edition_that_was_followed_is_unverified() -> None:
    """What cited the edition of 2018 cites the one of 2023, and nobody has compared those places."""
    [pack] = laws("working-together-2023").packs
    cites = [cite for clause in pack.clauses.values() for cite in clause.cites]

    assert not [cite for cite in cites if cite.source == "wt2018"]
    assert {cite.verified for cite in cites if cite.source == "wt2023"} == {False}


def test_places_that_somebody_compared_in_the_new_edition_are_cited_there() -> None:
    """The rules of 2024 stand in their own words where they were compared; what was not found stays unverified."""
    before, after = (laws(name).packs[0] for name in ("working-together-2023", "advice-for-practitioners-2024"))

    assert [cite.at for cite in before.clauses["source_protected"].cites if cite.source == "rules2018"] == [
        "golden rule 5"
    ]
    [now] = [cite for cite in after.clauses["source_protected"].cites if cite.source == "advice2024"]
    assert (now.at, now.verified) == ("golden rule 5: protect the identity of whoever might come to harm", True)
    assert {cite.verified for cite in after.clauses["confidence_gives_way"].cites} == {False}
