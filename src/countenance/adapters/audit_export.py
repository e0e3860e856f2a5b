"""An exported log: a folder of tiles, written from any log and read as one, with nothing of ours needed."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from countenance.audit.growth import Head
from countenance.audit.model import parse_checkpoint
from countenance.audit.note import parse_note
from countenance.audit.ports import AuditReader
from countenance.audit.tiles import HEIGHT, WIDTH, Tile, entries_in, raised, tile_content, tiles_of
from countenance.core.errors import IntegrityError, NotFoundError, UnavailableError

CHECKPOINT = "checkpoint"
EARLIER = "checkpoints"
VKEYS = "vkeys"


def write_export(
    log: AuditReader,
    folder: Path,
    *,
    vkeys: Callable[[], str],
    readme: str,
    on_progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write a log as files: tiles, then what explains them, and last the checkpoint that stands for them.

    Tiles that are whole and there already are left: they never change. So a second export adds what is new. The log may
    grow meanwhile, and its key may change: what comes after the head that was read first is left out.

    Args:
        vkeys: Returns the log's public keys; asked after the head was read, whose key is among them therefore.

    Returns:
        How many files were written.

    Raises:
        UnavailableError: code `export-unwritable`; an older export in the folder still holds.
    """
    head, written = log.head(), 0
    try:
        for tile in tiles_of(head.size):
            path = folder / tile.path
            if tile.width < WIDTH or not path.exists():
                _write(path, tile_content(log, tile))
                written += 1
            on_progress(1)
        for number, note in enumerate(_up_to(head.size, log.checkpoints())):
            _write(folder / EARLIER / f"{number:06}", note.encode())
        for name, text in ((VKEYS, vkeys()), ("README.md", readme), (CHECKPOINT, head.note)):
            _write(folder / name, text.encode())
    except OSError as error:
        raise UnavailableError(
            f"{folder} can't be written: {error.strerror}", code="export-unwritable", hint="name another folder"
        ) from None
    return written


class ExportedLog:
    """Implements `AuditReader` over an export's files."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder.

        Raises:
            NotFoundError: code `export-unknown`, there is no export.
            IntegrityError: code `export-damaged`.
        """
        self._folder = folder
        try:
            self._note = (folder / CHECKPOINT).read_text("utf-8")
            self.vkeys = (folder / VKEYS).read_text("utf-8")
            self._size = parse_checkpoint(parse_note(self._note).text).size
        except OSError as error:
            raise NotFoundError(
                f"{folder} holds no export of an audit log: {error.strerror}",
                code="export-unknown",
                hint="`countenance audit export FOLDER` makes one",
            ) from None
        except ValueError:
            raise export_damaged(CHECKPOINT) from None

    def head(self) -> Head:
        """See the port; without peaks."""
        return Head(self._size, b"", self._note)

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """See the port."""
        for first, tile in self._tiles(-1, self._size, start, stop):
            try:
                bodies = list(entries_in(self._read(tile)))
            except ValueError:
                raise export_damaged(tile.path) from None
            yield from bodies[max(start - first, 0) : stop - first]

    def nodes(self, level: int, start: int, stop: int) -> Iterator[bytes]:
        """See the port; levels that no tile holds are made of the one below that a tile does."""
        held, above = divmod(level, HEIGHT)
        count = self._size >> HEIGHT * held
        for first, tile in self._tiles(held, count, start << above, stop << above):
            content = self._read(tile)
            hashes = [content[at : at + 32] for at in range(0, len(content), 32)]
            yield from raised(hashes[max((start << above) - first, 0) : (stop << above) - first], above)

    def checkpoints(self) -> tuple[str, ...]:
        """See the port; without those that a newer export left, which was cut short."""
        folder = self._folder / EARLIER
        try:
            notes = [path.read_text("utf-8") for path in sorted(folder.glob("[0-9]*"))]
        except (OSError, ValueError):
            raise export_damaged(EARLIER) from None
        return _up_to(self._size, notes)

    def _tiles(self, level: int, count: int, start: int, stop: int) -> Iterator[tuple[int, Tile]]:
        """Name the tiles of a level that hold start <= place < stop, each with the place of its first."""
        for number in range(start // WIDTH, (min(stop, count) + WIDTH - 1) // WIDTH):
            yield number * WIDTH, Tile(level, number, min(WIDTH, count - number * WIDTH))

    def _read(self, tile: Tile) -> bytes:
        """Read a tile's file."""
        try:
            return (self._folder / tile.path).read_bytes()
        except OSError:
            raise export_damaged(tile.path) from None


def export_damaged(path: str) -> IntegrityError:
    """Return the error for a file of an export that is missing or is not what it should be."""
    return IntegrityError(
        f"the export's {path} is missing or damaged", code="export-damaged", hint="get the export again"
    )


def _up_to(size: int, notes: Iterable[str]) -> tuple[str, ...]:
    """Leave out checkpoints of more entries; those that can't be read stay, for whoever verifies to see."""
    return tuple(note for note in notes if _size_of(note) <= size)


def _size_of(note: str) -> int:
    """Return how many entries a checkpoint stands for; 0 where it can't be read."""
    try:
        return parse_checkpoint(parse_note(note).text).size
    except ValueError:
        return 0


def _write(path: Path, data: bytes) -> None:
    """Write beside the place, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(data)
    beside.replace(path)
