"""Files that survive a crash whole, files that leave nothing behind, and files that one process at a time holds."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_synced(path: Path, data: bytes) -> None:
    """Write a file of its owner's alone, and wait until it is on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_synced(path: Path, data: bytes) -> None:
    """Put a file in the old one's place: after a crash there is the old one or the new one, whole."""
    beside = path.with_name(f"{path.name}.new")
    write_synced(beside, data)
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until a folder's names are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def overwrite_and_delete(path: Path) -> None:
    """Write zeros over a file, wait until these are on disk, and delete it."""
    with path.open("r+b") as file:
        overwrite(file.fileno())
    path.unlink()


def overwrite(descriptor: int) -> None:
    """Write zeros over an open file from its beginning to its end, and wait until these are on disk."""
    size = os.fstat(descriptor).st_size
    done = 0
    while done < size:
        done += os.pwrite(descriptor, bytes(min(size - done, 1 << 20)), done)
    os.fsync(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that a file stands for, alone among all processes, and wait for it; the file is made, and stays.

    Raises:
        OSError: there is no such folder, or it can't be written; nothing is held.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
