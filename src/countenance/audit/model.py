"""What the log holds and what it hands out: entries, checkpoints, inclusion proofs, receipts."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from countenance.audit.merkle import HASH_BYTES, includes, leaf_hash
from countenance.audit.note import SignedNote, Verifier, parse_note

MAX_ENTRY_BYTES = 65_535
"""Longest entry: its length stands in two bytes in the tiles. Source: C2SP tlog-tiles."""

LARGEST_SIZE = 2**63 - 1
"""Most entries that a checkpoint may speak of: more than fit 64 bits break whoever reckons with them."""

NONCE_BYTES = 16
"""Random bytes in each entry, so that nobody finds its content by hashing guesses."""

PROOF = "c2sp.org/tlog-proof@v1"


class Acting(Protocol):
    """Whoever acts: ids alone, never names."""

    @property
    def user_id(self) -> str:
        """The person's id."""

    @property
    def org_id(self) -> str:
        """The organisation's id."""


class Outcome(StrEnum):
    """How an action ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What somebody did, as the log will say it.

    Attributes:
        action: What was done, e.g. `search`, `source-registered`.
        outcome: How it ended.
        actor: Who did it.
        facts: JSON types only: ids, codes, counts and hashes; anything personal only sealed or as a keyed fingerprint.
    """

    action: str
    outcome: Outcome
    actor: Acting
    facts: Mapping[str, Any] = field(default_factory=dict)

    def adding(self, facts: Mapping[str, Any]) -> "Entry":
        """Return the entry with further facts."""
        return replace(self, facts={**self.facts, **facts})

    def body(self, *, at: datetime, nonce: bytes) -> bytes:
        """Return the exact bytes that are kept and hashed.

        Raises:
            ValueError: they are too many for the log; nothing was written.
        """
        document = {
            "action": self.action,
            "actor": {"user": self.actor.user_id, "organisation": self.actor.org_id},
            "at": at.isoformat(),
            "facts": self.facts,
            "nonce": nonce.hex(),
            "outcome": self.outcome.value,
            "v": 1,
        }
        body = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        if len(body) > MAX_ENTRY_BYTES:
            raise ValueError(f"an entry of {len(body)} bytes; {MAX_ENTRY_BYTES} is the most")
        return body


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log at one size: all that has to be remembered of it to notice any change of what it held then."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return what is signed. Source: C2SP tlog-checkpoint."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text; lines after the third are extensions, and passed over.

    Raises:
        ValueError: it is none.
    """
    origin, size, root, *_ = text.split("\n")
    digest = base64.b64decode(root, validate=True)
    if not origin or not size.isascii() or not size.isdigit() or str(int(size)) != size or len(digest) != HASH_BYTES:
        raise ValueError("not a checkpoint")
    if int(size) > LARGEST_SIZE:
        raise ValueError("a checkpoint of more entries than any log has")
    return Checkpoint(origin, int(size), digest)


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry stands in the log: where, the hashes that lead to the root, and the signed checkpoint."""

    index: int
    path: tuple[bytes, ...]
    note: SignedNote

    def render(self) -> str:
        """Return the proof as one text file. Source: C2SP tlog-proof."""
        lines = [PROOF, f"index {self.index}", *(base64.b64encode(digest).decode() for digest in self.path)]
        return "\n".join(lines) + "\n\n" + self.note.render()

    def holds_for(self, entry: bytes) -> bool:
        """Say whether it leads from these bytes to the checkpoint; signatures are not looked at."""
        checkpoint = parse_checkpoint(self.note.text)
        return includes(leaf_hash(entry), self.index, checkpoint.size, self.path, checkpoint.root)


def parse_proof(proof: str) -> Proof:
    """Read a proof file.

    Raises:
        ValueError: it is none, or leads to no checkpoint.
    """
    head, separator, note = proof.partition("\n\n")
    title, *lines = head.split("\n")
    if title != PROOF or not separator:
        raise ValueError("not a proof")
    if lines and lines[0].startswith("extra "):
        lines = lines[1:]
    word, _, index = lines[0].partition(" ") if lines else ("", "", "")
    path = tuple(base64.b64decode(line, validate=True) for line in lines[1:])
    if word != "index" or not index.isascii() or not index.isdigit() or any(len(one) != HASH_BYTES for one in path):
        raise ValueError("not a proof")
    parsed = parse_note(note)
    parse_checkpoint(parsed.text)
    return Proof(int(index), path, parsed)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a person keeps of one action: the entry's exact bytes, and the proof that it stands in the log.

    Attributes:
        entry: UTF-8 JSON.
        vkey: The log's public key when this was given; whoever checks compares it with the one that they were told.
    """

    entry: bytes
    proof: Proof
    vkey: str

    @property
    def checkpoint(self) -> Checkpoint:
        """The log as it was then."""
        return parse_checkpoint(self.proof.note.text)

    def holds(self, verifiers: tuple[Verifier, ...]) -> bool:
        """Say whether one of these keys signed it, and whether the entry is the one that was signed for."""
        return bool(self.proof.note.signed_by(verifiers)) and self.proof.holds_for(self.entry)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "log": self.checkpoint.origin,
            "index": self.proof.index,
            "entry": self.entry.decode(),
            "proof": self.proof.render(),
            "vkey": self.vkey,
        }


def parse_receipt(document: Any) -> Receipt:  # noqa: ANN401 - whatever JSON holds
    """Read a receipt, or an answer that carries one as `receipt`.

    Raises:
        ValueError: it is none.
    """
    try:
        inner = document.get("receipt", document)
        return Receipt(inner["entry"].encode(), parse_proof(inner["proof"]), str.strip(inner["vkey"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a receipt") from error
