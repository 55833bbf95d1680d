"""One pass over an export, in constant memory.

A record that does not match its leaf is a finding, and reading goes on: the tree is built over the leaves as stated,
so if the signed root still comes out, that record alone was altered and every other is as it was.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, BinaryIO, Final, NoReturn

from .lines import Batch, Record, Wrong, parse_batch, parse_line, parse_opening, parse_record, spell
from .report import Finding, Kind, Report
from .signatures import Key, open_checkpoint, open_receipt, parse_key

#: Longest line read, in bytes: well above the largest record a broker takes.
LINE_BYTES_MAX: Final = 16_000_000
#: Findings reported before reading stops.
FINDINGS_MAX: Final = 1_000
#: Partitions whose offsets are followed.
PARTITIONS_MAX: Final = 10_000


def verify(
    stream: BinaryIO,
    log_keys: Iterable[str],
    *,
    receipts: Iterable[Mapping[str, object]] = (),
    receipt_keys: Iterable[str] = (),
    held: Iterable[bytes] = (),
) -> Report:
    """Read an export to its end, or to the first place after which nothing can be told, and report.

    Args:
        stream: the export.
        log_keys: verifier keys (``name+hexid+base64``) of the ledger, got from elsewhere than the export.
        receipts: JSON objects of receipts whose records must be in the ledger.
        receipt_keys: verifier keys of those who sign receipts.
        held: signed checkpoints kept from earlier, which this ledger must continue; without one, a ledger that was
            cut back to an earlier checkpoint cannot be told from one that never went on.

    Raises:
        Unusable: a key is not a verifier key.
        OSError: the stream cannot be read.
    """
    reading = _Reading([parse_key(text) for text in log_keys])
    promises = [parse_key(text) for text in receipt_keys]
    try:
        reading.owe(receipts, promises)
        reading.hold(held)
        reading.read(stream)
        reading.settle()
    except _Stop:
        return reading.report(complete=False)
    return reading.report(complete=True)


class _Stop(Exception):  # noqa: N818 - control flow: the finding that says why is already recorded
    """Nothing after this place can be told."""


class _Tree:
    """RFC 6962 by a stack of perfect subtrees with their heights: two of one height become one of the next."""

    def __init__(self) -> None:
        self.stack: list[tuple[int, bytes]] = []

    def add(self, node: bytes) -> None:
        height = 0
        while self.stack and self.stack[-1][0] == height:
            node = sha256(b"\x01" + self.stack.pop()[1] + node).digest()
            height += 1
        self.stack.append((height, node))

    def root(self) -> bytes:
        nodes = [node for _, node in self.stack] or [sha256().digest()]
        while len(nodes) > 1:
            right = nodes.pop()
            nodes[-1] = sha256(b"\x01" + nodes[-1] + right).digest()
        return nodes[0]


class _Reading:
    """Where the pass has come to, and what it found."""

    def __init__(self, log_keys: list[Key]) -> None:
        self.log_keys = log_keys
        self.findings: list[Finding] = []
        self.line = 0
        self.origin = ""
        self.tree = _Tree()
        self.count = 0  # records read, so the index that is next
        self.batches = 0
        self.notes = 0  # checkpoints read
        self.checkpoints = 0  # of those, the ones that hold
        self.signed = 0  # size of the last that holds
        self.agreed = 0  # size of the last held checkpoint that this ledger passed through
        self.receipts = 0
        self.ended = False
        self.batch: Batch | None = None
        self.places: Iterator[tuple[str, int, int | None]] = iter(())
        self.next_offset: dict[tuple[str, int], int] = {}
        self.owed: dict[bytes, list[str]] = {}
        self.held: dict[int, list[bytes]] = {}
        self.readers: dict[str, Callable[[Any], None]] = {
            "ledger": self.read_opening,
            "batch": self.read_batch,
            "record": self.read_record,
            "checkpoint": self.read_checkpoint,
            "end": self.read_end,
        }

    def report(self, *, complete: bool) -> Report:
        return Report(
            origin=self.origin,
            records=self.count,
            batches=self.batches,
            checkpoints=self.checkpoints,
            signed=self.signed,
            root=self.tree.root(),
            receipts=self.receipts,
            complete=complete,
            findings=tuple(self.findings),
        )

    def find(self, kind: Kind, index: int | None, message: str) -> None:
        self.findings.append(Finding(kind, index, self.line, message))
        if len(self.findings) >= FINDINGS_MAX:
            raise _Stop

    def stop(self, kind: Kind, message: str, index: int | None = None) -> NoReturn:
        self.find(kind, self.count if index is None else index, message)
        raise _Stop

    # What was given beside the export

    def owe(self, receipts: Iterable[Mapping[str, object]], keys: list[Key]) -> None:
        """Note which leaves the ledger owes; a receipt that nobody trusted signed owes nothing."""
        for number, receipt in enumerate(receipts, start=1):
            try:
                leaf, event_id = open_receipt(receipt, keys)
            except Wrong as wrong:
                self.find(Kind.RECEIPT_INVALID, None, f"receipt {number}: {wrong}")
            else:
                self.owed.setdefault(leaf, []).append(event_id)

    def hold(self, notes: Iterable[bytes]) -> None:
        """Note which roots the ledger must pass through."""
        for number, note in enumerate(notes, start=1):
            try:
                checkpoint = open_checkpoint(note, self.log_keys)
            except Wrong as wrong:
                self.find(Kind.HELD_CHECKPOINT_BROKEN, None, f"held checkpoint {number}: {wrong}")
            else:
                self.held.setdefault(checkpoint.size, []).append(checkpoint.root)

    # The export, line by line

    def read(self, stream: BinaryIO) -> None:
        for raw in self.lines(stream):
            try:
                self.read_line(raw)
            except Wrong as wrong:
                message = f"line {self.line} {wrong}; the export was altered, or made by another program"
                self.stop(Kind.MALFORMED, message)
            if self.count in self.held:
                self.compare_held()
        if not self.ended:
            self.stop(Kind.TRUNCATED, "the export ends without its last line; fetch it again")

    def read_line(self, raw: bytes) -> None:
        kind, body = parse_line(raw)
        reader = self.readers.get(kind)
        if reader is None or (kind == "ledger") != (self.line == 1) or self.ended:
            raise Wrong("is of a kind that does not belong there")
        reader(body)

    def lines(self, stream: BinaryIO) -> Iterator[bytes]:
        while raw := stream.readline(LINE_BYTES_MAX + 1):
            self.line += 1
            if raw[-1:] == b"\n":
                yield raw[:-1]
            elif len(raw) > LINE_BYTES_MAX:
                self.stop(Kind.MALFORMED, f"line {self.line} is longer than {LINE_BYTES_MAX} bytes")
            else:
                self.stop(Kind.TRUNCATED, "the export ends within a line; fetch it again")

    def read_opening(self, body: Any) -> None:
        self.origin = parse_opening(body)
        if all(key.name != self.origin for key in self.log_keys):
            raise Wrong("names a ledger for which no key was given; check which keys were given")

    def read_batch(self, body: Any) -> None:
        batch = parse_batch(body)
        if self.batch:
            self.stop(Kind.OUT_OF_ORDER, f"a batch begins where record {self.count} of the one before belongs")
        if batch.first_index != self.count:
            message = (
                f"a batch begins at {batch.first_index} and {self.count} is next: one is missing, doubled or moved"
            )
            self.stop(Kind.OUT_OF_ORDER, message)
        self.batch, self.places = batch, batch.places()

    def read_record(self, body: Any) -> None:
        record = parse_record(body)
        if self.batch is None or record.at != self.count:
            self.stop(Kind.OUT_OF_ORDER, f"record {record.at} stands where {self.count} or a batch belongs")
        self.place(record)
        if record.derived != record.stated:
            message = f"record {record.at} is not what was sequenced; compare it with the journal of its writer"
            self.find(Kind.RECORD_ALTERED, record.at, message)
        if record.derived in self.owed:
            self.honour(record)
        self.tree.add(record.stated)
        self.count += 1
        if self.count == self.batch.size:
            self.close(self.batch)

    def place(self, record: Record) -> None:
        """Check that the record is the one its batch puts here, and that none of its partition was passed over."""
        topic, partition, offset = next(self.places)
        where, due = (topic, partition), self.next_offset.get((topic, partition), 0)
        if where != (record.topic, record.partition) or offset not in (None, record.offset) or record.offset < due:
            self.stop(Kind.OUT_OF_ORDER, f"record {self.count} is not the one that its batch puts there")
        if record.offset > due:
            message = f"{topic} partition {partition}: offsets {due} to {record.offset - 1} are not in the ledger"
            self.find(Kind.GAP, self.count, message)
        self.next_offset[where] = record.offset + 1
        if len(self.next_offset) > PARTITIONS_MAX:
            raise Wrong(f"is of more than {PARTITIONS_MAX} partitions")

    def close(self, batch: Batch) -> None:
        if self.tree.root() != batch.root:
            message = f"records {batch.first_index} to {self.count - 1} do not give the root of their batch"
            self.stop(Kind.ROOT_DIFFERS, message, batch.first_index)
        self.batch, self.batches = None, self.batches + 1

    def read_checkpoint(self, body: Any) -> None:
        if type(body) is not str:
            raise Wrong("is no checkpoint")
        if self.batch:
            self.stop(Kind.OUT_OF_ORDER, f"a checkpoint stands where record {self.count} of its batch belongs")
        self.notes += 1
        wrong = self.judge(body)
        if wrong:
            self.find(Kind.CHECKPOINT_INVALID, self.signed, f"the checkpoint in line {self.line}: {wrong}")
        else:
            self.checkpoints, self.signed = self.checkpoints + 1, self.count

    def judge(self, note: str) -> str:
        """Return what is wrong with a checkpoint that stands here; empty for nothing."""
        try:
            checkpoint = open_checkpoint(note.encode("utf-8", "replace"), self.log_keys)
        except Wrong as wrong:
            return str(wrong)
        if checkpoint.origin != self.origin:
            return f"it is of another ledger than {self.origin}"
        if checkpoint.size != self.count:
            return f"it is of {checkpoint.size} records and stands after {self.count}"
        if checkpoint.root != self.tree.root():
            return f"its root is not that of the {self.count} records before it"
        return ""

    def read_end(self, body: Any) -> None:
        if self.batch:
            self.stop(Kind.TRUNCATED, f"the export ends before record {self.count} of its last batch")
        if spell(body) != spell({"records": self.count, "batches": self.batches, "checkpoints": self.notes}):
            self.stop(Kind.TRUNCATED, "the last line counts other records, batches or checkpoints than there are")
        self.ended = True

    def honour(self, record: Record) -> None:
        for event_id in self.owed.pop(record.derived):
            if event_id.encode("utf-8", "replace") == record.event_id:
                self.receipts += 1
            else:
                message = f"a receipt for event {event_id} is over record {record.at}, which is another event"
                self.find(Kind.RECEIPT_NOT_HONOURED, record.at, message)

    def compare_held(self) -> None:
        for root in self.held.pop(self.count):
            if root == self.tree.root():
                self.agreed = self.count
            else:
                message = f"a checkpoint you hold of {self.count} records has another root: history was rewritten"
                self.find(Kind.HELD_CHECKPOINT_BROKEN, self.agreed, message)

    def settle(self) -> None:
        """Say what is still missing at the end of a whole export."""
        if self.signed != self.count or not self.checkpoints:
            message = f"no checkpoint that holds covers the records from {self.signed} on; export up to a checkpoint"
            self.find(Kind.UNSIGNED, self.signed, message)
        self.line = 0
        for size in sorted(self.held):
            message = f"the ledger ends at {self.count} records and you hold a checkpoint of {size}: it was cut back"
            self.find(Kind.HELD_CHECKPOINT_BROKEN, self.count, message)
        for event_id in (event_id for owed in self.owed.values() for event_id in owed):
            message = f"event {event_id} is not in the ledger as accepted; if its receipt is newer than this export, \
export anew"
            self.find(Kind.RECEIPT_NOT_HONOURED, None, message)
