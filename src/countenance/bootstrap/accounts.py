"""Accounts wired: organisations and people over records, object store and keyring; what interfaces call."""

import getpass
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine

from countenance.access import organisations, people
from countenance.access.eligibility import Barred, cancel_ineligible, ineligible
from countenance.access.founding import found
from countenance.access.model import Application, Change, Organisation, User, UserState
from countenance.access.organisations import admitted_by, document_key, require_operator
from countenance.access.ports import Directory
from countenance.adapters.sql.access_directory import SqlDirectory
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, NotFoundError, NotPermittedError
from countenance.gallery.ports import Objects
from countenance.keys.ports import Keyring
from countenance.policy.model import HOUSE, Actor, Channel, OrganisationState, Qualification, Role
from countenance.policy.service import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationRecord:
    """An organisation with all that was done, and its people.

    Attributes:
        admitted_by: User ids of the operators who admitted it since it began to wait.
        names: What those who did something are called, by user id.
    """

    organisation: Organisation
    changes: tuple[Change, ...]
    people: tuple[User, ...]
    admitted_by: frozenset[str]
    names: dict[str, str]


class Accounts:
    """Organisations and people of one installation. Thread-safe; each call is one transaction."""

    def __init__(self, directory: Directory, objects: Objects) -> None:
        """Join the parts."""
        self.directory = directory
        self._objects = objects

    def acting(self, login: str | None, *, channel: Channel = Channel.COMMAND_LINE) -> Actor:
        """Return a person as an actor: on the command line, whoever may read the home says who they are.

        Raises:
            NotPermittedError: codes `actor-missing`, `actor-unknown`.
        """
        login = named(login)
        with self.directory.reading() as view:
            try:
                user = view.user_named(login)
                organisation = view.organisation(user.org_id)
            except NotFoundError:
                raise _actor_unknown(login) from None
        if user.state is not UserState.ACTIVE or organisation.state is not OrganisationState.ACTIVE:
            raise _actor_unknown(login)
        return user.acting(organisation, channel=channel, os_user=getpass.getuser())

    def logins(self, user_ids: Collection[str]) -> dict[str, str]:
        """Return what people sign in with, by id."""
        with self.directory.reading() as view:
            return {user_id: view.user(user_id).login for user_id in user_ids}

    def keeper(self, name: str) -> str:
        """Return the id of an active organisation, by its name or id, so that a source can be given into its keeping.

        Raises:
            NotFoundError: code `organisation-unknown`.
            ConflictError: code `organisation-not-active`.
        """
        with self.directory.reading() as view:
            found = view.organisation_named(name)
        if found.state is not OrganisationState.ACTIVE:
            raise ConflictError(
                f"the organisation is {found.state.value}",
                code="organisation-not-active",
                hint="its custodians could not look after the source",
            )
        return found.org_id

    def operators(self) -> list[str]:
        """Return the logins of the operators who may act."""
        with self.directory.reading() as view:
            people = view.users(HOUSE)
        return [one.login for one in people if Role.OPERATOR in one.roles and one.state is UserState.ACTIVE]

    def apply_for(self, application: Application, *, actor: Actor) -> Organisation:
        """Put an application on record with its documents: see `access.organisations.apply_for`."""
        with self.directory.changing() as change:
            organisation = organisations.apply_for(change, application, actor=actor, at=utc_now())
            for document, (_, data) in zip(organisation.documents, application.documents, strict=True):
                self._objects.put(document_key(organisation.org_id, document), data)
        return organisation

    def review(self, name: str, *, admit: bool, reason: str, actor: Actor) -> Organisation:
        """Review an organisation: see `access.organisations.review`."""
        with self.directory.changing() as change:
            org_id = change.organisation_named(name).org_id
            return organisations.review(change, org_id, admit=admit, reason=reason, actor=actor, at=utc_now())

    def suspend(self, name: str, *, reason: str, actor: Actor) -> Organisation:
        """Stop an organisation: see `access.organisations.suspend`."""
        with self.directory.changing() as change:
            org_id = change.organisation_named(name).org_id
            return organisations.suspend(change, org_id, reason=reason, actor=actor, at=utc_now())

    def cancel(self, name: str, *, reason: str, actor: Actor) -> Organisation:
        """End an organisation: see `access.organisations.cancel`."""
        with self.directory.changing() as change:
            org_id = change.organisation_named(name).org_id
            return organisations.cancel(change, org_id, reason=reason, actor=actor, at=utc_now())

    def cancel_ineligible(self, policy: Policy, *, actor: Actor, dry_run: bool) -> tuple[Barred, ...]:
        """Cancel, or only name, all that the policy does not admit: see `access.eligibility.cancel_ineligible`."""
        if dry_run:
            with self.directory.reading() as view:
                return ineligible(view, policy, actor=actor, at=utc_now())
        with self.directory.changing() as change:
            return cancel_ineligible(change, policy, actor=actor, at=utc_now())

    def organisations(self, *, actor: Actor) -> tuple[Organisation, ...]:
        """Return all organisations, for an operator.

        Raises:
            NotPermittedError: code `operator-needed`.
        """
        require_operator(actor)
        with self.directory.reading() as view:
            return view.organisations()

    def organisation(self, name: str, *, actor: Actor) -> OrganisationRecord:
        """Return one organisation with all that is on record of it, for an operator.

        Raises:
            NotPermittedError: code `operator-needed`.
            NotFoundError: code `organisation-unknown`.
        """
        require_operator(actor)
        with self.directory.reading() as view:
            found = view.organisation_named(name)
            return OrganisationRecord(
                organisation=found,
                changes=view.changes(found.org_id),
                people=view.users(found.org_id),
                admitted_by=admitted_by(view, found),
                names={user.user_id: user.login for user in view.users()},
            )

    def document(self, name: str, sha256: str, *, actor: Actor) -> tuple[str, bytes]:
        """Return the name and the bytes of a document that an application came with, for an operator.

        Raises:
            NotPermittedError: code `operator-needed`.
            NotFoundError: codes `organisation-unknown`, `document-unknown`.
        """
        require_operator(actor)
        with self.directory.reading() as view:
            organisation = view.organisation_named(name)
        for document in organisation.documents:
            if document.sha256 == sha256:
                return document.name, self._objects.get(document_key(organisation.org_id, document))
        raise NotFoundError("there is no such document", code="document-unknown")

    def add_user(self, login: str, *, organisation: str, name: str, roles: Collection[Role], actor: Actor) -> User:
        """Add a person: see `access.people.add_user`."""
        with self.directory.changing() as change:
            org_id = change.organisation_named(organisation).org_id
            return people.add_user(change, org_id, login=login, name=name, roles=roles, actor=actor, at=utc_now())

    def confirm_user(self, login: str, *, actor: Actor) -> User:
        """Let a person of the house in: see `access.people.confirm_user`."""
        with self.directory.changing() as change:
            return people.confirm_user(change, change.user_named(login).user_id, actor=actor, at=utc_now())

    def set_roles(self, login: str, roles: Collection[Role], *, reason: str, actor: Actor) -> User:
        """Set somebody's roles: see `access.people.set_roles`."""
        with self.directory.changing() as change:
            user_id = change.user_named(login).user_id
            return people.set_roles(change, user_id, roles, reason=reason, actor=actor, at=utc_now())

    def qualify(self, login: str, qualification: Qualification, *, actor: Actor) -> User:
        """Record a training or an accreditation: see `access.people.qualify`."""
        with self.directory.changing() as change:
            return people.qualify(change, change.user_named(login).user_id, qualification, actor=actor, at=utc_now())

    def deactivate(self, login: str, *, reason: str, actor: Actor) -> User:
        """End somebody's access: see `access.people.deactivate`."""
        with self.directory.changing() as change:
            user_id = change.user_named(login).user_id
            return people.deactivate(change, user_id, reason=reason, actor=actor, at=utc_now())

    def users(self, organisation: str | None = None, *, actor: Actor) -> tuple[tuple[User, Organisation], ...]:
        """Return people with their organisations, by login, for an operator.

        Raises:
            NotPermittedError: code `operator-needed`.
            NotFoundError: code `organisation-unknown`.
        """
        require_operator(actor)
        with self.directory.reading() as view:
            org_id = None if organisation is None else view.organisation_named(organisation).org_id
            found = view.users(org_id)
            owners = {user.org_id: view.organisation(user.org_id) for user in found}
            return tuple((user, owners[user.org_id]) for user in found)

    def user(self, login: str, *, actor: Actor) -> tuple[User, Organisation, tuple[Change, ...]]:
        """Return one person, their organisation, and what was done to them, for an operator.

        Raises:
            NotPermittedError: code `operator-needed`.
            NotFoundError: code `user-unknown`.
        """
        require_operator(actor)
        with self.directory.reading() as view:
            user = view.user_named(login)
            changes = tuple(one for one in view.changes(user.org_id) if one.user_id == user.user_id)
            return user, view.organisation(user.org_id), changes


def open_accounts(engine: Engine, objects: Objects, keyring: Keyring, audit: SqlAuditLog) -> Accounts:
    """Open the accounts in a database."""
    return Accounts(SqlDirectory(engine, keyring, audit), objects)


def found_house(engine: Engine, keyring: Keyring, audit: SqlAuditLog, operators: Collection[str]) -> None:
    """Put the house and its first operators on record, unless they are there: see `access.founding.found`.

    Raises:
        InvalidInputError: code `operators-invalid`; nothing was written.
    """
    with SqlDirectory(engine, keyring, audit).changing() as change:
        try:
            change.organisation(HOUSE)
        except NotFoundError:
            found(change, tuple(operators), at=utc_now())


def named(login: str | None) -> str:
    """Give a login back.

    Raises:
        NotPermittedError: code `actor-missing`.
    """
    if not login:
        raise NotPermittedError(
            "nobody is named who does this",
            code="actor-missing",
            hint="add --as LOGIN, or set COUNTENANCE_USER; `countenance user list` lists people",
        )
    return login


def _actor_unknown(login: str) -> NotPermittedError:
    return NotPermittedError(
        f"nobody who may act is called {login!r}",
        code="actor-unknown",
        hint="see `countenance user list`: the person and their organisation have to be active",
    )
