"""The log as plain JSON types: what the command line prints and the API returns."""

import json
from typing import Any

from countenance.audit.model import Checkpoint

UNSHOWN = frozenset({"sketch"})
"""Facts that are kept from people's eyes: a sketch stands for a face."""


def entry_json(index: int, body: bytes) -> dict[str, Any]:
    """Return one entry with its place."""
    return {"index": index, **json.loads(body)}


def shown_json(index: int, body: bytes) -> dict[str, Any]:
    """Return one entry with its place, without what stands for a face."""
    entry = entry_json(index, body)
    return {**entry, "facts": {name: value for name, value in entry["facts"].items() if name not in UNSHOWN}}


def checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what a checkpoint says."""
    return {"log": checkpoint.origin, "entries": checkpoint.size, "root": checkpoint.root.hex()}
