"""What cases need from outside: a register."""

from typing import Protocol

from countenance.audit.model import Acting
from countenance.cases.model import Case


class CaseRegister(Protocol):
    """Where cases are kept. Each call is one transaction, and what changes something is in the audit log with it."""

    def add(self, case: Case, *, actor: Acting) -> None:
        """Put a new case on record.

        Raises:
            ConflictError: code `case-exists`, the organisation has one of this reference; nothing was written.
        """

    def close(self, case: Case, *, actor: Acting) -> None:
        """Put on record that a case is closed.

        Raises:
            ConflictError: code `case-closed`, it is already; nothing was written.
        """

    def case(self, org_id: str, name: str) -> Case:
        """Return an organisation's case by its reference or its id.

        Raises:
            NotFoundError: code `case-unknown`: there is none, or it is another organisation's.
        """

    def cases(self, org_id: str) -> tuple[Case, ...]:
        """Return an organisation's cases, newest first."""
