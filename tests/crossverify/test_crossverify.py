"""Python and the official Go code agree on every byte of the ledger's formats, both ways.

Go is no need of the product, so without it, or without its modules and no network to fetch them, this skips, also in
CI; the same formats are held to published vectors in ``tests/unit/audit``.
"""

import json
import re
import shutil
import subprocess
from base64 import b64decode, b64encode
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from services.audit.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from services.audit.proof import Proof
from services.audit.tree import Frontier, check_consistency, consistency_path, inclusion_path, prove
from services.chassis.integrity.leaf import leaf_hash, leaf_of
from services.chassis.integrity.note import Note, Signer
from services.chassis.integrity.receipt import issue

HERE = Path(__file__).parent
#: Seconds to fetch the modules the first time, and to build and run. Together they stay below the test's timeout.
FETCH_DEADLINE_S = 60
RUN_DEADLINE_S = 100
NO_NETWORK = re.compile(r"dial tcp|no such host|proxyconnect|i/o timeout|connection refused|TLS handshake|disabled by")

LOG = Signer("relay.example/ledger", b"l" * 32)
RECEIPTS = Signer("relay.example/ledger/receipts", b"r" * 32)
WITNESS = Signer("witness.example/w1", b"w" * 32)
# More than one tile (256), and no power of two.
LEAVES = [leaf_of("concerns.v1", b"c-%d" % (i % 9), [("ce_id", b"e-%d" % i)], b"sealed %d" % i) for i in range(300)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
SIZES = [1, 2, 3, 7, 8, 100, 255, 256, 257, 299, 300]

FRONTIER, NODES = Frontier().append(HASHES)
STORE = {(0, i): h for i, h in enumerate(HASHES)} | {(n.level, n.index): n.hash for n in NODES}


def nodes(level: int, index: int) -> bytes:
    """Return a stored hash."""
    return STORE[level, index]


def root(size: int) -> bytes:
    """Return the root of the first leaves."""
    return Frontier().append(HASHES[:size])[0].root()


def text(data: bytes) -> str:
    """Return bytes as Go's JSON has them."""
    return b64encode(data).decode()


def made_by_python() -> dict[str, Any]:
    """Return checkpoints, proofs and a receipt for Go to check."""
    notes = [sign_checkpoint(Checkpoint(LOG.name, size, root(size)), LOG) for size in SIZES]
    receipt = issue(
        RECEIPTS, concern_id="c-1", event_id="e-1", agency="school", recorded_time="2026-11-23", leaf=HASHES[1]
    )
    return {
        "Origin": LOG.name,
        "LogKey": str(LOG.verifier),
        "ReceiptKey": str(RECEIPTS.verifier),
        "Receipt": text(f"{receipt.text}\n\u2014 {receipt.origin} {receipt.signature}\n".encode()),
        "Leaves": [text(leaf) for leaf in LEAVES],
        "Checkpoints": [text(note) for note in notes],
        "Consistency": [
            {
                "Old": old,
                "New": new,
                "OldRoot": text(root(old)),
                "NewRoot": text(root(new)),
                "Proof": [text(node) for node in prove(consistency_path(old, new), nodes)],
            }
            for old in SIZES
            for new in SIZES
            if old <= new
        ],
        "Inclusion": [
            text(Proof(i, tuple(prove(inclusion_path(i, 300), nodes)), notes[-1], extra).to_bytes())
            for i in range(300)
            for extra in ([None, b"extra"] if i == 7 else [None])
        ],
        "SignerKey": LOG.secret(),
        "WitnessKey": WITNESS.secret(),
    }


def go(arguments: list[str], deadline_s: float, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run the Go tool in this folder."""
    tool = shutil.which("go")
    if tool is None:
        pytest.skip("Go is not on PATH: the formats are not held to the official Go code here")
    return subprocess.run(
        [tool, *arguments], cwd=HERE, input=given, capture_output=True, text=True, timeout=deadline_s, check=False
    )


@pytest.fixture(scope="module")
def exchange() -> tuple[dict[str, Any], dict[str, Any]]:
    """Let Go check what Python made; return both sides' work."""
    try:
        fetched = go(["mod", "download"], FETCH_DEADLINE_S)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the Go modules could not be fetched in {FETCH_DEADLINE_S} s")
    if fetched.returncode and NO_NETWORK.search(fetched.stderr):
        pytest.skip("the Go modules are not here and there is no network to fetch them")
    assert fetched.returncode == 0, fetched.stderr

    theirs = made_by_python()
    run = go(["run", "."], RUN_DEADLINE_S, json.dumps(theirs))

    assert run.returncode == 0, run.stderr
    return theirs, json.loads(run.stdout)


@pytest.mark.slow
class TestCrossVerification:
    """The official Go code as the judge."""

    def test_go_accepts_what_python_made(self, exchange: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Every checkpoint, consistency proof, proof file and receipt of ours verifies in Go."""
        theirs, ours = exchange

        assert ours["Checked"] == {
            "checkpoints": len(SIZES),
            "consistency": len(theirs["Consistency"]),
            "inclusion": 301,
            "receipts": 1,
        }

    def test_go_writes_the_same_checkpoints(self, exchange: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """With our key string Go signs the same leaves into the same bytes."""
        _, ours = exchange

        notes = [b64decode(note) for note in ours["Checkpoints"]]

        assert len(notes) == 43
        for note in notes:
            size = open_checkpoint(note, LOG.name, [LOG.verifier]).size
            assert note == sign_checkpoint(Checkpoint(LOG.name, size, root(size)), LOG)

    def test_python_accepts_the_proofs_of_go(self, exchange: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Go's proof files, with a witness's cosignature under the checkpoint, verify here and are ours to the byte."""
        _, ours = exchange

        for i, encoded in enumerate(ours["Inclusion"]):
            file = b64decode(encoded)
            proof = Proof.parse(file)

            assert proof.check(LEAVES[i], LOG.name, [LOG.verifier]).size == 300
            assert proof.hashes == tuple(prove(inclusion_path(i, 300), nodes))
            assert proof.to_bytes() == file
            assert [line.name for line in Note.parse(proof.checkpoint).signatures] == [LOG.name, WITNESS.name]

    def test_python_accepts_the_consistency_of_go(self, exchange: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Go's consistency proofs between its checkpoints verify here, and are ours."""
        _, ours = exchange
        sizes = [*range(7, 300, 7), 300]

        assert [(c["Old"], c["New"]) for c in ours["Consistency"]] == list(pairwise(sizes))
        for c in ours["Consistency"]:
            proof = [b64decode(node) for node in c["Proof"]]
            check_consistency(c["Old"], c["New"], proof, b64decode(c["OldRoot"]), b64decode(c["NewRoot"]))
            assert proof == prove(consistency_path(c["Old"], c["New"]), nodes)
