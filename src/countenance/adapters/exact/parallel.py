"""One scan on all cores: the rows in as many equal parts, each with a cut of its own."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from countenance.adapters.exact.bounds import QuantisedProbe
from countenance.adapters.exact.kernel import Piece, Scan, Scanned

WORTH_IT = 4_000_000
"""Codes from which a second thread saves more than its start costs."""


@cache
def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


@cache
def _others() -> ThreadPoolExecutor:
    """Return the threads beside the one that searches."""
    return ThreadPoolExecutor(cores() - 1, thread_name_prefix="exact-scan")


def scan_on_all_cores(
    scan: Scan, pieces: Sequence[Piece], probes: Sequence[QuantisedProbe], *, floor: float, depth: int
) -> list[Scanned]:
    """Scan pieces as `scan` does, on all cores where that is worth it."""
    if cores() == 1 or sum(piece.codes.size for piece in pieces) < WORTH_IT:
        return scan(pieces, probes, floor=floor, depth=depth)
    mine, *theirs = _parts(pieces, cores())
    under_way = [_others().submit(scan, part, probes, floor=floor, depth=depth) for part in theirs]
    found = [scan(mine, probes, floor=floor, depth=depth), *(one.result() for one in under_way)]
    firsts = np.cumsum([0, *(sum(len(piece.terms) for piece in part) for part in (mine, *theirs))])[:-1]
    return [_together(each, firsts.tolist()) for each in zip(*found, strict=True)]


def _parts(pieces: Sequence[Piece], count: int) -> list[list[Piece]]:
    """Cut pieces, laid end to end, into parts of as many rows."""
    total = sum(len(piece.terms) for piece in pieces)
    parts: list[list[Piece]] = []
    for part in range(count):
        low, high, start = total * part // count, total * (part + 1) // count, 0
        chosen = []
        for piece in pieces:
            end = start + len(piece.terms)
            if start < high and end > low:
                here = slice(max(low - start, 0), high - start)
                chosen.append(Piece(codes=piece.codes[here], terms=piece.terms[here]))
            start = end
        parts.append(chosen)
    return parts


def _together(parts: Sequence[Scanned], firsts: Sequence[int]) -> Scanned:
    """Lay the parts' answers for one probe together; a row was left where it is below the cut of its own part."""
    return Scanned(
        rows=np.concatenate([part.rows + first for part, first in zip(parts, firsts, strict=True)]),
        dots=np.concatenate([part.dots for part in parts]),
        cut=max(part.cut for part in parts),
        left=max(part.left for part in parts),
    )
