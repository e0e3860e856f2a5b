"""Which engine a gallery is searched with, where nobody said."""

from enum import StrEnum

EXACT_COLUMNS = 2_560_000_000
"""Rows x columns up to which a scan of int8 rows is fast enough for one probe: 20 million rows of 128."""

EXACT_ROW_BYTES = 8
"""What the exact engine keeps of a row besides one byte a column: four of scale and residual, four of its subject."""

MEMORY_SHARE = 0.5
"""Most of the machine's memory that an index may take."""


class Engine(StrEnum):
    """The engines that run in this process."""

    EXACT = "exact"
    COMPACT = "compact"


def choose_engine(*, rows: int, dim: int, memory: int) -> Engine:
    """Choose by size and memory: exact wherever it is fast enough and fits.

    Args:
        rows: Templates in the gallery.
        memory: The machine's, bytes.

    Source:
        docs/adr/0013-compact-engine.md.
    """
    fast = rows * dim <= EXACT_COLUMNS
    fits = rows * (dim + EXACT_ROW_BYTES) <= MEMORY_SHARE * memory
    return Engine.EXACT if fast and fits else Engine.COMPACT
