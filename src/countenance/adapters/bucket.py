"""Photographs out of an S3 bucket that a source hands over, through obstore."""

from collections.abc import Iterator

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from countenance.core.errors import InvalidInputError, UnavailableError
from countenance.gallery.archives import planned_bytes, refused_name
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.plan import PlannedPhotograph, Subjects


def bucket_photographs(place: str, subjects: Subjects, *, max_bytes: int) -> Iterator[PlannedPhotograph | NotEnrolled]:
    """Read the objects below a prefix one by one; where and with which key is in the usual AWS_ variables.

    Args:
        place: `s3://bucket/prefix`.
        subjects: `folders`: the first folder below the prefix is the subject; `none`: nobody is named.

    Raises:
        InvalidInputError: code `bucket-malformed`.
        UnavailableError: code `bucket-unavailable`; what was enrolled stays, the same command goes on from there.
    """
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not bucket:
        raise InvalidInputError(f"{place} names no bucket", code="bucket-malformed", hint="e.g. s3://archive/1987")
    folder = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
    try:
        store = S3Store(bucket, client_options={"allow_http": True}, retry_config={"max_retries": 2})
        for listed in obstore.list(store, prefix=folder or None):
            for one in listed:
                name = one["path"].removeprefix(folder)
                yield _refusal(name, one["size"], max_bytes) or planned_bytes(
                    name, bytes(obstore.get(store, one["path"]).bytes()), subjects
                )
    except (BaseError, OSError) as error:
        raise UnavailableError(
            f"the bucket {bucket} does not answer ({type(error).__name__})",
            code="bucket-unavailable",
            hint="check AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; then run it again",
        ) from None


def _refusal(name: str, size: int, max_bytes: int) -> NotEnrolled | None:
    """Say what is wrong with an object before it is fetched."""
    if size <= max_bytes:
        return refused_name(name)
    return NotEnrolled(
        reference=name[:200],
        code="member-too-large",
        message=f"it is larger than {max_bytes:,} bytes",
        hint="leave it out of the bucket's folder",
    )
