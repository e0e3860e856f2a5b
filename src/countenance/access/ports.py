"""What accounts need from outside: a directory that changes in transactions."""

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from countenance.access.model import Change, Organisation, User


class DirectoryView(Protocol):
    """Organisations and people as they stand in one transaction."""

    def organisation(self, org_id: str) -> Organisation:
        """Return an organisation by its id.

        Raises:
            NotFoundError: code `organisation-unknown`.
        """

    def organisation_named(self, name: str) -> Organisation:
        """Return an organisation by its name or its id, whatever the case of the letters.

        Raises:
            NotFoundError: code `organisation-unknown`.
        """

    def organisations(self) -> tuple[Organisation, ...]:
        """Return all organisations but the house, by name."""

    def user(self, user_id: str) -> User:
        """Return a person by their id.

        Raises:
            NotFoundError: code `user-unknown`.
        """

    def user_named(self, login: str) -> User:
        """Return a person by their login or their id.

        Raises:
            NotFoundError: code `user-unknown`.
        """

    def users(self, org_id: str | None = None) -> tuple[User, ...]:
        """Return people by login, of one organisation or of all."""

    def changes(self, org_id: str) -> tuple[Change, ...]:
        """Return what was done to an organisation and its people, oldest first."""


class DirectoryChange(DirectoryView, Protocol):
    """The same, in a transaction that may write."""

    def add_organisation(self, organisation: Organisation) -> None:
        """Add an organisation.

        Raises:
            ConflictError: code `organisation-exists`.
        """

    def put_organisation(self, organisation: Organisation) -> None:
        """Write an organisation that is there already."""

    def add_user(self, user: User) -> None:
        """Add a person.

        Raises:
            ConflictError: code `user-exists`.
        """

    def put_user(self, user: User) -> None:
        """Write a person who is there already."""

    def record(self, changes: Iterable[Change]) -> None:
        """Record what was done."""

    def end_access(self, user_ids: Collection[str], *, for_good: bool) -> None:
        """End these people's sessions as of this transaction.

        Args:
            for_good: Their keys, passwords, second factors and invitations too.
        """


class Directory(Protocol):
    """Where organisations and people are kept. Thread-safe; a transaction that raises writes nothing."""

    def reading(self) -> AbstractContextManager[DirectoryView]:
        """Open a transaction that reads one consistent state."""

    def changing(self) -> AbstractContextManager[DirectoryChange]:
        """Open a transaction that may write; such transactions wait for each other."""
