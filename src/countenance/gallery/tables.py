"""Tables of labels as the user keeps them: CSV with named columns."""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path


class BadTableError(ValueError):
    """A table that can't be read; `str(error)` says where and why. Whoever reads one turns it into its own code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table's rows.

    Attributes:
        columns: In the order of the file.
        rows: With the line that each ends on; values without white space around them.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]


def read_table(path: Path, *, needed: Collection[str]) -> Table:
    """Read a UTF-8 CSV file whose first line names its columns.

    Raises:
        FileNotFoundError: the file can't be read, whatever the reason.
        BadTableError: a needed column is missing or named twice, a row has another number of fields, or it is no CSV.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = tuple(reader.fieldnames or ())
            missing = [name for name in needed if columns.count(name) != 1]
            if missing:
                raise BadTableError(f"{path}, line 1: it must name the column {missing[0]}, once")
            rows = []
            for row in reader:
                if None in row or None in row.values():
                    raise BadTableError(
                        f"{path}, line {reader.line_num}: it has another number of fields than the first line"
                    )
                rows.append((reader.line_num, {name: value.strip() for name, value in row.items()}))
    except OSError as error:
        raise FileNotFoundError(f"{path} can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadTableError(f"{path} is not UTF-8 text") from None
    except csv.Error as error:
        raise BadTableError(f"{path}, line {reader.line_num}: {error}") from None
    return Table(columns=columns, rows=tuple(rows))


def is_file(path: Path) -> bool:
    """Return whether there is such a file; a name that no file system takes is none."""
    try:
        return path.is_file()
    except OSError:
        return False
