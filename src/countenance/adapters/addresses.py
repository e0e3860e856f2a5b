"""Addresses of servers that settings name: which of them may be believed."""

from typing import Final
from urllib.parse import urlsplit

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def is_local(url: str) -> bool:
    """Return whether an address leads to this machine."""
    return urlsplit(url).hostname in LOOPBACK


def is_trusted(url: str) -> bool:
    """Return whether what an address says may be believed: over TLS, or from this machine."""
    return urlsplit(url).scheme == "https" or (urlsplit(url).scheme == "http" and is_local(url))
