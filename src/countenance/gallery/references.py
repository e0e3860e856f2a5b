"""What a subject is compared by: its template, or the mean direction of its templates (ADR 0026).

The index holds one row a subject, numbered as the newest of the templates in it. What a row number stands for never
changes: a further template makes a row of a higher number, and when a template is erased those that stay are put on
record under new numbers.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from countenance.core.arrays import Templates, as_templates
from countenance.index.ports import RowNumbers
from countenance.vision.fusion import fuse


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBatch:
    """Templates of one source as they stand in the records.

    Attributes:
        source_id: Whose.
        rows: int64, shape (n,), rising.
        subjects: int64, shape (n,), the subjects' row numbers.
        templates: float32, shape (n, dim), unit L2 rows.
    """

    source_id: str
    rows: RowNumbers
    subjects: RowNumbers
    templates: Templates


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
class ReferenceBatch(TemplateBatch):
    """References of one source's subjects, as rows of an index.

    Attributes:
        superseded: Rows of the same subjects' older templates, int64: an index may hold one of them until now.
    """

    superseded: RowNumbers

    @classmethod
    def of(cls, references: Iterable[Reference]) -> Iterator["ReferenceBatch"]:
        """Join references that follow each other and are of one source.

        Raises:
            ValueError: a template on record is none: a mean of such ones would not show it.
        """
        for source_id, group in groupby(references, key=lambda one: one.source_id):
            part = list(group)
            for one in part:
                as_templates(one.templates, dim=one.templates.shape[1])
            yield cls(
                source_id=source_id,
                rows=np.array([one.row for one in part], dtype=np.int64),
                subjects=np.array([one.subject for one in part], dtype=np.int64),
                templates=np.stack([one.template for one in part]),
                superseded=np.concatenate([one.rows[:-1] for one in part]),
            )
