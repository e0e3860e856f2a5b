"""The audit log in memory: for tests and for trying things out. It passes the port's contract."""

from collections.abc import Iterator
from threading import Lock

from countenance.audit.growth import EMPTY, Growth, Head, grow
from countenance.audit.model import Entry, Receipt
from countenance.audit.note import Signer, new_signer


class MemoryAuditLog:
    """Implements `AuditLog`. Thread-safe."""

    def __init__(self, signer: Signer | None = None) -> None:
        """Start empty; None makes a key of its own."""
        self._signer = signer or new_signer("countenance.memory")
        self._lock = Lock()
        self._head = EMPTY
        self._entries: list[bytes] = []
        self._nodes: dict[tuple[int, int], bytes] = {}
        self._checkpoints: list[str] = []

    def record(self, *entries: Entry) -> Receipt:
        """See the port."""
        with self._lock:
            growth = grow(self._head, entries, self._signer)
            self._keep(growth)
        return growth.receipt

    def hand_over(self, entry: Entry, successor: Signer) -> Receipt:
        """See the port."""
        with self._lock:
            growth = grow(self._head, [entry], self._signer, cosigner=successor)
            self._keep(growth)
            self._checkpoints.append(growth.head.note)
            self._signer = successor
        return growth.receipt

    def add_checkpoint(self, note: str) -> None:
        """See the port."""
        self._checkpoints.append(note)

    def head(self) -> Head:
        """See the port."""
        return self._head

    def entries(self, start: int, stop: int) -> Iterator[bytes]:
        """See the port."""
        yield from self._entries[start:stop]

    def nodes(self, level: int, start: int, stop: int) -> Iterator[bytes]:
        """See the port."""
        yield from (self._nodes[level, index] for index in range(start, stop) if (level, index) in self._nodes)

    def checkpoints(self) -> tuple[str, ...]:
        """See the port."""
        return tuple(self._checkpoints)

    def _keep(self, growth: Growth) -> None:
        """Keep what a growth gives; the lock is held."""
        self._entries += growth.bodies
        for level, hashes in enumerate(growth.nodes):
            self._nodes |= {(level, place): one for place, one in enumerate(hashes, growth.first >> level)}
        self._head = growth.head
