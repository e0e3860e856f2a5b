"""Files of the command line: documents read; results written only where nothing is lost, whole or not at all."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from countenance.core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError


def read_document(path: Path) -> bytes:
    """Return a document's bytes.

    Raises:
        NotFoundError: code `document-unreadable`.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{path} can't be read: {error.strerror}", code="document-unreadable", hint="name the document's file"
        ) from None


def require_free(path: Path, *, never: Iterable[Path | None] = (), force: bool) -> None:
    """Make sure, before any work is done for it, that a file may be written.

    Args:
        never: The files that the command reads; None stands for none.
        force: Replace another file that is there.

    Raises:
        InvalidInputError: codes `output-is-input`, `output-invalid`.
        ConflictError: code `output-exists`.
        UnavailableError: code `output-unwritable`. Nothing was written in any of these cases.
    """
    try:
        exists, folder = path.exists(), path.parent
        if any(one is not None and _is_same(path, one) for one in never):
            raise InvalidInputError(
                f"{path} is what the command reads, which is never written over",
                code="output-is-input",
                hint="name another file",
            )
        if (exists and not path.is_file()) or not folder.is_dir():
            why = "it is no file" if exists else f"there is no folder {folder}"
            raise InvalidInputError(f"{path} can't be written: {why}", code="output-invalid", hint="name a file")
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise _unwritable(path, error) from None
    if exists and not force:
        raise ConflictError(
            f"{path} exists", code="output-exists", hint="name another file, or replace it with --force"
        )


def make_folder(path: Path) -> None:
    """Make sure, before any work is done for it, that a folder is there to write into.

    Raises:
        InvalidInputError: code `output-invalid`, it is a file.
        UnavailableError: code `output-unwritable`. Nothing was written in either case.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InvalidInputError(
            f"{path} can't be written into: it is no folder", code="output-invalid", hint="name a folder"
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from None


def write_file(path: Path, data: bytes) -> None:
    """Write beside the target, then rename: nobody ever sees half a file.

    Raises:
        UnavailableError: code `output-unwritable`; what was there before is as it was.
    """
    beside = path.with_name(f".{os.getpid()}.part")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _unwritable(path, error) from None


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, as `write_file`; what no encoding has is escaped: it may quote the name of a file.

    Raises:
        UnavailableError: code `output-unwritable`; what was there before is as it was.
    """
    write_file(path, text.encode(errors="backslashreplace"))


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads; never over one that is there.

    Raises:
        UnavailableError: code `output-unwritable`.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise _unwritable(path, error) from None


def _is_same(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file, or would."""
    return os.path.realpath(one) == os.path.realpath(other) or (one.exists() and other.exists() and one.samefile(other))


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"{path} can't be written: {error.strerror}", code="output-unwritable", hint="name a place elsewhere"
    )
