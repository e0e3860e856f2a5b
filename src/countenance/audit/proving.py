"""Proofs from a log's stored subtrees, each checked before it is given away."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from countenance.audit.growth import audit_damaged
from countenance.audit.merkle import HASH_BYTES, ReadNode, consistency_path, extends, inclusion_path
from countenance.audit.model import Checkpoint, Proof, Receipt, parse_checkpoint
from countenance.audit.note import Verifier, parse_note
from countenance.audit.ports import AuditReader
from countenance.audit.verification import require_signed
from countenance.core.errors import ConflictError, NotFoundError


@dataclass(frozen=True, slots=True)
class Consistency:
    """That a log only grew: hashes that lead from an older checkpoint to a newer, signed one."""

    old: Checkpoint
    path: tuple[bytes, ...]
    note: str

    @property
    def new(self) -> Checkpoint:
        """The newer checkpoint; its signatures are not looked at."""
        return parse_checkpoint(parse_note(self.note).text)

    def holds(self) -> bool:
        """Say whether the newer log begins with the older one."""
        return self.old.origin == self.new.origin and extends(
            self.old.size, self.old.root, self.new.size, self.new.root, self.path
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "old": self.old.text(),
            "path": [base64.b64encode(digest).decode() for digest in self.path],
            "checkpoint": self.note,
        }


def parse_consistency(document: Any) -> Consistency:  # noqa: ANN401 - whatever JSON holds
    """Read a consistency proof.

    Raises:
        ValueError: it is none.
    """
    try:
        path = tuple(base64.b64decode(digest, validate=True) for digest in document["path"])
        proof = Consistency(parse_checkpoint(document["old"]), path, document["checkpoint"])
        parse_checkpoint(parse_note(proof.note).text)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a proof of consistency") from error
    if any(len(digest) != HASH_BYTES for digest in path):
        raise ValueError("not a proof of consistency")
    return proof


def prove_entry(log: AuditReader, index: int, *, verifiers: Sequence[Verifier]) -> Receipt:
    """Return a receipt of any entry, up to the newest checkpoint.

    Raises:
        NotFoundError: code `audit-entry-unknown`.
        IntegrityError: codes `audit-damaged`, `checkpoint-invalid`.
    """
    head = log.head()
    if not 0 <= index < head.size:
        raise NotFoundError(
            f"the log has no entry {index}", code="audit-entry-unknown", hint=f"it has {head.size}, from 0"
        )
    note, checkpoint = require_signed(head.note, verifiers)
    body = next(log.entries(index, index + 1), b"")
    proof = Proof(index, tuple(inclusion_path(index, checkpoint.size, _reader(log))), note)
    if not proof.holds_for(body):
        raise audit_damaged(f"no proof leads from entry {index} to the newest checkpoint")
    return Receipt(body, proof, note.signed_by(verifiers)[-1].vkey)


def prove_growth(
    log: AuditReader, old: Checkpoint, *, verifiers: Sequence[Verifier], to: str | None = None
) -> Consistency:
    """Prove that the log continues what an older checkpoint says.

    Args:
        log: Any log.
        old: What was kept.
        verifiers: The log's public keys.
        to: The signed checkpoint that the proof leads to; None for the newest.

    Raises:
        ConflictError: code `checkpoint-elsewhere`: of another log, or not older than this one.
        IntegrityError: codes `audit-damaged`, `checkpoint-invalid`.
    """
    head = log.head()
    note = head.note if to is None else to
    _, new = require_signed(note, verifiers)
    if old.origin != new.origin or not 0 < old.size <= new.size <= head.size:
        raise ConflictError(
            f"a checkpoint of {old.origin} at {old.size} entries is none that {new.origin} grew from",
            code="checkpoint-elsewhere",
            hint="if this log once gave it out, entries are missing now: run `countenance audit verify`",
        )
    proof = Consistency(old, tuple(consistency_path(old.size, new.size, _reader(log))), note)
    if not proof.holds():
        raise audit_damaged(f"it does not begin with the {old.size} entries of that checkpoint")
    return proof


def _reader(log: AuditReader) -> ReadNode:
    """Return what reads single subtrees; one that is missing reads as nothing, and the proof fails."""
    return lambda level, place: next(log.nodes(level, place, place + 1), b"")
