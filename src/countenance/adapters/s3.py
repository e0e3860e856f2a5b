"""S3 servers through obstore: how they are reached, by the usual AWS_ variables, and what their faults mean."""

import os
from datetime import timedelta
from enum import Enum, auto

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from countenance.core.errors import InvalidInputError

TIMEOUT = timedelta(seconds=60)
"""For one request: the largest photograph over a slow line."""

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

HINT = "check AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY; then run it again"

FAULTS = (BaseError, OSError)
"""What obstore raises, whatever went wrong."""


class Fault(Enum):
    """What is wrong with a bucket."""

    UNAVAILABLE = auto()
    REFUSED = auto()
    UNKNOWN = auto()


def open_bucket(place: str, *, timeout: timedelta = TIMEOUT) -> tuple[S3Store, str]:
    """Open a bucket, without asking its server anything.

    Args:
        place: `s3://bucket/prefix`.
        timeout: For one request; each is tried twice.

    Returns:
        The bucket, and the prefix: empty, or ending in `/`.

    Raises:
        InvalidInputError: codes `bucket-malformed`, `bucket-credentials-missing`.
    """
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    if not place.startswith("s3://") or not bucket or not place.isprintable():
        raise InvalidInputError(f"{place!r} names no bucket", code="bucket-malformed", hint="e.g. s3://archive/1987")
    missing = [name for name in CREDENTIALS if not os.environ.get(name)]
    if missing:
        # Without them, the library would ask an address of the network for some.
        raise InvalidInputError(
            f"{missing[0]} is not set, so no bucket can be opened", code="bucket-credentials-missing", hint=HINT
        )
    store = S3Store(
        bucket,
        client_options={"allow_http": True, "timeout": timeout, "connect_timeout": min(timeout, timedelta(seconds=5))},
        retry_config={"max_retries": 1, "retry_timeout": timeout},
    )
    return store, f"{prefix.strip('/')}/" if prefix.strip("/") else ""


def fault_of(error: Exception) -> Fault:
    """Say what an obstore error means; "not found" too, which is raised for a bucket as for an object."""
    if "<Code>NoSuchBucket</Code>" in str(error):
        return Fault.UNKNOWN
    refused = isinstance(error, PermissionDeniedError | UnauthenticatedError)
    # Lists raise a generic error where they are refused.
    return Fault.REFUSED if refused or "403 Forbidden" in str(error) else Fault.UNAVAILABLE
