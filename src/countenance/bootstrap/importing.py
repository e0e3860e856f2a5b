"""Wiring of importers: which one reads what a source hands over."""

from collections.abc import Iterator
from pathlib import Path

from countenance.adapters.bucket import bucket_photographs
from countenance.core.errors import InvalidInputError, NotFoundError, UnavailableError
from countenance.gallery.archives import archive_photographs
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.plan import PlannedPhotograph, Subjects, plan

PARQUET = b"PAR1"


def import_photographs(
    place: str, subjects: Subjects, *, max_bytes: int, home: Path
) -> Iterator[PlannedPhotograph | NotEnrolled]:
    """Return the photographs of a folder, an archive, a Parquet file or a bucket.

    Raises:
        InvalidInputError: code `import-from-web`: nothing is ever fetched from a web address; code
            `import-place-unknown`; and the importers' own.
        NotFoundError: code `import-not-found`.
        UnavailableError: code `parquet-missing`, the extra is not installed.
    """
    scheme, separator, _ = place.partition("://")
    if separator and scheme.lower() == "s3":
        return bucket_photographs(place, subjects, max_bytes=max_bytes)
    if separator and scheme.lower() in {"http", "https", "ftp", "ftps"}:
        raise InvalidInputError(
            "photographs are not fetched from the web",
            code="import-from-web",
            hint="the source hands them over: a folder, an archive, Parquet files or a bucket",
        )
    if separator:
        raise InvalidInputError(
            f"{scheme[:20]!r} is no place to import from",
            code="import-place-unknown",
            hint="a folder, a .zip, a .tar, a .parquet file, or s3://bucket/prefix",
        )
    path = Path(place)
    if path.is_dir():
        return iter(plan(path, subjects, home=home))
    if not path.is_file():
        raise NotFoundError(f"there is no {path}", code="import-not-found", hint="name a folder or an archive")
    with path.open("rb") as file:
        is_parquet = file.read(len(PARQUET)) == PARQUET or path.suffix == ".parquet"
    return _parquet(path, max_bytes) if is_parquet else archive_photographs(path, subjects, max_bytes=max_bytes)


def _parquet(path: Path, max_bytes: int) -> Iterator[PlannedPhotograph | NotEnrolled]:
    """Read a Parquet file, where what reads it is installed."""
    try:
        from countenance.adapters.parquet import parquet_photographs  # noqa: PLC0415 - an optional extra
    except ModuleNotFoundError:
        raise UnavailableError(
            "what reads Parquet files is not installed",
            code="parquet-missing",
            hint="install countenance[parquet]",
        ) from None
    return parquet_photographs(path, max_bytes=max_bytes)
