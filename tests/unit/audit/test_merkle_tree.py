"""The tree against the words of RFC 6962: vectors, recursive definitions, and everything that must be refused."""

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.tree import (
    EMPTY_ROOT,
    Frontier,
    Node,
    check_consistency,
    check_inclusion,
    consistency_path,
    inclusion_path,
    prove,
    spans,
)
from services.chassis.integrity.errors import ProofMalformed, ProofRejected
from services.chassis.integrity.leaf import leaf_hash

# The leaves and roots that implementations of Certificate Transparency test themselves with.
CT_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

EXHAUSTIVE = 64
LEAVES = [leaf_hash(b"leaf %d" % i) for i in range(1_200)]


def mth(leaves: list[bytes]) -> bytes:
    """Merkle tree hash, word for word RFC 6962 section 2.1, over leaf hashes."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2."""
    n = len(leaves)
    if m == n:
        return [] if whole else [mth(leaves)]
    k = split(n)
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def split(n: int) -> int:
    """Largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


class Store:
    """What a service keeps: leaf hashes and the nodes that appending handed out. Nothing else can be read."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.frontier, nodes = Frontier().append(leaves)
        self.rows = {(0, i): leaf for i, leaf in enumerate(leaves)} | {(n.level, n.index): n.hash for n in nodes}

    def __call__(self, level: int, index: int) -> bytes:
        """Return a stored hash; KeyError for one that nobody stored."""
        return self.rows[level, index]


STORE = Store(LEAVES)


def inclusion(index: int, size: int) -> list[bytes]:
    """Return the proof of a leaf in the first ``size`` leaves, from what is stored."""
    return prove(inclusion_path(index, size), STORE)


def consistency(old: int, new: int) -> list[bytes]:
    """Return the proof between two sizes, from what is stored."""
    return prove(consistency_path(old, new), STORE)


ROOTS = [mth(LEAVES[:n]) for n in range(EXHAUSTIVE + 1)]


class TestFrontier:
    """Growing a tree."""

    def test_gives_the_known_roots(self) -> None:
        """Each size of the Certificate Transparency vectors has its published root."""
        # Given the published leaves
        frontier = Frontier()
        roots = [frontier.root().hex()]

        # When they are appended one by one
        for data in CT_LEAVES:
            frontier, _ = frontier.append([leaf_hash(data)])
            roots.append(frontier.root().hex())

        # Then every root is the published one
        assert roots == CT_ROOTS

    def test_is_the_recursive_definition_for_every_size(self) -> None:
        """The frontier's root is MTH of RFC 6962 for all sizes to 64, however the appends were cut."""
        for size in range(EXHAUSTIVE + 1):
            for cut in (0, size // 3, size // 2, size):
                first, _ = Frontier().append(LEAVES[:cut])
                both, _ = first.append(LEAVES[cut:size])

                assert both == Frontier().append(LEAVES[:size])[0]
                assert both.root() == ROOTS[size]

    @given(st.lists(st.binary(min_size=32, max_size=32), max_size=300), st.data())
    @settings(max_examples=50, deadline=None)
    def test_is_the_recursive_definition_for_any_leaves(self, leaves: list[bytes], data: st.DataObject) -> None:
        """Whatever the leaves and the cut, root and serialised form follow from the leaves alone."""
        cut = data.draw(st.integers(0, len(leaves)))

        grown = Frontier.from_bytes(Frontier().append(leaves[:cut])[0].to_bytes()).append(leaves[cut:])[0]

        assert grown.root() == mth(leaves)
        assert grown == Frontier().append(leaves)[0]

    def test_hands_out_every_eighth_level_once(self) -> None:
        """Appending 1,200 leaves completes four nodes of level 8, each the root over its 256 leaves."""
        # When the leaves come in uneven lots
        frontier, nodes = Frontier(), list[Node]()
        for begin in range(0, len(LEAVES), 100):
            frontier, complete = frontier.append(LEAVES[begin : begin + 100])
            nodes += complete

        # Then
        assert nodes == [Node(8, i, mth(LEAVES[i * 256 : i * 256 + 256])) for i in range(4)]

    @pytest.mark.parametrize("damage", [b"", b"\x00" * 7, (3).to_bytes(8, "big") + bytes(32), bytes(8) + bytes(32)])
    def test_refuses_a_damaged_state(self, damage: bytes) -> None:
        """A stored frontier whose length does not fit its size is not read."""
        with pytest.raises(ProofMalformed, match="rebuild"):
            Frontier.from_bytes(damage)


class TestProofs:
    """Making proofs."""

    def test_are_those_of_the_rfc(self) -> None:
        """All inclusion and consistency proofs to size 64 are PATH and PROOF of RFC 6962, and verify."""
        for size in range(1, EXHAUSTIVE + 1):
            for index in range(size):
                proof = inclusion(index, size)
                assert proof == path(index, LEAVES[:size])
                check_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
            for old in range(1, size + 1):
                proof = consistency(old, size)
                assert proof == subproof(old, LEAVES[:size], whole=True)
                check_consistency(old, size, proof, ROOTS[old], ROOTS[size])

    @pytest.mark.parametrize("size", [255, 256, 257, 511, 512, 513, 1_023, 1_024, 1_025, 1_200])
    def test_hold_across_tiles(self, size: int) -> None:
        """Where stored levels meet, proofs are still those of the RFC."""
        for index in {0, 1, 127, 128, 254, size // 2, size - 2, size - 1}:
            assert inclusion(index, size) == path(index, LEAVES[:size])
        for old in {1, 2, 128, 254, size // 2, size - 1, size}:
            assert consistency(old, size) == subproof(old, LEAVES[:size], whole=True)

    def test_read_few_stored_hashes_and_say_which(self) -> None:
        """A proof in a tree of a million leaves reads what ``spans`` announced: about a thousand hashes at most."""
        # Given a store that answers anything and counts
        asked: set[tuple[int, int]] = set()

        def nodes(level: int, index: int) -> bytes:
            asked.add((level, index))
            return bytes(32)

        size = 999_999
        for route in (
            inclusion_path(0, size),
            inclusion_path(size - 1, size),
            inclusion_path(524_287, size),
            consistency_path(777_777, size),
            consistency_path(1, size),
        ):
            # When the proof is made
            asked.clear()
            prove(route, nodes)

            # Then it read exactly the spans announced, all of stored levels and within the tree
            announced = {(s.level, s.first + i) for s in spans(route) for i in range(s.count)}
            assert asked == announced
            assert len(asked) <= 1_100
            assert len(spans(route)) <= 45
            assert {level for level, _ in asked} <= {0, 8, 16}
            assert all((index + 1) << level <= size for level, index in asked)

    @pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 4), (4, 4)])
    def test_of_a_leaf_that_is_not_there_cannot_be_asked_for(self, index: int, size: int) -> None:
        """An index outside the tree is refused before anything is read."""
        with pytest.raises(ProofMalformed, match="no leaf"):
            inclusion_path(index, size)

    @pytest.mark.parametrize(("old", "new"), [(2, 1), (-1, 3)])
    def test_of_a_larger_beginning_cannot_be_asked_for(self, old: int, new: int) -> None:
        """A tree cannot begin with a larger one."""
        with pytest.raises(ProofMalformed, match="beginning"):
            consistency_path(old, new)

    def test_follow_on_from_nothing(self) -> None:
        """The empty tree is the beginning of every tree, with an empty proof, and only with the empty root."""
        assert consistency(0, 5) == []
        check_consistency(0, 5, [], EMPTY_ROOT, ROOTS[5])
        check_consistency(0, 0, [], EMPTY_ROOT, EMPTY_ROOT)
        with pytest.raises(ProofRejected):
            check_consistency(0, 5, [], ROOTS[1], ROOTS[5])
        with pytest.raises(ProofRejected):
            check_consistency(0, 5, [ROOTS[1]], EMPTY_ROOT, ROOTS[5])


def damaged(proof: list[bytes], extra: list[bytes]) -> list[list[bytes]]:
    """Proofs near a good one that must not pass: cut, lengthened, reordered, with roots and leaves slipped in."""
    near = [proof[:-1], proof[1:], proof[::-1], [*proof, b""], [b"", *proof], [], [*proof, *proof]]
    for node in [*extra, bytes(32)]:
        near += [[node, *proof], [*proof, node], *([*proof[:i], node, *proof[i + 1 :]] for i in range(len(proof)))]
    return [candidate for candidate in near if candidate != proof]


def refused(check: Callable[..., None], *arguments: object) -> None:
    """Assert that a check refuses these arguments."""
    with pytest.raises(ProofRejected):
        check(*arguments)


class TestRefusal:
    """Checking proofs that are nearly right."""

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 11, 16, 31])
    def test_of_inclusion_proofs_that_were_changed(self, size: int) -> None:
        """No other index, size, leaf, root or proof passes in place of the right one."""
        root = ROOTS[size]
        for index in range(size):
            leaf, proof = LEAVES[index], inclusion(index, size)
            for other in (-1, index - 1, index + 1, index ^ 2, size, 2 * size, 2**64):
                if other != index:
                    refused(check_inclusion, leaf, other, size, proof, root)
            refused(check_inclusion, LEAVES[-1], index, size, proof, root)
            refused(check_inclusion, root + b"\x00", index, size, proof, root)
            refused(check_inclusion, leaf, index, size, proof, EMPTY_ROOT)
            refused(check_inclusion, leaf, index, 0, proof, root)
            for near in damaged(proof, [root, leaf]):
                refused(check_inclusion, leaf, index, size, near, root)

    @pytest.mark.parametrize(
        ("old", "new"), [(1, 1), (1, 2), (2, 3), (3, 4), (4, 8), (6, 8), (7, 8), (5, 7), (8, 31), (21, 32), (1, 32)]
    )
    def test_of_consistency_proofs_that_were_changed(self, old: int, new: int) -> None:
        """No other sizes, roots or proof pass in place of the right ones."""
        proof, was, now = consistency(old, new), ROOTS[old], ROOTS[new]
        for other in (old - 1, old + 1, old ^ 2, 2 * old):
            if 0 <= other != old and (other, new) != (1, 1):
                refused(check_consistency, other, new, proof, was, now)
        refused(check_consistency, new + 1, new, proof, was, now)
        refused(check_consistency, old, new, proof, EMPTY_ROOT, now)
        refused(check_consistency, old, new, proof, was, EMPTY_ROOT)
        if old != new:
            refused(check_consistency, old, new, proof, now, was)
        for near in damaged(proof, [was, now]):
            refused(check_consistency, old, new, near, was, now)

    @given(st.integers(1, 1_200), st.data())
    @settings(max_examples=60, deadline=None)
    def test_of_any_flipped_bit_of_inclusion(self, size: int, data: st.DataObject) -> None:
        """Every inclusion proof verifies, and no bit of leaf, proof or root can be flipped."""
        index = data.draw(st.integers(0, size - 1))
        root = Frontier().append(LEAVES[:size])[0].root()
        parts = [LEAVES[index], *inclusion(index, size), root]
        check_inclusion(parts[0], index, size, parts[1:-1], parts[-1])

        for i in range(len(parts)):
            bit = data.draw(st.integers(0, 255))
            bent = [*parts[:i], flipped(parts[i], bit), *parts[i + 1 :]]
            refused(check_inclusion, bent[0], index, size, bent[1:-1], bent[-1])

    @given(st.integers(2, 1_200), st.data())
    @settings(max_examples=60, deadline=None)
    def test_of_any_flipped_bit_of_consistency(self, new: int, data: st.DataObject) -> None:
        """Every consistency proof verifies, and no bit of it or of the roots can be flipped."""
        old = data.draw(st.integers(1, new - 1))
        roots = [Frontier().append(LEAVES[:size])[0].root() for size in (old, new)]
        parts = [*roots, *consistency(old, new)]
        check_consistency(old, new, parts[2:], parts[0], parts[1])

        for i in range(len(parts)):
            bit = data.draw(st.integers(0, 255))
            bent = [*parts[:i], flipped(parts[i], bit), *parts[i + 1 :]]
            refused(check_consistency, old, new, bent[2:], bent[0], bent[1])


def flipped(node: bytes, bit: int) -> bytes:
    """Return a hash with one bit changed."""
    return (int.from_bytes(node, "big") ^ (1 << bit)).to_bytes(len(node), "big")
