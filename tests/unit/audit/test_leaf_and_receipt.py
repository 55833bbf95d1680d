"""The leaf says what a record says; the receipt promises that leaf."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.integrity.errors import NoteMalformed, NoteUnverified, ReceiptMalformed
from services.chassis.integrity.leaf import leaf_hash, leaf_of
from services.chassis.integrity.note import Note, Signer
from services.chassis.integrity.receipt import Receipt, issue

Headers = list[tuple[str, bytes | None]]
HEADERS: Headers = [("ce_id", b"e-1"), ("ce_type", b"concern_relay.v1.ConcernRaised"), ("correlationid", b"c-1")]
SIGNER = Signer("relay.example/ledger/receipts", b"r" * 32)

octets = st.one_of(st.none(), st.binary(max_size=5))
headers = st.lists(st.tuples(st.sampled_from(["a", "b", "ce_id"]), octets), max_size=3)
records = st.tuples(st.sampled_from(["t", "tt"]), octets, headers, octets)


class TestLeaf:
    """The encoding of a record."""

    def test_is_the_encoding_that_is_documented(self) -> None:
        """Byte for byte what docs/ledger-format.md says, by hand."""
        expected = (
            b"concern-relay leaf v1\n"
            b"\x00\x00\x00\x0bconcerns.v1"
            b"\x00\x00\x00\x03e-1"
            b"\x00\x00\x00\x03c-1"
            b"\x00\x00\x00\x20"
            + sha256(b"\x00\x00\x00\x05ce_id\x00\x00\x00\x03e-1\x00\x00\x00\x01x\xff\xff\xff\xff").digest()
            + b"\x00\x00\x00\x20"
            + sha256(b"sealed").digest()
        )

        leaf = leaf_of("concerns.v1", b"c-1", [("x", None), ("traceparent", b"00"), ("ce_id", b"e-1")], b"sealed")

        assert leaf == expected
        assert leaf_hash(leaf) == sha256(b"\x00" + expected).digest()

    def test_of_the_same_record_sent_again_is_the_same(self) -> None:
        """Neither the order of headers nor trace context, which a transport may change, is in the leaf."""
        again = [("traceparent", b"00-aa-bb-01"), *reversed(HEADERS), ("tracestate", b"x=1")]

        assert leaf_of("t", b"k", HEADERS, b"v") == leaf_of("t", b"k", again, b"v")

    @pytest.mark.parametrize(
        "other",
        [
            leaf_of("t2", b"k", HEADERS, b"v"),
            leaf_of("t", b"k2", HEADERS, b"v"),
            leaf_of("t", None, HEADERS, b"v"),
            leaf_of("t", b"k", HEADERS, b"v2"),
            leaf_of("t", b"k", HEADERS, None),
            leaf_of("t", b"k", HEADERS, b""),
            leaf_of("t", b"k", HEADERS[1:], b"v"),
            leaf_of("t", b"k", [*HEADERS, ("Traceparent", b"")], b"v"),
            leaf_of("t", b"k", [*HEADERS, ("ce_id", b"e-2")], b"v"),
            leaf_of("t", b"k", [("ce_id", None), *HEADERS[1:]], b"v"),
        ],
    )
    def test_differs_where_the_record_differs(self, other: bytes) -> None:
        """Topic, key, every header that counts and the value each change the leaf; null is not empty."""
        assert leaf_of("t", b"k", HEADERS, b"v") != other

    @given(records, records)
    def test_is_one_to_one(
        self, one: tuple[str, bytes | None, Headers, bytes | None], two: tuple[str, bytes | None, Headers, bytes | None]
    ) -> None:
        """Two records have one leaf exactly if they are the same but for the order of differently named headers."""

        def content(record: tuple[str, bytes | None, Headers, bytes | None]) -> tuple[object, ...]:
            topic, key, listed, value = record
            return topic, key, sorted(listed, key=lambda h: h[0]), value

        assert (leaf_of(*one) == leaf_of(*two)) == (content(one) == content(two))


def given_receipt() -> Receipt:
    """Return a receipt as intake signs it."""
    return issue(
        SIGNER,
        concern_id="c-1",
        event_id="e-1",
        agency="example-school",
        recorded_time="2026-11-23T14:00:00.000000Z",
        leaf=leaf_hash(leaf_of("concerns.v1", b"c-1", HEADERS, b"sealed")),
    )


class TestReceipt:
    """The promise that every 202 carries."""

    def test_survives_its_json_and_is_checked(self) -> None:
        """What the agency keeps is enough to check who signed it."""
        receipt = given_receipt()

        read = Receipt.parse(json.loads(json.dumps(receipt.to_json())))

        assert read == receipt
        assert read.check([SIGNER.verifier]) == SIGNER.verifier

    def test_has_the_fields_agreed(self) -> None:
        """The JSON object of the 202."""
        assert list(given_receipt().to_json()) == [
            "version",
            "origin",
            "concern_id",
            "event_id",
            "agency",
            "recorded_time",
            "leaf",
            "signature",
        ]

    def test_is_a_signed_note_in_other_clothes(self) -> None:
        """Any tool for C2SP signed notes can check a receipt."""
        receipt = given_receipt()

        note = Note.parse(f"{receipt.text}\n\u2014 {receipt.origin} {receipt.signature}\n".encode())

        assert note.signed_by([SIGNER.verifier]) == (SIGNER.verifier,)
        assert note.text.startswith("concern-relay receipt v1\nrelay.example/ledger/receipts\nc-1\ne-1\n")

    @pytest.mark.parametrize("name", ["origin", "concern_id", "event_id", "agency", "recorded_time", "leaf"])
    def test_is_refused_when_a_field_was_changed(self, name: str) -> None:
        """Each field is under the signature."""
        obj = given_receipt().to_json()
        obj[name] = "A" * 43 + "=" if name == "leaf" else f"{obj[name]}x"

        with pytest.raises(NoteUnverified):
            Receipt.parse(obj).check([SIGNER.verifier])

    def test_is_refused_by_a_key_that_did_not_sign(self) -> None:
        """Another key of the same name, or a broken signature, is no voucher."""
        receipt = given_receipt()

        with pytest.raises(NoteUnverified, match="e-1"):
            receipt.check([Signer(SIGNER.name, b"x" * 32).verifier])
        with pytest.raises(NoteMalformed):
            replace(receipt, signature="!").check([SIGNER.verifier])

    @pytest.mark.parametrize(
        "change",
        [
            {"version": 2},
            {"version": True},
            {"version": "1"},
            {"extra": "x"},
            {"agency": 7},
            {"agency": ""},
            {"agency": "a\nb"},
            {"agency": "a\ud800"},
            {"agency": "a" * 501},
            {"leaf": "AAAA"},
            {"leaf": "A" * 42 + "B="},
            {"leaf": "not base64"},
        ],
    )
    def test_that_is_malformed_is_not_read(self, change: dict[str, object]) -> None:
        """Exactly the fields of version 1, each of them one line."""
        with pytest.raises(ReceiptMalformed):
            Receipt.parse(given_receipt().to_json() | change)

    def test_may_have_fields_as_long_as_the_limit(self) -> None:
        """Five hundred characters are still a field."""
        receipt = issue(SIGNER, concern_id="c" * 500, event_id="e", agency="a", recorded_time="t", leaf=bytes(32))

        assert Receipt.parse(receipt.to_json()).check([SIGNER.verifier])

    def test_is_not_issued_over_fields_that_would_not_read(self) -> None:
        """A line break in a field could shift the lines that are signed."""
        with pytest.raises(ReceiptMalformed, match="agency"):
            issue(SIGNER, concern_id="c", event_id="e", agency="a\nb", recorded_time="t", leaf=bytes(32))
        with pytest.raises(ReceiptMalformed, match="leaf"):
            issue(SIGNER, concern_id="c", event_id="e", agency="a", recorded_time="t", leaf=b"")
        with pytest.raises(ReceiptMalformed):
            Receipt.parse({})
