"""Pairs of photographs to compare, in the format of Labeled Faces in the Wild."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from countenance.core.errors import InvalidInputError, NotFoundError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp")
"""How a photograph's name may end; the first that exists is taken."""

MAX_NAME = 200
"""Longest name of a person: file systems take 255 bytes."""

EXAMPLE = "the first line is `FOLDS<tab>PAIRS`, then a fold's PAIRS lines `NAME<tab>1<tab>2`, then PAIRS with two names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two photographs to compare.

    Attributes:
        first: Reference, `NAME/NAME_0001.jpg`.
        second: Reference.
        same: Whether both show one person.
        fold: From 0.
    """

    first: str
    second: str
    same: bool
    fold: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairList:
    """All pairs, and the files that they need.

    Attributes:
        files: Paths by reference.
    """

    pairs: tuple[Pair, ...]
    folds: int
    files: Mapping[str, Path]


def read_pairs(table: Path, images: Path) -> PairList:
    """Read a list of pairs and find its photographs: `images/NAME/NAME_0001.jpg`.

    Raises:
        NotFoundError: codes `folder-not-found`, `pairs-not-found`.
        InvalidInputError: codes `pairs-empty`, `pairs-malformed`, `pairs-wrong-count`, `pairs-twice`,
            `pairs-contradiction` (a person paired with themself as two people, or a photograph with itself),
            `pairs-path-outside`, `pairs-image-missing`. Nothing was read but the list.

    Source:
        Huang, Ramesh, Berg, Learned-Miller: Labeled Faces in the Wild, University of Massachusetts 2007; `pairs.txt`
        of view 2 and `pairsDevTest.txt` of view 1, whose first line leaves the number of folds out.
    """
    if not images.is_dir():
        raise NotFoundError(f"{images} is not a folder", code="folder-not-found", hint="name a folder of photographs")
    lines = _lines(table)
    folds, a_fold = _counts(table, lines[0][1])
    if len(lines) - 1 != 2 * folds * a_fold:
        raise InvalidInputError(
            f"{table}: {len(lines) - 1:,} pairs, where its first line promises {2 * folds * a_fold:,}",
            code="pairs-wrong-count",
            hint=EXAMPLE,
        )
    finder = _Finder(table, images)
    pairs = tuple(
        finder.pair(number, fields, same=at % (2 * a_fold) < a_fold, fold=at // (2 * a_fold))
        for at, (number, fields) in enumerate(lines[1:])
    )
    return PairList(pairs=pairs, folds=folds, files=finder.files)


class _Finder:
    """Checks pairs one after the other, and collects their files."""

    def __init__(self, table: Path, images: Path) -> None:
        self.files: dict[str, Path] = {}
        self._table = table
        self._images = images
        self._seen: dict[tuple[str, str], int] = {}

    def pair(self, line: int, fields: list[str], *, same: bool, fold: int) -> Pair:
        """Check one line."""
        if len(fields) != (3 if same else 4):
            kind = "one person, as `NAME 1 2`" if same else "two people, as `NAME 1 OTHER 1`"
            raise InvalidInputError(
                f"{self._at(line)}: a pair of {kind}, belongs here", code="pairs-malformed", hint=EXAMPLE
            )
        name, number, other, other_number = fields if not same else (fields[0], fields[1], fields[0], fields[2])
        first, second = self._reference(line, name, number), self._reference(line, other, other_number)
        if (not same and name == other) or first == second:
            raise InvalidInputError(
                f"{self._at(line)}: {first} and {second} can't be a pair of {'one person' if same else 'two people'}",
                code="pairs-contradiction",
                hint="take the line out, and mend the first line's count",
            )
        key = (first, second) if first < second else (second, first)
        if key in self._seen:
            raise InvalidInputError(
                f"{self._at(line)}: {first} with {second} stands in line {self._seen[key]} already",
                code="pairs-twice",
                hint="keep one line a pair, and mend the first line's count",
            )
        self._seen[key] = line
        return Pair(first=first, second=second, same=same, fold=fold)

    def _reference(self, line: int, name: str, number: str) -> str:
        """Find one photograph."""
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            raise InvalidInputError(
                f"{self._at(line)}: {number!r} is not a photograph's number", code="pairs-malformed", hint=EXAMPLE
            )
        if name in {".", ".."} or len(name) > MAX_NAME or "/" in name or "\\" in name or not name.isprintable():
            raise InvalidInputError(
                f"{self._at(line)}: {name[:40]!r} is not the name of a folder",
                code="pairs-path-outside",
                hint="names are those of folders in --images",
            )
        stem = f"{name}/{name}_{int(number):04d}"
        for extension in EXTENSIONS:
            path = self._images / (stem + extension)
            if path.is_file():
                self.files[stem + extension] = path
                return stem + extension
        raise InvalidInputError(
            f"{self._at(line)}: there is no {stem}.jpg in {self._images}",
            code="pairs-image-missing",
            hint=f"photographs end in one of {', '.join(EXTENSIONS)}",
        )

    def _at(self, line: int) -> str:
        return f"{self._table}, line {line}"


def _lines(table: Path) -> list[tuple[int, list[str]]]:
    """Return the lines that aren't blank as fields, with their numbers."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInputError(f"{table} is not UTF-8 text", code="pairs-malformed", hint=EXAMPLE) from None
    except OSError as error:
        raise NotFoundError(
            f"{table} can't be read: {error.strerror}", code="pairs-not-found", hint="name a file like LFW's pairs.txt"
        ) from None
    lines = [(number, _fields(line)) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if not lines:
        raise InvalidInputError(f"{table} is empty", code="pairs-empty", hint=EXAMPLE)
    return lines


def _fields(line: str) -> list[str]:
    """Split at tabs, so that names may hold spaces; at white space where there are none."""
    return [field.strip() for field in line.split("\t")] if "\t" in line.strip() else line.split()


def _counts(table: Path, fields: list[str]) -> tuple[int, int]:
    """Return the number of folds, and of pairs of each kind in a fold."""
    numbers = [int(field) for field in fields if field.isascii() and field.isdigit() and len(field) <= 9]
    if len(numbers) != len(fields) or len(numbers) > 2 or 0 in numbers:
        raise InvalidInputError(
            f"{table}, line 1: it must give the number of folds and of pairs", code="pairs-malformed", hint=EXAMPLE
        )
    folds, a_fold = numbers if len(numbers) == 2 else (1, numbers[0])
    return folds, a_fold
