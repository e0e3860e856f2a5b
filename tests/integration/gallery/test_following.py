"""The index follows records that change while it reads them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from countenance.adapters.memory_index import MemoryIndex
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.errors import IntegrityError, UnavailableError
from countenance.gallery.indexing import ATTEMPTS, IndexedGallery
from countenance.gallery.references import ReferenceBatch
from tests.made_up_galleries import fill, made_up_home

DIM = 128
COUNTS = {"stays": 12, "goes": 5}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a home with made-up people."""
    return made_up_home(tmp_path / "home", COUNTS)


class ChangedMeanwhile:
    """Records that change each time after they were counted, before their templates are read."""

    def __init__(self, records: Any, change: Callable[[], None]) -> None:
        self._records = records
        self._change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)

    def reference_batches(self, *, after_row: int, last_row: int) -> Iterator[ReferenceBatch]:
        self._change()
        yield from self._records.reference_batches(after_row=after_row, last_row=last_row)


def test_what_was_withdrawn_while_the_index_was_filled_is_no_damage(settings: Settings) -> None:
    with open_gallery(settings) as gallery:

        def change() -> None:
            if gallery.records.source("goes").state.value == "active":
                gallery.sources.withdraw("goes", by="Ada", reason="the owner says stop")

        indexed = IndexedGallery(ChangedMeanwhile(gallery.records, change), lambda: MemoryIndex(DIM))
        index, snapshot = indexed.refresh()

        assert len(index) == snapshot.subjects == COUNTS["stays"]
        assert index.revision == snapshot.revision == gallery.records.snapshot().revision


def test_records_that_never_hold_still_are_to_be_searched_again(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        turns = iter(range(100))

        def change() -> None:
            """Take out the source of the turn before, and put another there."""
            turn = next(turns)
            fill(gallery, f"turn-{turn}", 1)
            gallery.sources.withdraw("goes" if not turn else f"turn-{turn - 1}", by="Ada", reason="stop")

        indexed = IndexedGallery(ChangedMeanwhile(gallery.records, change), lambda: MemoryIndex(DIM))
        with pytest.raises(UnavailableError) as caught:
            indexed.refresh()

    assert caught.value.code == "index-behind"
    assert next(turns) >= ATTEMPTS


def test_records_that_count_what_they_do_not_hold_are_damaged_at_once(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        reads = []

        class Lacking(ChangedMeanwhile):
            def reference_batches(self, *, after_row: int, last_row: int) -> Iterator[ReferenceBatch]:
                reads.append(last_row)
                yield from self._records.reference_batches(after_row=after_row + 1, last_row=last_row)

        with pytest.raises(IntegrityError) as caught:
            IndexedGallery(Lacking(gallery.records, lambda: None), lambda: MemoryIndex(DIM)).refresh()

    assert caught.value.code == "index-mismatch"
    assert len(reads) == 1


def test_what_is_withdrawn_while_index_and_records_are_compared_is_no_difference(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        index = MemoryIndex(DIM)
        IndexedGallery(gallery.records, lambda: index).refresh()

        def change() -> None:
            if gallery.records.source("goes").state.value == "active":
                gallery.sources.withdraw("goes", by="Ada", reason="the owner says stop")

        indexed = IndexedGallery(ChangedMeanwhile(gallery.records, change), lambda: index)
        difference = indexed.compare()
        after = gallery.records.snapshot().revision

    assert difference.agree
    assert (difference.compared, difference.revision) == (COUNTS["stays"], after)


def test_an_index_that_others_change_while_it_is_compared_is_compared_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countenance.adapters.sql.records.BATCH_ROWS", 5)
    with open_gallery(settings) as gallery:
        index = MemoryIndex(DIM)
        beside = IndexedGallery(gallery.records, lambda: index)
        told: list[int] = []

        class ChangedInBetween(ChangedMeanwhile):
            def reference_batches(self, *, after_row: int, last_row: int) -> Iterator[ReferenceBatch]:
                batches = list(self._records.reference_batches(after_row=after_row, last_row=last_row))
                yield from batches[:1]
                self._change()
                yield from batches[1:]

        def change() -> None:
            """Withdraw a source, and have another process's index follow."""
            if gallery.records.source("goes").state.value == "active":
                gallery.sources.withdraw("goes", by="Ada", reason="the owner says stop")
                beside.refresh()

        beside.refresh()
        indexed = IndexedGallery(ChangedInBetween(gallery.records, change), lambda: index)
        difference = indexed.compare(on_progress=told.append)

    assert difference.agree
    assert difference.compared == sum(told) == COUNTS["stays"]
    assert min(told) < 0
