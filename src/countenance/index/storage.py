"""Files without a name: they are gone when the process ends, however it ends."""

import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from countenance.core.errors import UnavailableError


def unnamed_file(folder: Path | None, size: int) -> IO[bytes]:
    """Return a file of zeros whose room on the disk is taken already: a full disk shows now, and not as a bus error.

    Args:
        folder: Where; None is the system's folder for temporary files.
        size: Bytes, at least 1.

    Raises:
        UnavailableError: code `scratch-unavailable`: no such folder, or no room in it; nothing was kept.
    """
    try:
        file = TemporaryFile(dir=folder)  # noqa: SIM115 - the caller's
        os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        raise UnavailableError(
            f"{folder or 'the folder for temporary files'} can't take {size:,} bytes: {error.strerror}",
            code="scratch-unavailable",
            hint="name a folder with more room",
        ) from None
    return file
