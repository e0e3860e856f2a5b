"""Files of the command line: documents read; results written only where nothing is lost, whole or not at all."""

import os
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


def require_free(path: Path, *, never: Path | None = None, force: bool) -> None:
    """Make sure, before any work is done for it, that a file may be written.

    Args:
        never: The file that the command reads, where it reads one.
        force: Replace another file that is there.

    Raises:
        InvalidInputError: codes `output-is-input`, `output-invalid`.
        ConflictError: code `output-exists`.
        UnavailableError: code `output-unwritable`. Nothing was written in any of these cases.
    """
    try:
        exists, folder = path.exists(), path.parent
        if exists and never is not None and never.exists() and path.samefile(never):
            raise InvalidInputError(
                f"{path} is the photograph itself, which is never written over",
                code="output-is-input",
                hint="name another file",
            )
        if path.is_dir() or not folder.is_dir():
            why = "it is a folder" if path.is_dir() else f"there is no folder {folder}"
            raise InvalidInputError(f"{path} can't be written: {why}", code="output-invalid", hint="name a file")
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


def _unwritable(path: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"{path} can't be written: {error.strerror}", code="output-unwritable", hint="name a place elsewhere"
    )
