"""Checking a log: from its entries' bytes alone up to the signatures, and against what others kept of it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from countenance.audit.growth import audit_damaged
from countenance.audit.merkle import Frontier, leaf_hash
from countenance.audit.model import Checkpoint, Receipt, parse_checkpoint
from countenance.audit.note import SignedNote, Verifier, parse_note, parse_vkey
from countenance.audit.ports import AuditReader
from countenance.core.errors import IntegrityError, InvalidInputError

KEY_ROTATED = "audit-key-rotate"
"""Action of the entry in which a key hands over to another one."""

STEP = 10_000
"""Entries that are hashed together, and after which progress is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was checked, and held.

    Attributes:
        checkpoint: The newest one, which now stands for all entries.
        checkpoints: How many earlier ones were checked against the entries, those of receipts counted.
        receipts: How many receipts were found in the log as they were given.
    """

    checkpoint: Checkpoint
    checkpoints: int
    receipts: int


def verify_log(
    log: AuditReader,
    *,
    verifiers: Sequence[Verifier],
    receipts: Sequence[Receipt] = (),
    notes: Sequence[str] = (),
    on_progress: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Check every entry of a log.

    1. The newest checkpoint is signed by a known key.
    2. Every receipt, and every checkpoint that was kept here or elsewhere, is signed by a known key.
    3. The tree is built anew from the entries' bytes; at the size of each checkpoint it must have that one's root.
    4. The stored subtrees are those of the tree.
    5. Each receipt's entry stands where it says.

    Args:
        verifiers: The log's public keys.
        receipts: Kept by people who acted.
        notes: Signed checkpoints kept elsewhere.
        on_progress: Called with how many entries were read since the last call.

    Raises:
        IntegrityError: codes `audit-damaged`, `receipt-invalid`, `checkpoint-invalid`.
    """
    head = log.head()
    # Read once: a log that goes on meanwhile may get more, by keys that were not known yet.
    recorded = log.checkpoints()
    verifiers = (*verifiers, *_successors(log, recorded, verifiers))
    newest = Checkpoint("", 0, Frontier().root()) if not head.note else _signed(head.note, verifiers)
    if newest.size != head.size:
        raise audit_damaged(f"its head says {head.size} entries, its signed checkpoint {newest.size}")
    kept = [_signed(note, verifiers) for note in (*recorded, *notes)]
    for receipt in receipts:
        require_receipt(receipt, verifiers)
        kept.append(receipt.checkpoint)
    _compare(log, [*kept, newest], on_progress)
    for receipt in receipts:
        if [receipt.entry] != list(log.entries(receipt.proof.index, receipt.proof.index + 1)):
            raise audit_damaged(f"entry {receipt.proof.index} is not the one that a receipt was given for")
    return Verified(checkpoint=newest, checkpoints=len(kept), receipts=len(receipts))


def require_receipt(receipt: Receipt, verifiers: Sequence[Verifier]) -> None:
    """Check a receipt by itself.

    Raises:
        IntegrityError: code `receipt-invalid`.
    """
    if not receipt.proof.note.signed_by(verifiers):
        raise receipt_invalid("none of the known keys signed it")
    if not receipt.proof.holds_for(receipt.entry):
        raise receipt_invalid("its proof does not lead from its entry to its checkpoint")
    if not _is_object(receipt.entry):
        raise receipt_invalid("its entry is no JSON object")


def _is_object(body: bytes) -> bool:
    """Say whether these bytes are a JSON object, as the entries of our logs are; others' keys sign what they like."""
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def receipt_invalid(why: str) -> IntegrityError:
    """Return the error for a receipt that does not hold."""
    return IntegrityError(
        f"the receipt does not hold: {why}",
        code="receipt-invalid",
        hint="compare the key with the one that the operator published, and the file with how it was received",
    )


def require_signed(note: str, verifiers: Sequence[Verifier]) -> tuple[SignedNote, Checkpoint]:
    """Read a signed checkpoint.

    Raises:
        IntegrityError: code `checkpoint-invalid`.
    """
    try:
        parsed = parse_note(note)
        checkpoint = parse_checkpoint(parsed.text)
    except ValueError:
        raise checkpoint_invalid("it can't be read") from None
    if not parsed.signed_by(verifiers):
        raise checkpoint_invalid("none of the known keys signed it")
    return parsed, checkpoint


def checkpoint_invalid(why: str) -> IntegrityError:
    """Return the error for a checkpoint that does not hold."""
    return IntegrityError(
        f"the checkpoint does not hold: {why}",
        code="checkpoint-invalid",
        hint="compare the key with the one that the operator published",
    )


def _successors(log: AuditReader, notes: Sequence[str], verifiers: Sequence[Verifier]) -> tuple[Verifier, ...]:
    """Return the keys that known ones have handed over to, in those checkpoints that both signed.

    The entry that says so is the last one under such a checkpoint, and is checked with all others.
    """
    known = list(verifiers)
    for text in notes:
        note, checkpoint = require_signed(text, known)
        if len(note.signatures) > 1:
            body = next(log.entries(checkpoint.size - 1, checkpoint.size), b"{}")
            vkey = named_successor(body)
            if vkey is not None and note.signed_by([vkey]):
                known.append(vkey)
    return tuple(known[len(verifiers) :])


def named_successor(body: bytes) -> Verifier | None:
    """Return the key that an entry says takes over; None where it says something else."""
    try:
        document = json.loads(body)
        return parse_vkey(document["facts"]["vkey"]) if document["action"] == KEY_ROTATED else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidInputError):
        return None


def _signed(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    return require_signed(note, verifiers)[1]


def _compare(log: AuditReader, checkpoints: Iterable[Checkpoint], on_progress: Callable[[int], None]) -> None:
    """Build the tree anew and hold it to checkpoints, the newest last, and to the stored subtrees."""
    wanted: dict[int, set[bytes]] = defaultdict(set)
    for checkpoint in checkpoints:
        wanted[checkpoint.size].add(checkpoint.root)
    size = max(wanted)
    frontier = Frontier()
    levels = [hashlib.sha256() for _ in range(size.bit_length() + 1)]
    bodies = log.entries(0, size)
    # Entries are taken in slices that end where a checkpoint stands, and are at most STEP long.
    for stop in sorted({*wanted, *range(0, size, STEP)}):
        leaves = [leaf_hash(body) for body in islice(bodies, stop - frontier.size)]
        for level, hashes in zip(levels, frontier.extend(leaves), strict=False):
            level.update(b"".join(hashes))
        on_progress(len(leaves))
        if frontier.size != stop:
            raise audit_damaged(f"there are {frontier.size} entries where a checkpoint says {size}")
        _require_root(frontier, wanted)
    for at, computed in enumerate(levels):
        if _digest(log.nodes(at, 0, size >> at)) != computed.digest():
            raise audit_damaged(f"stored subtrees of level {at} are not those of the entries")


def _digest(hashes: Iterator[bytes]) -> bytes:
    """Hash many hashes, one after the other."""
    digest = hashlib.sha256()
    while part := b"".join(islice(hashes, STEP)):
        digest.update(part)
    return digest.digest()


def _require_root(frontier: Frontier, wanted: dict[int, set[bytes]]) -> None:
    """Refuse a tree that is not the one of a checkpoint."""
    if any(root != frontier.root() for root in wanted.get(frontier.size, ())):
        raise audit_damaged(f"its first {frontier.size} entries are not those that were signed")
