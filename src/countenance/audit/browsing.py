"""Reading the log backwards, for people who may see a part of it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from countenance.audit.ports import AuditReader
from countenance.audit.rendering import shown_json

MOST_LOOKED_AT = 10_000
"""Entries that are looked at for one page; who wants older ones asks again."""

STEP = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries, the newest first.

    Attributes:
        size: How many entries the log has.
        entries: As JSON types.
        before: Where to go on; None where nothing older is left.
    """

    size: int
    entries: tuple[Mapping[str, Any], ...]
    before: int | None


def newest(log: AuditReader, *, before: int | None, limit: int, wanted: Callable[[Mapping[str, Any]], bool]) -> Page:
    """Return the newest entries that somebody may and wants to see.

    Args:
        log: Any log.
        before: Only entries of a lower index; None for all.
        limit: Most entries, at least 1.
        wanted: Says which.
    """
    size = log.head().size
    found, before = newest_bodies(log, before=size if before is None else min(before, size), limit=limit, wanted=wanted)
    return Page(size=size, entries=tuple(_shown(at, body) for at, body in found), before=before)


def newest_bodies(
    log: AuditReader, *, before: int, limit: int, wanted: Callable[[Mapping[str, Any]], bool]
) -> tuple[list[tuple[int, bytes]], int | None]:
    """Return the newest entries as they stand in the log, each with its index, the newest first; and where to go on.

    Args:
        log: Any log.
        before: Only entries of a lower index; at most the log's size.
        limit: Most entries, at least 1.
        wanted: Says which.
    """
    at, stop = before, max(0, before - MOST_LOOKED_AT)
    found: list[tuple[int, bytes]] = []
    while at > stop and len(found) < limit:
        first = max(stop, at - STEP)
        bodies = list(log.entries(first, at))
        while at > first and len(found) < limit:
            at -= 1
            if wanted(json.loads(bodies[at - first])):
                found.append((at, bodies[at - first]))
    return found, at or None


def _shown(index: int, body: bytes) -> Mapping[str, Any]:
    """Return an entry as a page has it."""
    entry = shown_json(index, body)
    return {
        "index": index,
        "at": entry["at"],
        "action": entry["action"],
        "outcome": entry["outcome"],
        "user": entry["actor"]["user"],
        "organisation": entry["actor"]["organisation"],
        "facts": entry["facts"],
    }
