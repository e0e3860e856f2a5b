"""What accounts need from outside: a directory that changes in transactions."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from countenance.access.credentials import Credential, CredentialKind, PageSession
from countenance.access.model import Change, Organisation, User
from countenance.audit.model import Entry


class Credentials(Protocol):
    """What people sign in with, in one transaction."""

    def of(self, user_id: str, *kinds: CredentialKind) -> tuple[Credential, ...]:
        """Return somebody's credentials, oldest first: of some kinds, or all."""

    def found(self, kind: CredentialKind, lookup: bytes) -> Credential | None:
        """Return the one that was added with this look-up; None where it is of another kind.

        Look-ups of all kinds stand in one place: what somebody sends as one kind must never count as another.
        """

    def add(self, credential: Credential, *, lookup: bytes | None = None) -> None:
        """Add one, to be found by its look-up where it has one.

        Raises:
            ConflictError: code `credential-exists`, the look-up is taken, by a credential of whatever kind.
        """

    def used(self, credential_id: str, *, at: datetime, counter: int | None = None) -> bool:
        """Note that one was used.

        Args:
            credential_id: Which.
            at: When.
            counter: Has to be higher than the one that was noted last.

        Returns:
            False, and nothing noted, where the counter is not higher or the credential is gone: it was used before.
        """

    def drop(self, credential_ids: Collection[str]) -> None:
        """Forget some for good."""


class Sessions(Protocol):
    """Who is signed in on the web page, in one transaction."""

    def of(self, user_id: str) -> tuple[PageSession, ...]:
        """Return somebody's sessions, oldest first."""

    def found(self, lookup: bytes) -> PageSession | None:
        """Return the one that began with this look-up."""

    def begin(self, session: PageSession, *, lookup: bytes) -> None:
        """Begin one."""

    def used(self, session_id: str, *, at: datetime) -> None:
        """Note that one was used."""

    def end(self, session_ids: Collection[str]) -> None:
        """End some."""

    def end_older(self, *, began: datetime, used: datetime) -> None:
        """End those that began, or were used last, before these moments."""


class Failures(Protocol):
    """Sign-ins that failed lately, in one transaction."""

    def count(self, bucket: bytes, *, since: datetime) -> int:
        """Return how many failed in a bucket since a moment."""

    def add(self, bucket: bytes, *, at: datetime, keep_since: datetime) -> None:
        """Count one more, and forget all from before `keep_since`."""

    def forget(self, bucket: bytes) -> None:
        """Start a bucket anew."""


class Challenges(Protocol):
    """What has to come back once, and soon, in one transaction."""

    def put(self, lookup: bytes, *, purpose: str, expires_at: datetime, facts: Mapping[str, Any]) -> None:
        """Keep one; JSON types only. Those that are over are forgotten."""

    def take(self, lookup: bytes, *, purpose: str, at: datetime) -> Mapping[str, Any] | None:
        """Return one and forget it; None where there is none, it is for another purpose, or it is over."""


class DirectoryView(Protocol):
    """Organisations and people as they stand in one transaction."""

    @property
    def credentials(self) -> Credentials:
        """What people sign in with."""

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""

    @property
    def failures(self) -> Failures:
        """Which sign-ins failed."""

    @property
    def challenges(self) -> Challenges:
        """What has to come back once."""

    def login_key(self, login: str) -> bytes:
        """Return 32 bytes that stand for a login, somebody's or nobody's, and say nothing."""

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

    def note(self, entries: Iterable[Entry]) -> None:
        """Put on record in the audit log alone what changes no organisation and nobody's account."""

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
