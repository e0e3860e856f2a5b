"""Work on all cores: nobody works any more when it is left, whatever ends it."""

from time import sleep

import numpy as np
import pytest

from countenance.adapters.exact.kernel import Laid, Piece
from countenance.adapters.exact.parallel import on_all_cores, parts_of
from countenance.adapters.exact.segments import grouped


def piece(rows: int) -> Piece:
    """Return rows whose codes, terms and 4-bit codes are their number."""
    numbers = np.arange(rows, dtype=np.uint32)
    codes = np.repeat(numbers.astype(np.int8)[:, None], 16, axis=1)
    return Piece(codes=codes, terms=numbers, small=grouped(codes[:, :2].view(np.uint8)))


@pytest.mark.parametrize("where", [0, 1], ids=["here", "on another core"])
def test_what_is_raised_leaves_when_no_core_works_any_more(where: int) -> None:
    parts, ended = [Laid([piece(3)]), Laid([piece(4)])], []

    def work(part: Laid) -> None:
        if part is parts[where]:
            raise KeyboardInterrupt
        sleep(0.2)
        ended.append(part)

    with pytest.raises(KeyboardInterrupt):
        on_all_cores(work, parts)

    assert ended == [parts[1 - where]]


def test_parts_hold_all_rows_once_and_begin_with_whole_groups() -> None:
    parts = parts_of([piece(70), piece(1), piece(200)], worth_it=0)

    rows = [one.terms.tolist() for part in parts for one in part]
    assert [number for numbers in rows for number in numbers] == [*range(70), 0, *range(200)]
    for one in (one for part in parts for one in part):
        assert one.small is not None
        assert np.array_equal(one.small.transpose(0, 2, 1).reshape(-1, 2)[: len(one.terms), 0], one.terms % 256)
