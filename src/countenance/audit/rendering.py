"""The log as plain JSON types: what the command line prints and the API returns."""

import json
from typing import Any

from countenance.audit.model import Checkpoint


def entry_json(index: int, body: bytes) -> dict[str, Any]:
    """Return one entry with its place."""
    return {"index": index, **json.loads(body)}


def checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what a checkpoint says."""
    return {"log": checkpoint.origin, "entries": checkpoint.size, "root": checkpoint.root.hex()}
