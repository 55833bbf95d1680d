"""The proof file: what one record's owner keeps and anybody can check."""

import pytest

from services.audit.checkpoint import Checkpoint, sign_checkpoint
from services.audit.proof import Proof
from services.audit.tree import Frontier, inclusion_path, prove
from services.chassis.integrity.errors import IntegrityError, NoteUnverified, ProofMalformed, ProofRejected
from services.chassis.integrity.leaf import leaf_hash
from services.chassis.integrity.note import Signer

LOG = Signer("relay.example/ledger", b"l" * 32)
LEAVES = [b"leaf %d" % i for i in range(11)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
NOTE = sign_checkpoint(Checkpoint(LOG.name, len(LEAVES), Frontier().append(HASHES)[0].root()), LOG)


def proof_of(index: int, extra: bytes | None = None) -> Proof:
    """Return the proof of one of eleven leaves."""
    hashes = prove(inclusion_path(index, len(LEAVES)), lambda _level, i: HASHES[i])
    return Proof(index, tuple(hashes), NOTE, extra)


class TestProof:
    """Writing, reading and checking ``.tlog-proof`` files."""

    @pytest.mark.parametrize("index", range(11))
    @pytest.mark.parametrize("extra", [None, b"", b"\x00\xff"])
    def test_is_checked_from_its_file_alone(self, index: int, extra: bytes | None) -> None:
        """File, leaf and public key suffice, with extra data or without."""
        proof = proof_of(index, extra)

        read = Proof.parse(proof.to_bytes())

        assert read == proof
        assert read.check(LEAVES[index], LOG.name, [LOG.verifier]).size == 11

    def test_has_the_lines_of_the_specification(self) -> None:
        """Heading, extra, index, hashes, an empty line, the checkpoint verbatim."""
        lines = proof_of(10, b"extra").to_bytes().decode().split("\n")

        assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra ZXh0cmE=", "index 10"]
        assert [len(line) for line in lines[3:6]] == [44, 44, 0]
        assert "\n".join(lines[6:]).encode() == NOTE

    def test_of_the_only_leaf_has_no_hashes(self) -> None:
        """A tree of one leaf gives a file without hashes that still reads."""
        note = sign_checkpoint(Checkpoint(LOG.name, 1, HASHES[0]), LOG)
        proof = Proof.parse(Proof(0, (), note).to_bytes())

        assert proof.check(LEAVES[0], LOG.name, [LOG.verifier]).root == HASHES[0]

    def test_carries_witness_lines_verbatim(self) -> None:
        """Whatever stands under the checkpoint comes through unread."""
        line = "\u2014 witness.example/w1 jWbPPwAAAABkGFDL\n".encode()
        proof = Proof(3, proof_of(3).hashes, NOTE + line)

        read = Proof.parse(proof.to_bytes())

        assert read.checkpoint.endswith(line)
        assert read.check(LEAVES[3], LOG.name, [LOG.verifier]).size == 11

    def test_of_another_record_is_rejected(self) -> None:
        """A proof holds for its own leaf, index, log and key."""
        proof = proof_of(4)

        with pytest.raises(ProofRejected):
            proof.check(LEAVES[5], LOG.name, [LOG.verifier])
        with pytest.raises(ProofRejected):
            Proof(5, proof.hashes, NOTE).check(LEAVES[4], LOG.name, [LOG.verifier])
        with pytest.raises(NoteUnverified):
            proof.check(LEAVES[4], "other.example/ledger", [LOG.verifier])
        with pytest.raises(NoteUnverified):
            proof.check(LEAVES[4], LOG.name, [Signer(LOG.name, b"x" * 32).verifier])

    def test_cannot_be_bent_by_a_bit(self) -> None:
        """Every single flipped bit of a proof file is refused."""
        data = proof_of(6).to_bytes()

        for position in range(len(data) * 8):
            bent = bytearray(data)
            bent[position // 8] ^= 1 << position % 8
            with pytest.raises(IntegrityError):
                Proof.parse(bytes(bent)).check(LEAVES[6], LOG.name, [LOG.verifier])

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"@v1", b"@v2"),
            (b"index 6", b"index 06"),
            (b"index 6", b"index -6"),
            (b"index 6", b"index"),
            (b"index 6\n", b""),
            (b"index 6", b"index 6\nindex 6"),
            (b"index 6", b"extra !\nindex 6"),
            (b"index 6", b"extra AA==\nextra AA==\nindex 6"),
            (b"index 6", b"index 6\n" + b"\n".join([b"A" * 43 + b"="] * 64)),
            (b"index 6", b"index 6\nAAAA"),
            (b"index 6", b"index 6\xff"),
            (b"index 6", b"extra " + b"A" * 400_000 + b"\nindex 6"),
            (b"\n\n", b"\n"),
        ],
    )
    def test_that_is_malformed_is_not_read(self, old: bytes, new: bytes) -> None:
        """Files that another reader might take otherwise are refused."""
        data = proof_of(6).to_bytes()

        with pytest.raises(ProofMalformed):
            Proof.parse(data.replace(old, new))
