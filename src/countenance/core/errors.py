"""The one error root, its kinds, and the table that turns a kind into an HTTP status and an exit code.

Every error that reaches a person is one line (`str(error)`), a stable `code` that a program can test, and a `hint` that
says what to do next. Expected outcomes (nobody reached the threshold, no face in the probe) are values, not errors.
"""

from collections.abc import Mapping
from typing import ClassVar


class CountenanceError(Exception):
    """The root of every error that Countenance raises on purpose.

    Attributes:
        code: Stable, lower-case, hyphenated, e.g. `image-truncated`; never reused for another meaning.
        hint: What the person can do about it; may be empty.
        http_status: Status that the API answers with.
        exit_code: Status that the command line ends with.
    """

    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        """Keep the message, its code and its hint."""
        super().__init__(message)
        self.code = code
        self.hint = hint


class InvalidInputError(CountenanceError):
    """What was handed over can't be used. Nothing was written; correct it and try again."""

    http_status = 422
    exit_code = 2


class NotPermittedError(CountenanceError):
    """Whoever asks may not do this. Nothing was read or written.

    Attributes:
        reasons: Each rule that forbids it: `rule`, `pack`, `says`, `cites`, `needs`; empty where no law pack decided.
    """

    http_status = 403
    exit_code = 3

    def __init__(self, message: str, *, code: str, hint: str = "", reasons: tuple[Mapping[str, str], ...] = ()) -> None:
        """Keep the message, its code, its hint and its reasons."""
        super().__init__(message, code=code, hint=hint)
        self.reasons = reasons


class NotFoundError(CountenanceError):
    """What was named does not exist. Nothing was written."""

    http_status = 404
    exit_code = 4


class ConflictError(CountenanceError):
    """It contradicts what is already on record. Nothing was written."""

    http_status = 409
    exit_code = 5


class UnavailableError(CountenanceError):
    """A part that is needed is not there at the moment. What was committed before stays; safe to retry."""

    http_status = 503
    exit_code = 6


class IntegrityError(CountenanceError):
    """Stored things disagree (a model's hash, the records, the index). Serving stops until it is mended."""

    http_status = 500
    exit_code = 7


KINDS: tuple[type[CountenanceError], ...] = (
    InvalidInputError,
    NotPermittedError,
    NotFoundError,
    ConflictError,
    UnavailableError,
    IntegrityError,
)
