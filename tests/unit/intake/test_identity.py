"""Who a child is: concluded from what was sent, said in ids and codes, held up by nothing, merged by nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from concern_relay.v1.codes_pb2 import IdentityMatch
from services.chassis.codes import number_of, word_of
from services.intake.identifiers import concluded
from services.intake.same_child import same_children
from tests.unit.intake.events import act, said, submission
from tests.unit.intake.test_content import flags, parts
from tests.unit.intake.test_core import Course, correcting, raised, raising

TWIN = "9990000018"


def child(**fields: Any) -> dict[str, Any]:
    """Give a submission about a child of whom this is known."""
    return submission(people=[{"ref": "child", "role": "child", "names": ["Tamsin Orchard"], **fields}])


def number(value: str = TWIN, **fields: Any) -> dict[str, Any]:
    """Give an NHS number."""
    return {"kind": "nhs_number", "value": value, **fields}


def links(course: Course) -> list[tuple[str, str]]:
    """Give what was said of who the child is: event and code."""
    found = []
    for fact in course.facts:
        if fact.type in ("LinkPending", "LinkSettled"):
            code = fact.data.conclusion if fact.type == "LinkPending" else fact.data.before  # type: ignore[union-attr]
            found.append((fact.type, word_of(IdentityMatch, code)))
    return found


@pytest.mark.parametrize(
    ("known", "conclusion", "candidates"),
    [
        ({}, "not_tried", 0),
        ({"identifiers": [number("9990000019")]}, "not_tried", 0),
        ({"identifiers": [number(match="potential_match")]}, "potential_match", 1),
        ({"identifiers": [number(confidence=0.90)]}, "potential_match", 1),
        ({"identifiers": [number(confidence=0.5)]}, "low_confidence_match", 1),
        ({"identifiers": [number(match="potential_match"), number("9990000026", match="potential_match")]},
         "many_match", 2),
        ({"match": "many_match"}, "many_match", 0),
        ({"match": "no_match"}, "no_match", 0),
        ({"match": "error"}, "error", 0),
        ({"match": "match"}, "not_tried", 0),
    ],
)  # fmt: skip
def test_what_is_not_certain_stands_open_for_a_person(known: dict[str, Any], conclusion: str, candidates: int) -> None:
    """Each word of a matcher that is no match; the concern is recorded first, whatever it is."""
    course = raised(said(child(**known)))

    assert [fact.type for fact in course.facts] == ["ConcernRaised", "LinkPending"]
    assert links(course) == [("LinkPending", conclusion)]
    assert course.facts[1].data.candidates == candidates  # type: ignore[union-attr]


@pytest.mark.parametrize("known", [number(), number(match="match"), number(confidence=0.97)])
def test_a_number_that_is_certain_leaves_nothing_open(known: dict[str, Any]) -> None:
    """Known to the sender, or matched with certainty."""
    assert links(raised(said(child(identifiers=[known])))) == []


@pytest.mark.parametrize(
    ("confidence", "word"),
    [
        ("1", "match"),
        ("0.95", "match"),
        ("0.9499", "potential_match"),
        ("0.85", "potential_match"),
        ("0.8499", "low_confidence_match"),
    ],
)
def test_confidence_is_read_by_the_bounds_of_the_matcher(confidence: str, word: str) -> None:
    """At the bound it is the stronger word."""
    assert concluded(confidence) == number_of(IdentityMatch, word)


@pytest.mark.parametrize(
    ("known", "pointer"),
    [
        ({"confidence": 95}, "confidence"),
        ({"confidence": "high"}, "confidence"),
        ({"confidence": "nan"}, "confidence"),
        ({"match": "quite sure"}, "match"),
    ],
)
def test_what_cannot_be_read_is_taken_for_uncertain_and_flagged(known: dict[str, Any], pointer: str) -> None:
    """A word or figure nobody knows never makes a number this child's; and it is no reason to refuse the concern."""
    contents = said(child(identifiers=[number(**known)]))

    assert ("code_not_known", f"/people/0/identifiers/0/{pointer}") in flags(contents)
    assert links(raised(contents)) == [("LinkPending", "potential_match")]


def test_a_matchers_own_word_is_understood() -> None:
    """As DFE-Digital/SUI_Matcher writes them."""
    assert links(raised(said(child(identifiers=[number(match="PotentialMatch")])))) == [
        ("LinkPending", "potential_match")
    ]
    assert links(raised(said(child(match="ManyMatch")))) == [("LinkPending", "many_match")]


@pytest.mark.parametrize("known", [{"statuses": [{"status": "adopted"}], "identifiers": [number()]},
                                   {"identifiers": [number(hidden="adoption", match="potential_match")]}])  # fmt: skip
def test_a_hidden_number_says_nothing_in_the_clear(known: dict[str, Any]) -> None:
    """That a child was adopted must not be read from a code that stands open (Children Act 2004 s16LC(7))."""
    assert links(raised(said(child(**known)))) == []


def test_history_leaves_nothing_open() -> None:
    """A statutory return is of years gone by; nobody compares."""
    assert links(raised(said(child()), history=True)) == []


def test_it_is_settled_once_and_said_anew_only_when_it_changes() -> None:
    """Pending, the same again, otherwise pending, settled, and no number taken for open twice."""
    course = raised(said(child(identifiers=[number(match="potential_match")])))
    for known in (
        {"birth_date": "2018-05-02", "identifiers": [number(match="potential_match")]},
        {"birth_date": "2018-05-02", "match": "many_match"},
        {"birth_date": "2018-05-02", "identifiers": [number("9990000026")]},
        {"birth_date": "2018-05-02", "identifiers": [number("9990000026")], "language": "cy"},
    ):
        after = said(child(**known))
        course.take(act(correcting(after), after))

    assert links(course) == [
        ("LinkPending", "potential_match"),
        ("LinkPending", "many_match"),
        ("LinkSettled", "many_match"),
    ]


def test_a_number_short_of_certainty_makes_nobody_the_same_child() -> None:
    """Twins under one reference: the matcher's number is the other's, and neither proves nor disproves anything."""
    first = said(child(identifiers=[number()], birth_date="2018-05-02"))
    twin = said(child(names=["Robyn Orchard"], identifiers=[number(match="potential_match")], birth_date="2018-05-02"))

    old, new = parts(first, "person"), parts(twin, "person")
    assert not same_children(old, new)


def test_replay_after_an_erasure_says_the_same() -> None:
    """The conclusion stands in the clear with the event; the child cannot be looked at any more."""
    course = raised(said(child(match="many_match")))
    fact = course.facts[0]

    again = Course(course.contents).take(
        replace(fact, kind=act(fact.data, course.contents).kind, id=fact.causation_id, parts={})
    )

    assert [effect.type for effect in again.effects] == ["ConcernRaised", "LinkPending"]
    assert again.effects[1].data == course.facts[1].data
    assert raising(course.contents).matches == []
