"""Blocks on disk: the exact engine's segments in files, so that a start need not read every template from the records.

Derived and disposable. Several processes may share a folder: readers take no lock, whoever changes it takes the one
there is. A change writes new files beside the old ones, syncs them, and puts a new manifest in the old one's place, so
that a crash leaves the old state or the new one. Each segment is sealed under its source's key, as what its file is
called, and the manifest under the home's: what was changed, swapped or put back does not open.
Files that are no longer listed are overwritten before they are deleted: they may hold what was erased.

What was erased for good never comes back, though a process that is behind still holds it in memory and stores its rows:
of rows up to the manifest's last one nothing is stored again, and those beyond it are on the manifest's list. Once the
folder is cleared it has another name for what fills it (`Manifest.filling`), and a process stores nothing before it has
followed the records since.

A folder of a rotation that is no longer in force, or that was taken away, is nobody's any more: who knew it changes
nothing there and does not make it again. Whoever takes one away holds its lock, so that a change is swept with it, or
sees that it came too late.
"""

import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from countenance.adapters.durable import locked, overwrite_and_delete, replace_synced, write_synced
from countenance.adapters.exact.bounds import padded
from countenance.adapters.exact.segments import SEGMENT_ROWS, Runs, Segment, rising
from countenance.core.errors import IntegrityError
from countenance.core.ids import new_id
from countenance.index.model import IndexState, index_superseded
from countenance.index.ports import RowNumbers
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import HOME, KeyState, source_scope
from countenance.keys.ports import Keyring

MANIFEST = "manifest"
CONDEMNED = "condemned"
LOCK = "lock"
FORMAT = 3
"""Raised when rows come to mean something else: since 3 a row is a subject's reference, not one template."""
SEGMENT = "segment"
"""The column that segments are sealed as; the record is the file's name."""
HEADER = struct.Struct("<8sQQqQ")
"""Magic, codes a row, rows, subject base, runs."""
MAGIC = b"cntexact"
ATTEMPTS = 5
"""Loads that another process's change may spoil."""


class DamagedError(Exception):
    """What is on disk is not what was written there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSegment:
    """One file of the manifest."""

    file: str
    block: str
    rows: int
    first_row: int
    last_row: int

    def may_hold(self, rows: RowNumbers) -> bool:
        """Say whether one of some rows, rising, lies between the first and the last of this file."""
        return bool(np.searchsorted(rows, self.first_row) < np.searchsorted(rows, self.last_row, side="right"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is stored.

    Attributes:
        last_row: The highest row number that was ever taken in.
        erased: Rows beyond it that were erased for good, rising.
        filling: Another name each time that the folder is cleared; empty where nothing is stored.
    """

    last_row: int
    segments: tuple[StoredSegment, ...]
    erased: tuple[int, ...] = ()
    filling: str = ""


NOTHING = Manifest(last_row=0, segments=())


class BlockStore:
    """A folder of segments of one model pack. Blocks are sources, by their id."""

    def __init__(
        self, folder: Path, dim: int, keyring: Keyring, *, in_force: Callable[[], bool] = lambda: True
    ) -> None:
        """Remember the folder; it is made at the first change.

        Args:
            in_force: Says whether the rotation that the folder is of is still the gallery's.
        """
        self.folder = folder
        self._keyring = keyring
        self._width = padded(dim)
        self._in_force = in_force
        self._known = False

    def require_in_force(self) -> None:
        """Refuse where another rotation took the place of the folder's.

        Raises:
            UnavailableError: code `index-superseded`.
        """
        if not self._in_force():
            raise index_superseded()

    def manifest(self) -> Manifest:
        """Return what is stored.

        Raises:
            DamagedError: the manifest can't be read.
        """
        try:
            sealed = (self.folder / MANIFEST).read_bytes()
        except FileNotFoundError:
            return NOTHING
        except OSError as error:
            raise DamagedError(f"the manifest can't be read: {error.strerror}") from None
        self._known = True
        try:
            read = open_document(self._keyring, HOME, sealed, record=self.folder.name, column=MANIFEST)
        except IntegrityError:
            raise DamagedError("the manifest is damaged") from None
        if (read["format"], read["width"]) != (FORMAT, self._width):
            raise DamagedError("the manifest is of another version or dimension")
        return Manifest(
            last_row=read["last_row"],
            segments=tuple(StoredSegment(**one) for one in read["segments"]),
            erased=tuple(read.get("erased", ())),
            filling=read.get("filling", ""),
        )

    def load(self) -> tuple[Manifest, list[tuple[str, Segment]]]:
        """Read everything but segments of sources whose key was destroyed.

        Returns:
            The manifest, and block and segment of each of its files.

        Raises:
            DamagedError: a file is missing or not what the manifest says.
        """
        for attempt in range(ATTEMPTS):
            manifest = self.manifest()
            try:
                return manifest, [(one.block, self._read(one)) for one in self._readable(manifest)]
            except DamagedError:
                # Another process may have replaced the file meanwhile, and the manifest with it.
                if attempt + 1 == ATTEMPTS or self.manifest() == manifest:
                    raise
        raise AssertionError

    def state(self) -> IndexState:
        """Say what is stored; every file is read and checked."""
        try:
            _, segments = self.load()
        except DamagedError as error:
            return IndexState(place=str(self.folder), files=0, rows=0, bytes=0, damage=str(error))
        return IndexState(
            place=str(self.folder),
            files=len(segments),
            rows=sum(len(segment) for _, segment in segments),
            bytes=sum(len(packed(segment)) for _, segment in segments),
        )

    def append(
        self, parts_after: Callable[[int], Sequence[tuple[str, Segment]]], last_row: int, *, filling: str
    ) -> str | None:
        """Store rows beyond the manifest's last one; those up to it were stored by this process or another.

        Args:
            parts_after: Returns blocks and segments of all rows beyond one.
            last_row: The highest row number that was taken in.
            filling: The manifest's, at some time before the records were read that the rows are equal to, or before
                rows were added to those; empty where nothing was stored then.

        Returns:
            The manifest's filling now; None where it is another one, and nothing was stored.

        Raises:
            DamagedError: the manifest, or the file that rows are added to; nothing was changed.
            OSError: nothing was changed.
            UnavailableError: code `index-superseded`; nothing was changed.
        """
        with self._changing():
            manifest = self.manifest()
            if filling != manifest.filling:
                return None
            if last_row <= manifest.last_row:
                return filling
            listed, replaced = list(manifest.segments), []
            for block, part in parts_after(manifest.last_row):
                new = None if self._is_dark(block) else _lacking(part, manifest.erased)
                if new is None:
                    continue
                tail = next((one for one in reversed(listed) if one.block == block), None)
                if tail is not None and tail.rows + len(new) <= SEGMENT_ROWS:
                    listed.remove(tail)
                    replaced.append(tail)
                    new = Segment.joined([self._read(tail), new])
                listed.append(self._written(block, new))
            erased = tuple(row for row in manifest.erased if row > last_row)
            stored = Manifest(
                last_row=last_row, segments=tuple(listed), erased=erased, filling=manifest.filling or new_id()
            )
            self._replace(stored)
            self._discard(replaced)
            return stored.filling

    def erase(self, rows: Collection[int] | RowNumbers, *, for_good: bool = False) -> None:
        """Take rows out, and overwrite what stood there; those that aren't there are passed over.

        Args:
            for_good: Whether nobody may store them from now on, who still holds them.

        Raises:
            DamagedError, OSError: the old files may still be there; run it again, or `clear`.
            UnavailableError: code `index-superseded`; nothing was changed.
        """
        gone = rising(rows)
        with self._changing():
            manifest = self.manifest()
            listed, replaced = [], []
            for one in manifest.segments:
                if not one.may_hold(gone):
                    listed.append(one)
                    continue
                if self._is_dark(one.block):
                    replaced.append(one)
                    continue
                segment = self._read(one)
                positions = segment.rows.positions(gone)
                if not len(positions):
                    listed.append(one)
                    continue
                replaced.append(one)
                left = segment.without(positions)
                if left is not None:
                    listed.append(self._written(one.block, left))
            beyond = gone[gone > manifest.last_row].tolist() if for_good else []
            erased = tuple(sorted({*manifest.erased, *beyond}))
            if replaced or erased != manifest.erased:
                filling = manifest.filling or new_id()
                self._replace(replace(manifest, segments=tuple(listed), erased=erased, filling=filling))
                self._discard(replaced)

    def clear(self) -> str:
        """Overwrite and delete everything; it is no longer condemned. Returns what its filling is called now.

        Raises:
            OSError: some of it may still be there.
            UnavailableError: code `index-superseded`; nothing was changed.
        """
        with self._changing():
            emptied = replace(NOTHING, filling=new_id())
            self._replace(emptied)
            self._sweep()
            (self.folder / CONDEMNED).unlink(missing_ok=True)
            return emptied.filling

    def condemn(self) -> None:
        """Leave a mark that it must not be searched.

        Raises:
            UnavailableError: code `index-superseded`; there is none.
        """
        with self._changing():
            write_synced(self.folder / CONDEMNED, b"")

    @property
    def condemned(self) -> bool:
        """Whether the mark is there."""
        return (self.folder / CONDEMNED).exists()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the folder's lock, and clean up what a crash left behind."""
        self._require_there()
        if not self._known:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.folder / LOCK):
            # Again: it may have been taken away while this waited.
            self._require_there()
            self._sweep()
            yield

    def _require_there(self) -> None:
        """Refuse where the folder is of another rotation than the gallery's, or was taken away since it was known."""
        self.require_in_force()
        if self._known:
            try:
                (self.folder / MANIFEST).stat()
            except FileNotFoundError:
                raise index_superseded() from None

    def _sweep(self) -> None:
        """Overwrite and delete files that the manifest does not list."""
        try:
            listed = {one.file for one in self.manifest().segments}
        except DamagedError:
            return
        for path in self.folder.glob("*.segment"):
            if path.name not in listed:
                overwrite_and_delete(path)

    def _read(self, stored: StoredSegment) -> Segment:
        """Read one file and open it."""
        try:
            sealed = (self.folder / stored.file).read_bytes()
        except OSError as error:
            raise DamagedError(f"{stored.file}: {error.strerror}") from None
        try:
            data = self._keyring.open(source_scope(stored.block), sealed, record=stored.file, column=SEGMENT)
        except IntegrityError:
            raise DamagedError(f"{stored.file} is damaged") from None
        return unpacked(bytearray(data))

    def _readable(self, manifest: Manifest) -> Iterator[StoredSegment]:
        """Leave out what nobody can read."""
        return (one for one in manifest.segments if not self._is_dark(one.block))

    def _is_dark(self, block: str) -> bool:
        """Whether the block's key was destroyed: nobody can read what stands there, and nothing may be added."""
        return self._keyring.state(source_scope(block)) is KeyState.DESTROYED

    def _written(self, block: str, segment: Segment) -> StoredSegment:
        """Write one file and sync it."""
        name = f"{new_id()}.segment"
        data = self._keyring.seal(source_scope(block), packed(segment), record=name, column=SEGMENT)
        write_synced(self.folder / name, data)
        return StoredSegment(
            file=name,
            block=block,
            rows=len(segment),
            first_row=segment.rows.first,
            last_row=segment.rows.last,
        )

    def _replace(self, manifest: Manifest) -> None:
        """Put a manifest in the old one's place."""
        document = {"format": FORMAT, "width": self._width, **asdict(manifest)}
        sealed = seal_document(self._keyring, HOME, document, record=self.folder.name, column=MANIFEST)
        replace_synced(self.folder / MANIFEST, sealed)
        self._known = True

    def _discard(self, replaced: Sequence[StoredSegment]) -> None:
        """Overwrite and delete files that the manifest no longer lists."""
        for one in replaced:
            overwrite_and_delete(self.folder / one.file)


def _lacking(segment: Segment, rows: Sequence[int]) -> Segment | None:
    """Return a segment without some rows, rising; None where nothing is left."""
    positions = segment.rows.positions(np.array(rows, dtype=np.int64))
    return segment.without(positions) if len(positions) else segment


def packed(segment: Segment) -> bytes:
    """Return a segment as the bytes of a file, little-endian."""
    runs = segment.rows
    header = HEADER.pack(MAGIC, segment.codes.shape[1], len(segment), segment.subject_base, len(runs.firsts))
    parts = (
        runs.starts.astype("<i8"),
        runs.firsts.astype("<i8"),
        segment.terms.astype("<u4"),
        segment.subjects.astype("<u4"),
        segment.codes,
    )
    return b"".join([header, *(np.ascontiguousarray(part).tobytes() for part in parts)])


def unpacked(data: bytearray) -> Segment:
    """Return the segment in the bytes of a file that were checked; it stands in these very bytes."""
    magic, width, n, base, runs = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise DamagedError("it is no segment")
    at = HEADER.size
    columns = []
    for dtype, count in (("<i8", runs + 1), ("<i8", runs), ("<u4", n), ("<u4", n), ("i1", n * width)):
        columns.append(np.frombuffer(data, dtype=dtype, count=count, offset=at))
        at += columns[-1].nbytes
    starts, firsts, terms, subjects, codes = columns
    return Segment(
        rows=Runs(starts=starts, firsts=firsts),
        subject_base=base,
        subjects=subjects,
        codes=codes.reshape(n, width),
        terms=terms,
    )
