"""4-bit codes of templates: how they are made, and what a probe scores them by."""

import ctypes
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from countenance.adapters.exact.bounds import QuantisedProbe
from countenance.adapters.exact.kernel import LIBRARY, SmallCodes, loaded
from countenance.adapters.exact.segments import Segment
from countenance.core.arrays import Templates

COLUMNS = 4
"""Columns that a code book covers."""

WORDS = 16
"""Words of a code book."""

ENTRY = 63
"""Largest number of a table: four of them fit a byte."""

ROUNDS = 25
"""Rounds of training; more of them move no word by much."""

CHUNK_ROWS = 2_048
"""Rows that are coded at once: 1 MB in float32 at 128 columns, which caches hold."""

Tables = NDArray[np.uint8]
"""uint8, shape (books, 16): what each word of each code book adds to a row's sum, 0 to 63."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coder:
    """Code books that were trained on a gallery's own rows.

    Attributes:
        words: float32, shape (books, 4, 16): each book's words, column by column.
        level: See `CompiledScan`.

    Source:
        Product quantisation: Jégou, Douze, Schmid, TPAMI 2011; words: Lloyd, "Least squares quantization in PCM", IEEE
        Transactions on Information Theory 1982.
    """

    words: Templates
    level: int | None = None

    @classmethod
    def trained(cls, templates: Templates, *, level: int | None = None) -> Self:
        """Train on rows, float32, shape (n, padded dim), at least 16, that stand in no particular order."""
        books = templates.shape[1] // COLUMNS
        first = templates[np.arange(WORDS) * len(templates) // WORDS]
        coder = cls(words=np.ascontiguousarray(first.reshape(WORDS, books, COLUMNS).transpose(1, 2, 0)), level=level)
        for _ in range(ROUNDS):
            coder = cls(words=coder._means(templates), level=level)
        return coder

    def _means(self, templates: Templates) -> Templates:
        """Return the means of the rows that are nearest to each word; a word that no row is near to stays."""
        codes, words = self.codes(templates), self.words.copy()
        for book in range(len(words)):
            near = codes[:, book // 2] >> (4 * (book % 2)) & 15
            counts = np.bincount(near, minlength=WORDS)
            for column in range(COLUMNS):
                sums = np.bincount(near, templates[:, COLUMNS * book + column], minlength=WORDS)
                np.divide(sums, counts, out=words[book, column], where=counts > 0, casting="same_kind")
        return words

    def codes(self, templates: Templates) -> SmallCodes:
        """Return rows' codes, uint8, shape (n, books / 2): the first of two books in the low half."""
        library, level = loaded(LIBRARY, self.level)
        books = np.concatenate([-0.5 * np.square(self.words).sum(axis=1, keepdims=True), self.words], axis=1)
        codes = np.empty((len(templates), len(books) // 2), np.uint8)
        given = np.ascontiguousarray(templates)
        library.encode(
            ctypes.c_void_p(given.ctypes.data),
            ctypes.c_int64(len(given)),
            ctypes.c_int64(given.shape[1]),
            ctypes.c_void_p(books.ctypes.data),
            level,
            ctypes.c_void_p(codes.ctypes.data),
        )
        return codes

    def coded(self, segment: Segment) -> Segment:
        """Return a segment's rows with 4-bit codes."""
        starts = range(0, len(segment), CHUNK_ROWS)
        codes = [self.codes(segment.directions(slice(start, start + CHUNK_ROWS))) for start in starts]
        return segment.with_small_codes(np.concatenate(codes))

    def tables(self, probe: QuantisedProbe) -> Tables:
        """Return a probe's products with the words, stretched so that the widest book's range is 0 to 63."""
        near = (probe.codes * np.float32(probe.step)).reshape(-1, 1, COLUMNS)
        products = (near @ self.words)[:, 0]
        products -= products.min(axis=1, keepdims=True)
        entries = np.rint(products * (ENTRY / max(float(products.max()), 1e-30)))
        return np.asarray(entries, dtype=np.uint8)


def sampled(segments: list[Segment], rows: int) -> Templates:
    """Return templates from evenly spaced places, as unit vectors of padded length."""
    ends = np.cumsum([0, *map(len, segments)])
    chosen = np.unique(np.arange(rows, dtype=np.int64) * ends[-1] // rows)
    bounds = np.searchsorted(chosen, ends)
    return np.concatenate(
        [
            segment.directions(chosen[low:high] - start)
            for segment, start, low, high in zip(segments, ends.tolist(), bounds, bounds[1:], strict=False)
        ]
    )
