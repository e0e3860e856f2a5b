"""Which files are to be enrolled, and whose they are: from a folder a person, a CSV, or nothing."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePath

from countenance.core.errors import InvalidInputError, NotFoundError
from countenance.gallery.model import Provenance
from countenance.gallery.tables import BadTableError, is_file, read_table

MAX_LABEL = 200
MAX_REFERENCE = 1000


class Subjects(StrEnum):
    """How a folder of photographs says who is in them."""

    FOLDERS = "folders"
    CSV = "csv"
    NONE = "none"
    SAMPLES = "samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPhotograph:
    """One file to enrol.

    Attributes:
        reference: Its path below the folder, `/`-separated.
        label: Whose it is; None makes each of its faces an unnamed subject.
        provenance: What the source's manifest says of it; None where there is none.
        data: Its bytes, where it comes out of an archive or a bucket; None where `path` is a file.
    """

    path: Path
    reference: str
    label: str | None
    provenance: Provenance | None = None
    data: bytes | None = None


def plan(
    folder: Path, subjects: Subjects, *, table: Path | None = None, home: Path | None = None
) -> tuple[PlannedPhotograph, ...]:
    """List what is to be enrolled, in an order that is the same each time.

    Hidden files and folders are left out. With `folders`, the first folder below `folder` is the subject's label. With
    `csv`, the table's columns `path` (below `folder`) and `subject` say it, and only files that it names are planned.

    Args:
        home: The gallery's own folder, whose pictures must not be enrolled; None where there is none.

    Raises:
        NotFoundError: codes `folder-not-found`, `table-not-found`.
        InvalidInputError: codes `folder-unreadable`, `folder-overlaps-home`, `samples-in-folder`, `subject-missing`,
            `label-invalid`, `reference-invalid`, `table-malformed`, `table-path-outside`, `table-path-missing`,
            `table-path-twice`, `nothing-to-enrol`. Nothing was enrolled.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 -- False where Path.is_dir raises: a name that is too long
        raise NotFoundError(f"{folder} is not a folder", code="folder-not-found", hint="name a folder of photographs")
    if home is not None:
        require_apart(folder, home)
    if subjects is Subjects.SAMPLES:
        raise InvalidInputError(
            "`samples` are for shards, not for folders",
            code="samples-in-folder",
            hint="see `countenance import --help`",
        )
    if (subjects is Subjects.CSV) != (table is not None):
        raise InvalidInputError(
            "a table goes with `--subjects csv`, and only with it",
            code="table-malformed",
            hint="e.g. countenance enrol SOURCE FOLDER --subjects csv people.csv",
        )
    planned = tuple(_from_table(folder, table) if table is not None else _from_files(folder, subjects))
    if not planned:
        raise InvalidInputError(f"{folder} holds no files", code="nothing-to-enrol", hint="name another folder")
    return planned


def require_apart(folder: Path, home: Path) -> None:
    """Refuse a folder that holds the gallery's home, or lies in it: what was enrolled would be enrolled again."""
    here, there = folder.resolve(), home.resolve()
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise InvalidInputError(
            f"{folder} and the gallery's home {home} lie in one another",
            code="folder-overlaps-home",
            hint="keep the photographs and the gallery's home apart",
        )


def _from_files(folder: Path, subjects: Subjects) -> Iterator[PlannedPhotograph]:
    """Plan every file below the folder."""
    for path in _files(folder):
        relative = path.relative_to(folder)
        label = None
        if subjects is Subjects.FOLDERS:
            if len(relative.parts) < 2:
                raise InvalidInputError(
                    f"{relative} lies in no subject's folder",
                    code="subject-missing",
                    hint="make a folder a person, or use `--subjects csv FILE` or `--subjects none`",
                )
            label = checked_label(relative.parts[0])
        yield PlannedPhotograph(path=path, reference=checked_reference(relative.as_posix()), label=label)


def _files(folder: Path) -> Iterator[Path]:
    """Walk a folder in sorted order; hidden entries are left out, links to folders are not followed."""

    def refuse(error: OSError) -> None:
        """End the walk at a folder that can't be read: passing over it would lose people in silence."""
        raise InvalidInputError(
            f"{error.filename} can't be read: {error.strerror}",
            code="folder-unreadable",
            hint="check its permissions, or move it elsewhere",
        ) from None

    for here, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(files) if not name.startswith("."))


def _from_table(folder: Path, table: Path) -> Iterator[PlannedPhotograph]:
    """Plan what the table names, in its order."""
    seen: set[str] = set()
    root = folder.resolve()
    for line, row in _rows(table):
        reference, label = row["path"], row["subject"]
        if not reference or not label:
            raise _malformed(f"{table}, line {line}: `path` and `subject` must both be filled in")
        # One way to write each path, so that a file can't stand there twice.
        reference = checked_reference(PurePath(reference).as_posix())
        path = folder / reference
        if Path(reference).is_absolute() or not path.resolve().is_relative_to(root):
            raise InvalidInputError(
                f"{table}, line {line}: {reference} lies outside {folder}",
                code="table-path-outside",
                hint="paths are relative to the folder given, and stay below it",
            )
        if not is_file(path):
            raise InvalidInputError(
                f"{table}, line {line}: there is no file {reference} in {folder}",
                code="table-path-missing",
                hint="paths are relative to the folder given",
            )
        if reference in seen:
            raise InvalidInputError(
                f"{table}, line {line}: {reference} stands in the table twice",
                code="table-path-twice",
                hint="keep one line a file",
            )
        seen.add(reference)
        yield PlannedPhotograph(path=path, reference=reference, label=checked_label(label))


def _rows(table: Path) -> tuple[tuple[int, dict[str, str]], ...]:
    """Read the table's lines as dicts, with their numbers."""
    try:
        return read_table(table, needed=("path", "subject")).rows
    except FileNotFoundError as error:
        raise NotFoundError(f"the table {error}", code="table-not-found", hint="name a CSV file") from None
    except BadTableError as error:
        raise _malformed(str(error)) from None


def _malformed(why: str) -> InvalidInputError:
    return InvalidInputError(
        why,
        code="table-malformed",
        hint="a CSV with the columns path and subject, e.g. `path,subject` then `1987/017.jpg,Person A`",
    )


def checked_label(label: str) -> str:
    """Return a subject's label.

    Raises:
        InvalidInputError: code `label-invalid`: empty, over 200 characters, control characters or broken encoding.
    """
    if not label.strip() or len(label) > MAX_LABEL or not label.isprintable():
        raise InvalidInputError(
            f"{label[:40]!r} can't be a subject's label",
            code="label-invalid",
            hint=f"1 to {MAX_LABEL} printable characters",
        )
    return label


def checked_reference(reference: str) -> str:
    """Return a photograph's reference.

    Raises:
        InvalidInputError: code `reference-invalid`: over 1000 characters, control characters or broken encoding.
    """
    if not reference or len(reference) > MAX_REFERENCE or not reference.isprintable():
        raise InvalidInputError(
            f"{reference[:60]!r} can't be kept as a file's path",
            code="reference-invalid",
            hint="rename the file: printable characters only",
        )
    return reference
