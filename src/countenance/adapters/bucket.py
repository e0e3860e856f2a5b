"""Photographs out of an S3 bucket that a source hands over, through obstore."""

from collections.abc import Iterator

import obstore

from countenance.adapters.s3 import FAULTS, HINT, Fault, fault_of, open_bucket
from countenance.core.errors import UnavailableError
from countenance.gallery.archives import planned_bytes, refused_name
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.plan import PlannedPhotograph, Subjects


def bucket_photographs(place: str, subjects: Subjects, *, max_bytes: int) -> Iterator[PlannedPhotograph | NotEnrolled]:
    """Read the objects below a prefix one by one; where and with which key is in the usual AWS_ variables.

    Args:
        place: `s3://bucket/prefix`.
        subjects: `folders`: the first folder below the prefix is the subject; `none`: nobody is named.

    Raises:
        InvalidInputError: codes `bucket-malformed`, `bucket-credentials-missing`.
        UnavailableError: codes `bucket-unavailable`, `bucket-refused`, `bucket-unknown`; what was enrolled stays, the
            same command goes on from there.
    """
    store, folder = open_bucket(place)
    try:
        for listed in obstore.list(store, prefix=folder or None):
            for one in listed:
                name = one["path"].removeprefix(folder)
                yield _refusal(name, one["size"], max_bytes) or planned_bytes(
                    name, bytes(obstore.get(store, one["path"]).bytes()), subjects
                )
    except FAULTS as error:
        raise _unavailable(place, error) from None


def _unavailable(place: str, error: Exception) -> UnavailableError:
    """Say what is wrong with a bucket."""
    bucket = place.split("/")[2]
    match fault_of(error):
        case Fault.REFUSED:
            return UnavailableError(
                f"the bucket {bucket} refuses the credentials, or they may not read it",
                code="bucket-refused",
                hint=HINT,
            )
        case Fault.UNKNOWN:
            return UnavailableError(f"there is no bucket {bucket}", code="bucket-unknown", hint=HINT)
        case Fault.UNAVAILABLE:
            return UnavailableError(
                f"the bucket {bucket} does not answer ({type(error).__name__})", code="bucket-unavailable", hint=HINT
            )


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
