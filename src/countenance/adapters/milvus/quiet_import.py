"""Importing pymilvus, which reads a `.env` file at import: settings come from the environment alone, read once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

DISABLED = "PYTHON_DOTENV_DISABLED"


@contextmanager
def without_dotenv() -> Iterator[None]:
    """Keep python-dotenv (1.2 or later) from loading files into the environment meanwhile."""
    before = os.environ.get(DISABLED)
    os.environ[DISABLED] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[DISABLED]
        else:
            os.environ[DISABLED] = before
