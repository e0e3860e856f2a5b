"""What a subject is compared by: its template, or the mean direction of its templates (ADR 0026).

The index holds one row a subject, numbered as the newest of the templates in it. What a row number stands for never
changes: a further template makes a row of a higher number, and when a template is erased those that stay are put on
record under new numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from countenance.core.arrays import Templates, as_templates
from countenance.index.model import BlockRows
from countenance.index.ports import RowNumbers
from countenance.vision.fusion import fuse


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """One subject's templates up to some row.

    Attributes:
        source_id: Whose source.
        subject: The subject's row number.
        rows: int64, shape (m,), rising; m at least 1.
        templates: float32, shape (m, d), unit L2 rows.
    """

    source_id: str
    subject: int
    rows: RowNumbers
    templates: Templates

    @property
    def row(self) -> int:
        """The number by which the index knows it."""
        return int(self.rows[-1])

    @cached_property
    def template(self) -> Templates:
        """What is compared: float32, shape (d,), unit norm."""
        return fuse(self.templates)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceBatch:
    """References as rows of an index, all that lie between two row numbers: an index has all of them or none.

    Attributes:
        parts: The rows of each source, rising.
        superseded: Rows of the same subjects' older templates, int64: an index may hold one of them until now.
    """

    parts: tuple[BlockRows, ...]
    superseded: RowNumbers

    def __len__(self) -> int:
        """How many references there are."""
        return sum(len(part.rows) for part in self.parts)

    @classmethod
    def of(cls, references: Sequence[Reference]) -> "ReferenceBatch":
        """Join references, at least one, by rising row.

        Raises:
            ValueError: a template on record is none: a mean of such ones would not show it.
        """
        for one in references:
            as_templates(one.templates, dim=one.templates.shape[1])
        return cls(
            parts=BlockRows.of_each(
                [one.source_id for one in references],
                rows=np.array([one.row for one in references], dtype=np.int64),
                subjects=np.array([one.subject for one in references], dtype=np.int64),
                templates=np.stack([one.template for one in references]),
            ),
            superseded=np.concatenate([one.rows[:-1] for one in references]),
        )
