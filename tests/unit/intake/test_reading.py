"""Bytes become a submission, or an answer that says what to do and repeats nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.attachments.sent import Declaration, Release
from services.intake.errors import ERRORS_MAX, Malformed
from services.intake.reading import BODY_BYTES_MAX, DEPTH_MAX, read, read_as, read_json
from services.intake.submissions.asked import follow_of
from tests.unit.intake.events import CANARY, submission
from tests.unit.intake.malformed import ATTACHMENTS, CATALOGUE, FOLLOW_UPS, Bad, BadFollowUp


def refused(body: bytes) -> Malformed:
    """Give the refusal of a body."""
    with pytest.raises(Malformed) as found:
        read(body)
    return found.value


def answered(body: bytes) -> int:
    """Give the status of the answer: 0 for one that is taken."""
    try:
        read(body)
    except Malformed as refusal:
        return refusal.status
    return 0


def everything_said(refusal: Malformed) -> str:
    """Give every word of a refusal, its causes included."""
    errors = [f"{e.pointer} {e.code} {e.detail}" for e in refusal.errors]
    return " ".join([str(refusal), repr(refusal), *errors, repr(refusal.__cause__)])


@pytest.mark.parametrize("bad", CATALOGUE, ids=lambda bad: bad.name)
def test_what_cannot_be_taken_is_answered_with_the_field_and_the_remedy(bad: Bad):
    """Each entry of the catalogue gets its code, its field and a remedy, and no word of it comes back."""
    refusal = refused(bad.body)

    assert (refusal.status, refusal.code) == (bad.status, bad.code)
    if bad.pointer is not None:
        first = refusal.errors[0]
        assert (first.pointer, first.code) == (bad.pointer, bad.error)
        assert first.detail.endswith(".")
    for word in CANARY.split():
        assert word not in everything_said(refusal)


@pytest.mark.parametrize("bad", FOLLOW_UPS, ids=lambda bad: bad.name)
def test_a_follow_up_that_cannot_be_taken_is_answered_likewise(bad: BadFollowUp):
    """Each entry gets its code, its field and a remedy, and no word of it comes back."""
    with pytest.raises(Malformed) as found:
        follow_of("7771a82d-7eba-8022-8000-000000000000", bad.kind, bad.body)

    _answers(found.value, bad)


@pytest.mark.parametrize("bad", ATTACHMENTS, ids=lambda bad: bad.name)
def test_what_is_said_of_a_file_and_cannot_be_taken_is_answered_likewise(bad: BadFollowUp):
    """Each entry gets its code, its field and a remedy, and no word of it comes back."""
    with pytest.raises(Malformed) as found:
        read_as(Declaration if bad.kind == "attachment" else Release, read_json(bad.body))

    _answers(found.value, bad)


def _answers(refusal: Malformed, bad: BadFollowUp) -> None:
    assert (refusal.status, refusal.code) == (bad.status, bad.code)
    if bad.pointer is not None:
        assert (refusal.errors[0].pointer, refusal.errors[0].code) == (bad.pointer, bad.error)
        assert refusal.errors[0].detail.endswith(".")
    for word in CANARY.split():
        assert word not in everything_said(refusal)


def test_the_catalogue_is_as_large_as_it_should_be():
    """At least 40 malformed submissions, each under a name of its own."""
    assert len(CATALOGUE) >= 40
    assert len({bad.name for bad in CATALOGUE}) == len(CATALOGUE)


def test_a_misspelt_field_is_answered_with_the_one_that_was_meant():
    """The remedy names the field that comes nearest, which is ours and nobody's name."""
    refusal = refused(json.dumps(submission(peeple=[])).encode())

    assert "Did you mean people?" in refusal.errors[0].detail


def test_many_errors_are_told_up_to_a_limit():
    """A hopeless submission is answered with the first errors and the number of the others."""
    given = submission(people=[{"names": [{"given": {}}] * 20}] * 10)

    refusal = refused(json.dumps(given).encode())

    assert len(refusal.errors) == ERRORS_MAX
    assert refusal.more == 200 - ERRORS_MAX


def test_the_least_there_can_be_is_taken():
    """A reference, a role, somebody, a sentence: nothing else is asked of anybody in a hurry."""
    given = {"reference": 42, "raised_by": {"role": "volunteer"}, "people": [{}], "text": "Barefoot, asked for bread."}

    reading = read(json.dumps(given).encode())

    assert reading.submission.reference == "42"
    assert reading.flags == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"people": [{"role": "child", "names": "Tamsin Orchard", "birth_date": 2018}]},
        {"people": [{"role": "Unborn Child", "identifiers": [{"kind": "NHS-number", "value": 9990000018}]}]},
        {"detail": {"triggers": "domestic abuse", "suspected_crime": True, "level": None}},
        {"family_told": "yes"},
        {"family_told": True},
        {"people": [{"school": "larkfield-primary"}]},
        {"people": [{"addresses": [{"hidden": True}]}]},
        {"items": [{"text": "x", "about": ["child", "mother"]}]},
        {"people": [{"age_years": 7}, {"age_years": "about seven"}]},
        {"consents": [], "places": None, "groups": []},
        {"raised_by": {"anonymous": True}},
        {"urgency": "quick as you can"},
    ],
    ids=str,
)
def test_what_a_person_would_write_is_taken(fields):
    """One for a list of one, numbers or text, words with blanks or dashes, null for nothing."""
    assert read(json.dumps(submission(**fields)).encode()).submission.reference == "LL-2026-0042"


def test_control_characters_are_taken_out_and_said():
    """Null bytes, escapes and lone surrogates go, every other character stays, and the sender is told where."""
    given = submission(text="a\x00b\x1bc\ud800d\u202ee\U0001f622\u200df", reference="ok")

    reading = read(json.dumps(given).encode())

    assert reading.submission.text == "abcd\u202ee\U0001f622\u200df"
    assert [(f.code.value, f.pointer) for f in reading.flags] == [("characters_removed", "/text")]


def test_one_form_of_unicode_is_kept():
    """Decomposed and composed letters are one text, so a resend from another system is the same content."""
    composed, decomposed = (read(json.dumps(submission(text=t)).encode()).submission for t in ("Siân", "Sia\u0302n"))

    assert composed == decomposed


def test_line_ends_of_every_system_are_one():
    """Windows and old Mac line ends are newlines, and nobody is bothered with it."""
    reading = read(json.dumps(submission(text="a\r\nb\rc")).encode())

    assert reading.submission.text == "a\nb\nc"
    assert reading.flags == ()


def test_a_byte_order_mark_is_passed_over():
    """What Windows editors put first is no part of the submission."""
    assert read(b"\xef\xbb\xbf" + json.dumps(submission()).encode()).submission.reference == "LL-2026-0042"


def test_the_limit_of_size_is_the_last_that_is_taken():
    """A body of the largest size is read, one byte more is not."""
    head = json.dumps(submission(text="x")).encode()
    padded = head + b" " * (BODY_BYTES_MAX - len(head))

    assert read(padded).submission.text == "x"
    assert refused(padded + b" ").code == "too_large"


@given(st.text())
def test_brackets_inside_text_are_no_depth(text: str):
    """Text may hold brackets, quotes and backslashes as it likes."""
    body = json.dumps(submission(text=text + "[" * DEPTH_MAX * 2 + '"\\[')).encode()

    assert read(body).submission.text.endswith('"\\[')


@given(st.binary(max_size=200))
def test_any_bytes_get_a_clear_answer(body: bytes):
    """Whatever comes is read or refused as malformed, never anything else."""
    assert answered(body) in (0, 400, 413, 422)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(submission())), JSON)
def test_any_value_in_any_field_gets_a_clear_answer(field: str, value: object):
    """A field may hold anything JSON can say; the answer is one of two."""
    assert answered(json.dumps({**submission(), field: value}).encode()) in (0, 400, 422)
