"""Photographs out of Parquet files: a column of bytes, or of structs with bytes and path as data sets have them.

As with archives, one is in memory at a time, and what a file may unpack to is bounded by its size. Two things make a
small file large: pages that were compressed, and one value that many rows refer to. The first is looked up in what the
file says of itself before anything is read; the second, and what it said wrongly, is counted row by row.
"""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from countenance.core.errors import CountenanceError, InvalidInputError
from countenance.gallery.archives import Budget, planned_bytes, refused_name, require_few
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.manifest import provenance_of_json
from countenance.gallery.plan import PlannedPhotograph, Subjects, checked_label

COLUMNS = ("image", "path", "subject", "original", "licence", "captured")
BUFFER = 1024 * 1024
"""Bytes of the file read at a time: else each column of a group of rows would be read whole."""


def parquet_photographs(path: Path, *, max_bytes: int) -> Iterator[PlannedPhotograph | NotEnrolled]:
    """Read the rows of a Parquet file: `image`, and where they are there `path`, `subject` and provenance.

    Raises:
        InvalidInputError: codes `parquet-malformed`, `archive-bomb`, `archive-members-too-many`; what was enrolled
            before stays.
    """
    try:
        budget = Budget.of(path)
        with pq.ParquetFile(path, buffer_size=BUFFER) as file:
            wanted = [name for name in COLUMNS if name in file.schema_arrow.names]
            if "image" not in wanted:
                raise _malformed(path, "it has no column `image`")
            require_few(path, file.metadata.num_rows)
            Budget.of(path).take(_unpacked(file.metadata, wanted))
            for row, batch in enumerate(file.iter_batches(1, columns=wanted), start=1):
                budget.take(sum(_bytes_of(column) for column in batch.columns))
                [facts] = batch.to_pylist()
                yield _photograph(facts, row, max_bytes)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _malformed(path, str(error).splitlines()[0][:200] if str(error) else type(error).__name__) from None


def _unpacked(metadata: pq.FileMetaData, wanted: Collection[str]) -> int:
    """Return how many bytes some columns' pages unpack to, as the file says."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    columns = (group.column(number) for group in groups for number in range(group.num_columns))
    return sum(
        max(column.total_uncompressed_size, 0) for column in columns if column.path_in_schema.split(".")[0] in wanted
    )


def _bytes_of(column: pa.Array) -> int:
    """Return how many bytes a column's values take, a dictionary's by what they refer to."""
    if pa.types.is_struct(column.type):
        return sum(_bytes_of(inner) for inner in column.flatten())
    if pa.types.is_dictionary(column.type):
        return int(column.dictionary_decode().nbytes)
    return int(column.nbytes)


def _photograph(facts: dict[str, Any], row: int, max_bytes: int) -> PlannedPhotograph | NotEnrolled:
    """Plan one row, or say why not."""
    image = facts["image"]
    data = image.get("bytes") if isinstance(image, dict) else image
    inner = image.get("path") if isinstance(image, dict) else None
    name = facts.get("path") or inner or f"row-{row}.jpg"
    if not isinstance(data, bytes) or not isinstance(name, str):
        return NotEnrolled(
            reference=f"row {row}", code="row-without-photograph", message="its image is no bytes", hint="leave it out"
        )
    refused = refused_name(name)
    if refused is not None:
        return refused
    if len(data) > max_bytes:
        return NotEnrolled(
            reference=f"row {row}",
            code="member-too-large",
            message=f"it is larger than {max_bytes:,} bytes",
            hint="leave it out",
        )
    try:
        label = checked_label(facts["subject"]) if facts.get("subject") else None
        planned = planned_bytes(name, data, Subjects.NONE)
        provenance = provenance_of_json(facts)
    except (CountenanceError, AttributeError, TypeError):
        return NotEnrolled(
            reference=f"row {row}",
            code="row-malformed",
            message="what it says of its photograph can't be read",
            hint="subject, original, licence and captured are text",
        )
    if isinstance(planned, NotEnrolled):
        return planned
    return PlannedPhotograph(
        path=planned.path, reference=planned.reference, label=label, provenance=provenance, data=data
    )


def _malformed(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path.name}: {why}", code="parquet-malformed", hint="a column `image` of bytes; path and subject beside it"
    )
