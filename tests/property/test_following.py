"""What must hold of an index that follows records, in whatever order sources were enrolled, wherever it is cut off."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.adapters.compact.engine import CompactIndex
from countenance.adapters.exact.stored import StoredExactIndex
from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_index import MemoryIndex
from countenance.adapters.memory_records import MemoryRecords
from countenance.gallery.indexing import IndexedGallery, originals_of
from countenance.gallery.model import LegalBasis, NewFace, NewImage, Outcome, Source, SourceState
from countenance.gallery.references import Reference, ReferenceBatch
from countenance.index.ports import FollowingIndex
from countenance.policy.model import SYSTEM
from tests.index_engines import unit_rows
from tests.stripes import face

DIM = 16
NAMES = "abc"


class Cut(Exception):  # noqa: N818 - no error: somebody pulls the plug
    """The reading of records ended early."""


class InBatches(MemoryRecords):
    """Records in memory that are read so many references at a time, and may be cut off."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.batches_left = 10**9
        self._numbers = count(1)
        for name in NAMES:
            at = datetime(2026, 1, 1, tzinfo=UTC)
            self.register_source(
                Source(
                    source_id=name,
                    name=name,
                    owner="o",
                    legal_basis=LegalBasis.CONSENT,
                    document_sha256="d" * 64,
                    state=SourceState.ACTIVE,
                    registered_at=at,
                ),
                actor=SYSTEM,
            )

    def enrol(self, shown: Sequence[tuple[str, str | None]]) -> None:
        """Enrol a photograph of each labelled person into each named source, one after the other."""
        for source, label in shown:
            number = next(self._numbers)
            new = NewFace(face=face(1), template=unit_rows(seed=number, n=1, dim=DIM)[0], label=label)
            image = NewImage(
                sha256=f"{number:064}",
                reference=f"{number}.jpg",
                media_type="image/jpeg",
                size_bytes=1,
                width=1,
                height=1,
                outcome=Outcome.ENROLLED,
                faces=(new,),
            )
            self.add_images(source, [image], pack_digest="p" * 64, actor=SYSTEM)

    def reference_batches(self, *, after_row: int, last_row: int) -> Iterator[ReferenceBatch]:
        references = self.references(self.current(after_row=after_row, last_row=last_row))
        ordered: list[Reference] = [references[row] for row in sorted(references)]
        for at in range(0, len(ordered), self.size):
            if not self.batches_left:
                raise Cut
            self.batches_left -= 1
            yield ReferenceBatch.of(ordered[at : at + self.size])

    def current(self, *, after_row: int = 0, last_row: int) -> list[int]:
        """Return the rows of references up to one row: each subject's newest, whose source does not matter."""
        newest = {held.subject: row for row, held in sorted(self._templates.items()) if row <= last_row}
        return sorted(row for row in newest.values() if row > after_row)

    def subjects_of(self, rows: Sequence[int]) -> set[int]:
        """Return whose rows these are."""
        return {one.subject for one in self.references(rows).values()}


def stored(records: MemoryRecords, folder: Path, *, compact: bool) -> StoredExactIndex:
    """Return a stored index of either kind over a folder."""
    originals = originals_of(records)
    index = CompactIndex(DIM, originals) if compact else None
    return StoredExactIndex(folder, DIM, originals=originals, keyring=memory_keyring(), index=index)


Make = Callable[[MemoryRecords, Path], FollowingIndex]
ENGINES: dict[str, Make] = {
    "memory": lambda _, __: MemoryIndex(DIM),
    "exact": lambda records, folder: stored(records, folder, compact=False),
    "compact": lambda records, folder: stored(records, folder, compact=True),
}

shown = st.lists(st.tuples(st.sampled_from(NAMES), st.none() | st.sampled_from("ABCD")), min_size=1, max_size=20)


@pytest.mark.parametrize("engine", list(ENGINES))
@given(stages=st.lists(shown, min_size=1, max_size=3), size=st.integers(1, 8), batches=st.integers(0, 5))
def test_an_index_that_is_cut_off_holds_whole_batches_misses_nobody_and_is_finished_later(
    engine: str, stages: list[list[tuple[str, str | None]]], size: int, batches: int
) -> None:
    records = InBatches(size)
    with tempfile.TemporaryDirectory() as folder:
        index = ENGINES[engine](records, Path(folder))
        gallery = IndexedGallery(records, lambda: index)
        for stage in stages:
            before, last_before = index.rows().tolist(), index.last_row
            records.enrol(stage)
            came = records.current(after_row=last_before, last_row=records.snapshot().last_row)
            whole = came[: batches * size]

            records.batches_left = batches
            if len(whole) < len(came):
                with pytest.raises(Cut):
                    gallery.refresh()
            else:
                gallery.refresh()
            held, last_row = index.rows().tolist(), index.last_row
            records.batches_left = 10**9
            _, snapshot = gallery.refresh()

            assert last_row == max([last_before, *whole])
            assert [row for row in held if row > last_before] == whole
            assert records.subjects_of(held) >= records.subjects_of(before)
            assert index.rows().tolist() == records.current(last_row=snapshot.last_row)
            assert len({*records.subjects_of(index.rows().tolist())}) == snapshot.subjects == len(index)
            assert gallery.compare().agree
        index.close()


@pytest.mark.parametrize("engine", list(ENGINES))
@given(people=shown, size=st.integers(1, 8))
def test_how_many_are_added_together_changes_no_answer(
    engine: str, people: list[tuple[str, str | None]], size: int
) -> None:
    answers = []
    for together in (1, size):
        records = InBatches(together)
        records.enrol(people)
        with tempfile.TemporaryDirectory() as folder:
            index = ENGINES[engine](records, Path(folder))
            IndexedGallery(records, lambda index=index: index).refresh()
            searched = index.search(unit_rows(seed=99, n=2, dim=DIM), blocks=["a", "b"], limit=20)
            answers.append([answer.neighbours for answer in searched])
            answers.append([index.rows(name).tolist() for name in NAMES])
            index.close()

    assert answers[:2] == answers[2:]
