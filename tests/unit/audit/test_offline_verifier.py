"""What an auditor finds with an export, the public keys and nothing else: everything, with its index."""

import ast
import io
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from services.audit import verify as verifier
from services.audit.checkpoint import Checkpoint, sign_checkpoint
from services.audit.export import Record, Run, batch_line, checkpoint_line, closing_line, opening_line, record_line
from services.audit.tree import Frontier
from services.audit.verify import Kind, Report, Unusable, lines, reading, verify
from services.chassis.integrity.leaf import leaf_hash, leaf_of
from services.chassis.integrity.note import Signer, sign_note
from services.chassis.integrity.receipt import Receipt, issue

LOG = Signer("relay.example/ledger", b"l" * 32)
INTAKE = Signer("relay.example/ledger/receipts", b"r" * 32)
KEYS = [str(LOG.verifier)]
RECEIPT_KEYS = [str(INTAKE.verifier)]
#: Witness's line under the last checkpoint; no key is known for it.
WITNESS_LINE = "\u2014 witness.example/w1 jWbPPwAAAABkGFDL\n".encode()

Lines = list[bytes]


def record(topic: str, partition: int, offset: int, value: bytes | None = b"sealed") -> Record:
    """Return a record like those of the history topics, with a header of bytes and one without a value."""
    event = f"e-{topic}-{partition}-{offset}".encode()
    headers = [
        ("traceparent", b"00-1"),
        ("ce_type", b"X"),
        ("ce_id", event),
        ("odd\u00e9", b"\x00\xff"),
        ("none", None),
        ("twice", b"2"),
        ("twice", b"1"),
    ]
    return Record(topic, partition, offset, b"c-%d" % partition, headers, value)


BATCHES = [
    [record("concerns.v1", 0, 0), record("concerns.v1", 0, 1, None), record("concerns.v1", 7, 0, b"")],
    [record("assessments.v1", 0, 0), record("concerns.v1", 0, 2), record("concerns.v1", 0, 3)],
    [replace(record("keys.v1", 0, 0), key=None, headers=[])],
]
RECORDS = [r for batch in BATCHES for r in batch]


def leaf(r: Record) -> bytes:
    """Return the leaf hash the ledger stored for a record."""
    return leaf_hash(leaf_of(r.topic, r.key, r.headers, r.value))


def runs(batch: list[Record]) -> list[Run]:
    """Return the runs of a batch in its order."""
    found: list[Run] = []
    for r in batch:
        last = found[-1] if found else None
        if last and (last.topic, last.partition, last.offset + last.count) == (r.topic, r.partition, r.offset):
            found[-1] = replace(last, count=last.count + 1)
        else:
            found.append(Run(r.topic, r.partition, r.offset, 1))
    return found


@dataclass
class Ledger:
    """An export in the making, and the checkpoints signed on the way."""

    out: Lines
    frontier: Frontier
    notes: list[bytes]

    @classmethod
    def of(cls, batches: list[list[Record]], signed_after: tuple[int, ...] = (1, 3)) -> "Ledger":
        """Export these batches, with a checkpoint after those counted."""
        ledger = cls([opening_line(LOG.name)], Frontier(), [])
        for number, batch in enumerate(batches, start=1):
            first = ledger.frontier.size
            ledger.frontier, _ = ledger.frontier.append([leaf(r) for r in batch])
            ledger.out.append(batch_line(first, runs(batch), ledger.frontier.size, ledger.frontier.root()))
            ledger.out += [record_line(first + i, r, leaf(r)) for i, r in enumerate(batch)]
            if number in signed_after:
                ledger.sign()
        ledger.out.append(closing_line(ledger.frontier.size, len(batches), len(ledger.notes)))
        return ledger

    def sign(self) -> None:
        """Sign the tree as it is."""
        self.notes.append(sign_checkpoint(Checkpoint(LOG.name, self.frontier.size, self.frontier.root()), LOG))
        self.out.append(checkpoint_line(self.notes[-1]))


EXPORT = Ledger.of(BATCHES)


def check(out: Lines, **beside: object) -> Report:
    """Verify an export with the ledger's key."""
    return verify(io.BytesIO(b"".join(out)), KEYS, **beside)  # type: ignore[arg-type]


def kinds(report: Report) -> list[tuple[Kind, int | None]]:
    """Return what was found and where."""
    return [(finding.kind, finding.index) for finding in report.findings]


def receipt_for(r: Record) -> Receipt:
    """Return the receipt intake gave for a record."""
    event = next((v for n, v in r.headers if n == "ce_id" and v), b"?").decode()
    return issue(
        INTAKE, concern_id="c", event_id=event, agency="example-school", recorded_time="2026-11-23", leaf=leaf(r)
    )


class TestAWholeExport:
    """What passes."""

    def test_is_found_whole(self) -> None:
        """Records, batches and checkpoints are counted, and the last root is the writer's."""
        report = check(EXPORT.out)

        assert report == Report(
            origin=LOG.name,
            records=7,
            batches=3,
            checkpoints=2,
            signed=7,
            root=EXPORT.frontier.root(),
            receipts=0,
            complete=True,
            findings=(),
        )
        assert report.ok
        assert report.first_bad_index is None

    def test_may_be_empty(self) -> None:
        """A ledger nothing was written to yet verifies by its checkpoint of nothing, and only with it."""
        ledger = Ledger.of([], signed_after=())
        assert kinds(check(ledger.out)) == [(Kind.UNSIGNED, 0)]

        closing = ledger.out.pop()
        ledger.sign()

        assert check([*ledger.out, closing.replace(b'"checkpoints":0', b'"checkpoints":1')]).ok

    def test_may_carry_witnesses_and_a_second_key(self) -> None:
        """Lines of unknown keys are passed over; during rotation either key is enough."""
        old = Signer(LOG.name, b"o" * 32)
        text = EXPORT.notes[1].decode().partition("\n\n")[0] + "\n"
        line = checkpoint_line(sign_note(text, [old, LOG]) + WITNESS_LINE)

        out = [*EXPORT.out[:-2], line, EXPORT.out[-1]]

        assert check(out).ok
        assert verify(io.BytesIO(b"".join(out)), [str(old.verifier), *KEYS]).ok

    def test_honours_its_receipts(self) -> None:
        """Every receipt finds its leaf, in records of any shape."""
        receipts = [receipt_for(r).to_json() for r in RECORDS[:6]]

        report = check(EXPORT.out, receipts=receipts, receipt_keys=RECEIPT_KEYS)

        assert report.ok
        assert report.receipts == 6

    def test_continues_every_checkpoint_that_was_kept(self) -> None:
        """Older checkpoints, from wherever they were kept, lie on the way to the last."""
        assert check(EXPORT.out, held=EXPORT.notes).ok

    def test_may_hold_the_same_record_twice(self) -> None:
        """A record that lies twice on Kafka is two leaves alike; its receipt is honoured once."""
        twice = [*BATCHES, [replace(RECORDS[0], offset=4)]]

        report = check(
            Ledger.of(twice, (4,)).out, receipts=[receipt_for(RECORDS[0]).to_json()], receipt_keys=RECEIPT_KEYS
        )

        assert report.ok
        assert report.receipts == 1


class TestTampering:
    """Whatever is done to an export is found, at its place."""

    def test_with_any_byte_is_found_at_its_record(self) -> None:
        """One flipped bit in any byte of the file is a finding; in a record's line, the first is of that record."""
        for number, line in enumerate(EXPORT.out):
            for position in range(len(line)):
                bent = bytearray(line)
                bent[position] ^= 1 << (position + number) % 8

                report = check([*EXPORT.out[:number], bytes(bent), *EXPORT.out[number + 1 :]])

                assert not report.ok, (number, position)
                if line.startswith(b'{"record"'):
                    assert report.findings[0].index == json.loads(line)["record"]["index"], (number, position)

    @pytest.mark.parametrize("index", range(7))
    def test_with_every_bit_of_a_value_is_found(self, index: int) -> None:
        """The altered record is named, and it alone: all others are still proved by the signed root."""
        altered = replace(RECORDS[index], value=b"sealee" if RECORDS[index].value != b"sealee" else b"")
        number = [i for i, line in enumerate(EXPORT.out) if line.startswith(b'{"record"')][index]

        report = check(
            [*EXPORT.out[:number], record_line(index, altered, leaf(RECORDS[index])), *EXPORT.out[number + 1 :]]
        )

        assert kinds(report) == [(Kind.RECORD_ALTERED, index)]
        assert report.complete
        assert report.signed == 7

    def test_that_recomputes_leaf_and_roots_is_found_at_the_checkpoint(self) -> None:
        """Whoever rewrites history consistently still lacks the ledger's key."""
        # Given a ledger rebuilt around another first record, with the checkpoints of the true one
        forged = Ledger.of([[replace(RECORDS[0], value=b"other"), *BATCHES[0][1:]], *BATCHES[1:]])
        signed = iter(line for line in EXPORT.out if line.startswith(b'{"checkpoint"'))
        out = [next(signed) if line.startswith(b'{"checkpoint"') else line for line in forged.out]

        report = check(out)

        assert kinds(report) == [(Kind.CHECKPOINT_INVALID, 0), (Kind.CHECKPOINT_INVALID, 0), (Kind.UNSIGNED, 0)]
        assert "root" in report.findings[0].message

    def test_by_the_keeper_of_the_key_is_found_by_a_kept_checkpoint(self) -> None:
        """Even with the ledger's key, history that an agency holds a checkpoint of cannot be rewritten."""
        forged = Ledger.of([BATCHES[0], [replace(BATCHES[1][0], value=b"other"), *BATCHES[1][1:]], BATCHES[2]])

        report = check(forged.out, held=EXPORT.notes)

        assert kinds(report) == [(Kind.HELD_CHECKPOINT_BROKEN, 3)]
        assert "rewritten" in report.findings[0].message

    def test_that_cuts_the_ledger_back_is_found_by_a_kept_checkpoint(self) -> None:
        """A well-formed shorter export is found by whoever holds a later checkpoint."""
        shorter = Ledger.of(BATCHES[:1], (1,)).out

        assert check(shorter).ok
        assert kinds(check(shorter, held=EXPORT.notes)) == [(Kind.HELD_CHECKPOINT_BROKEN, 3)]

    def test_that_cuts_the_file_is_found_wherever_it_is_cut(self) -> None:
        """No beginning of an export passes for a whole one."""
        data = b"".join(EXPORT.out)

        for length in range(len(data)):
            report = verify(io.BytesIO(data[:length]), KEYS)

            assert [finding.kind for finding in report.findings] == [Kind.TRUNCATED], length
            assert report.first_bad_index == report.records
            assert not report.complete

    @pytest.mark.parametrize(
        ("name", "tamper", "kind", "index"),
        [
            ("a record left out", lambda out: out[:3] + out[4:], Kind.OUT_OF_ORDER, 1),
            ("two records swapped", lambda out: [*out[:2], out[3], out[2], *out[4:]], Kind.OUT_OF_ORDER, 0),
            ("a record doubled", lambda out: [*out[:3], out[2], *out[3:]], Kind.OUT_OF_ORDER, 1),
            ("a batch left out", lambda out: out[:6] + out[10:], Kind.OUT_OF_ORDER, 3),
            ("a batch doubled", lambda out: out[:10] + out[6:10] + out[10:], Kind.OUT_OF_ORDER, 6),
            ("batches swapped", lambda out: out[:1] + out[6:10] + out[1:6] + out[10:], Kind.OUT_OF_ORDER, 0),
            ("a batch without its records", lambda out: out[:7] + out[10:], Kind.OUT_OF_ORDER, 3),
            ("the last batch and its checkpoint left out", lambda out: out[:10] + out[13:], Kind.TRUNCATED, 6),
            ("records without a batch", lambda out: out[:1] + out[2:], Kind.OUT_OF_ORDER, 0),
            ("a checkpoint moved", lambda out: [*out[:4], out[5], out[4], *out[6:]], Kind.OUT_OF_ORDER, 2),
            ("a checkpoint left out", lambda out: out[:5] + out[6:], Kind.TRUNCATED, 7),
            ("a checkpoint of later put here", lambda out: [*out[:5], out[12], *out[6:]], Kind.CHECKPOINT_INVALID, 0),
            ("an older checkpoint put last", lambda out: [*out[:12], out[5], out[13]], Kind.CHECKPOINT_INVALID, 3),
            ("the end first", lambda out: [out[0], out[13], *out[1:13]], Kind.TRUNCATED, 0),
            ("the end within a batch", lambda out: out[:3] + out[13:], Kind.TRUNCATED, 1),
            ("something after the end", lambda out: [*out, out[13]], Kind.MALFORMED, 7),
            ("no opening", lambda out: out[1:], Kind.MALFORMED, 0),
            ("two openings", lambda out: [out[0], *out], Kind.MALFORMED, 0),
        ],
    )
    def test_with_the_order_of_lines_is_found(
        self, name: str, tamper: Callable[[Lines], Lines], kind: Kind, index: int
    ) -> None:
        """Leaving out, doubling and moving lines is found at the first place concerned."""
        report = check(tamper(EXPORT.out))

        assert kinds(report)[0] == (kind, index), name
        assert report.first_bad_index == index, name

    def test_that_leaves_a_record_out_of_everything_is_a_gap(self) -> None:
        """A record that was never sequenced shows as missing offsets, at the record after them."""
        omitted = Ledger.of([[BATCHES[0][0], BATCHES[0][2]], [replace(BATCHES[1][0], offset=2)], BATCHES[1][1:]], (3,))

        report = check(omitted.out)

        assert kinds(report) == [(Kind.GAP, 2), (Kind.GAP, 3)]
        assert "offsets 1 to 1" in report.findings[1].message

    def test_that_sequences_an_offset_twice_is_found(self) -> None:
        """One place on Kafka cannot be two records of the ledger."""
        report = check(Ledger.of([BATCHES[0], BATCHES[0]], (2,)).out)

        assert kinds(report) == [(Kind.OUT_OF_ORDER, 3)]

    def test_that_leaves_the_newest_records_unsigned_is_found(self) -> None:
        """What no checkpoint covers is not vouched for."""
        report = check(Ledger.of(BATCHES, (1,)).out)

        assert kinds(report) == [(Kind.UNSIGNED, 3)]
        assert report.signed == 3


class TestReceipts:
    """Omissions show, because whoever was told "accepted" has it in writing."""

    def test_over_a_record_that_is_not_there_is_a_finding(self) -> None:
        """An accepted concern that never came to the ledger, and one that came with other content."""
        missing = receipt_for(record("concerns.v1", 0, 9))
        changed = receipt_for(replace(RECORDS[0], value=b"what the agency really sent"))

        report = check(EXPORT.out, receipts=[r.to_json() for r in (missing, changed)], receipt_keys=RECEIPT_KEYS)

        assert kinds(report) == [(Kind.RECEIPT_NOT_HONOURED, None)] * 2
        assert report.complete
        assert "e-concerns.v1-0-9" in report.findings[0].message

    def test_that_nobody_trusted_signed_owes_nothing(self) -> None:
        """A forged receipt accuses nobody, and is named."""
        forged = replace(receipt_for(record("concerns.v1", 0, 9)), agency="another")
        good = receipt_for(RECORDS[2])

        report = check(EXPORT.out, receipts=[forged.to_json(), good.to_json()], receipt_keys=RECEIPT_KEYS)

        assert kinds(report) == [(Kind.RECEIPT_INVALID, None)]
        assert report.findings[0].line == 0
        assert report.receipts == 1

    def test_cannot_be_signed_with_the_key_of_another_purpose(self) -> None:
        """The ledger's key signs no receipts and intake's no checkpoints, whoever is given which."""
        by_log = issue(LOG, concern_id="c", event_id="e", agency="a", recorded_time="t", leaf=leaf(RECORDS[0]))
        intake_note = sign_note(EXPORT.notes[0].decode().partition("\n\n")[0] + "\n", [INTAKE])

        assert kinds(check(EXPORT.out, receipts=[by_log.to_json()], receipt_keys=RECEIPT_KEYS)) == [
            (Kind.RECEIPT_INVALID, None)
        ]
        assert kinds(check(EXPORT.out, held=[intake_note])) == [(Kind.HELD_CHECKPOINT_BROKEN, None)]

    @pytest.mark.parametrize(
        "change",
        [
            {"version": 2},
            {"version": True},
            {"more": "x"},
            {"agency": 1},
            {"agency": ""},
            {"agency": "a\tb"},
            {"signature": 1},
            {"signature": "!"},
            {"leaf": "AAAA"},
            {"leaf": "A" * 42 + "B="},
            {"origin": "another.example/receipts"},
        ],
    )
    def test_that_is_malformed_is_named(self, change: dict[str, object]) -> None:
        """Exactly the fields of version 1, under a key that is trusted by its name."""
        obj = receipt_for(RECORDS[0]).to_json() | change

        assert kinds(check(EXPORT.out, receipts=[obj], receipt_keys=RECEIPT_KEYS)) == [(Kind.RECEIPT_INVALID, None)]

    def test_that_names_another_event_is_not_honoured(self) -> None:
        """A receipt whose leaf is there but whose event id is another's contradicts the ledger."""
        lying = issue(INTAKE, concern_id="c", event_id="e-x", agency="a", recorded_time="t", leaf=leaf(RECORDS[1]))

        report = check(EXPORT.out, receipts=[lying.to_json()], receipt_keys=RECEIPT_KEYS)

        assert kinds(report) == [(Kind.RECEIPT_NOT_HONOURED, 1)]


def bent(line: bytes, change: Callable[[dict[str, object]], object]) -> bytes:
    """Return a line with its body changed, spelt canonically."""
    obj = json.loads(line)
    (kind,) = obj
    changed = change(obj[kind])
    return lines.spell({kind: obj[kind] if changed is None else changed}).encode() + b"\n"


def put(key: str, value: object, body: dict[str, object]) -> None:
    """Set a member."""
    body[key] = value


NO_COUNTS: list[object] = [False, 0.0, "0"]
NO_OCTETS: list[object] = [1, "\u0100", "\ud800", []]
NO_HEADERS: list[object] = [
    None,
    {},
    ["ab"],
    [["a"]],
    [["a", "b", "c"]],
    [[1, "a"]],
    [["a", 1]],
    [["a", "\u0100"]],
    [["\ud800", "a"]],
    [["b", "x"], ["a", "y"]],
    [["traceparent", "00"]],
    [["tracestate", "a=b"]],
]
NO_RUNS: list[object] = [None, [], {}, [1], [[]], [["t", 0, 0, 0]], [["t", 0, 0, 0], ["concerns.v1", 0, 0, 3]]]


class TestStrictness:
    """Nothing is read in two ways."""

    @pytest.mark.parametrize(
        ("number", "change"),
        [
            *[(2, partial(put, key, value)) for key in ("index", "partition", "offset") for value in NO_COUNTS],
            *[(2, partial(put, "key", value)) for value in NO_OCTETS],
            *[(2, partial(put, "topic", value)) for value in (None, "\ud800")],
            *[(2, partial(put, "value", value)) for value in (1, "\u0100", "c2VhbGVl=", "c2V hbGVk", "QR==", "QQ")],
            *[(2, partial(put, "leaf", value)) for value in (None, "", "AAAA")],
            *[(2, partial(put, "headers", value)) for value in NO_HEADERS],
            (2, lambda body: body.update(more=1)),
            (2, lambda body: body.pop("key") and None),
            (2, lambda body: dict(reversed(body.items()))),
            (2, lambda _: [1]),
            (1, lambda _: [1]),
            *[(1, partial(put, "runs", value)) for value in NO_RUNS],
            *[(1, partial(put, "runs", [value])) for value in (["t", 0, 0], ["t", -1, 0, 3], ["t", True, 0, 3])],
            *[(1, partial(put, "size", value)) for value in (2, 3.0, "3")],
            *[(1, partial(put, "first_index", value)) for value in (-1, False, 2**63)],
            (1, partial(put, "root", "AAAA")),
            (5, lambda _: ["a"]),
            (0, partial(put, "version", 2)),
            (0, partial(put, "version", True)),
            (0, partial(put, "origin", 1)),
            (0, partial(put, "origin", "another.example/ledger")),
            (0, lambda body: body.update(more=1)),
        ],
    )
    def test_of_bodies(self, number: int, change: Callable[[dict[str, object]], object]) -> None:
        """Wrong types, lengths, orders and encodings are malformed, never a crash, never a pass."""
        out = [*EXPORT.out[:number], bent(EXPORT.out[number], change), *EXPORT.out[number + 1 :]]

        report = check(out)

        assert [finding.kind for finding in report.findings] == [Kind.MALFORMED]
        assert report.findings[0].line == number + 1

    @pytest.mark.parametrize(
        "line",
        [
            b"\n",
            b"{}\n",
            b"[]\n",
            b"null\n",
            b'"record"\n',
            b'{"unknown":1}\n',
            b'{"record":NaN}\n',
            b'{"record":' + b"9" * 5_000 + b"}\n",
            b"[" * 200_000 + b"\n",
            b'{"batch":1,"record":2}\n',
            b"\xff\n",
            EXPORT.out[2].replace(b'"key":', b'"key": '),
            EXPORT.out[2].replace(b'"key":', b'"key":"x","key":'),
            EXPORT.out[2].replace(b"\\u00e9", b"\\u00E9"),
            EXPORT.out[2].replace(b"\\u00e9", "\u00e9".encode()),
            EXPORT.out[2].replace(b"\n", b"\r\n"),
            EXPORT.out[2].replace(b"concerns", b"\\u0063oncerns"),
        ],
    )
    def test_of_spelling(self, line: bytes) -> None:
        """A line has one spelling; anything else in its place is malformed."""
        report = check([*EXPORT.out[:2], line, *EXPORT.out[3:]])

        assert kinds(report) == [(Kind.MALFORMED, 0)]

    @pytest.mark.parametrize(
        "note",
        [
            "",
            "text",
            "a\nb\nc\n\n",
            EXPORT.notes[0].decode()[:-1],
            EXPORT.notes[0].decode() + "\n",
            EXPORT.notes[0].decode() + "x\n",
            EXPORT.notes[0].decode().replace("\n3\n", "\n03\n"),
            EXPORT.notes[0].decode().replace("\n3\n", "\n-3\n"),
            EXPORT.notes[0].decode().replace("\n3\n", "\n\u0663\n"),
            EXPORT.notes[0].decode().replace("\n3\n", "\nx\n"),
            EXPORT.notes[0].decode().replace("\n\n", "\nmore\n\n"),
            EXPORT.notes[0].decode().replace("\u2014 ", "- "),
            "\ud800" + EXPORT.notes[0].decode(),
        ],
    )
    def test_of_checkpoints(self, note: str) -> None:
        """Another spelling of a checkpoint is no checkpoint; the rest of the export is still read."""
        out = [*EXPORT.out[:5], lines.spell({"checkpoint": note}).encode() + b"\n", *EXPORT.out[6:]]

        report = check(out)

        assert kinds(report) == [(Kind.CHECKPOINT_INVALID, 0)]
        assert report.signed == 7

    def test_of_batches_that_overlap(self) -> None:
        """A batch begins where the last one ended and ends with its last run, however its numbers are made to fit."""
        early = bent(EXPORT.out[6], lambda body: body.update(first_index=2, runs=[*body["runs"], ["t", 0, 0, 1]]))  # type: ignore[misc]
        two_left = bent(EXPORT.out[1], lambda body: body.update(runs=[["concerns.v1", 0, 0, 9]], size=9))
        third = batch_line(
            2, [Run("concerns.v1", 7, 0, 1)], 3, Frontier().append([leaf(r) for r in RECORDS[:3]])[0].root()
        )

        assert kinds(check([*EXPORT.out[:6], early, *EXPORT.out[7:]])) == [(Kind.OUT_OF_ORDER, 3)]
        assert kinds(check([EXPORT.out[0], two_left, *EXPORT.out[2:4], third, *EXPORT.out[4:]])) == [
            (Kind.OUT_OF_ORDER, 2)
        ]

    def test_of_an_end_within_a_batch(self) -> None:
        """Counts that are right for what is there do not make half a batch a whole one."""
        assert kinds(check([*EXPORT.out[:3], closing_line(1, 0, 0)])) == [(Kind.TRUNCATED, 1)]

    @pytest.mark.parametrize(
        "checkpoint",
        [
            Checkpoint("other.example/ledger", 3, Frontier().append([leaf(r) for r in RECORDS[:3]])[0].root()),
            Checkpoint(LOG.name, 4, Frontier().append([leaf(r) for r in RECORDS[:3]])[0].root()),
            Checkpoint(LOG.name, 3, bytes(32)),
        ],
    )
    def test_of_checkpoints_even_when_they_are_signed(self, checkpoint: Checkpoint) -> None:
        """Origin, size and root are each compared, even though a trusted key signed them together."""
        other = Signer("other.example/ledger", b"o" * 32)
        note = sign_checkpoint(checkpoint, other if checkpoint.origin == other.name else LOG)
        out = [*EXPORT.out[:5], checkpoint_line(note), *EXPORT.out[6:]]

        report = verify(io.BytesIO(b"".join(out)), [*KEYS, str(other.verifier)])

        assert kinds(report) == [(Kind.CHECKPOINT_INVALID, 0)]

    @pytest.mark.parametrize("size", ["03", "+3", " 3", "3 ", "0_3", "\u0663", "-3", "3.0", ""])
    def test_of_sizes_even_when_they_are_signed(self, size: str) -> None:
        """A number that another reader might take otherwise is not one, whoever signed it."""
        root = EXPORT.notes[0].decode().split("\n")[2]
        note = sign_note(f"{LOG.name}\n{size}\n{root}\n", [LOG]).decode()

        report = check([*EXPORT.out[:5], lines.spell({"checkpoint": note}).encode() + b"\n", *EXPORT.out[6:]])

        assert kinds(report) == [(Kind.CHECKPOINT_INVALID, 0)]

    @pytest.mark.parametrize(
        "key", ["", "a", "a+b+c", KEYS[0][:-2], KEYS[0].replace("relay", "delay"), str(LOG.verifier)[1:]]
    )
    def test_of_keys(self, key: str) -> None:
        """A key that is none is the caller's mistake, not the ledger's."""
        with pytest.raises(Unusable, match="verifier key"):
            verify(io.BytesIO(), [key])

    def test_needs_the_key_of_this_ledger(self) -> None:
        """Without a key of the ledger's name nothing is said about it."""
        stranger = str(Signer("other.example/ledger", b"o" * 32).verifier)

        assert kinds(verify(io.BytesIO(b"".join(EXPORT.out)), [stranger])) == [(Kind.MALFORMED, 0)]
        impostor = str(Signer(LOG.name, b"i" * 32).verifier)
        assert Kind.UNSIGNED in [kind for kind, _ in kinds(verify(io.BytesIO(b"".join(EXPORT.out)), [impostor]))]


class TestLimits:
    """Everything is bounded, so that a hostile export costs little."""

    def test_of_a_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A line beyond the limit is not taken in."""
        monkeypatch.setattr(reading, "LINE_BYTES_MAX", 500)
        out = [*EXPORT.out[:2], b"x" * 501 + b"\n"]

        assert kinds(check(out)) == [(Kind.MALFORMED, 0)]

    def test_of_findings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """After so many findings nobody reads on."""
        monkeypatch.setattr(reading, "FINDINGS_MAX", 2)
        out = [
            line.replace(b'"value":"c2VhbGVk"', b'"value":"c2VhbGVl"') if line.startswith(b'{"record"') else line
            for line in EXPORT.out
        ]

        assert kinds(check(out)) == [(Kind.RECORD_ALTERED, 0), (Kind.RECORD_ALTERED, 3)]

    def test_of_partitions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """More partitions than a cluster has are not followed."""
        monkeypatch.setattr(reading, "PARTITIONS_MAX", 2)

        assert kinds(check(EXPORT.out)) == [(Kind.MALFORMED, 3)]


class TestIndependence:
    """The verifier checks the writer only as long as it shares nothing with it."""

    def test_nothing_of_this_system_is_imported(self) -> None:
        """Every import is the standard library, ``cryptography`` or the verifier's own."""
        allowed = {"cryptography", "json", "binascii", "base64", "collections", "dataclasses", "enum", "hashlib"}
        allowed |= {"types", "typing"}
        for path in Path(str(verifier.__file__)).parent.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    assert {name.name.split(".")[0] for name in node.names} <= allowed, path.name
                elif isinstance(node, ast.ImportFrom):
                    own = node.level == 1
                    assert own or str(node.module).split(".")[0] in allowed, path.name

    def test_findings_hold_no_content(self) -> None:
        """No finding repeats a key, a header's value or a value of a record."""
        secret = replace(RECORDS[0], key=b"SECRET", headers=[("ce_id", b"SECRET")], value=b"SECRET")
        out = [*EXPORT.out[:2], record_line(0, secret, leaf(RECORDS[0])), *EXPORT.out[3:]]
        broken = [*EXPORT.out[:2], b'{"record":"SECRET"}\n']

        for report in (check(out), check(broken)):
            assert report.findings
            assert all("SECRET" not in finding.message for finding in report.findings)
            assert all(b64encode(b"SECRET").decode() not in finding.message for finding in report.findings)
