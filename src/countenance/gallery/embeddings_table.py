"""Photographs out of a plain table of embeddings: a CSV whose rows name a subject and the photograph it was made from.

Embeddings are checked and passed over: a row whose numbers are damaged may be damaged elsewhere too.
"""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from countenance.core.errors import CountenanceError, InvalidInputError, NotFoundError
from countenance.gallery.archives import refused_name
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.migration import checked_person, refused_row
from countenance.gallery.plan import PlannedPhotograph, checked_reference, require_apart

NEEDED = ("subject", "path")
EMBEDDING = "embedding"


def table_photographs(table: Path, folder: Path, *, home: Path) -> Iterator[PlannedPhotograph | NotEnrolled]:
    """Read a table row by row.

    Args:
        table: UTF-8, with the columns `subject` and `path`; `embedding` and others may be there.
        folder: What the paths are below.
        home: The gallery's own, which must not lie there.

    Raises:
        NotFoundError: code `migration-not-found`.
        InvalidInputError: codes `migration-malformed`, `folder-overlaps-home`. What was enrolled before stays.
    """
    if not folder.is_dir():
        raise NotFoundError(
            f"{folder} is not a folder", code="migration-not-found", hint="name the photographs' folder"
        )
    require_apart(folder, home)
    seen, length = set[str](), 0
    for line, row in _rows(table):
        wrong, of = _embedding_fault(row.get(EMBEDDING), length)
        length = length or of
        yield refused_row(f"line {line}", wrong) if wrong else _photograph(row, f"line {line}", folder, seen)


def _photograph(row: Mapping[str, str], line: str, folder: Path, seen: set[str]) -> PlannedPhotograph | NotEnrolled:
    """Plan one row."""
    try:
        reference, label = checked_reference(Path(row["path"].strip()).as_posix()), checked_person(row["subject"])
    except CountenanceError as error:
        return refused_row(line, error.code)
    wrong = _path_fault(reference, folder) or ("row-twice" if reference in seen else None)
    if wrong:
        return refused_row(line, wrong)
    seen.add(reference)
    return PlannedPhotograph(path=folder / reference, reference=reference, label=label)


def _path_fault(reference: str, folder: Path) -> str | None:
    """Return what is wrong with a path."""
    if reference == ".":
        return "photograph-missing"
    if refused_name(reference) is not None:
        return "member-outside"
    try:
        path = folder.resolve() / reference
        linked = path.resolve() != path
        return "member-link" if linked else None if path.is_file() else "photograph-missing"
    except OSError:
        return "photograph-missing"


def _embedding_fault(cell: str | None, length: int) -> tuple[str | None, int]:
    """Return what is wrong with an embedding, and its length; no cell is no fault.

    Args:
        cell: Numbers as a JSON list, or with blanks, commas or semicolons between them.
        length: That of those before, 0 where there are none.
    """
    if cell is None or not cell.strip():
        return None, 0
    try:
        numbers = (
            json.loads(cell) if cell.lstrip().startswith("[") else cell.replace(",", " ").replace(";", " ").split()
        )
        values = [float(number) for number in numbers]
    except (ValueError, TypeError, RecursionError, OverflowError):
        return "embedding-malformed", 0
    if not all(math.isfinite(value) for value in values):
        return "embedding-not-finite", 0
    return ("embedding-of-another-length", 0) if length and len(values) != length else (None, len(values))


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a table's rows with the lines that they end on."""
    line = 1
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = list(reader.fieldnames or ())
            missing = [name for name in NEEDED if names.count(name) != 1]
            if missing or len(set(names)) != len(names):
                raise _malformed(table, 1, f"it must name {missing[0] if missing else 'each column'}, once")
            for row in reader:
                line = reader.line_num
                if None in row or None in row.values():
                    raise _malformed(table, line, "it has another number of fields than the first line")
                yield line, row
    except OSError as error:
        raise NotFoundError(
            f"{table} can't be read: {error.strerror}", code="migration-not-found", hint="name the table"
        ) from None
    except UnicodeDecodeError:
        raise _malformed(table, line + 1, "it is not UTF-8 text") from None
    except csv.Error as error:
        raise _malformed(table, line + 1, str(error)) from None


def _malformed(table: Path, line: int, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{table.name}, line {line}: {why}",
        code="migration-malformed",
        hint="a UTF-8 CSV with the columns subject and path, e.g. `subject,path,embedding`",
    )
