"""Files that carry keys out of the reach of their home: written once, and read back."""

from pathlib import Path

from countenance.adapters.durable import write_synced
from countenance.bootstrap.keyring import outside
from countenance.bootstrap.settings import Settings
from countenance.core.errors import ConflictError, NotFoundError, UnavailableError


def read_backup(path: Path) -> bytes:
    """Read a backup's bytes.

    Raises:
        NotFoundError: code `backup-unreadable`.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(
            f"{path} can't be read: {error.strerror}", code="backup-unreadable", hint="name the backup's file"
        ) from None


def new_backup(settings: Settings, path: Path) -> Path:
    """Return the whole path of a file that is not there yet, outside the home.

    Raises:
        InvalidInputError: code `key-inside-home`.
        ConflictError: code `backup-exists`.
    """
    path = outside(settings, path)
    if path.exists():
        raise ConflictError(f"{path} exists", code="backup-exists", hint="name a new file")
    return path


def write_backup(path: Path, data: bytes) -> None:
    """Write a file from `new_backup`, its owner's alone.

    Raises:
        UnavailableError: code `backup-unwritable`.
    """
    try:
        write_synced(path, data)
    except OSError as error:
        raise UnavailableError(
            f"{path} can't be written: {error.strerror}", code="backup-unwritable", hint="name another file"
        ) from None
