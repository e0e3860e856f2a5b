"""Groups of people, as the user's own table names them. Nothing about a person is ever inferred from a photograph."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from countenance.core.errors import InvalidInputError, NotFoundError
from countenance.evaluation.breakdown import UNKNOWN
from countenance.gallery.tables import BadTableError, read_table

EXAMPLE = "a CSV with the column subject and one or more others, e.g. `subject,region` then `Person A,north`"
MAX_LABELS = 50
"""Most labels of one column: more are names or numbers and not groups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Labels of subjects, a column each.

    Attributes:
        columns: By the column's name, labels by subject.
    """

    columns: Mapping[str, Mapping[str, str]]

    @property
    def subjects(self) -> frozenset[str]:
        """Everybody in the table."""
        return frozenset().union(*self.columns.values())

    def require_known(self, subjects: Iterable[str]) -> None:
        """Refuse a table that names nobody who is searched for.

        Raises:
            InvalidInputError: code `groups-nobody-known`.
        """
        if self.subjects.isdisjoint(subjects):
            raise InvalidInputError(
                "the table of groups names nobody of the protocol's probes",
                code="groups-nobody-known",
                hint="its column subject must hold the names that the protocol has",
            )

    def labels(self, column: str, subjects: Sequence[str]) -> list[str]:
        """Return each subject's label in a column; UNKNOWN where the table gives none."""
        return [self.columns[column].get(subject, UNKNOWN) for subject in subjects]


def read_groups(table: Path) -> Groups:
    """Read a table of groups: the column `subject`, and one column a way of grouping.

    Raises:
        NotFoundError: code `groups-not-found`.
        InvalidInputError: codes `groups-malformed`, `groups-subject-twice`, `groups-too-many`.
    """
    try:
        read = read_table(table, needed=("subject",))
    except FileNotFoundError as error:
        raise NotFoundError(str(error), code="groups-not-found", hint="name a CSV file") from None
    except BadTableError as error:
        raise InvalidInputError(str(error), code="groups-malformed", hint=EXAMPLE) from None
    names = [name for name in read.columns if name != "subject"]
    if not names or len(set(names)) != len(names):
        raise InvalidInputError(
            f"{table}: it must name columns besides subject, once each", code="groups-malformed", hint=EXAMPLE
        )
    rows: dict[str, dict[str, str]] = {}
    for line, row in read.rows:
        if row["subject"] in rows:
            raise InvalidInputError(
                f"{table}, line {line}: {row['subject']} stands in the table twice",
                code="groups-subject-twice",
                hint="keep one row a subject",
            )
        rows[row["subject"]] = row
    for name in names:
        if len({row[name] for row in rows.values()}) > MAX_LABELS:
            raise InvalidInputError(
                f"{table}: the column {name} has more than {MAX_LABELS} labels",
                code="groups-too-many",
                hint="leave columns out that name people instead of groups",
            )
    return Groups(columns={name: {subject: row[name] or UNKNOWN for subject, row in rows.items()} for name in names})
