"""One scan for searches that look at the same, in the order in which they were asked."""

import numpy as np

from countenance.adapters.exact.engine import ExactIndex
from countenance.core.arrays import Templates
from countenance.index.model import BlockRows, Nearest
from countenance.search.scanning import Aim, scanned_together
from tests.index_engines import unit_rows

DIM = 16


class Counted(ExactIndex):
    """An index that counts its scans."""

    def __init__(self, people: Templates) -> None:
        super().__init__(DIM, originals=lambda rows: {row: people[row - 1] for row in rows})
        self.scans: list[int] = []

    def search(self, probes: Templates, **asked: object) -> list[Nearest]:  # type: ignore[override]
        self.scans.append(len(probes))
        return super().search(probes, **asked)  # type: ignore[arg-type]


def test_those_with_the_same_aim_share_a_scan() -> None:
    people = unit_rows(seed=1, n=40, dim=DIM)
    index, rows = Counted(people), np.arange(1, 41)
    index.add(BlockRows("a", rows=rows, subjects=rows, templates=people))
    wide, narrow = Aim(("a",), 3, -1.0, None), Aim(("a",), 1, -1.0, None)
    aims = [wide, narrow, wide, wide]

    found = scanned_together(index.search, people[:4], aims)

    assert sorted(index.scans) == [1, 3]
    assert [near.neighbours[0].row for near in found] == [1, 2, 3, 4]
    assert [len(near.neighbours) for near in found] == [3, 1, 3, 3]
    for template, aim, near in zip(people[:4], aims, found, strict=True):
        [alone] = index.search(template[None], blocks=aim.sources, limit=aim.limit, threshold=aim.threshold)
        assert near.neighbours == alone.neighbours
