"""The errors of integrity, a branch of the tree in ``services.chassis.errors``.

RelayError
└── IntegrityError
    ├── KeyInvalid          a key string cannot be used
    ├── NoteMalformed       the bytes are not a signed note, or its text not what it should be
    ├── NoteUnverified      no trusted key signed it, or a trusted key's signature does not hold
    ├── ReceiptMalformed    not a receipt of a version known here
    ├── ProofMalformed      not a proof file, or one that cannot be asked for
    └── ProofRejected       a well-formed proof that does not lead to the root
"""

from services.chassis.errors import RelayError


class IntegrityError(RelayError):
    """Something that should be provable is not."""


class KeyInvalid(IntegrityError):  # noqa: N818
    """A signer's or verifier's key string cannot be used."""


class NoteMalformed(IntegrityError):  # noqa: N818
    """Bytes that are no signed note, or a text that may not be signed."""


class NoteUnverified(IntegrityError):  # noqa: N818
    """A note that no trusted key vouches for."""


class ReceiptMalformed(IntegrityError):  # noqa: N818
    """An object that is no receipt of a known version, or fields that may not stand in one."""


class ProofMalformed(IntegrityError):  # noqa: N818
    """A proof that cannot be read, or asked for with an index or size that cannot be."""


class ProofRejected(IntegrityError):  # noqa: N818
    """A proof that can be read and does not hold."""
