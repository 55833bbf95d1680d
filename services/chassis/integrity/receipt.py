"""The signed receipt that every 202 carries: whoever accepted a concern owes its record to the ledger.

The holder can demand the leaf of the ledger for ever after, so an omission shows. The signature is that of a C2SP
signed note (see ``note``) whose text is the receipt's canonical form, so that any tool for signed notes can check it:

    concern-relay receipt v1
    <origin>
    <concern id>
    <event id>
    <agency>
    <recorded time>
    <base64 of the leaf hash>

Its first line keeps it apart from a checkpoint, whose first line is a key name and so has no space. ``origin`` is the
name of the key; by convention the ledger's origin and ``/receipts``, with a key of its own: intake cannot sign
checkpoints.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from services.chassis.integrity.errors import NoteUnverified, ReceiptMalformed
from services.chassis.integrity.note import STRAY, Note, Signature, Signer, Verifier, base64_strictly

VERSION: Final = 1
#: Longest field of a receipt, in characters.
FIELD_CHARS_MAX: Final = 500

_HEADING: Final = "concern-relay receipt v1"
_TEXT_FIELDS: Final = ("origin", "concern_id", "event_id", "agency", "recorded_time")
_FIELDS: Final = frozenset({"version", *_TEXT_FIELDS, "leaf", "signature"})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was accepted, from whom, when it was recorded, and the leaf that the ledger owes.

    Attributes:
        origin: name of the key that signed.
        concern_id: the concern the event is about.
        event_id: ``ce_id`` of the accepted event.
        agency: id of the agency that gave it.
        recorded_time: RFC 3339, as in the record's ``ce_recordedtime`` header.
        leaf: leaf hash of the record, 32 bytes.
        signature: base64 of key id and Ed25519 signature, as on a note's signature line.
    """

    origin: str
    concern_id: str
    event_id: str
    agency: str
    recorded_time: str
    leaf: bytes
    signature: str

    def __post_init__(self) -> None:
        _check_fields({name: getattr(self, name) for name in _TEXT_FIELDS}, self.leaf)

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of the 202."""
        return {
            "version": VERSION,
            **{name: getattr(self, name) for name in _TEXT_FIELDS},
            "leaf": b64encode(self.leaf).decode(),
            "signature": self.signature,
        }

    @classmethod
    def parse(cls, obj: Mapping[str, object]) -> Self:
        """Read a receipt's JSON object without trusting it; raises ReceiptMalformed."""
        if type(obj.get("version")) is not int or obj["version"] != VERSION:
            raise ReceiptMalformed(f"this is no receipt of version {VERSION}; a newer verifier may be needed")
        texts = {name: value for name, value in obj.items() if isinstance(value, str)}
        if obj.keys() != _FIELDS or texts.keys() != _FIELDS - {"version"}:
            raise ReceiptMalformed(
                f"a receipt has exactly the fields {', '.join(sorted(_FIELDS))}, all text but version"
            )
        leaf = base64_strictly(texts.pop("leaf"))
        if leaf is None:
            raise ReceiptMalformed("the leaf of a receipt is the base64 of 32 bytes")
        return cls(leaf=leaf, **texts)

    def check(self, verifiers: Iterable[Verifier]) -> Verifier:
        """Return the key that signed this receipt; raises NoteUnverified, or NoteMalformed for its signature."""
        line = Signature.parse(self.origin, self.signature)
        try:
            return Note(self.text, (line,)).signed_by(verifiers)[0]
        except NoteUnverified as error:
            raise NoteUnverified(f"receipt for event {self.event_id}: {error}") from None

    @property
    def text(self) -> str:
        """The canonical form that is signed."""
        return _canonical({name: getattr(self, name) for name in _TEXT_FIELDS}, self.leaf)


def issue(signer: Signer, *, concern_id: str, event_id: str, agency: str, recorded_time: str, leaf: bytes) -> Receipt:
    """Sign a receipt for a record whose bytes are already fixed (journaled).

    Args:
        signer: the receipt key; its name becomes the origin.
        concern_id: the concern the event is about.
        event_id: ``ce_id`` of the accepted event.
        agency: id of the agency that gave it.
        recorded_time: RFC 3339, as in the record's ``ce_recordedtime`` header.
        leaf: leaf hash of the record, 32 bytes (``leaf_hash(leaf_of(...))``).

    Raises:
        ReceiptMalformed: a field is empty, too long, or has a control character.
    """
    texts = {
        "origin": signer.name,
        "concern_id": concern_id,
        "event_id": event_id,
        "agency": agency,
        "recorded_time": recorded_time,
    }
    _check_fields(texts, leaf)
    return Receipt(leaf=leaf, signature=signer.sign(_canonical(texts, leaf)), **texts)


def _canonical(texts: Mapping[str, str], leaf: bytes) -> str:
    lines = [_HEADING, *(texts[name] for name in _TEXT_FIELDS), b64encode(leaf).decode()]
    return "".join(f"{line}\n" for line in lines)


def _check_fields(texts: Mapping[str, str], leaf: bytes) -> None:
    for name, value in texts.items():
        if not 1 <= len(value) <= FIELD_CHARS_MAX or STRAY.search(value):
            raise ReceiptMalformed(f"{name} of a receipt has 1 to {FIELD_CHARS_MAX} characters, none of them control")
    if len(leaf) != 32:
        raise ReceiptMalformed(f"the leaf of a receipt is a SHA-256 of 32 bytes, not {len(leaf)}")
