"""The log's tree: proofs of every entry and every size hold, and nothing else does."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_path,
    extends,
    includes,
    inclusion_path,
    leaf_hash,
    node_hash,
    tree_root,
)

sizes = st.integers(1, 300)


class Tree:
    """A tree that keeps every subtree, with the root after each leaf."""

    def __init__(self, size: int) -> None:
        self.leaves = [leaf_hash(b"entry %d" % number) for number in range(size)]
        frontier = Frontier()
        nodes: dict[tuple[int, int], bytes] = {}
        self.roots = [frontier.root()]
        for leaf in self.leaves:
            index = frontier.size
            nodes |= {(level, index >> level): node for level, [node] in enumerate(frontier.extend([leaf]))}
            self.roots.append(frontier.root())
        self.nodes = nodes

    def read(self, level: int, place: int) -> bytes:
        return self.nodes[level, place]


def rfc_root(leaves: list[bytes]) -> bytes:
    """Return the root by RFC 6962's recursive definition, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(rfc_root(leaves[:split]), rfc_root(leaves[split:]))


def test_roots_are_those_of_the_standard() -> None:
    tree = Tree(130)

    assert tree.roots[0] == EMPTY_ROOT == tree_root(0, tree.read)
    for size in range(1, 131):
        assert tree.roots[size] == rfc_root(tree.leaves[:size]) == tree_root(size, tree.read)


def test_known_root() -> None:
    # Source: the reference tree of RFC 6962's first implementation (Certificate Transparency), eight leaves.
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    frontier = Frontier()
    frontier.extend([leaf_hash(bytes.fromhex(leaf)) for leaf in leaves])

    assert frontier.root().hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(data=st.data(), size=sizes)
def test_every_entry_is_included_and_no_other(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size - 1))
    tree = Tree(size)

    path = inclusion_path(index, size, tree.read)

    assert includes(tree.leaves[index], index, size, path, tree.roots[size])
    assert includes(tree.leaves[other], index, size, path, tree.roots[size]) == (other == index)
    assert includes(tree.leaves[index], other, size, path, tree.roots[size]) == (other == index)


@given(data=st.data(), size=sizes)
def test_any_flipped_bit_or_lost_hash_breaks_an_inclusion_proof(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    tree = Tree(size)
    path = inclusion_path(index, size, tree.read)
    parts = [tree.leaves[index], tree.roots[size], *path]
    flipped = data.draw(st.integers(0, len(parts) * 256 - 1))
    where, bit = divmod(flipped, 256)
    changed = list(parts)
    changed[where] = (int.from_bytes(parts[where], "big") ^ 1 << bit).to_bytes(32, "big")
    leaf, root, *rest = changed

    assert not includes(leaf, index, size, rest, root)
    assert not includes(tree.leaves[index], index, size, [*path, path[0] if path else root], tree.roots[size])
    if path:
        assert not includes(tree.leaves[index], index, size, path[:-1], tree.roots[size])


@given(data=st.data(), size=sizes)
def test_every_tree_extends_the_ones_before_it_and_no_fork(data: st.DataObject, size: int) -> None:
    old = data.draw(st.integers(1, size))
    tree = Tree(size)
    path = consistency_path(old, size, tree.read)
    fork = bytes(32)

    assert extends(old, tree.roots[old], size, tree.roots[size], path)
    assert not extends(old, fork, size, tree.roots[size], path)
    assert not extends(old, tree.roots[old], size, fork, path)
    assert not extends(size, tree.roots[size], old, tree.roots[old], path) or old == size
    if path:
        assert not extends(old, tree.roots[old], size, tree.roots[size], path[:-1])


@given(size=st.integers(0, 300))
def test_the_last_leaf_s_path_stands_in_the_frontier(size: int) -> None:
    tree = Tree(size + 1)
    frontier = Frontier()
    frontier.extend(tree.leaves[:-1])

    assert frontier.path_of_next() == inclusion_path(size, size + 1, tree.read)


@given(size=sizes, cuts=st.lists(st.integers(0, 300)))
def test_leaves_may_come_in_any_slices(size: int, cuts: list[int]) -> None:
    tree = Tree(size)
    frontier = Frontier()
    completed: dict[tuple[int, int], bytes] = {}
    places = [0, *sorted(min(cut, size) for cut in cuts), size]
    for first, last in pairwise(places):
        for level, hashes in enumerate(frontier.extend(tree.leaves[first:last])):
            completed |= {(level, place): one for place, one in enumerate(hashes, first >> level)}
        assert (frontier.size, frontier.root()) == (last, tree.roots[last])

    assert completed == tree.nodes


@pytest.mark.parametrize(("size", "peaks"), [(0, [bytes(32)]), (3, [bytes(32)]), (1, [b"short"]), (-1, [])])
def test_a_frontier_that_is_none_is_refused(size: int, peaks: list[bytes]) -> None:
    with pytest.raises(ValueError, match="peaks"):
        Frontier(size, peaks)


def test_there_is_no_path_to_what_is_not_there() -> None:
    tree = Tree(3)

    for index in (-1, 3):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_path(index, 3, tree.read)
    for old in (0, 4):
        with pytest.raises(ValueError, match="no proof"):
            consistency_path(old, 3, tree.read)
    assert not includes(tree.leaves[0], 0, 0, [], EMPTY_ROOT)
