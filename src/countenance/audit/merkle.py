"""The Merkle tree of RFC 6962: hashes, proofs and their checks. Pure arithmetic over bytes; no I/O.

Source:
    RFC 6962 section 2.1 (the tree) and RFC 9162 sections 2.1.3 and 2.1.4 (how proofs are checked).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_BYTES = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of a tree without entries."""

ReadNode = Callable[[int, int], bytes]
"""Returns the hash of the complete subtree at (level, index); level 0 are leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry's exact bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into the one above them."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, largest first. 32 log2(n) bytes."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Start at a tree of `size` leaves.

        Raises:
            ValueError: a tree of that size has another number of peaks.
        """
        self.size = size
        self.peaks = list(peaks)
        if size < 0 or len(self.peaks) != size.bit_count() or any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError(f"{len(self.peaks)} peaks do not make a tree of {size} leaves")

    def extend(self, leaves: Sequence[bytes]) -> list[list[bytes]]:
        """Append leaves' hashes, and return those of the subtrees that they complete, level by level, the leaves first.

        The first one of a level is its `size >> level`-th, of the size before.
        """
        sha256 = hashlib.sha256
        completed, waiting, kept = [], self.peaks[::-1], []
        hashes, before = list(leaves), self.size
        while hashes or waiting:
            if hashes:
                completed.append(hashes)
            row = [waiting.pop(0), *hashes] if before & 1 else hashes
            if len(row) & 1:
                kept.append(row[-1])
            # `node_hash`, written out: a million calls of it take as long as their hashes.
            hashes = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
            before >>= 1
        self.peaks = kept[::-1]
        self.size += len(leaves)
        return completed

    def root(self) -> bytes:
        """Return the tree's root."""
        if not self.peaks:
            return EMPTY_ROOT
        digest = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            digest = node_hash(peak, digest)
        return digest

    def path_of_next(self) -> list[bytes]:
        """Return the inclusion path that the next leaf will have as the last one of its tree.

        All its siblings stand to its left, and are the peaks of today.
        """
        return self.peaks[::-1]


def subtree_hash(start: int, stop: int, read: ReadNode) -> bytes:
    """Return the root of the leaves start <= index < stop, which must be a subtree of RFC 6962's split."""
    size = stop - start
    if size & (size - 1) == 0 and start % size == 0:
        return read(size.bit_length() - 1, start // size)
    middle = start + _split(size)
    return node_hash(subtree_hash(start, middle, read), subtree_hash(middle, stop, read))


def tree_root(size: int, read: ReadNode) -> bytes:
    """Return the root of the first `size` leaves."""
    return subtree_hash(0, size, read) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, read: ReadNode) -> list[bytes]:
    """Return the hashes that lead from leaf `index` to the root of `size` leaves.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append(subtree_hash(middle, stop, read))
            stop = middle
        else:
            path.append(subtree_hash(start, middle, read))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int, read: ReadNode) -> list[bytes]:
    """Return the hashes that show that the tree of `new` leaves begins with that of `old`.

    Raises:
        ValueError: not 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no proof leads from {old} leaves to {new}")
    path: list[bytes] = []
    start, stop, is_old_root = 0, new, True
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append(subtree_hash(middle, stop, read))
            stop = middle
        else:
            path.append(subtree_hash(start, middle, read))
            start, is_old_root = middle, False
    if not is_old_root:
        path.append(subtree_hash(start, stop, read))
    return path[::-1]


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Check that a leaf's hash stands at `index` in the tree of `size` leaves with that root.

    Source:
        RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    node, last, digest = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            digest = node_hash(sibling, digest)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and digest == root


def extends(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Check that the tree of `new` leaves begins with the tree of `old` leaves.

    Source:
        RFC 9162, section 2.1.4.2.
    """
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    rest = list(path) if old & (old - 1) else [old_root, *path]
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    """Return the largest power of two below size: where RFC 6962 cuts a tree."""
    return 1 << (size - 1).bit_length() - 1
