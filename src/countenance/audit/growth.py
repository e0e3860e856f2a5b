"""How the log grows: from its signed head and new entries to the next one. Pure; adapters store what it gives."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countenance.audit.merkle import HASH_BYTES, Frontier, leaf_hash
from countenance.audit.model import NONCE_BYTES, Checkpoint, Entry, Proof, Receipt, parse_checkpoint
from countenance.audit.note import SignedNote, Signer, Verifier, parse_note
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, IntegrityError, UnavailableError


@dataclass(frozen=True, slots=True)
class Head:
    """The newest state of a log: its size, the peaks of its tree, one after the other, and its signed checkpoint."""

    size: int
    peaks: bytes
    note: str

    def frontier(self) -> Frontier:
        """Return the tree's right edge.

        Raises:
            ValueError: the peaks are not those of this size.
        """
        return Frontier(self.size, (self.peaks[at : at + HASH_BYTES] for at in range(0, len(self.peaks), HASH_BYTES)))


EMPTY: Final = Head(0, b"", "")
"""A log's head before its first entry."""


@dataclass(frozen=True, slots=True)
class Growth:
    """What has to be stored, and what whoever acted gets.

    Attributes:
        first: Index of the first new entry.
        bodies: The new entries' exact bytes.
        nodes: The hashes of the subtrees that they complete, level by level, each from its `first >> level`-th on.
        head: The new head.
        receipt: Of the last new entry.
    """

    first: int
    bodies: tuple[bytes, ...]
    nodes: tuple[tuple[bytes, ...], ...]
    head: Head
    receipt: Receipt


def grow(head: Head, entries: Sequence[Entry], signer: Signer, *, cosigner: Signer | None = None) -> Growth:
    """Append entries to a log.

    1. The old head must be signed by our own key, and be that of the stored peaks.
    2. Each entry becomes bytes with the time and a nonce; its hash is added to the tree.
    3. The new root is signed.

    Args:
        entries: At least one.
        cosigner: Signs the new head too: the key that takes over.

    Raises:
        IntegrityError: code `audit-damaged`; nothing may be appended.
        ConflictError: code `audit-key-replaced`; nothing may be appended by this process.
    """
    frontier = checked_frontier(head, signer.verifier)
    bodies = tuple(entry.body(at=utc_now(), nonce=secrets.token_bytes(NONCE_BYTES)) for entry in entries)
    leaves = [leaf_hash(body) for body in bodies]
    # All siblings of the last entry stand to its left.
    before_last = Frontier(head.size, frontier.peaks)
    before_last.extend(leaves[:-1])
    path = before_last.path_of_next()
    nodes = frontier.extend(leaves)
    text = Checkpoint(signer.verifier.name, frontier.size, frontier.root()).text()
    note = SignedNote(text, tuple(one.sign(text) for one in (signer, cosigner) if one is not None))
    proof = Proof(frontier.size - 1, tuple(path), note)
    return Growth(
        first=head.size,
        bodies=bodies,
        nodes=tuple(map(tuple, nodes)),
        head=Head(frontier.size, b"".join(frontier.peaks), note.render()),
        receipt=Receipt(bodies[-1], proof, signer.verifier.vkey),
    )


def checked_frontier(head: Head, verifier: Verifier) -> Frontier:
    """Return the tree's right edge, of a head that is whole and signed.

    Raises:
        IntegrityError: code `audit-damaged`.
        ConflictError: code `audit-key-replaced`.
    """
    if head == EMPTY:
        return Frontier()
    try:
        frontier = head.frontier()
        note = parse_note(head.note)
        checkpoint = parse_checkpoint(note.text)
    except ValueError as error:
        raise audit_damaged(f"its head can't be read ({error})") from None
    if (checkpoint.size, checkpoint.root) != (frontier.size, frontier.root()):
        raise audit_damaged("its head is not what was signed")
    if not note.signed_by([verifier]):
        raise audit_damaged("its head is not signed by this log's key")
    if note.signatures[-1].key_id != verifier.key_id:
        raise ConflictError(
            "this process signs with a key that another one has taken over from",
            code="audit-key-replaced",
            hint="start it again",
        )
    return frontier


def audit_damaged(why: str) -> IntegrityError:
    """Return the error for a log that was changed."""
    return IntegrityError(
        f"the audit log was changed: {why}",
        code="audit-damaged",
        hint="stop, keep the database as it is, and compare with the receipts and checkpoints that others hold",
    )


def audit_unwritable(why: object) -> UnavailableError:
    """Return the error for a log that takes no entry: what would have been recorded is not done."""
    return UnavailableError(
        f"the audit log takes no entry, so nothing was done: {why}",
        code="audit-unwritable",
        hint="free some disk space or mend the database, and try again; `countenance audit verify` checks the log",
    )
