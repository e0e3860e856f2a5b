"""The log as static files: tiles of entries and of hashes, 256 at a time, as C2SP tlog-tiles has them.

Whoever serves or keeps these files proves the log without us: any tool for tiled logs reads them.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from countenance.audit.merkle import node_hash
from countenance.audit.ports import AuditReader

WIDTH = 256
"""Entries or hashes in a whole tile."""

HEIGHT = 8
"""Levels of the tree between one level of tiles and the next."""


class Tile(NamedTuple):
    """One tile: of entries (level -1), or of the hashes of tree level `8 * level`; a level's last may be partial."""

    level: int
    number: int
    width: int

    @property
    def path(self) -> str:
        """Where it lies among the files."""
        rest, part = divmod(self.number, 1000)
        name = f"{part:03}"
        while rest:
            rest, part = divmod(rest, 1000)
            name = f"x{part:03}/{name}"
        kind = "entries" if self.level < 0 else str(self.level)
        return f"tile/{kind}/{name}" + ("" if self.width == WIDTH else f".p/{self.width}")


def tiles_of(size: int) -> Iterator[Tile]:
    """Name the tiles of a log of that size: entries first, then hashes level by level."""
    for level in (-1, *range((max(size.bit_length() - 1, 0)) // HEIGHT + 1)):
        count = size >> HEIGHT * max(level, 0)
        for number in range((count + WIDTH - 1) // WIDTH):
            yield Tile(level, number, min(WIDTH, count - number * WIDTH))


def tile_content(log: AuditReader, tile: Tile) -> bytes:
    """Return the bytes of a tile."""
    start, stop = tile.number * WIDTH, tile.number * WIDTH + tile.width
    if tile.level < 0:
        return b"".join(struct.pack(">H", len(body)) + body for body in log.entries(start, stop))
    return b"".join(log.nodes(HEIGHT * tile.level, start, stop))


def entries_in(content: bytes) -> Iterator[bytes]:
    """Return the entries of a tile.

    Raises:
        ValueError: it ends within one.
    """
    at = 0
    while at < len(content):
        if at + 2 > len(content):
            raise ValueError("a tile that ends within an entry")
        (length,) = struct.unpack_from(">H", content, at)
        body = content[at + 2 : at + 2 + length]
        if len(body) != length:
            raise ValueError("a tile that ends within an entry")
        yield body
        at += 2 + length


def raised(hashes: list[bytes], levels: int) -> Iterator[bytes]:
    """Hash complete subtrees together, so many levels up; a rest that completes none is left out."""
    for _ in range(levels):
        hashes = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, len(hashes) - 1, 2)]
    yield from hashes
