"""Identifiers: random, so that they say nothing of what they name."""

import uuid


def new_id() -> str:
    """Return a random UUID (RFC 9562, version 4) as 36 lower-case characters."""
    return str(uuid.uuid4())
