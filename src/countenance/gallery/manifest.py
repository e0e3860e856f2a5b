"""What a source's manifest says of its photographs: where each is kept, its licence, when it was taken."""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from countenance.core.errors import InvalidInputError, NotFoundError
from countenance.gallery.model import Provenance
from countenance.gallery.plan import PlannedPhotograph, checked_reference

FIELDS = ("original", "licence", "captured")
ALLOWED = frozenset({"path", "subject", *FIELDS})
"""`subject` may stand there too, so that one file serves as `--subjects csv` table and as manifest."""

MAX_BYTES = 256 * 1024 * 1024
MAX_FIELD = 1000
DAY = re.compile(r"\d{4}(-\d{2}){0,2}")


def read_manifest(path: Path) -> Mapping[str, Provenance]:
    """Read a manifest: CSV with a line of names, or JSON Lines where its name ends in `.jsonl`.

    Returns:
        What it says, by the photographs' paths as enrolment writes them.

    Raises:
        NotFoundError: code `manifest-not-found`.
        InvalidInputError: codes `manifest-malformed`, `manifest-path-outside`, `manifest-path-twice`,
            `manifest-too-large`, `reference-invalid`. Nothing was enrolled.
    """
    found: dict[str, Provenance] = {}
    for line, row in _rows(path):
        reference = _reference(row, path, line)
        if reference in found:
            raise InvalidInputError(
                f"{path}, line {line}: {reference} stands in the manifest twice",
                code="manifest-path-twice",
                hint="keep one line a photograph",
            )
        found[reference] = _provenance(row, path, line)
    return found


def with_provenance(planned: Iterable[PlannedPhotograph], manifest: Path) -> tuple[PlannedPhotograph, ...]:
    """Join what a manifest says to the photographs that are to be enrolled; those it leaves out stay as they are.

    Raises:
        NotFoundError: as `read_manifest`.
        InvalidInputError: as `read_manifest`, and code `manifest-path-missing`: it names a file that is not there.
            Nothing was enrolled.
    """
    said = dict(read_manifest(manifest))
    joined = tuple(replace(one, provenance=said.pop(one.reference, None)) for one in planned)
    if said:
        raise InvalidInputError(
            f"{manifest} names {len(said)} photographs that are not there, the first is {min(said)}",
            code="manifest-path-missing",
            hint="paths are relative to the folder that is enrolled",
        )
    return joined


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Read the lines as they are, with their numbers."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidInputError(
                f"{path} is larger than {MAX_BYTES // 2**20} MB",
                code="manifest-too-large",
                hint="split it, and enrol part by part",
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = _json_lines(file, path) if path.suffix.lower() == ".jsonl" else _csv_lines(file, path)
            for line, row in lines:
                if not {"path"} <= set(row) <= ALLOWED:
                    raise _malformed(
                        path, line, f"`path` and any of {', '.join(sorted(ALLOWED - {'path'}))} belong there"
                    )
                yield line, row
    except OSError as error:
        raise NotFoundError(
            f"the manifest {path} can't be read: {error.strerror}",
            code="manifest-not-found",
            hint="name a CSV or JSON Lines file",
        ) from None
    except UnicodeDecodeError:
        raise _malformed(path, 1, "it is not UTF-8 text") from None


def _csv_lines(file: Iterator[str], path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Read a CSV's lines."""
    reader = csv.DictReader(file, strict=True)
    try:
        names = reader.fieldnames or ()
        if len(set(names)) != len(names):
            raise _malformed(path, 1, "a column stands there twice")
        for row in reader:
            if None in row or None in row.values():
                raise _malformed(path, reader.line_num, "it has another number of fields than the first line")
            yield reader.line_num, row
    except csv.Error as error:
        raise _malformed(path, reader.line_num, str(error)) from None


def _json_lines(file: Iterator[str], path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Read a JSON Lines file's objects."""
    for line, text in enumerate(file, start=1):
        if text.isspace():
            continue
        try:
            row = json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            raise _malformed(path, line, "it is not one JSON object with each name once") from None
        if not isinstance(row, dict):
            raise _malformed(path, line, "it is not a JSON object")
        yield line, row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of names that differ."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands there twice")
    return made


def _reference(row: Mapping[str, Any], path: Path, line: int) -> str:
    """Return the photograph's path, written in one way."""
    given = _text(row, "path", path, line)
    parts = PurePosixPath(given)
    if not given or parts.is_absolute() or ".." in parts.parts or "\\" in given:
        raise InvalidInputError(
            f"{path}, line {line}: {given[:60]!r} is no path below the folder",
            code="manifest-path-outside",
            hint="paths are relative to the folder that is enrolled, `/`-separated, and stay below it",
        )
    return checked_reference(parts.as_posix())


def _provenance(row: Mapping[str, Any], path: Path, line: int) -> Provenance:
    """Check what stands there, and take it as it was given."""
    values = {name: _text(row, name, path, line) for name in FIELDS}
    if values["captured"] and not _is_day(values["captured"]):
        raise _malformed(path, line, "`captured` must be YYYY, YYYY-MM or YYYY-MM-DD")
    return Provenance(**values)


def provenance_of_json(facts: Mapping[str, Any]) -> Provenance | None:
    """Return what an object says of a photograph; None where it says nothing.

    Raises:
        InvalidInputError: code `manifest-malformed`.
    """
    given = {name: facts[name] for name in FIELDS if facts.get(name)}
    return _provenance(given, Path("sample"), 1) if given else None


def _text(row: Mapping[str, Any], name: str, path: Path, line: int) -> str:
    """Return one field, without blanks around it; empty where it is missing."""
    value = row.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_FIELD or (value and not value.isprintable()):
        raise _malformed(path, line, f"`{name}` must be text of up to {MAX_FIELD} printable characters")
    return value.strip()


def _is_day(text: str) -> bool:
    """Return whether a text is a year, a month or a day that exist."""
    if not DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat((text + "-01-01")[:10])
    except ValueError:
        return False
    return True


def _malformed(path: Path, line: int, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path}, line {line}: {why}",
        code="manifest-malformed",
        hint="e.g. a CSV with the line `path,original,licence,captured` and then `a.jpg,Inv. 7,CC0,1987`",
    )
