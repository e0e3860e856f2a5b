"""Arrays in files without a name: they are gone when the process ends, however it ends."""

import os
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from countenance.core.errors import UnavailableError


def mapped_array(folder: Path | None, shape: tuple[int, int], dtype: DTypeLike) -> NDArray[Any]:
    """Return zeros that are mapped from disk.

    Args:
        folder: Where; None is the system's folder for temporary files.

    Raises:
        UnavailableError: code `scratch-unavailable`: no such folder, or no room in it; nothing was kept.
    """
    try:
        with TemporaryFile(dir=folder) as file:
            # Room is claimed now: a disk that is full later would end the process with a bus error.
            os.posix_fallocate(file.fileno(), 0, shape[0] * shape[1] * np.dtype(dtype).itemsize)
            return np.memmap(file, dtype=dtype, mode="r+", shape=shape)
    except OSError as error:
        raise UnavailableError(
            f"{folder or 'the folder for temporary files'} can't take {shape[0]:,} rows: {error.strerror}",
            code="scratch-unavailable",
            hint="name a folder with more room",
        ) from None
