"""The register of sources: what is on record of each, and the states that it goes through.

    registered -> active <-> suspended      and from each of these: withdrawn; from the last two: expired

Only an active source is enrolled into and searched. A source that is withdrawn or expired never comes back. Every
change is kept with who made it, when and why.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import date

from countenance.audit.model import Acting
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, InvalidInputError, NotFoundError
from countenance.core.ids import new_id
from countenance.gallery.model import LegalBasis, Source, SourceChange, SourceState
from countenance.gallery.plan import checked_label
from countenance.gallery.ports import Objects, Records, SourceRegister
from countenance.gallery.terms import Release, SourceTerms, checked_terms
from countenance.policy.model import SYSTEM

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
MAX_OWNER = 200
MAX_REASON = 500

FROM: Mapping[SourceState, frozenset[SourceState]] = {
    SourceState.ACTIVE: frozenset({SourceState.REGISTERED, SourceState.SUSPENDED}),
    SourceState.SUSPENDED: frozenset({SourceState.ACTIVE}),
    SourceState.WITHDRAWN: frozenset({SourceState.REGISTERED, SourceState.ACTIVE, SourceState.SUSPENDED}),
    SourceState.EXPIRED: frozenset({SourceState.ACTIVE, SourceState.SUSPENDED}),
}
"""Each state to those that it is reached from."""

NEEDS_REASON = frozenset({SourceState.SUSPENDED, SourceState.WITHDRAWN, SourceState.EXPIRED})


def document_key(source_id: str, sha256: str) -> str:
    """Return the key of the document that a source's legal basis rests on: sealed under the source's own key."""
    return f"documents/{source_id}/{sha256}"


def release_key(source_id: str, sha256: str) -> str:
    """Return the key of a release's document: sealed under the source's key, so that it goes with it."""
    return f"releases/{source_id}/{sha256}"


def register_source(
    records: Records,
    objects: Objects,
    *,
    name: str,
    owner: str,
    legal_basis: LegalBasis,
    document: bytes,
    actor: Acting,
    terms: SourceTerms | None = None,
    active: bool = True,
    by: str = "",
) -> Source:
    """Put a source on record with its document.

    Args:
        name: Lower-case letters, digits, `.`, `_`, `-`; up to 100; starts with a letter or digit.
        owner: Who gave it, 1 to 200 printable characters.
        document: The bytes of what the legal basis rests on (a signed letter, a contract, ...), not empty.
        terms: What its owner allows; None sets no limits beyond the policy's.
        active: Whether it may be enrolled into and searched at once; else it waits for `change_state`.
        actor: Who registers it: it is kept by their organisation. By nobody in particular where it is `SYSTEM`.
        by: The same in words.

    Raises:
        InvalidInputError: codes `source-name-invalid`, `source-owner-invalid`, `source-document-empty`, and those of
            `checked_terms`.
        ConflictError: code `source-exists`.
        UnavailableError: code `audit-unwritable`. No source was written in any of these cases.
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
    source = Source(
        source_id=new_id(),
        name=name,
        owner=owner.strip(),
        legal_basis=legal_basis,
        document_sha256=_document_digest(document),
        state=SourceState.ACTIVE if active else SourceState.REGISTERED,
        registered_at=utc_now(),
        terms=checked_terms(terms or SourceTerms()),
        keeper=None if actor.user_id == SYSTEM.user_id else actor.org_id,
    )
    _require_new(records, name)
    # The document first: no source is ever on record without it.
    objects.put(document_key(source.source_id, source.document_sha256), document)
    records.register_source(source, actor=actor, by=by)
    return source


def _require_new(records: Records, name: str) -> None:
    """Refuse a name that is taken before a document is stored under a key of its own."""
    try:
        records.source(name)
    except NotFoundError:
        return
    raise ConflictError(f"there is a source {name!r} already", code="source-exists", hint="choose another name")


def change_state(
    records: Records,
    register: SourceRegister,
    name: str,
    after: SourceState,
    *,
    actor: Acting,
    by: str,
    reason: str = "",
) -> Source:
    """Put a source into another state: in force for the very next search and enrolment.

    Args:
        reason: Needed to suspend. To withdraw or expire a source, see `gallery.destruction`.

    Raises:
        NotFoundError: code `source-unknown`.
        InvalidInputError: code `reason-invalid`.
        ConflictError: codes `source-state-forbidden` (there is no way from its state), `source-changed-meanwhile`.
            Nothing was written in any of these cases.
    """
    reason = checked_reason(reason, needed=after in NEEDS_REASON)
    before = records.source(name).state
    require_way(name, before, after)
    change = SourceChange(at=utc_now(), by=by, before=before, after=after, reason=reason)
    return register.change(name, change, actor=actor)


def require_way(name: str, before: SourceState, after: SourceState) -> None:
    """Refuse a change of state that there is no way for.

    Raises:
        ConflictError: code `source-state-forbidden`.
    """
    if before not in FROM[after]:
        raise ConflictError(
            f"the source {name!r} is {before.value} and can't become {after.value}",
            code="source-state-forbidden",
            hint="a source that is withdrawn or expired never comes back" if before.is_gone else "",
        )


def add_release(
    records: Records,
    register: SourceRegister,
    objects: Objects,
    name: str,
    *,
    label: str,
    document: bytes,
    actor: Acting,
    ends_on: date | None = None,
    by: str = "",
) -> Release:
    """Keep one subject's own consent with its document.

    Raises:
        NotFoundError: code `source-unknown`.
        InvalidInputError: codes `label-invalid`, `source-document-empty`, `release-ended`: its last day is over, and
            whoever has none but such ones is erased.
        ConflictError: code `source-not-active`: it is withdrawn or expired. Nothing was recorded in any of these cases.
    """
    source = records.source(name)
    if source.state.is_gone:
        require_active(source.state, name)
    now = utc_now()
    if ends_on is not None and ends_on < now.date():
        raise InvalidInputError(
            f"the release ended on {ends_on}", code="release-ended", hint="add the one that holds today"
        )
    release = Release(
        release_id=new_id(),
        label=checked_label(label),
        document_sha256=_document_digest(document),
        registered_at=now,
        registered_by=by,
        ends_on=ends_on,
        revoked_at=None,
    )
    objects.put(release_key(source.source_id, release.document_sha256), document)
    register.add_release(name, release, actor=actor)
    return release


def released_labels(register: SourceRegister, name: str) -> frozenset[str]:
    """Return the subjects of a source who have a release that holds today."""
    today = utc_now().date()
    return frozenset(release.label for release in register.releases(name) if release.in_force(today))


def active_source(records: Records, name: str) -> Source:
    """Return a source that may be enrolled into.

    Raises:
        NotFoundError: code `source-unknown`.
        ConflictError: code `source-not-active`.
    """
    source = records.source(name)
    require_active(source.state, name)
    return source


def active_subjects(records: Records) -> int:
    """Return how many subjects the active sources have."""
    return sum(one.subjects for one in records.sources() if one.source.state is SourceState.ACTIVE)


def require_active(state: SourceState, name: str) -> None:
    """Refuse a source that nothing may be enrolled into.

    Raises:
        ConflictError: code `source-not-active`.
    """
    if state is not SourceState.ACTIVE:
        raise ConflictError(
            f"the source {name!r} is {state.value}",
            code="source-not-active",
            hint="see `countenance source show`" if state.is_gone else "see `countenance source activate` and `resume`",
        )


def checked_reason(reason: str, *, needed: bool) -> str:
    """Return a reason without blanks around it.

    Raises:
        InvalidInputError: code `reason-invalid`: missing where it is needed, over 500 characters, or not printable.
    """
    reason = reason.strip()
    if (needed and not reason) or len(reason) > MAX_REASON or (reason and not reason.isprintable()):
        raise InvalidInputError(
            f"a reason has 1 to {MAX_REASON} printable characters",
            code="reason-invalid",
            hint="say why in a sentence; it is kept",
        )
    return reason


def _document_digest(document: bytes) -> str:
    """Return the hex SHA-256 of a document that is not empty."""
    if not document:
        raise InvalidInputError(
            "the document is empty",
            code="source-document-empty",
            hint="hand over the document that gives the right to use these photographs",
        )
    return hashlib.sha256(document).hexdigest()
