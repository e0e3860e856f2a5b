"""Blocks on disk: what was written comes back, what was changed is noticed, what was erased is gone."""

import fcntl
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from countenance.adapters.exact.blocks import LOCK, MANIFEST, BlockStore, DamagedError, packed, unpacked
from countenance.adapters.exact.engine import ExactIndex
from countenance.adapters.exact.rotation_file import sweep
from countenance.adapters.exact.segments import SEGMENT_ROWS, Segment
from countenance.adapters.exact.stored import SAVE_ROWS, StoredExactIndex
from countenance.adapters.keys.memory import memory_keyring
from countenance.core.arrays import Templates
from countenance.core.errors import IntegrityError, UnavailableError
from countenance.index.model import BlockRows
from countenance.keys.model import source_scope
from tests.index_engines import unit_rows

DIM = 24


def segment(first: int, n: int, *, seed: int = 1) -> Segment:
    """Return rows `first`, `first + 2`, ...; two a subject."""
    rows = np.arange(first, first + 2 * n, 2)
    return Segment.of(rows=rows, subjects=rows // 4, templates=unit_rows(seed=seed, n=n, dim=DIM))


def nothing_on_record(_: object) -> dict[int, Templates]:
    """Stand for records that are never asked."""
    return {}


@pytest.fixture
def store(tmp_path: Path) -> BlockStore:
    """A folder that does not exist yet."""
    return BlockStore(tmp_path / "index" / "exact", DIM, memory_keyring())


@pytest.fixture
def filled(store: BlockStore) -> BlockStore:
    """Two blocks, 30 and 20 rows."""
    append(store, [("a", segment(1, 30)), ("b", segment(100, 20, seed=2))], 138)
    return store


def append(store: BlockStore, parts: Sequence[tuple[str, Segment]], last_row: int) -> None:
    """Store rows as a process does that knows the folder as it is."""
    assert store.append(lambda _: parts, last_row, filling=store.manifest().filling) == store.manifest().filling


def held(store: BlockStore) -> dict[str, list[int]]:
    """Return the row numbers of each block."""
    found: dict[str, list[int]] = {}
    for block, part in store.load()[1]:
        found.setdefault(block, []).extend(part.rows.numbers().tolist())
    return found


def files(store: BlockStore) -> list[Path]:
    """Return all files but the lock."""
    return sorted(path for path in store.folder.iterdir() if path.name != "lock")


class TestKeeping:
    def test_a_segment_comes_back_bit_by_bit(self) -> None:
        part = segment(7, 50)

        back = unpacked(bytearray(packed(part)))

        assert packed(back) == packed(part)
        assert np.array_equal(back.rows.numbers(), part.rows.numbers())
        assert np.array_equal(back.subjects_at(), part.subjects_at())

    def test_nothing_is_stored_at_first(self, store: BlockStore) -> None:
        manifest, segments = store.load()

        assert (manifest.last_row, segments) == (0, [])
        assert not store.folder.exists()

    def test_what_is_stored_is_read(self, filled: BlockStore) -> None:
        assert held(filled) == {"a": list(range(1, 61, 2)), "b": list(range(100, 140, 2))}
        assert filled.manifest().last_row == 138

    def test_rows_that_another_process_stored_are_not_stored_again(self, filled: BlockStore) -> None:
        asked: list[int] = []

        def parts_after(last_row: int) -> list[tuple[str, Segment]]:
            asked.append(last_row)
            return []

        filled.append(parts_after, 138, filling=filled.manifest().filling)

        assert asked == []

    def test_additions_are_merged_into_one_file_a_block(self, filled: BlockStore) -> None:
        append(filled, [("a", segment(201, 5, seed=3))], 209)

        assert len(filled.manifest().segments) == 2
        assert held(filled)["a"] == [*range(1, 61, 2), *range(201, 211, 2)]
        assert len(files(filled)) == 3

    def test_a_full_file_is_left_as_it_is(self, store: BlockStore) -> None:
        append(store, [("a", segment(1, SEGMENT_ROWS - 3))], 200_000)
        first = store.manifest().segments

        append(store, [("a", segment(200_001, 5))], 200_009)

        assert store.manifest().segments[:1] == first
        assert len(store.manifest().segments) == 2

    def test_files_are_their_owners_alone(self, filled: BlockStore) -> None:
        assert {path.stat().st_mode & 0o777 for path in files(filled)} == {0o600}


class TestDamage:
    def test_every_changed_byte_is_noticed(self, filled: BlockStore) -> None:
        for path in files(filled):
            data = path.read_bytes()
            for at in range(0, len(data), 1 + len(data) // 200):
                path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])

                with pytest.raises(DamagedError):
                    filled.load()
            path.write_bytes(data)
        assert len(held(filled)) == 2

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda path: path.unlink(), id="missing"),
            pytest.param(lambda path: path.write_bytes(b""), id="empty"),
            pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="cut short"),
            pytest.param(lambda path: path.write_bytes(path.read_bytes() + b"\n"), id="longer"),
        ],
    )
    def test_files_that_are_not_whole_are_noticed(self, filled: BlockStore, change: Callable[[Path], object]) -> None:
        for path in files(filled):
            data = path.read_bytes()
            change(path)

            if path.name == MANIFEST and not path.exists():
                assert held(filled) == {}
            else:
                with pytest.raises(DamagedError):
                    filled.load()
            path.write_bytes(data)

    def test_another_dimension_is_noticed(self, filled: BlockStore) -> None:
        with pytest.raises(DamagedError, match="dimension"):
            BlockStore(filled.folder, 2 * DIM, filled._keyring).manifest()

    def test_its_state_is_said(self, filled: BlockStore) -> None:
        good = filled.state()
        files(filled)[0].write_bytes(b"x")

        assert (good.files, good.rows, good.damage) == (2, 50, "")
        assert filled.state().damage


class TestErasing:
    def test_an_erased_row_is_not_in_any_file(self, filled: BlockStore) -> None:
        part = segment(1, 30)
        gone = part.codes[part.rows.positions(np.array([21]))].tobytes()
        assert any(gone in packed(one) for _, one in filled.load()[1])

        filled.erase([21, 22, 5000])

        assert 21 not in held(filled)["a"]
        assert len(held(filled)["a"]) == 29
        assert not any(gone in packed(one) for _, one in filled.load()[1])

    def test_the_old_file_is_overwritten_before_it_is_deleted(self, filled: BlockStore) -> None:
        old = {path: path.open("rb") for path in files(filled) if path.suffix == ".segment"}

        filled.erase([21])

        [replaced] = [path for path in old if not path.exists()]
        assert not any(old[replaced].read())
        for file in old.values():
            file.close()

    def test_a_block_without_rows_has_no_file(self, filled: BlockStore) -> None:
        filled.erase(range(100, 140))

        assert list(held(filled)) == ["a"]
        assert filled.manifest().last_row == 138

    def test_clearing_leaves_nothing(self, filled: BlockStore) -> None:
        filled.clear()

        assert held(filled) == {}
        assert [path.name for path in files(filled)] == [MANIFEST]

    def test_rows_that_were_erased_for_good_are_not_stored_by_who_still_holds_them(self, store: BlockStore) -> None:
        append(store, [("a", segment(1, 5))], 9)

        store.erase([3, 13, 17, 99], for_good=True)
        erased = store.manifest().erased
        append(store, [("a", segment(11, 5)), ("b", segment(12, 3)), ("c", segment(17, 1))], 20)

        assert erased == (13, 17, 99)
        assert held(store) == {"a": [1, 5, 7, 9, 11, 15, 19], "b": [12, 14, 16]}
        assert store.manifest().erased == (99,)

    def test_of_a_folder_that_holds_nothing_yet_what_was_erased_is_remembered(self, store: BlockStore) -> None:
        store.erase([3], for_good=True)
        append(store, [("a", segment(1, 3))], 5)

        assert held(store) == {"a": [1, 5]}

    def test_who_does_not_know_that_the_folder_was_cleared_stores_nothing(self, filled: BlockStore) -> None:
        before = filled.manifest().filling

        filled.clear()
        stored = filled.append(lambda _: [("a", segment(1, 30))], 200, filling=before)

        assert (stored, held(filled)) == (None, {})

    def test_a_folder_that_was_taken_away_gets_no_rows_of_who_knew_it(self, filled: BlockStore) -> None:
        before = filled.manifest().filling

        shutil.rmtree(filled.folder)

        self.refuses_every_change(filled, filling=before)
        assert not filled.folder.exists()

    def test_where_the_manifest_is_gone_who_knew_it_writes_none(self, filled: BlockStore) -> None:
        before = filled.manifest().filling

        (filled.folder / MANIFEST).unlink()

        self.refuses_every_change(filled, filling=before)
        assert not (filled.folder / MANIFEST).exists()

    def test_a_folder_of_a_rotation_that_is_not_in_force_is_not_made(self, store: BlockStore) -> None:
        late = BlockStore(store.folder, DIM, store._keyring, in_force=lambda: False)

        self.refuses_every_change(late, filling="")
        assert not store.folder.exists()

    def test_a_folder_that_is_taken_away_while_somebody_waits_for_its_lock_stays_away(self, filled: BlockStore) -> None:
        with ThreadPoolExecutor(1) as pool:
            with (filled.folder / LOCK).open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                waiting = pool.submit(filled.erase, [21], for_good=True)
                assert not wait([waiting], timeout=0.2).done
                shutil.rmtree(filled.folder)
            with pytest.raises(UnavailableError) as caught:
                waiting.result()

        assert caught.value.code == "index-superseded"
        assert not filled.folder.exists()

    def test_who_takes_a_folder_away_waits_for_who_changes_it(self, filled: BlockStore) -> None:
        with ThreadPoolExecutor(1) as pool:
            with (filled.folder / LOCK).open("r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                sweeping = pool.submit(sweep, filled.folder.parent, "exact", None, lock=LOCK)
                assert not wait([sweeping], timeout=0.2).done
                assert held(filled)
            sweeping.result()

        assert not filled.folder.exists()

    @staticmethod
    def refuses_every_change(store: BlockStore, *, filling: str) -> None:
        for change in (
            lambda: store.append(lambda _: [("a", segment(1, 30))], 200, filling=filling),
            lambda: store.erase([21], for_good=True),
            store.clear,
            store.condemn,
        ):
            with pytest.raises(UnavailableError) as caught:
                change()
            assert caught.value.code == "index-superseded"

    def test_what_a_crash_left_is_cleaned_up_by_the_next_change(self, filled: BlockStore) -> None:
        orphan = filled.folder / "0.segment"
        orphan.write_bytes(b"left behind")
        with orphan.open("rb") as file:
            filled.erase([21])

            assert not any(file.read())
        assert not orphan.exists()


class TestSealing:
    def test_no_row_stands_in_the_clear(self, filled: BlockStore) -> None:
        rows = [row.tobytes() for _, part in filled.load()[1] for row in part.codes]

        assert not any(row in path.read_bytes() for path in files(filled) for row in rows)
        assert not any(b"segment" in path.read_bytes() for path in files(filled))

    def test_swapped_files_are_noticed(self, filled: BlockStore) -> None:
        one, other = [path for path in files(filled) if path.suffix == ".segment"]
        first, second = one.read_bytes(), other.read_bytes()

        one.write_bytes(second)
        other.write_bytes(first)

        with pytest.raises(DamagedError):
            filled.load()

    def test_an_older_file_put_back_is_noticed(self, filled: BlockStore) -> None:
        kept = {path: path.read_bytes() for path in files(filled) if path.suffix == ".segment"}
        filled.erase([21])
        [(gone, data)] = [(path, data) for path, data in kept.items() if not path.exists()]
        [new] = [path for path in files(filled) if path.suffix == ".segment" and path not in kept]

        new.write_bytes(data)

        with pytest.raises(DamagedError):
            filled.load()
        gone.write_bytes(data)
        with pytest.raises(DamagedError):
            filled.load()

    def test_another_keyring_opens_nothing(self, filled: BlockStore) -> None:
        with pytest.raises(DamagedError):
            BlockStore(filled.folder, DIM, memory_keyring()).load()

    def test_a_block_whose_key_was_destroyed_is_left_out_and_can_be_erased(self, filled: BlockStore) -> None:
        filled._keyring.destroy(source_scope("a"), reason="withdrawn")

        assert list(held(filled)) == ["b"]
        assert filled.state().rows == 20
        append(filled, [("a", segment(201, 5)), ("b", segment(301, 5))], 309)
        assert held(filled) == {"b": [*range(100, 140, 2), *range(301, 311, 2)]}

        filled.erase(range(1, 61, 2))

        assert [one.block for one in filled.manifest().segments] == ["b"]
        assert len(files(filled)) == 2


class TestStoredIndex:
    def open(self, store: BlockStore) -> StoredExactIndex:
        return StoredExactIndex(store.folder, DIM, originals=nothing_on_record, keyring=store._keyring)

    def fill(self, index: StoredExactIndex | ExactIndex, first: int, n: int) -> None:
        rows = np.arange(first, first + n)
        index.add(BlockRows("a", rows=rows, subjects=rows, templates=unit_rows(seed=first, n=n, dim=DIM)))

    @staticmethod
    def follow(index: StoredExactIndex, revision: int) -> None:
        with index.following():
            index.revision = revision

    def test_it_is_as_it_was_left(self, store: BlockStore) -> None:
        index = self.open(store)
        self.fill(index, 1, SAVE_ROWS)
        self.fill(index, 100_001, 7)
        index.save()

        again = self.open(store)

        assert (len(again), again.last_row) == (SAVE_ROWS + 7, 100_007)
        assert np.array_equal(again.rows("a"), index.rows("a"))

    def test_many_rows_are_stored_without_being_asked_for(self, store: BlockStore) -> None:
        self.fill(self.open(store), 1, SAVE_ROWS)

        assert len(self.open(store)) == SAVE_ROWS

    def test_damage_empties_it(self, store: BlockStore, caplog: pytest.LogCaptureFixture) -> None:
        self.fill(self.open(store), 1, SAVE_ROWS)
        files(store)[0].write_bytes(b"x")

        again = self.open(store)

        assert (len(again), again.last_row) == (0, 0)
        assert "damaged" in caplog.text

    def test_damage_noticed_while_saving_is_mended_once_the_records_were_followed(self, store: BlockStore) -> None:
        index = self.open(store)
        self.fill(index, 1, SAVE_ROWS)
        index.revision = 7
        (store.folder / MANIFEST).write_bytes(b"x")

        self.fill(index, 100_001, SAVE_ROWS)
        noticed, stored = index.revision, len(self.open(store))
        self.follow(index, 8)

        # Who knows what was erased while nobody could read it.
        assert (noticed, stored) == (-1, 0)
        assert len(self.open(store)) == 2 * SAVE_ROWS

    def test_damage_noticed_while_erasing_is_mended_once_the_records_were_followed(self, store: BlockStore) -> None:
        index = self.open(store)
        self.fill(index, 1, SAVE_ROWS + 1)
        (store.folder / MANIFEST).write_bytes(b"x")

        index.remove([5])
        index.settle()
        index.save()
        stored = len(self.open(store))
        self.follow(index, 8)

        assert stored == 0
        assert len(self.open(store)) == SAVE_ROWS

    def test_a_folder_that_cannot_be_written_is_only_a_warning(
        self, store: BlockStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        index = self.open(store)
        store.folder.parent.write_bytes(b"a file in the folder's place")

        self.fill(index, 1, SAVE_ROWS)

        assert "can't be stored" in caplog.text
        assert len(index) == SAVE_ROWS

    def test_what_cannot_be_erased_on_disk_is_an_error(self, store: BlockStore) -> None:
        index = self.open(store)
        self.fill(index, 1, SAVE_ROWS)
        shutil.rmtree(store.folder)
        store.folder.write_bytes(b"a file in the folder's place")

        index.remove([5])
        with pytest.raises(UnavailableError, match="can't be written"):
            index.settle()

        assert 5 not in index.rows("a")

    def test_what_could_not_be_erased_on_disk_is_tried_again(self, store: BlockStore) -> None:
        index = self.open(store)
        self.fill(index, 1, SAVE_ROWS)
        elsewhere = store.folder.rename(store.folder.with_name("elsewhere"))
        store.folder.write_bytes(b"a file in the folder's place")
        index.remove([5])
        with pytest.raises(UnavailableError):
            index.settle()

        store.folder.unlink()
        elsewhere.rename(store.folder)
        index.settle()

        assert 5 not in self.open(store).rows("a")

    def test_closing_waits_until_what_was_removed_is_overwritten(self, store: BlockStore) -> None:
        index = self.open(store)
        self.fill(index, 1, SAVE_ROWS)

        index.remove([5])
        index.close()

        assert 5 not in self.open(store).rows("a")

    def test_a_search_does_not_wait_for_the_disk(self, store: BlockStore) -> None:
        index = self.open(store)
        self.fill(index, 1, SAVE_ROWS)
        with (store.folder / "lock").open("r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)

            index.remove([5])
            [near] = index.search(unit_rows(seed=1, n=1, dim=DIM), blocks=["a"], limit=SAVE_ROWS)

            assert 5 not in {one.row for one in near.neighbours}
            assert 5 in self.open(store).rows("a")
        index.settle()
        assert 5 not in self.open(store).rows("a")

    def test_who_removes_rows_does_not_wait_for_who_waits_for_the_disk(self, store: BlockStore) -> None:
        index = self.open(store)
        self.fill(index, 1, SAVE_ROWS)
        begun, let_go = Event(), Event()

        class Slow(BlockStore):
            def erase(self, rows: np.ndarray, **how: bool) -> None:
                begun.set()
                let_go.wait()
                super().erase(rows, **how)

        index._store.__class__ = Slow
        with ThreadPoolExecutor(2) as pool:
            settling = pool.submit(index.settle, [5])
            begun.wait()
            removing = pool.submit(index.remove, [6])
            removed = wait([removing], timeout=10).done
            let_go.set()
            settling.result()

        assert removed == {removing}
        index.settle()
        assert not {5, 6} & {*self.open(store).rows("a").tolist()}

    def test_condemned_it_is_not_searched_by_anybody_until_it_was_cleared(self, store: BlockStore) -> None:
        one, other = self.open(store), self.open(store)

        one.condemn()

        for index in (one, other, self.open(store)):
            with pytest.raises(IntegrityError, match="disagree"):
                index.search(unit_rows(seed=1, n=1, dim=DIM), blocks=["a"], limit=1)
        one.clear()
        assert one.search(unit_rows(seed=1, n=1, dim=DIM), blocks=["a"], limit=1)[0].neighbours == ()

    def test_two_processes_share_a_folder(self, store: BlockStore) -> None:
        one, other = self.open(store), self.open(store)
        self.fill(one, 1, SAVE_ROWS)
        self.fill(other, 1, SAVE_ROWS + 100)
        self.fill(one, SAVE_ROWS + 1, 100)
        one.save()
        other.save()

        one.remove([7])
        one.settle()

        again = self.open(store)
        assert len(again) == SAVE_ROWS + 99
        assert 7 not in again.rows("a")

    def test_what_another_process_stored_is_gone_though_this_one_never_held_it(self, store: BlockStore) -> None:
        idle, other = self.open(store), self.open(store)
        self.fill(other, 1, 50)
        other.close()

        idle.settle([7])

        assert self.open(store).rows("a").tolist() == [row for row in range(1, 51) if row != 7]

    def test_a_process_that_is_behind_stores_nothing_of_what_was_erased(self, store: BlockStore) -> None:
        behind, eraser = self.open(store), self.open(store)
        self.fill(behind, 1, 50)
        self.follow(behind, 1)

        eraser.settle([7])
        behind.close()

        assert 7 not in self.open(store).rows("a")

    def test_once_cleared_by_another_process_it_is_stored_when_the_records_were_followed(
        self, store: BlockStore
    ) -> None:
        behind, other = self.open(store), self.open(store)
        self.fill(behind, 1, 50)
        behind.save()
        self.fill(behind, 51, 10)

        other.settle([7])
        other.clear()
        behind.save()
        before = len(self.open(store))
        behind.remove([7])
        self.follow(behind, 2)
        behind.save()

        assert before == 0
        assert self.open(store).rows("a").tolist() == [row for row in range(1, 61) if row != 7]
