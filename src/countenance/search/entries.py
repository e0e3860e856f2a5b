"""What the audit log says of searches: answered ones, and those that ended otherwise."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from countenance.audit.model import Acting, Entry, Outcome
from countenance.core.errors import CountenanceError, InvalidInputError, NotPermittedError
from countenance.search.model import SearchAnswer

MOST_SOURCES = 1000
"""Most source ids in one entry; of more, their number and the hash of the sorted list stand there."""


def answer_digest(document: Mapping[str, Any]) -> str:
    """Return the hex SHA-256 of an answer as JSON, without the receipt that it may carry."""
    bare = {name: value for name, value in document.items() if name != "receipt"}
    text = json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def search_answered(answer: SearchAnswer, document: Mapping[str, Any], *, actor: Acting) -> Entry:
    """Say what was asked and how much was answered; what was answered stands there as a hash."""
    sources = () if answer.coverage is None else answer.coverage.sources
    facts = {
        "search": answer.search_id,
        "answer": answer.outcome.value,
        "answer_sha256": answer_digest(document),
        "photographs": 1 + len(answer.further),
        "candidates": len(answer.candidates),
        "threshold": answer.threshold,
        "limit": answer.limit,
        "gallery": answer.gallery.revision,
        "pack": answer.gallery.pack_digest,
        **_sources(sources),
    }
    return Entry(action="search", outcome=Outcome.DONE, actor=actor, facts=facts)


def search_ended(error: Exception, *, actor: Acting) -> Entry:
    """Say that a search was refused or failed, and why, by its code."""
    refused = isinstance(error, (InvalidInputError, NotPermittedError))
    code = error.code if isinstance(error, CountenanceError) else "internal-error"
    outcome = Outcome.REFUSED if refused else Outcome.FAILED
    return Entry(action="search", outcome=outcome, actor=actor, facts={"code": code})


def answer_shown(search_id: str, *, actor: Acting) -> Entry:
    """Say that a kept answer was shown."""
    return Entry(action="view-answer", outcome=Outcome.DONE, actor=actor, facts={"search": search_id})


def _sources(source_ids: tuple[str, ...]) -> dict[str, Any]:
    """Name the sources that were searched, as far as an entry has room."""
    if len(source_ids) <= MOST_SOURCES:
        return {"sources": list(source_ids)}
    digest = hashlib.sha256("\n".join(sorted(source_ids)).encode()).hexdigest()
    return {"source_count": len(source_ids), "sources_sha256": digest}
