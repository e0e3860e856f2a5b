"""What the desk needs from outside: a register of requests."""

from datetime import date
from typing import Protocol

from countenance.audit.model import Acting
from countenance.rights.model import RightsRequest


class RequestRegister(Protocol):
    """Where requests are kept, each sealed under a key of its own.

    Each call is one transaction, and what changes something is in the audit log with it, without anything personal.
    """

    def add(self, request: RightsRequest, *, actor: Acting) -> None:
        """Put a new request on record."""

    def request(self, request_id: str) -> RightsRequest:
        """Return one.

        Raises:
            NotFoundError: code `request-unknown`.
        """

    def requests(self) -> tuple[RightsRequest, ...]:
        """Return all, the one that is due first before the others."""

    def closed(self, before: date) -> tuple[str, ...]:
        """Return the ids of requests that were closed before a day and are still there, or half forgotten."""

    def forget(self, request_id: str, *, actor: Acting) -> None:
        """Destroy all that is personal of a request, with its key; its id, kind and days stay. Again is no harm.

        Raises:
            UnavailableError: codes `records-unavailable`, `audit-unwritable`, `keyring-unwritable`; run it again.
        """

    def save(self, request: RightsRequest, *, action: str, actor: Acting) -> RightsRequest:
        """Replace a request that nobody changed since it was read.

        Args:
            request: As it becomes, with the version that was read.
            action: What the audit log calls it.
            actor: Who did it.

        Returns:
            The request with its new version.

        Raises:
            ConflictError: code `request-changed-meanwhile`; nothing was written.
        """
