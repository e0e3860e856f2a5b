"""What the log needs from outside: a place that keeps entries, subtrees and signed heads."""

from collections.abc import Iterator
from typing import Protocol

from countenance.audit.growth import Head
from countenance.audit.model import Entry, Receipt
from countenance.audit.note import Signer


class AuditReader(Protocol):
    """A log that can be read: in a database, in memory, or in the files of an export."""

    def head(self) -> Head:
        """Return the newest state. Peaks may be left empty by a reader that does not keep them."""

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """Stream entries start <= index < stop, in order; those that are missing are left out."""

    def nodes(self, level: int, start: int, stop: int) -> Iterator[bytes]:
        """Stream the hashes of complete subtrees start <= index < stop of a level, in order, without those missing."""

    def checkpoints(self) -> tuple[str, ...]:
        """Return the signed checkpoints that were put on record, oldest first."""


class AuditLog(AuditReader, Protocol):
    """The log that this installation writes."""

    def record(self, *entries: Entry) -> Receipt:
        """Append entries in a transaction of their own, and return the last one's receipt.

        Raises:
            UnavailableError: code `audit-unwritable`; nothing was written, and what they record must not happen.
            IntegrityError: code `audit-damaged`; nothing was written.
        """

    def hand_over(self, entry: Entry, successor: Signer) -> Receipt:
        """Append an entry under a checkpoint that this log's key and its successor both sign, and keep that checkpoint.

        From then on the successor signs, and nothing is appended with the old key any more.

        Raises:
            UnavailableError: code `audit-unwritable`; the old key goes on.
            IntegrityError: code `audit-damaged`; likewise.
        """

    def add_checkpoint(self, note: str) -> None:
        """Put a signed checkpoint on record: one that was published, cosigned, or hands over to another key."""
