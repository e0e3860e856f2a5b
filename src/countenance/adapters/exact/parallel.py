"""One scan on all cores: the rows in as many equal parts, each with a cut of its own."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

import numpy as np

from countenance.adapters.exact.bounds import QuantisedProbe
from countenance.adapters.exact.kernel import GROUP, Laid, Piece, Scan, Scanned

Result = TypeVar("Result")

WORTH_IT = 4_000_000
"""Codes from which a second thread saves more than its start costs."""


@cache
def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


@cache
def _others() -> ThreadPoolExecutor:
    """Return the threads beside the one that searches."""
    return ThreadPoolExecutor(max(1, cores() - 1), thread_name_prefix="exact-scan")


def on_all_cores(work: Callable[[Laid], Result], parts: Sequence[Laid]) -> list[Result]:
    """Do work on each part, one a core.

    Returns when no core works any more, also where it raises: what the parts stand in may be freed after that.
    """
    mine, *theirs = parts
    under_way: list[Future[Result]] = []
    try:
        under_way += (_others().submit(work, part) for part in theirs)
        return [work(mine), *(one.result() for one in under_way)]
    finally:
        _finished(under_way)


def _finished(under_way: Sequence[Future[Result]]) -> None:
    """Wait for all, however often that is interrupted; raise the last interruption then."""
    try:
        wait(under_way)
    except BaseException:
        _finished(under_way)
        raise


def scan_on_all_cores(
    scan: Scan, parts: Sequence[Laid], probes: Sequence[QuantisedProbe], *, floor: float, depth: int
) -> list[Scanned]:
    """Scan parts, made by `parts_of`, as `scan` does one after the other."""
    found = on_all_cores(lambda part: scan(part, probes, floor=floor, depth=depth), parts)
    return [together(each, parts) for each in zip(*found, strict=True)]


def parts_of(pieces: Sequence[Piece], *, worth_it: int = WORTH_IT) -> list[Laid]:
    """Cut pieces into a part a core, or one where more are not worth it."""
    enough = sum(piece.codes.size for piece in pieces) >= worth_it
    return _parts(pieces, cores() if enough else 1)


def _parts(pieces: Sequence[Piece], count: int) -> list[Laid]:
    """Cut pieces, laid end to end, into parts of about as many rows; pieces in whole groups of 4-bit codes."""
    total = sum(len(piece.terms) for piece in pieces)
    parts: list[Laid] = []
    for part in range(count):
        low, high, start = total * part // count, total * (part + 1) // count, 0
        chosen = []
        for piece in pieces:
            n = len(piece.terms)
            first, last = (_whole(limit - start, n) for limit in (low, high))
            if first < last:
                chosen.append(piece if (first, last) == (0, n) else _slice(piece, first, last))
            start += n
        parts.append(Laid(chosen))
    return parts


def _whole(at: int, n: int) -> int:
    """Return a place in a piece where a group of 4-bit codes begins, or its end."""
    return n if at >= n else max(at, 0) // GROUP * GROUP


def _slice(piece: Piece, first: int, last: int) -> Piece:
    small = None if piece.small is None else piece.small[first // GROUP : -(-last // GROUP)]
    return Piece(codes=piece.codes[first:last], terms=piece.terms[first:last], small=small)


def together(found: Sequence[Scanned], parts: Sequence[Laid]) -> Scanned:
    """Lay the parts' answers for one probe together; a row was left where it is below the cut of its own part."""
    firsts = np.cumsum([0, *(part.rows for part in parts)])
    return Scanned(
        rows=np.concatenate([one.rows + first for one, first in zip(found, firsts[:-1].tolist(), strict=True)]),
        dots=np.concatenate([one.dots for one in found]),
        terms=np.concatenate([one.terms for one in found]),
        cut=max(one.cut for one in found),
        left=max(one.left for one in found),
        complete=all(one.complete for one in found),
    )
