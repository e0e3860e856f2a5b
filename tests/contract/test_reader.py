"""The contract of `PhotographReader`: every adapter runs it."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from countenance.adapters.inline_reader import InlineReader
from countenance.adapters.process_pool import ProcessPoolReader
from countenance.core.arrays import Pixels
from countenance.core.errors import UnavailableError
from countenance.gallery.photographs import FaceRule, Photograph, PhotographTask, RefusedPhotograph
from countenance.gallery.ports import PhotographReader
from countenance.vision.decode import ImageLimits
from countenance.vision.model import Face
from countenance.vision.quality import ENROL_GATE, Gate
from tests.stripes import StripeAnalyser, stripes, template

LIMITS = ImageLimits(max_bytes=1_000_000, max_pixels=1_000_000)

KILLER = 66
"""Who ends the process that looks at them."""


class FragileAnalyser(StripeAnalyser):
    """Dies over one person, as a decoder with a fault does."""

    def find(self, pixels: Pixels, gate: Gate, *, thorough: bool = False) -> tuple[Face, ...]:
        if pixels[0, 0, 0] == KILLER:
            os._exit(9)
        return super().find(pixels, gate, thorough=thorough)


def no_analyser() -> StripeAnalyser:
    """Fail as a worker without its model pack does."""
    os._exit(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One adapter, and what it promises: `survives` a file that ends the process that reads it."""

    open: Callable[[ExitStack], PhotographReader]
    survives: bool


def pool(stack: ExitStack) -> PhotographReader:
    """Start two workers."""
    reader = ProcessPoolReader(FragileAnalyser, LIMITS, workers=2)
    stack.callback(reader.close)
    return reader


ADAPTERS = {
    "inline": Adapter(open=lambda _: InlineReader(FragileAnalyser(), LIMITS), survives=False),
    "pool": Adapter(open=pool, survives=True),
}


@pytest.fixture(params=[pytest.param(adapter, id=name) for name, adapter in ADAPTERS.items()])
def reader(request: pytest.FixtureRequest) -> Iterator[PhotographReader]:
    """A reader of one adapter."""
    with ExitStack() as stack:
        yield request.param.open(stack)


@pytest.fixture(params=[pytest.param(one, id=name) for name, one in ADAPTERS.items() if one.survives])
def surviving(request: pytest.FixtureRequest) -> Iterator[PhotographReader]:
    """A reader of one adapter that survives."""
    with ExitStack() as stack:
        yield request.param.open(stack)


def tasks(
    folder: Path, pictures: Sequence[bytes], *, rule: FaceRule = FaceRule.ALL, keep: bool = False
) -> list[PhotographTask]:
    """Write pictures into a folder, and return a task for each."""
    made = []
    for number, data in enumerate(pictures):
        path = folder / f"{number:03}.png"
        path.write_bytes(data)
        made.append(PhotographTask(path=path, reference=str(number), gate=ENROL_GATE, rule=rule, keep_bytes=keep))
    return made


def test_photographs_come_back_in_order_one_for_one(reader: PhotographReader, tmp_path: Path) -> None:
    wanted = tasks(tmp_path, [stripes((who, 0)) for who in range(1, 41)])

    read = list(reader.read(wanted))

    assert [one.reference for one in read] == [task.reference for task in wanted]
    for who, one in enumerate(read, start=1):
        assert isinstance(one, Photograph)
        assert np.array_equal(one.faces[0].template, template(who, 0))
        assert (one.data, one.faces[0].crop) == (None, None)


def test_bytes_and_crops_are_given_where_they_are_asked_for(reader: PhotographReader, tmp_path: Path) -> None:
    data = stripes((1, 0), (2, 0))

    [read] = reader.read(tasks(tmp_path, [data], keep=True))

    assert isinstance(read, Photograph)
    assert read.data == data
    assert [one.crop[:3] for one in read.faces if one.crop] == [b"\xff\xd8\xff"] * 2


@pytest.mark.parametrize(
    ("rule", "count"), [pytest.param(FaceRule.ALL, 3, id="all"), pytest.param(FaceRule.PROMINENT, 1, id="prominent")]
)
def test_the_rule_says_which_faces_get_templates(
    reader: PhotographReader, tmp_path: Path, rule: FaceRule, count: int
) -> None:
    [read] = reader.read(tasks(tmp_path, [stripes((1, 0), (2, 0), (3, 0))], rule=rule))

    assert isinstance(read, Photograph)
    assert len(read.faces) == 3
    assert sum(one.template is not None for one in read.faces) == count


def test_what_is_wrong_with_a_file_is_a_value(reader: PhotographReader, tmp_path: Path) -> None:
    wanted = tasks(tmp_path, [stripes((1, 0)), b"", b"no picture", stripes((1, 0))[:60], stripes(), stripes((2, 0))])
    wanted[3].path.chmod(0o600)
    wanted.insert(2, PhotographTask(path=tmp_path / "gone.png", reference="g", gate=ENROL_GATE, rule=FaceRule.ALL))

    read = list(reader.read(wanted))

    codes = [one.code if isinstance(one, RefusedPhotograph) else len(one.faces) for one in read]
    assert codes == [1, "image-empty", "image-not-found", "image-unsupported-format", "image-truncated", 0, 1]


def test_no_task_is_no_photograph(reader: PhotographReader) -> None:
    assert list(reader.read([])) == []


def test_one_reader_may_be_left_early_and_used_again(reader: PhotographReader, tmp_path: Path) -> None:
    wanted = tasks(tmp_path, [stripes((who, 0)) for who in range(1, 31)])

    first = list(islice(reader.read(wanted), 3))
    again = list(reader.read(wanted[:5]))

    assert [one.reference for one in first] == ["0", "1", "2"]
    assert [one.reference for one in again] == ["0", "1", "2", "3", "4"]


def test_a_file_that_kills_its_worker_is_refused_alone(surviving: PhotographReader, tmp_path: Path) -> None:
    people = [1, 2, KILLER, 3, *range(4, 30), KILLER, 31]
    wanted = tasks(tmp_path, [stripes((who, 0)) for who in people])

    read = list(surviving.read(wanted))

    codes = [one.code if isinstance(one, RefusedPhotograph) else None for one in read]
    assert codes == ["image-crashed-decoder" if who == KILLER else None for who in people]
    assert [one.reference for one in read] == [task.reference for task in wanted]


def test_workers_that_do_not_start_are_no_bad_photograph(tmp_path: Path) -> None:
    reader = ProcessPoolReader(no_analyser, LIMITS, workers=1)

    with pytest.raises(UnavailableError) as caught:
        list(reader.read(tasks(tmp_path, [stripes((1, 0))])))
    reader.close()

    assert caught.value.code == "workers-unavailable"
