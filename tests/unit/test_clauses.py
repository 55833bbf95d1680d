"""The clause language: Kleene's logic over typed facts, and errors that point at the line."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concern_relay.v1.codes_pb2 import ConcernLevel, PersonRole, StatutoryStatus, Ternary, Trigger, Urgency
from concern_relay.v1.facts_pb2 import ConcernDetail, Part, Person, Status
from services.chassis.clauses import Clause, Condition, Declared, Facts, FactType, Span, Truth, read_clause
from services.chassis.concern import Concern
from services.chassis.concern_facts import DECLARED, age_of, concern_facts
from services.chassis.marked_yaml import DocumentError, read_document, read_text

FACTS = {
    fact.name: fact
    for fact in (
        Declared("p", FactType.BOOL, question="ask_p"),
        Declared("q", FactType.BOOL),
        Declared("level", FactType.CODE, ("low", "high", "no")),
        Declared("triggers", FactType.CODES, ("knife", "fire", "flood")),
        Declared("age", FactType.INTEGER),
        Declared("on", FactType.DATE),
    )
}
UNKNOWN: Truth = None
TRUTHS: tuple[Truth, ...] = (True, False, UNKNOWN)


def clause(yaml: str, named: dict[str, Clause] | None = None) -> Clause:
    """Read one clause from text."""
    return read_clause("under_test", read_text(yaml.encode(), "pack.yaml"), FACTS, named)


def known(**values: Truth) -> Facts:
    """Give facts, leaving out those that are unknown."""
    return {name: value for name, value in values.items() if value is not None}


# Logic


@pytest.mark.parametrize(("p", "q"), list(product(TRUTHS, TRUTHS)))
def test_all_any_and_not_are_kleenes(p: Truth, q: Truth) -> None:
    """``all`` is the lesser, ``any`` the greater, ``not`` the mirror, with unknown between false and true."""
    rank = {False: 0, UNKNOWN: 1, True: 2}
    facts = known(p=p, q=q)

    assert rank[clause("all: [{is: {p: true}}, {is: {q: true}}]").holds(facts)] == min(rank[p], rank[q])
    assert rank[clause("any: [{is: {p: true}}, {is: {q: true}}]").holds(facts)] == max(rank[p], rank[q])
    assert rank[clause("not: {is: {p: true}}").holds(facts)] == 2 - rank[p]


CODES = frozenset({"knife", "fire", "flood"})
VALUES = {
    "p": st.booleans(),
    "q": st.booleans(),
    "level": st.sampled_from(("low", "high", "no")),
    "triggers": st.frozensets(st.sampled_from(sorted(CODES))),
    "age": st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda ages: Span(min(ages), max(ages))),
    "on": st.dates(date(2018, 1, 1), date(2027, 1, 1)),
}
TESTS = st.one_of(
    st.tuples(st.sampled_from(("p", "q")), st.booleans()).map(lambda t: Condition("is", fact=t[0], value=t[1])),
    VALUES["level"].map(lambda code: Condition("is", fact="level", value=code)),
    st.frozensets(VALUES["level"], min_size=1).map(lambda codes: Condition("in", fact="level", value=codes)),
    st.sampled_from(sorted(CODES)).map(lambda code: Condition("has", fact="triggers", value=code)),
    st.frozensets(st.sampled_from(sorted(CODES)), min_size=1).map(
        lambda codes: Condition("has_any", fact="triggers", value=codes)
    ),
    st.integers(0, 20).map(lambda age: Condition("at_least", fact="age", value=Span(age, age))),
    VALUES["on"].map(lambda day: Condition("before", fact="on", value=day)),
)
CONDITIONS = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: Condition("all", tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Condition("any", tuple(parts))),
        inner.map(lambda part: Condition("not", (part,))),
        inner.map(lambda part: Condition("holds", clause=Clause("named", part))),
    ),
    max_leaves=12,
)
FULL = st.fixed_dictionaries(VALUES)
PARTIAL = st.fixed_dictionaries({}, optional=VALUES)


@given(CONDITIONS, PARTIAL)
def test_the_quick_way_and_the_reasoned_way_agree(condition: Condition, facts: Facts) -> None:
    """``holds`` and ``evaluate`` are two readings of one condition and never differ."""
    under_test = Clause("under_test", condition)

    assert under_test.holds(facts) is under_test.evaluate(facts).value


@given(CONDITIONS, FULL, st.sets(st.sampled_from(sorted(VALUES))))
def test_learning_more_never_turns_an_answer_around(condition: Condition, full: Facts, hidden: set[str]) -> None:
    """What is true or false while facts are unknown stays so whatever they turn out to be."""
    under_test = Clause("under_test", condition)
    early = under_test.holds({name: value for name, value in full.items() if name not in hidden})

    exact = Span(full["age"].low, full["age"].low)  # type: ignore[union-attr]

    assert early is None or early is under_test.holds(full)
    assert under_test.holds(full) in (None, under_test.holds({**full, "age": exact}))


@given(CONDITIONS, FULL, st.sets(st.sampled_from(sorted(VALUES))))
def test_the_facts_named_as_unknown_settle_it(condition: Condition, full: Facts, hidden: set[str]) -> None:
    """Learning the facts an unknown answer asks for is enough; learning any others changes nothing."""
    under_test = Clause("under_test", condition)
    facts = {name: value for name, value in full.items() if name not in hidden}
    exact = {**full, "age": Span(full["age"].low, full["age"].low)}  # type: ignore[union-attr]
    verdict = under_test.evaluate(facts)

    asked = verdict.unknown
    others = {name: value for name, value in full.items() if name in hidden - asked}
    if verdict.value is None and "age" not in asked - hidden:
        assert under_test.holds({**facts, **others}) is None
    assert verdict.value is not None or under_test.holds({**facts, **{n: exact[n] for n in asked}}) is not None


@given(CONDITIONS, PARTIAL)
def test_only_facts_that_are_read_matter(condition: Condition, facts: Facts) -> None:
    """``reads`` names every fact an answer can depend on, so answers may be remembered by those alone."""
    under_test = Clause("under_test", condition)
    read = {name: value for name, value in facts.items() if name in under_test.reads}

    assert under_test.evaluate(facts) == under_test.evaluate(read)


def test_a_span_of_ages_answers_as_far_as_it_can() -> None:
    """Between 7 and 8 is at least 5, not at least 10, and perhaps at least 8."""
    facts = {"age": Span(7, 8)}

    assert [clause(f"at_least: {{age: {age}}}").holds(facts) for age in (5, 10, 8)] == [True, False, None]


def test_a_named_clause_is_read_where_it_is_named() -> None:
    """``holds`` takes in a clause that stands before, and the trace says what each came to."""
    dangerous = Clause("dangerous", Condition("has", fact="triggers", value="knife"))
    both = clause("all: [{holds: dangerous}, {is: {level: high}}]", {"dangerous": dangerous})

    verdict = both.evaluate({"triggers": frozenset({"knife"})})

    assert verdict.trace == (("dangerous", True), ("under_test", None))
    assert verdict.unknown == {"level"}


def test_the_word_no_is_a_code_where_codes_are_wanted() -> None:
    """YAML's ``no`` is false only where the fact is true or false."""
    assert clause("is: {level: no}").holds({"level": "no"}) is True


def test_always_needs_no_fact() -> None:
    """A rule without condition says so in a word."""
    assert clause("always").holds({}) is True


# Errors


@pytest.mark.parametrize(
    ("yaml", "place", "says"),
    [
        ("is: {levle: high}", "1:5", "did you mean 'level'"),
        ("is: {level: hihg}", "1:13", "did you mean 'high'"),
        ("all:\n  - is: {p: true}\n  - is: {p: yes}", "3:13", "write true or false"),
        ("is: {age: 5}", "1:5", "use at_least"),
        ("at_least: {age: old}", "1:17", "no integer"),
        ("before: {on: 2026-13-01}", "1:14", "no date"),
        ("is: {p: true, q: true}", "1:5", "takes one fact"),
        ("{is: {p: true}, not: always}", "1:1", "one key"),
        ("unless: {p: true}", "1:1", "one key"),
        ("all: []", "1:6", "of nothing"),
        ("has_any: {triggers: []}", "1:21", "never true"),
        ("has_any: {triggers: knife}", "1:21", "not a list"),
        ("holds: dangerous", "1:8", "stands before"),
        ("sometimes", "1:1", "not a mapping"),
        ("is: {p: true}\nis: {q: true}", "2:1", "stands twice"),
        ("all: [", "2:1", "not YAML"),
        ("&self {not: *self}", "1:1", "nested deeper"),
        ("? [a]\n: b", "1:3", "not a single value"),
        ("", "1:1", "empty"),
        ("[" * 500_000, "1:101", "nested too deeply"),
        ("\x07", "1:1", "not YAML"),
    ],
)
def test_a_malformed_clause_is_refused_with_place_and_remedy(yaml: str, place: str, says: str) -> None:
    """Every mistake is found when the document is read, at its file, line and column."""
    with pytest.raises(DocumentError, match=f"^pack.yaml:{place}: ") as refused:
        clause(yaml)

    assert says in str(refused.value)


def test_a_document_has_a_size_limit(tmp_path: Path) -> None:
    """A megabyte is enough for any law."""
    big = tmp_path / "big.yaml"
    big.write_bytes(b"#" * 1_000_001)

    with pytest.raises(DocumentError, match="larger than"):
        read_document(big)


# Facts of a concern

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


def concern(*people: Person, **detail: Any) -> Concern:
    """Give a concern with these people and this detail."""
    parts = {f"person-{number}": Part(person=person) for number, person in enumerate(people)}
    return Concern("c", urgency=Urgency.URGENCY_URGENT, parts={"d": Part(detail=ConcernDetail(**detail)), **parts})


def test_what_was_not_stated_is_unknown() -> None:
    """An unspecified code or ternary is absent: neither true nor false."""
    facts = concern_facts(concern(level=ConcernLevel.CONCERN_LEVEL_CHILD_IN_NEED, aggravated=Ternary.TERNARY_NO), NOW)

    assert facts["level"] == "child_in_need"
    assert facts["aggravated"] is False
    assert not {"suspected_crime", "family_told", "statuses", "youngest_age", "sender_class"} & facts.keys()


def test_a_concern_that_cannot_be_opened_says_nothing() -> None:
    """After erasure the triggers are unknown, not none."""
    assert "triggers" not in concern_facts(Concern("c"), NOW)


def test_every_fact_given_is_declared_with_its_type() -> None:
    """What is read from a concern is what clauses may name."""
    child = Person(
        role=PersonRole.PERSON_ROLE_CHILD,
        birth_date="2018",
        statuses=[Status(status=StatutoryStatus.STATUTORY_STATUS_LOOKED_AFTER)],
    )
    facts = concern_facts(concern(child, triggers=[Trigger.TRIGGER_NEGLECT], level=1), NOW)
    types = {
        FactType.BOOL: bool,
        FactType.CODE: str,
        FactType.CODES: frozenset,
        FactType.INTEGER: Span,
        FactType.DATE: date,
    }

    assert all(isinstance(value, types[DECLARED[name].type]) for name, value in facts.items())
    assert all(set(v) <= set(DECLARED[n].codes) for n, v in facts.items() if isinstance(v, frozenset))


@pytest.mark.parametrize(
    ("born", "age"),
    [
        ("2018-11-23", Span(8, 8)),
        ("2018-11-24", Span(7, 7)),
        ("2018-11", Span(7, 8)),
        ("2018-12", Span(7, 7)),
        ("2018", Span(7, 8)),
        ("last spring", None),
        ("2030-01-01", None),
        ("", None),
    ],
)
def test_an_age_is_known_as_far_as_the_birth_date_is(born: str, age: Span | None) -> None:
    """Part of a birth date gives a span of ages; nonsense gives none."""
    assert age_of(Person(birth_date=born), NOW.date()) == age


def test_a_child_of_unknown_age_is_under_eighteen() -> None:
    """A missing birth date never makes a child an adult, and a known younger sibling in the case still counts."""
    child, toddler = Person(role=PersonRole.PERSON_ROLE_CHILD), Person(role=PersonRole.PERSON_ROLE_CHILD, age_years=2)

    assert concern_facts(concern(child), NOW)["oldest_age"] == Span(0, 17)
    assert concern_facts(concern(child, toddler), NOW)["youngest_age"] == Span(0, 2)


def test_a_status_that_ended_is_no_status() -> None:
    """Only plans that last today count."""
    ended = Status(status=StatutoryStatus.STATUTORY_STATUS_CHILD_PROTECTION_PLAN, to_on="2026-11-23")
    lasts = Status(status=StatutoryStatus.STATUTORY_STATUS_LOOKED_AFTER, to_on="2027-01-01")
    child = Person(role=PersonRole.PERSON_ROLE_CHILD, statuses=[ended, lasts])

    assert concern_facts(concern(child), NOW)["statuses"] == {"looked_after"}
