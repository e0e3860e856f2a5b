r"""Photographs out of CompreFace's database, as `pg_dump` writes it in plain text: `COPY` blocks of tab-separated rows.

Its tables, in force since database change 0.1.7: `subject (id, api_key, subject_name)`, `img (id, content)` and
`embedding (id, subject_id, embedding, calculator, img_id)`, which says whose a photograph is. Embeddings are passed
over: they are another network's.

Source:
    CompreFace, java/admin/src/main/resources/db/changelog/db.changelog-0.1.7.yaml; PostgreSQL 15, COPY, "Text Format".
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from countenance.core.errors import CountenanceError, InvalidInputError, NotFoundError
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.migration import checked_person, refused_row
from countenance.gallery.plan import PlannedPhotograph

COPY = re.compile(rb'COPY (?:public\.)?"?(subject|img|embedding)"? \(([^)]{1,1000})\) FROM stdin;\s*')
NEEDED = {
    b"subject": ("id", "api_key", "subject_name"),
    b"img": ("id", "content"),
    b"embedding": ("subject_id", "img_id"),
}
LONGEST_ROW = 4 * 1024 * 1024
"""Bytes of a row without a photograph: an embedding of 512 numbers is 11 kB."""

ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
END = b"\\.\n"
SLACK = 1000
"""Bytes of a photograph's row besides the photograph."""

SHOWN_OF_KEY = 8
"""Characters of a collection's API key that are shown: enough to tell it from others, of no use to call the server."""


class Row(NamedTuple):
    """One row of a table, by column; None is NULL, and `whole` says whether all of it was read."""

    values: Mapping[str, bytes | None]
    whole: bool


def compreface_photographs(
    dump: Path, *, max_bytes: int, collection: str | None = None
) -> Iterator[PlannedPhotograph | NotEnrolled]:
    """Read the photographs of a dump one by one, in two passes: first whose each is, then the photographs.

    Args:
        dump: Written by `pg_dump --format plain --table subject --table img --table embedding`.
        max_bytes: Largest photograph.
        collection: What the API key of the collection begins with; needed where there are several.

    Raises:
        NotFoundError: code `migration-not-found`.
        InvalidInputError: codes `migration-malformed`, `migration-collection-unclear`. What was enrolled before
            stays.
    """
    people, owners = _people(dump, collection), dict[bytes, bytes]()
    for row in _rows(dump, b"embedding", most=LONGEST_ROW):
        subject, image = row.values["subject_id"], row.values["img_id"]
        if image is not None and subject is not None:
            owners[image] = subject
        elif subject in people:
            yield refused_row(f"an embedding of {_shown(subject)}", "photograph-missing")
    for row in _rows(dump, b"img", most=2 * max_bytes + SLACK):
        subject = owners.pop(row.values["id"] or b"", None)
        if subject is None:
            yield refused_row(_shown(row.values["id"]), "subject-missing")
        elif subject in people:
            yield _photograph(row, people[subject])
    yield from (refused_row(_shown(image), "photograph-missing") for image, of in owners.items() if of in people)


def _people(dump: Path, collection: str | None) -> dict[bytes, bytes]:
    """Return the subjects of one collection: names by id."""
    collections: dict[str, dict[bytes, bytes]] = {}
    for row in _rows(dump, b"subject", most=LONGEST_ROW):
        key, subject, name = (row.values[one] for one in ("api_key", "id", "subject_name"))
        if key is not None and subject is not None:
            collections.setdefault(key.decode("ascii", "replace"), {})[subject] = name or b""
    chosen = [key for key in collections if key.startswith(collection or "")]
    if len(chosen) != 1:
        known = ", ".join(sorted(ascii(key[:SHOWN_OF_KEY])[1:-1] for key in collections)) or "none"
        raise InvalidInputError(
            f"{dump.name} holds {len(collections)} collections, and {len(chosen)} of them are meant",
            code="migration-collection-unclear",
            hint=f"name one with --collection by how its API key begins; there are: {known}",
        )
    return collections[chosen[0]]


def _photograph(row: Row, name: bytes) -> PlannedPhotograph | NotEnrolled:
    """Plan one photograph."""
    reference = _shown(row.values["id"])
    content = row.values["content"] or b""
    if not row.whole:
        return refused_row(reference, "member-too-large")
    if not content.startswith(rb"\x"):
        return refused_row(reference, "photograph-malformed")
    try:
        data = bytes.fromhex(content[2:].decode("ascii"))
        label = checked_person(name.decode())
    except UnicodeDecodeError:
        return refused_row(reference, "label-invalid")
    except ValueError:
        return refused_row(reference, "photograph-malformed")
    except CountenanceError as error:
        return refused_row(reference, error.code)
    return PlannedPhotograph(path=Path(reference), reference=f"compreface/{reference}", label=label, data=data)


def _rows(dump: Path, wanted: bytes, *, most: int) -> Iterator[Row]:
    """Read the rows of one table; those of others are passed over, however long."""
    found = False
    try:
        with dump.open("rb") as file:
            if file.read(5) == b"PGDMP":
                raise _malformed(dump, "it is pg_dump's own format")
            file.seek(0)
            while line := file.readline(LONGEST_ROW):
                begun = COPY.fullmatch(line)
                if begun is not None and begun[1] == wanted:
                    found = True
                    yield from _block(file, begun, most, dump)
    except OSError as error:
        raise NotFoundError(
            f"{dump} can't be read: {error.strerror}", code="migration-not-found", hint="name the dump"
        ) from None
    if not found:
        raise _malformed(dump, f"it holds no table {wanted.decode()}")


def _block(file: IO[bytes], begun: re.Match[bytes], most: int, dump: Path) -> Iterator[Row]:
    """Read the rows of one `COPY` block; of one that is too long, the beginning."""
    names = [name.strip().strip('"') for name in begun[2].decode("ascii", "replace").split(",")]
    if not set(NEEDED[begun[1]]) <= set(names):
        raise _malformed(dump, f"its table {begun[1].decode()} has other columns than CompreFace's")
    while (line := file.readline(most)) != END:
        whole = line.endswith(b"\n")
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_ROW)
        if not rest:
            raise _malformed(dump, "it is cut off")
        yield _row(line, begun[1], names, whole=whole, dump=dump)


def _row(line: bytes, table: bytes, names: list[str], *, whole: bool, dump: Path) -> Row:
    """Split one row into its columns."""
    fields = line.rstrip(b"\n").split(b"\t")
    if len(fields) != len(names):
        raise _malformed(dump, f"a row of its table {table.decode()} has another number of columns")
    values = {name: _value(field) for name, field in zip(names, fields, strict=True) if name in NEEDED[table]}
    return Row(values, whole)


def _value(field: bytes) -> bytes | None:
    r"""Return what a field says; `\N` is NULL."""
    if field == rb"\N":
        return None
    return ESCAPED.sub(lambda found: ESCAPES.get(found[1], found[1]), field) if b"\\" in field else field


def _shown(identifier: bytes | None) -> str:
    """Return an identifier that can stand in a report."""
    return ascii((identifier or b"?").decode("ascii", "replace"))[1:-1][:64]


def _malformed(dump: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{dump.name}: {why}",
        code="migration-malformed",
        hint="pg_dump --format plain --table subject --table img --table embedding frs > dump.sql",
    )
