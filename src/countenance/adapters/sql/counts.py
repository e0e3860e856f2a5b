"""How much of each source is on record: sealed in its row, and changed in the transaction that changes what it counts.

Under the home's key, as the register's entry: a search must not depend on the key of a source that goes meanwhile.
"""

import struct
from typing import NamedTuple

from countenance.adapters.sql.models import SourceRow
from countenance.adapters.sql.sealing import COUNTS, RowSeals
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

LAYOUT = struct.Struct("<3q")
"""Three numbers of 8 bytes, little-endian: sealed counts are all of one length."""


class Counts(NamedTuple):
    """What is on record of one source."""

    images: int = 0
    subjects: int = 0
    templates: int = 0


def sealed_counts(keyring: Keyring, source_id: str, counts: Counts) -> bytes:
    """Return what stands in a source's row."""
    return keyring.seal(HOME, LAYOUT.pack(*counts), record=source_id, column=COUNTS)


def counts_of(source: SourceRow, seals: RowSeals) -> Counts:
    """Return what is on record of a source; nothing where nothing ever was, or where the source is gone.

    Raises:
        IntegrityError: as `Keyring.open`.
    """
    if not source.counts:
        return Counts()
    return Counts(*LAYOUT.unpack(seals.keyring.open(HOME, source.counts, record=source.source_id, column=COUNTS)))


def count(source: SourceRow, seals: RowSeals, *, images: int = 0, subjects: int = 0, templates: int = 0) -> None:
    """Count what came, or with numbers below 0 what went; the caller holds the writer's turn.

    Raises:
        IntegrityError: as `counts_of`; nothing was changed.
    """
    held = counts_of(source, seals)
    now = Counts(held.images + images, held.subjects + subjects, held.templates + templates)
    source.counts = sealed_counts(seals.keyring, source.source_id, now)
