"""Ids and digests are deterministic, keyed, and never meet."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concern_relay.v1.codes_pb2 import Urgency
from services.intake.ids import IdKey, Reference, content_digest, fingerprint, part_id
from tests.unit.intake.events import KEY, said, submission

OTHER_KEY = IdKey(b"another id-key, also of 32 bytes!!")
text = st.text(max_size=40)
references = st.builds(Reference, agency_id=text, text=text, history=st.booleans(), test=st.booleans())


@given(references)
def test_a_reference_gives_the_same_id_whenever_it_is_asked(reference: Reference):
    """The same agency and reference are the same concern, today and in ten years."""
    again = Reference(reference.agency_id, reference.text, reference.history, reference.test)

    assert reference.concern_id(KEY) == again.concern_id(KEY)
    assert reference.digest(KEY) == again.digest(KEY)


@given(references)
def test_ids_are_uuids_of_version_eight(reference: Reference):
    """Version 8, variant 10: who sees one knows that it is made, not random (RFC 9562)."""
    found = UUID(reference.concern_id(KEY))

    assert found.version == 8
    assert found.variant == "specified in RFC 4122"


@given(references, references)
def test_two_references_never_share_an_id(one: Reference, other: Reference):
    """Agency, reference, history and practice all count, and none runs into the next."""
    assert (one == other) == (one.concern_id(KEY) == other.concern_id(KEY))


@given(st.text(max_size=10), st.text(max_size=10), st.text(max_size=10))
def test_fields_do_not_run_into_one_another(a: str, b: str, c: str):
    """Length prefixes: ("ab", "c") is not ("a", "bc")."""
    assert (KEY.digest("use", a + b, c) == KEY.digest("use", a, b + c)) == (b == "")


@given(text, text)
def test_one_use_never_gives_the_digest_of_another(use: str, value: str):
    """What is known of one digest says nothing about another of the same words."""
    assert KEY.digest(use, value) != KEY.digest(use + "'", value)


@given(references)
def test_without_the_key_no_guess_can_be_tested(reference: Reference):
    """Another key gives other ids for everything."""
    assert reference.concern_id(KEY) != reference.concern_id(OTHER_KEY)
    assert part_id(KEY, str(UUID(int=1)), "person", reference.text) != part_id(
        OTHER_KEY, str(UUID(int=1)), "person", reference.text
    )


@given(references, st.binary(max_size=40), st.binary(max_size=40))
def test_another_child_under_a_reference_has_an_id_of_its_own(reference: Reference, one: bytes, other: bytes):
    """The discriminator decides, and no further concern has the id of the first."""
    ids = [reference.other_child_id(KEY, each) for each in (one, other)]

    assert (ids[0] == ids[1]) == (one == other)
    assert reference.concern_id(KEY) not in ids


def test_practice_and_history_have_id_spaces_of_their_own():
    """A live concern must never be a correction of one that is sent to nobody."""
    found = {Reference("a", "1", history, test).concern_id(KEY) for history in (0, 1) for test in (0, 1)}

    assert len(found) == 4


def test_a_short_key_is_refused():
    """A key that can be guessed is no key."""
    with pytest.raises(ValueError, match="at least 32 bytes"):
        IdKey(b"short")


def test_a_key_and_a_reference_do_not_show_themselves():
    """Neither stands in a repr, so neither can slip into a log."""
    assert "id-key" not in repr(KEY)
    assert "Orchard" not in repr(Reference("a", "Orchard, Tamsin"))


@given(st.permutations(range(5)))
def test_the_content_digest_does_not_see_the_order(order: list[int]):
    """Parts are a set."""
    contents = said(submission(items=[{"text": t} for t in "ab"]))
    parts = [contents.parts[i] for i in order]

    assert content_digest(KEY, contents.urgency, parts) == content_digest(KEY, contents.urgency, contents.parts)


@pytest.mark.parametrize(
    "fields",
    [
        {"urgency": "routine"},
        {"items": []},
        {"text": "more"},
        {"people": [{"ref": "child", "role": "child"}]},
        {"family_told": "yes"},
        {"raised_by": {"name": "Another"}},
    ],
    ids=str,
)
def test_the_content_digest_sees_every_change(fields):
    """Whatever a recipient would see differently is another content."""
    before, after = said(submission()), said({**submission(), "text": "x", **fields})

    assert content_digest(KEY, before.urgency, before.parts) != content_digest(KEY, after.urgency, after.parts)


def test_urgency_is_content():
    """The same words, more urgent, are not the same."""
    parts = said(submission()).parts

    assert content_digest(KEY, Urgency.URGENCY_URGENT, parts) != content_digest(KEY, Urgency.URGENCY_ROUTINE, parts)


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_fingerprints_tell_requests_apart(one: bytes, other: bytes):
    """An Idempotency-Key used for another body is noticed, and for another agency's too."""
    assert (fingerprint(KEY, "a", one) == fingerprint(KEY, "a", other)) == (one == other)
    assert fingerprint(KEY, "a", one) != fingerprint(KEY, "b", one)
