"""Sealing: what opens, what does not, and what stays hidden."""

from __future__ import annotations

import os
import time
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concern_relay.v1.facts_pb2 import (
    ConcernDetail,
    Consent,
    Group,
    Item,
    NamedPerson,
    Note,
    Part,
    PartKind,
    Person,
    PersonName,
    Place,
    SealedPart,
)
from services.chassis.errors import RelayError
from services.chassis.sealing import KIND_OF_BODY, SECRET_BYTES, Key, SealBroken, open_part, seal

EVENT = UUID("5d7c5b0e-6c4f-5a55-9a39-0d7b8a2b6c11")
PART_ID = "6f0a3e57-1be1-5c5f-9a06-3c3f6f0d6a01"
PART = Part(item=Item(item_id=PART_ID, text="The words of a child"))


def a_key() -> Key:
    """Make a key of its own."""
    return Key(str(uuid4()), os.urandom(SECRET_BYTES))


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (Part(detail=ConcernDetail(reference="r")), PartKind.PART_KIND_DETAIL),
        (Part(person=Person(names=[PersonName(given="g")])), PartKind.PART_KIND_PERSON),
        (Part(place=Place(name="p")), PartKind.PART_KIND_PLACE),
        (Part(group=Group(name="g")), PartKind.PART_KIND_GROUP),
        (Part(item=Item(text="t")), PartKind.PART_KIND_ITEM),
        (Part(consent=Consent(purpose="p")), PartKind.PART_KIND_CONSENT),
        (Part(named_person=NamedPerson(name="n")), PartKind.PART_KIND_NAMED_PERSON),
        (Part(note=Note(text="t")), PartKind.PART_KIND_NOTE),
    ],
)
def test_a_part_of_every_kind_opens_as_it_was(part: Part, kind: PartKind) -> None:
    """What was sealed opens, and its kind stands in the clear."""
    key = a_key()

    sealed = seal(key, EVENT, PART_ID, part)

    assert (sealed.kind, sealed.part_id, sealed.key_id) == (kind, PART_ID, key.key_id)
    assert open_part(key, EVENT, sealed) == part


def test_every_body_has_a_kind() -> None:
    """A body added to the contract without a kind fails at import; a kind without a body is noticed here."""
    assert sorted(KIND_OF_BODY.values()) == sorted(k for k in PartKind.values() if k)


@given(st.text(max_size=2_000), st.uuids(), st.text(max_size=80))
def test_any_words_any_event_any_place(words: str, event_id: UUID, part_id: str) -> None:
    """Whatever the words, event and place: it opens, and sealing it twice gives the same bytes."""
    key = Key("k", bytes(range(64)))
    part = Part(note=Note(text=words))

    sealed = seal(key, event_id, part_id, part)

    assert open_part(key, event_id, sealed) == part
    assert seal(key, event_id, part_id, part).SerializeToString() == sealed.SerializeToString()


def test_equal_parts_of_two_events_look_different() -> None:
    """An onlooker cannot see that the same words were said twice."""
    key = a_key()

    one, two = (seal(key, uuid4(), PART_ID, PART).ciphertext for _ in range(2))

    assert one != two


def _moved_to_another_event(sealed: SealedPart, key: Key) -> Part:
    return open_part(key, uuid4(), sealed)


def _moved_to_another_place(sealed: SealedPart, key: Key) -> Part:
    sealed.part_id = str(uuid4())
    return open_part(key, EVENT, sealed)


def _said_to_be_of_another_kind(sealed: SealedPart, key: Key) -> Part:
    sealed.kind = PartKind.PART_KIND_NOTE
    return open_part(key, EVENT, sealed)


def _under_another_key_of_the_same_id(sealed: SealedPart, key: Key) -> Part:
    return open_part(Key(key.key_id, os.urandom(SECRET_BYTES)), EVENT, sealed)


def _under_a_key_of_another_id(sealed: SealedPart, key: Key) -> Part:
    return open_part(Key(str(uuid4()), key.secret), EVENT, sealed)


def _cut_short(sealed: SealedPart, key: Key) -> Part:
    sealed.ciphertext = sealed.ciphertext[:7]
    return open_part(key, EVENT, sealed)


def _emptied(sealed: SealedPart, key: Key) -> Part:
    sealed.ciphertext = b""
    return open_part(key, EVENT, sealed)


@pytest.mark.parametrize(
    "tampered",
    [
        _moved_to_another_event,
        _moved_to_another_place,
        _said_to_be_of_another_kind,
        _under_another_key_of_the_same_id,
        _under_a_key_of_another_id,
        _cut_short,
        _emptied,
    ],
)
def test_what_was_tampered_with_does_not_open(tampered) -> None:
    """A part opens in its own event, place and kind, under its own key, whole; else SealBroken, without its words."""
    key = a_key()
    sealed = seal(key, EVENT, PART_ID, PART)

    with pytest.raises(SealBroken) as broken:
        tampered(sealed, key)

    assert isinstance(broken.value, RelayError)
    assert "child" not in str(broken.value)


def test_any_flipped_bit_breaks_the_seal() -> None:
    """There is no byte of the ciphertext that can be altered unnoticed."""
    key = a_key()
    sealed = seal(key, EVENT, PART_ID, PART)

    for index in range(len(sealed.ciphertext)):
        flipped = SealedPart()
        flipped.CopyFrom(sealed)
        flipped.ciphertext = bytes(b ^ (i == index) for i, b in enumerate(sealed.ciphertext))
        with pytest.raises(SealBroken):
            open_part(key, EVENT, flipped)


def test_an_empty_part_is_not_sealed() -> None:
    """A part without a body is a mistake of the caller, said at once."""
    with pytest.raises(ValueError, match="holds nothing"):
        seal(a_key(), EVENT, PART_ID, Part())


def test_a_body_newer_than_this_code_survives() -> None:
    """A part with a body this code does not know opens, and its bytes go on unharmed."""
    key = a_key()
    newer = Part.FromString(b"\xfa\x01\x03abc")  # field 31, length 3
    sealed = SealedPart(
        part_id=PART_ID,
        key_id=key.key_id,
        ciphertext=key.cipher.encrypt(newer.SerializeToString(), [EVENT.bytes, PART_ID.encode()]),
        kind=99,  # type: ignore[arg-type]
    )

    assert open_part(key, EVENT, sealed).SerializeToString() == newer.SerializeToString()


def test_a_key_shows_no_secret() -> None:
    """Neither repr nor str of a key holds its secret, also once its cipher was made."""
    key = Key("an-id", b"s" * SECRET_BYTES)
    assert key.cipher is key.cipher

    assert repr(key) == "Key(key_id='an-id')"
    assert "sss" not in str(key)


def test_sealing_is_not_what_makes_it_slow() -> None:
    """A core seals and opens far more than the 2,000 concerns/s of some 20 parts that are asked of a process."""
    key = a_key()
    rounds = 2_000
    started = time.perf_counter()

    for _ in range(rounds):
        open_part(key, EVENT, seal(key, EVENT, PART_ID, PART))

    assert rounds / (time.perf_counter() - started) > 20_000
