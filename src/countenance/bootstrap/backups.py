"""Files that carry keys out of the reach of their home: written once, and read back."""

import os
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
        UnavailableError: code `backup-unwritable`, there is no folder for it, or a read-only one.
    """
    path = outside(settings, path)
    if path.exists():
        raise ConflictError(f"{path} exists", code="backup-exists", hint="name a new file")
    require_folder(settings, path.parent)
    return path


def require_folder(settings: Settings, folder: Path) -> None:
    """Refuse a folder that no backup can be written into, before anything is done for one.

    Raises:
        InvalidInputError: code `key-inside-home`.
        UnavailableError: code `backup-unwritable`, there is no such folder, or it is read-only.
    """
    folder = outside(settings, folder)
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise UnavailableError(
            f"{folder} is no folder that can be written into", code="backup-unwritable", hint="name another place"
        )


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
