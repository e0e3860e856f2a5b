"""Open-set identification protocols: which photographs make the gallery, and which are searched with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from countenance.core.errors import InvalidInputError, NotFoundError
from countenance.gallery.tables import BadTableError, is_file, read_table

EXAMPLE = "a CSV with the columns image, subject, role, e.g. `A/1.jpg,Person A,gallery` then `A/2.jpg,Person A,probe`"


class Role(StrEnum):
    """What a photograph is for."""

    GALLERY = "gallery"
    PROBE = "probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolRow:
    """One photograph of a protocol.

    Attributes:
        reference: Its path below the folder of photographs.
        subject: Whose it is.
    """

    reference: str
    subject: str
    role: Role


@dataclass(frozen=True)
class Protocol:
    """All photographs of a protocol; a probe is mated when its subject has photographs in the gallery.

    Attributes:
        rows: In the order of the file.
        files: Paths by reference.
    """

    rows: tuple[ProtocolRow, ...]
    files: Mapping[str, Path]

    @cached_property
    def gallery(self) -> tuple[ProtocolRow, ...]:
        """The references."""
        return tuple(row for row in self.rows if row.role is Role.GALLERY)

    @cached_property
    def probes(self) -> tuple[ProtocolRow, ...]:
        """The photographs that are searched with."""
        return tuple(row for row in self.rows if row.role is Role.PROBE)

    def without(self, subjects: Collection[str]) -> "Protocol":
        """Return the protocol without some subjects; it may have no gallery or no probes then."""
        rows = tuple(row for row in self.rows if row.subject not in subjects)
        return Protocol(rows, {row.reference: self.files[row.reference] for row in rows})


def read_protocol(table: Path, images: Path) -> Protocol:
    """Read a protocol and find its photographs. Columns other than image, subject and role are passed over.

    Raises:
        NotFoundError: codes `folder-not-found`, `protocol-not-found`.
        InvalidInputError: codes `protocol-malformed`, `protocol-role-unknown`, `protocol-path-outside`,
            `protocol-image-missing`, `protocol-image-twice`, `protocol-image-both-roles`,
            `protocol-image-two-subjects`, `protocol-no-gallery`, `protocol-no-probes`. Nothing was read but the table.
    """
    if not images.is_dir():
        raise NotFoundError(f"{images} is not a folder", code="folder-not-found", hint="name a folder of photographs")
    reading = _Reading(table, images)
    protocol = Protocol(tuple(reading.row(line, fields) for line, fields in _table(table)), reading.files)
    if not protocol.gallery:
        hint = "at least one row needs the role gallery"
        raise InvalidInputError(f"{table} has no gallery", code="protocol-no-gallery", hint=hint)
    if not protocol.probes:
        hint = "at least one row needs the role probe"
        raise InvalidInputError(f"{table} has no probes", code="protocol-no-probes", hint=hint)
    return protocol


class _Reading:
    """Checks rows one after the other, and collects their files."""

    def __init__(self, table: Path, images: Path) -> None:
        self.files: dict[str, Path] = {}
        self._table = table
        self._images = images
        self._root = images.resolve()
        self._seen: dict[Path, ProtocolRow] = {}

    def row(self, line: int, fields: Mapping[str, str]) -> ProtocolRow:
        """Check one row."""
        reference, subject, role = (fields[name] for name in ("image", "subject", "role"))
        if not reference or not subject or not (reference + subject).isprintable():
            raise InvalidInputError(
                f"{self._at(line)}: image and subject must be filled in, and printable",
                code="protocol-malformed",
                hint=EXAMPLE,
            )
        if role not in set(Role):
            raise InvalidInputError(
                f"{self._at(line)}: {role!r} is no role",
                code="protocol-role-unknown",
                hint="a role is gallery or probe",
            )
        path = self._images / reference
        if Path(reference).is_absolute() or not path.resolve().is_relative_to(self._root):
            raise InvalidInputError(
                f"{self._at(line)}: {reference} lies outside {self._images}",
                code="protocol-path-outside",
                hint="images are paths below --images",
            )
        if not is_file(path):
            raise InvalidInputError(
                f"{self._at(line)}: there is no {reference} in {self._images}",
                code="protocol-image-missing",
                hint="images are paths below --images",
            )
        row = ProtocolRow(reference=reference, subject=subject, role=Role(role))
        self._require_new(line, row, path.resolve())
        self.files[reference] = path
        return row

    def _require_new(self, line: int, row: ProtocolRow, path: Path) -> None:
        """Refuse a photograph that was named before."""
        before = self._seen.setdefault(path, row)
        if before is row:
            return
        if before.subject != row.subject:
            raise InvalidInputError(
                f"{self._at(line)}: {row.reference} is {before.subject}'s already",
                code="protocol-image-two-subjects",
                hint="a photograph is of one subject",
            )
        if before.role is not row.role:
            raise InvalidInputError(
                f"{self._at(line)}: {row.reference} can't be in the gallery and a probe",
                code="protocol-image-both-roles",
                hint="a photograph always finds itself: keep one row",
            )
        raise InvalidInputError(
            f"{self._at(line)}: {row.reference} stands in the table twice",
            code="protocol-image-twice",
            hint="keep one row",
        )

    def _at(self, line: int) -> str:
        return f"{self._table}, line {line}"


def _table(table: Path) -> tuple[tuple[int, dict[str, str]], ...]:
    """Read a table's rows as dicts, with their line numbers."""
    try:
        return read_table(table, needed=("image", "subject", "role")).rows
    except FileNotFoundError as error:
        raise NotFoundError(str(error), code="protocol-not-found", hint="name a CSV file") from None
    except BadTableError as error:
        raise InvalidInputError(str(error), code="protocol-malformed", hint=EXAMPLE) from None
