"""The Merkle tree of RFC 6962 (and RFC 9162 section 2.1) over leaf hashes: grow it, prove with it, check proofs.

A tree of n leaves is, from left to right, one perfect subtree for each bit of n: its *frontier*. Appending needs the
frontier alone; folding it from the right gives the root. A node has coordinates (level, index) and covers the leaves
index * 2**level up to (index + 1) * 2**level; level 0 holds the leaf hashes.

Only the nodes of every eighth level are stored, as in C2SP tlog-tiles: one hash per 256 of the level below. A proof in
a tree of a million leaves reads about a thousand stored hashes at most, in some twenty contiguous spans, which
``spans`` lists beforehand so that a service can fetch them in one query.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple, Self

from services.chassis.integrity.errors import ProofMalformed, ProofRejected

#: Levels from one stored level to the next (a tile of C2SP tlog-tiles is 8 high and 256 wide).
TILE_LEVELS: Final = 8
#: Root of the tree without leaves: SHA-256 of nothing.
EMPTY_ROOT: Final = sha256().digest()

#: Gives the stored hash at (level, index); asked for levels 0, 8, 16 and so on only.
Nodes = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Node:
    """The hash of a perfect subtree."""

    level: int
    index: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Span:
    """``count`` stored hashes of one level, beginning at ``first``."""

    level: int
    first: int
    count: int


class Leaves(NamedTuple):
    """The leaves from ``begin`` up to and without ``end``; one hash of a proof covers them."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Frontier:
    """All of a tree that appending needs: its size and the roots of its perfect subtrees, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf_hashes: Iterable[bytes]) -> tuple["Frontier", list[Node]]:
        """Return the frontier with these leaves after it, and the nodes above the leaves that are now to be stored."""
        size, stack, complete = self.size, list(self.hashes), list[Node]()
        for leaf in leaf_hashes:
            node, index, level = leaf, size, 0
            while index & 1:
                node = _parent(stack.pop(), node)
                index, level = index >> 1, level + 1
                if level % TILE_LEVELS == 0:
                    complete.append(Node(level, index, node))
            stack.append(node)
            size += 1
        return Frontier(size, tuple(stack)), complete

    def root(self) -> bytes:
        """Return the Merkle tree hash."""
        return _fold(self.hashes) if self.hashes else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """Return the size as 8 bytes, big endian, and the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read ``to_bytes``; raises ProofMalformed when the length does not fit the size."""
        size, rest = int.from_bytes(data[:8], "big"), data[8:]
        if len(data) < 8 or len(rest) != 32 * size.bit_count():
            raise ProofMalformed("stored frontier is damaged: its length does not fit its size; rebuild from Kafka")
        return cls(size, tuple(rest[i : i + 32] for i in range(0, len(rest), 32)))


def inclusion_path(index: int, size: int) -> list[Leaves]:
    """Return what each hash of the proof of leaf ``index`` in ``size`` leaves covers, from the leaf's sibling up."""
    if not 0 <= index < size:
        raise ProofMalformed(f"no leaf {index} in a tree of {size}; indices begin at 0")
    path, begin, end = list[Leaves](), 0, size
    while end - begin > 1:
        split = _split(begin, end)
        if index < split:
            path.append(Leaves(split, end))
            end = split
        else:
            path.append(Leaves(begin, split))
            begin = split
    return path[::-1]


def consistency_path(old: int, new: int) -> list[Leaves]:
    """Return what each hash covers of the proof that a tree of ``old`` leaves is the beginning of one of ``new``."""
    if not 0 <= old <= new:
        raise ProofMalformed(f"a tree of {old} leaves cannot be the beginning of one of {new}")
    if old == 0:
        return []
    path, begin, end = list[Leaves](), 0, new
    while end != old:
        split = _split(begin, end)
        if old <= split:
            path.append(Leaves(split, end))
            end = split
        else:
            path.append(Leaves(begin, split))
            begin = split
    if begin > 0:  # else it is the old root itself, which the verifier has
        path.append(Leaves(begin, end))
    return path[::-1]


def spans(path: Iterable[Leaves]) -> list[Span]:
    """Return the stored hashes that ``prove`` will ask for on this path."""
    return [_span(level, index) for leaves in path for level, index in _perfect(leaves)]


def prove(path: Iterable[Leaves], nodes: Nodes) -> list[bytes]:
    """Return the hashes of a proof, computed from stored nodes."""
    return [_fold([_node(level, index, nodes) for level, index in _perfect(leaves)]) for leaves in path]


def check_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofRejected unless the proof shows this leaf hash at this index under the root (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        raise ProofRejected(f"no leaf {index} in a tree of {size}")
    fn, sn, node = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            raise ProofRejected("inclusion proof has too many hashes")
        if fn & 1 or fn == sn:
            node = _parent(sibling, node)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = _parent(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or node != root:
        raise ProofRejected(f"inclusion proof of leaf {index} does not lead to the root of {size} leaves")


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise ProofRejected unless the proof shows the old tree to be the beginning of the new (RFC 9162 2.1.4.2).

    The empty tree is the beginning of every tree, with an empty proof: the first checkpoint follows on from it.
    """
    if not 0 <= old <= new:
        raise ProofRejected(f"a tree of {old} leaves cannot be the beginning of one of {new}")
    if old in (0, new):
        if proof or old_root != (new_root if old else EMPTY_ROOT):
            raise ProofRejected(f"trees of {old} and {new} leaves: roots differ, or hashes where none belong")
        return
    whole = old & (old - 1) == 0  # then the old root is itself a node of the new tree, and not in the proof
    hashes = [old_root, *proof] if whole else list(proof)
    if not hashes:
        raise ProofRejected("consistency proof is empty")
    trim = ((old - 1) ^ old).bit_length() - 1  # trailing ones of old - 1: the way up to the last perfect subtree
    fn, sn = (old - 1) >> trim, (new - 1) >> trim
    was = now = hashes[0]
    for sibling in hashes[1:]:
        if sn == 0:
            raise ProofRejected("consistency proof has too many hashes")
        if fn & 1 or fn == sn:
            was, now = _parent(sibling, was), _parent(sibling, now)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            now = _parent(now, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or was != old_root or now != new_root:
        raise ProofRejected(f"the tree of {old} leaves is not the beginning of that of {new}, or the proof is damaged")


def _parent(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Join perfect subtrees, largest first, into the root over them."""
    root = hashes[-1]
    for left in hashes[-2::-1]:
        root = _parent(left, root)
    return root


def _split(begin: int, end: int) -> int:
    """The largest power of two below the number of leaves goes left (RFC 6962 section 2.1)."""
    return begin + (1 << ((end - begin - 1).bit_length() - 1))


def _perfect(leaves: Leaves) -> Iterator[tuple[int, int]]:
    begin, end = leaves
    while begin < end:
        level = (end - begin).bit_length() - 1
        yield level, begin >> level
        begin += 1 << level


def _span(level: int, index: int) -> Span:
    above = level % TILE_LEVELS
    return Span(level - above, index << above, 1 << above)


def _node(level: int, index: int, nodes: Nodes) -> bytes:
    span = _span(level, index)
    row = [nodes(span.level, span.first + i) for i in range(span.count)]
    while len(row) > 1:
        row = [_parent(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]
