"""Law packs: read with every mistake found where it stands, checked as a whole, picked by date and digest."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from concern_relay.v1.codes_pb2 import Category, Sensitivity
from services.basis_assessment.pack import LawBook, LawClause, LawPack
from services.basis_assessment.pack_check import check
from services.basis_assessment.pack_document import FOLDER, parse_pack, read_book, read_pack
from services.chassis.errors import SettingsError
from services.chassis.marked_yaml import DocumentError
from tests.unit.basis.law_cases import laws

pytestmark = pytest.mark.exhaustive

SHIPPED = (FOLDER / "working-together-2018.yaml").read_text()


def pack() -> LawPack:
    """Give the shipped pack."""
    return laws().packs[0]


def parse(text: str) -> LawPack:
    """Read a pack from text."""
    return parse_pack(text.encode(), "pack.yaml")


# Reading


def test_the_shipped_pack_is_dated_named_and_open_ended() -> None:
    """It decides from the day the guidance was published until a later pack follows."""
    assert (pack().name, pack().valid_from, pack().valid_to) == ("working-together-2018", date(2018, 7, 4), None)


def test_a_changed_byte_is_another_pack() -> None:
    """The digest is of the bytes, comments included."""
    assert parse(SHIPPED).sha256 == pack().sha256
    assert parse(SHIPPED + "\n# a remark\n").sha256 != pack().sha256


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("name: working", "nmae: working", "'nmae'"),
        ("valid_from: 2018-07-04", "valid_from: July", "no day"),
        ("- {if: p18,", "- {if: p81,", "no clause is called 'p81'"),
        ("- {source: fgma2003,", "- {source: fgm,", "no source is called 'fgm'"),
        ("basis: c_legal_obligation, outcome", "basis: c_duty, outcome", "unknown Article6"),
        ("outcome: share_duty", "outcome: share_gladly", "unknown outcome"),
        ("outcome: share_duty}", "outcome: share_duty, gateway: ca1989_s47}", "'gateway'"),
        ("reason: is_sender", "reason: because", "unknown WithholdReason"),
        ("ask: pass_on", "ask: pass_over", "did you mean 'pass_on'"),
        (", ask: pass_on, of: lead, proposal: share_power", ", ask: pass_on, of: lead", "needs a proposal"),
        ("of: lead", "of: nobody", "sender or lead"),
        ("answers_of: level", "answers_of: levle", "no fact is called 'levle'"),
        ("answers: [share_power, not_shared_detriment]", "answers: []", "no answer"),
        ("when: {is: {policy_document: true}}", "when: {is: {policy_document: ja}}", "true or false"),
        ("rule: hours, amount: 2", "rule: hours, amount: 0", "no amount"),
        ("rule: hours, amount: 2", "rule: moons, amount: 2", "unknown clock rule"),
        ("rule: hours, amount: 2", "amount: 2", "'rule' is missing"),
        ("  genetic: special_category", "  genetic: secret", "unknown Sensitivity"),
        ("  genetic: special_category", "  genes: special_category", "unknown Category"),
        ("lead_decider: social_work_manager", "lead_decider: data_protection_officer", "advises and never decides"),
        ("    says: Special category data.", "    says: ''", "no words"),
        ("cite: [{source: gdpr, at: Article 9(1), verified: true}]", "cite: []", "no citation"),
        ("at: Article 9(1), verified: true", "at: Article 9(1), verified: perhaps", "neither true nor false"),
        ("    - {if: any_other, clock: item_decision, rule: hours, amount: 24}\n", "", "may not hold"),
        ("article9: a_explicit_consent}", "or_unknown: true}", "'or_unknown'"),
        ("{if: a9_a, article9: a_explicit_consent}", "{if: a9_a}", "names no condition"),
    ],
)
def test_a_mistake_is_found_where_it_stands(was: str, becomes: str, says: str) -> None:
    """Each error names the file, the line, what is wrong and what to do."""
    assert was in SHIPPED
    with pytest.raises(DocumentError, match=r"^pack.yaml:\d+:\d+: ") as refused:
        parse(SHIPPED.replace(was, becomes, 1))

    assert says in str(refused.value)


def test_a_table_that_is_missing_is_refused() -> None:
    """Every table has to be there: none is left to be guessed."""
    with pytest.raises(DocumentError, match="'governance' is missing"):
        parse(SHIPPED[: SHIPPED.index("  governance: # all that hold")])


# Checking


def test_nothing_is_wrong_with_the_shipped_pack() -> None:
    """Every clause is used and cited, every question has answers and somebody who is asked."""
    assert [finding for finding in check(pack()) if finding.wrong] == []


def test_what_nobody_has_compared_is_listed() -> None:
    """Citations from memory are shown as such, each with its clause."""
    unverified = {finding.where for finding in check(pack()) if finding.code == "citation_unverified"}

    assert "confidence_gives_way" in unverified
    assert "p18" not in unverified


def without_question(found: LawPack) -> LawPack:
    """Drop a question that a fact needs."""
    return replace(found, questions={k: v for k, v in found.questions.items() if k != "level"})


def with_idle_clause(found: LawPack) -> LawPack:
    """Add a clause nobody names."""
    idle = LawClause(replace(found.clauses["special"].clause, code="idle"), "Idle.", ())
    return replace(found, clauses={**found.clauses, "idle": idle})


def with_idle_question(found: LawPack) -> LawPack:
    """Add a question nothing leads to."""
    return replace(
        found, questions={**found.questions, "idle": replace(found.questions["level"], code="idle", answers=())}
    )


def with_double_row(found: LawPack) -> LawPack:
    """Let a row stand twice."""
    rows = found.tables["items"]
    return replace(found, tables={**found.tables, "items": (*rows, rows[0])})


def with_row_for_all(found: LawPack) -> LawPack:
    """Put a row that always holds above others."""
    rows = found.tables["class_outcome"]
    return replace(found, tables={**found.tables, "class_outcome": (found.tables["clocks"][-1], *rows)})


def without_decider(found: LawPack) -> LawPack:
    """Let nobody answer for some senders."""
    return replace(found, deciders={})


def without_intelligence(found: LawPack) -> LawPack:
    """Let intelligence count as ordinary."""
    kept = {k: v for k, v in found.sensitivity.items() if k != Category.CATEGORY_POLICE_INTELLIGENCE}
    return replace(found, sensitivity=kept)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (without_question, {"question_missing"}),
        (with_idle_clause, {"clause_unused", "citation_missing"}),
        (with_idle_question, {"question_unused", "question_without_answer"}),
        (with_double_row, {"row_twice"}),
        (with_row_for_all, {"row_hides_others"}),
        (without_decider, {"decider_missing"}),
        (without_intelligence, {"sensitivity_missing"}),
    ],
)
def test_a_pack_that_is_wrong_as_a_whole_is_a_finding(change: object, codes: set[str]) -> None:
    """What no single line shows is found over the whole."""
    assert {finding.code for finding in check(change(pack())) if finding.wrong} == codes  # type: ignore[operator]


# Choosing


def later(name: str, valid_from: date, valid_to: date | None = None) -> LawPack:
    """Give a pack of another time."""
    return replace(pack(), name=name, valid_from=valid_from, valid_to=valid_to, sha256=name)


def test_the_newest_pack_that_has_begun_decides() -> None:
    """An open-ended pack ends where a later one begins; one that ended is passed over."""
    first, special = pack(), later("special", date(2020, 3, 1), date(2020, 9, 1))
    second = later("second", date(2021, 1, 1))
    book = LawBook.of([second, special, first])

    days = (date(2018, 7, 4), date(2020, 5, 1), date(2020, 10, 1), date(2020, 12, 31), date(2021, 1, 1))
    assert [book.on(day).name for day in days] == [first.name, "special", first.name, first.name, "second"]


def test_before_the_first_pack_the_first_one_answers() -> None:
    """A gap in the book never keeps a concern from being assessed."""
    assert laws().on(date(2010, 1, 1)) is pack()


def test_a_pack_is_found_by_the_digest_a_decision_names() -> None:
    """Old packs stay at hand for old decisions."""
    assert laws().by_digest(pack().sha256) is pack()
    assert laws().by_digest("0" * 64) is None


def test_two_packs_of_one_name_are_refused() -> None:
    """A pack never changes; a change is a new pack with a name of its own."""
    with pytest.raises(SettingsError, match="never changes"):
        LawBook.of([pack(), replace(pack(), sha256="other")])


def test_no_pack_at_all_is_refused(tmp_path: Path) -> None:
    """Without law nothing starts."""
    with pytest.raises(SettingsError, match="no law pack"):
        read_book(tmp_path)


def test_every_shipped_pack_can_be_read() -> None:
    """What lies in deploy/law is sound."""
    for path in FOLDER.glob("*.yaml"):
        assert read_pack(path).clauses


def test_special_categories_are_those_of_article_9() -> None:
    """Health, ethnicity, religion, sex life and the like; offences and intelligence are of their own kind."""
    by_kind: dict[int, set[int]] = {}
    for category, sensitivity in pack().sensitivity.items():
        by_kind.setdefault(sensitivity, set()).add(category)

    assert len(by_kind[Sensitivity.SENSITIVITY_SPECIAL_CATEGORY]) == 14
    assert by_kind[Sensitivity.SENSITIVITY_CRIMINAL_OFFENCE] == {Category.CATEGORY_CRIMINAL_OFFENCE}
    assert by_kind[Sensitivity.SENSITIVITY_LAW_ENFORCEMENT] == {Category.CATEGORY_POLICE_INTELLIGENCE}


COMPARED = {
    "wt2018": r"information sharing",
    "wt2023": r"published",
    "rules2018": r"golden rule",
    "advice2024": r"golden rule|published",
    "gdpr": r"Articles? (5\(1\)|6|7|9|10|17|35)|recital (32|46)$|Annex 1",
    "dpa2018": r"s(4\(2\)|7|8|10|11|30|31|35|36|42)|Sch 1|Sch 8|Part 3$",
    "ico10": r"step",
    "ico_rli": r"",
    "ico_le": r"",
    "fgma2003": r"s5B",
    "ca1989": r"s(16B|17|47)",
    "sswba2014": r"s21\(1\), s37\(1\) to \(3\) and s38\(1\)",
    "csa1995": r"s22\(1\)",
    "cnio1995": r"Articles 18\(1\) and 66",
    "common_law": r"R \(Catt\)",
    "ca2004": r"s(10|11)",
    "ea2002": r"s175$",
    "iss2014": r"Schedule para 7$",
    "soa2003": r"s5 to s8$",
    "cda1998": r"s115",
    "ha1996": r"s213A\(2\) to \(4\) and s213B$",
    "msa2015": r"s52\(1\)",
    "duaa2025": r"s70|s71\(5\)|Sch 4",
    "ico_reuse": r"",
    "cwsa2026": r"s16LA|s16LC|s78\(5\)",
    "daa2021": r"s49A",
    "vpa2024": r"s20",
    "oe2025": r"",
    "practice": r"",
}
"""What somebody compared with the published text, by source: docs/law.md names the same. ``practice`` is no law."""


def test_nothing_is_called_verified_that_nobody_compared() -> None:
    """Every citation that says verified is of a place that was compared; the rest say that it was not."""
    cites = {
        cite
        for each in read_book().packs
        for holder in (*each.clauses.values(), *each.questions.values(), *each.gateways.values())
        for cite in holder.cites
    }
    dated = {cite for each in read_book().packs for cite in each.dates}

    overstated = {
        (cite.source, cite.at)
        for cite in cites | dated
        if cite.verified and not (cite.source in COMPARED and re.match(COMPARED[cite.source], cite.at))
    }
    assert overstated == set()
