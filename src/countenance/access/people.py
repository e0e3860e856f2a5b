"""People: added by an operator, to an organisation, with roles; nobody signs themselves up."""

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from countenance.access.model import Action, Change, User, UserState, roles_allowed
from countenance.access.organisations import require_operator
from countenance.access.ports import DirectoryChange
from countenance.access.words import checked_words
from countenance.core.errors import ConflictError, InvalidInputError
from countenance.core.ids import new_id
from countenance.policy.model import HOUSE, Actor, OrganisationState, Qualification, Role

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,99}")

LEAST_OPERATORS = 2
"""With fewer, nobody could be reviewed any more."""


def add_user(
    directory: DirectoryChange,
    org_id: str,
    *,
    login: str,
    name: str,
    roles: Collection[Role],
    actor: Actor,
    at: datetime,
) -> User:
    """Add a person to an active organisation. One of the house may do nothing until another operator confirms them.

    Raises:
        NotPermittedError: code `operator-needed`.
        InvalidInputError: codes `login-invalid`, `words-invalid`, `roles-invalid`.
        ConflictError: codes `organisation-not-active`, `user-exists`. Nothing was written in any of these cases.
    """
    require_operator(actor)
    if not LOGIN.fullmatch(login):
        raise InvalidInputError(
            f"{login!r} can't be signed in with",
            code="login-invalid",
            hint="use lower-case letters, digits, '.', '_', '@' and '-', 2 to 100, e.g. examiner-a",
        )
    organisation = directory.organisation(org_id)
    if organisation.state is not OrganisationState.ACTIVE:
        raise ConflictError(
            f"the organisation is {organisation.state.value}",
            code="organisation-not-active",
            hint="people are added once two operators admitted it",
        )
    user = User(
        user_id=new_id(),
        org_id=org_id,
        login=login,
        name=checked_words(name, "the person's name"),
        roles=_checked_roles(org_id, roles),
        qualifications=(),
        state=UserState.WAITING if org_id == HOUSE else UserState.ACTIVE,
        added_at=at,
    )
    directory.add_user(user)
    directory.record([change(user, Action.USER_ADDED, _named(user.roles), actor=actor, at=at)])
    return user


def confirm_user(directory: DirectoryChange, user_id: str, *, actor: Actor, at: datetime) -> User:
    """Let a person of the house in: another operator than the one who added them.

    Raises:
        NotPermittedError: code `operator-needed`.
        ConflictError: codes `user-not-waiting`, `reviewed-already`. Nothing was written in any of these cases.
    """
    require_operator(actor)
    user = directory.user(user_id)
    if user.state is not UserState.WAITING:
        raise ConflictError(f"{user.login} waits for nobody: {user.state.value}", code="user-not-waiting")
    if any(
        done.by == actor.user_id and done.user_id == user_id and done.action is Action.USER_ADDED
        for done in directory.changes(user.org_id)
    ):
        raise ConflictError(
            f"you added {user.login}", code="reviewed-already", hint="another operator has to confirm them"
        )
    return _put(directory, replace(user, state=UserState.ACTIVE), Action.CONFIRMED, "confirmed", actor=actor, at=at)


def set_roles(
    directory: DirectoryChange, user_id: str, roles: Collection[Role], *, reason: str, actor: Actor, at: datetime
) -> User:
    """Set what somebody is there for. Nobody becomes an operator this way: that takes two (`add_user`).

    Raises:
        NotPermittedError: code `operator-needed`.
        InvalidInputError: codes `roles-invalid`, `words-invalid`.
        ConflictError: codes `user-deactivated`, `operators-needed`. Nothing was written in any of these cases.
    """
    require_operator(actor)
    user = _present(directory, user_id)
    chosen = _checked_roles(user.org_id, roles)
    if Role.OPERATOR in chosen - user.roles:
        raise InvalidInputError(
            "nobody is made an operator by one operator alone",
            code="roles-invalid",
            hint="add an account for it, which another operator confirms",
        )
    if Role.OPERATOR in user.roles - chosen:
        _require_operators_without(directory, user)
    words = f"{_named(chosen)}: {checked_words(reason, 'the reason')}"
    return _put(directory, replace(user, roles=chosen), Action.ROLES_SET, words, actor=actor, at=at)


def qualify(
    directory: DirectoryChange, user_id: str, qualification: Qualification, *, actor: Actor, at: datetime
) -> User:
    """Record a training or an accreditation; one of the same kind and name is replaced.

    Raises:
        NotPermittedError: code `operator-needed`.
        InvalidInputError: codes `words-invalid`, `qualification-over`.
        ConflictError: code `user-deactivated`. Nothing was written in any of these cases.
    """
    require_operator(actor)
    user = _present(directory, user_id)
    held = replace(qualification, name=checked_words(qualification.name, "the qualification's name"))
    if held.valid_until <= at:
        raise InvalidInputError(
            "that qualification has ended already", code="qualification-over", hint="give the day on which it ends"
        )
    others = [one for one in user.qualifications if (one.kind, one.name) != (held.kind, held.name)]
    words = f"{held.kind.value} {held.name}, until {held.valid_until.date()}"
    after = replace(user, qualifications=(*others, held))
    return _put(directory, after, Action.QUALIFIED, words, actor=actor, at=at)


def deactivate(directory: DirectoryChange, user_id: str, *, reason: str, actor: Actor, at: datetime) -> User:
    """End somebody's access for good: sessions, keys, password, second factors.

    Raises:
        NotPermittedError: code `operator-needed`.
        InvalidInputError: code `words-invalid`.
        ConflictError: codes `user-deactivated`, `operators-needed`. Nothing was written in any of these cases.
    """
    require_operator(actor)
    user = _present(directory, user_id)
    _require_operators_without(directory, user)
    words = checked_words(reason, "the reason")
    gone = _put(directory, replace(user, state=UserState.DEACTIVATED), Action.DEACTIVATED, words, actor=actor, at=at)
    directory.end_access([user_id], for_good=True)
    return gone


def change(user: User, action: Action, reason: str, *, actor: Actor, at: datetime) -> Change:
    """Return the record of something that was done to a person."""
    return Change(at=at, by=actor.user_id, action=action, org_id=user.org_id, user_id=user.user_id, reason=reason)


def _present(directory: DirectoryChange, user_id: str) -> User:
    """Return somebody who was not deactivated."""
    user = directory.user(user_id)
    if user.state is UserState.DEACTIVATED:
        raise ConflictError(f"{user.login} is deactivated", code="user-deactivated", hint="add an account anew")
    return user


def _require_operators_without(directory: DirectoryChange, user: User) -> None:
    """Make sure that enough operators are left without one."""
    others = [
        one
        for one in directory.users(HOUSE)
        if Role.OPERATOR in one.roles and one.state is UserState.ACTIVE and one.user_id != user.user_id
    ]
    counts = Role.OPERATOR in user.roles and user.state is UserState.ACTIVE
    if counts and len(others) < LEAST_OPERATORS:
        raise ConflictError(
            f"{LEAST_OPERATORS} operators have to stay", code="operators-needed", hint="add and confirm another first"
        )


def _checked_roles(org_id: str, roles: Collection[Role]) -> frozenset[Role]:
    """Return roles that fit the organisation; an auditor sees the log, never a face, so is nothing else."""
    chosen, allowed = frozenset(roles), roles_allowed(org_id)
    alone = Role.AUDITOR in chosen and len(chosen) > 1
    if not chosen or chosen - allowed or alone:
        raise InvalidInputError(
            "an auditor has no other role" if alone else f"people of this organisation may be {_named(allowed)}",
            code="roles-invalid",
            hint="operators are people of the house, examiners and supervisors are not",
        )
    return chosen


def _put(directory: DirectoryChange, user: User, action: Action, words: str, *, actor: Actor, at: datetime) -> User:
    """Write a person and what was done."""
    directory.put_user(user)
    directory.record([change(user, action, words, actor=actor, at=at)])
    return user


def _named(roles: Collection[Role]) -> str:
    return ", ".join(sorted(role.value for role in roles))
