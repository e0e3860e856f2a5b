"""Registering sources: nothing is enrolled without one."""

import hashlib
import re

from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, InvalidInputError
from countenance.core.ids import new_id
from countenance.gallery.model import LegalBasis, Source, SourceState
from countenance.gallery.ports import Objects, Records

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
MAX_OWNER = 200


def document_key(sha256: str) -> str:
    """Return the key of the document that a source's legal basis rests on."""
    return f"documents/{sha256}"


def register_source(
    records: Records, objects: Objects, *, name: str, owner: str, legal_basis: LegalBasis, document: bytes
) -> Source:
    """Put a source on record, active, with its document.

    Args:
        name: Lower-case letters, digits, `.`, `_`, `-`; up to 100; starts with a letter or digit.
        owner: Who gave it, 1 to 200 printable characters.
        document: The bytes of what the legal basis rests on (a signed letter, a contract, ...), not empty.

    Raises:
        InvalidInputError: codes `source-name-invalid`, `source-owner-invalid`, `source-document-empty`.
        ConflictError: code `source-exists`. No source was written in any of these cases.
    """
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            f"{name!r} is not a source name",
            code="source-name-invalid",
            hint="use lower-case letters, digits, '.', '_' and '-', up to 100, e.g. city-archive-1990s",
        )
    if not owner.strip() or len(owner) > MAX_OWNER or not owner.isprintable():
        raise InvalidInputError(
            f"the owner must have 1 to {MAX_OWNER} printable characters",
            code="source-owner-invalid",
            hint="say who gave it",
        )
    if not document:
        raise InvalidInputError(
            "the document is empty",
            code="source-document-empty",
            hint="hand over the document that gives the right to use these photographs",
        )
    source = Source(
        source_id=new_id(),
        name=name,
        owner=owner.strip(),
        legal_basis=legal_basis,
        document_sha256=hashlib.sha256(document).hexdigest(),
        state=SourceState.ACTIVE,
        registered_at=utc_now(),
    )
    # The document first: no source is ever on record without it.
    objects.put(document_key(source.document_sha256), document)
    records.register_source(source)
    return source


def active_source(records: Records, name: str) -> Source:
    """Return a source that may be enrolled into.

    Raises:
        NotFoundError: code `source-unknown`.
        ConflictError: code `source-not-active`.
    """
    source = records.source(name)
    if source.state is not SourceState.ACTIVE:
        raise ConflictError(f"the source {name!r} is {source.state.value}", code="source-not-active")
    return source
