"""What cases need from outside: a register."""

from datetime import date
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

    def closed(self, before: date) -> tuple[str, ...]:
        """Return the ids of cases, of all organisations, that were closed before a day and are still there.

        Those that are half forgotten are among them.
        """

    def forget(self, case_id: str, *, actor: Acting) -> None:
        """Destroy all that is personal of a closed case, with its key, and its searches' answers and approvals.

        Its id, its days, and that there were searches under it stay. Again is no harm.

        Raises:
            UnavailableError: codes `records-unavailable`, `records-being-read`, `audit-unwritable`,
                `keyring-unwritable`; run it again.
        """
