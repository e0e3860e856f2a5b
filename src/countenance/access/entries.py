"""What the audit log says of organisations, people and signing in: ids and actions; names and reasons are left out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from countenance.access.credentials import Credential
from countenance.access.model import Change, User
from countenance.audit.model import Entry, Outcome
from countenance.policy.model import HOUSE


@dataclass(frozen=True, slots=True)
class _Operator:
    """Whoever changed something: operators, all of the house, and the installation itself."""

    user_id: str
    org_id: str = HOUSE


@dataclass(frozen=True, slots=True)
class _Person:
    """Whoever signs in, or changes what they sign in with."""

    user_id: str
    org_id: str


NOBODY = _Person("nobody", "")
"""Whoever fails to sign in: it need not be whom the login belongs to."""


def changes_made(changes: Sequence[Change]) -> list[Entry]:
    """Say what was done to organisations and people, an entry each."""
    return [
        Entry(
            action=f"access-{change.action.value}",
            outcome=Outcome.DONE,
            actor=_Operator(change.by),
            facts={"organisation": change.org_id, "user": change.user_id},
        )
        for change in changes
    ]


def signed_in(user: User, session_id: str, *, means: str) -> Entry:
    """Say that a session began.

    Args:
        user: Whose.
        session_id: Which.
        means: What they signed in with: `password`, `passkey`, `one-time-code`.
    """
    return _own(user, "sign-in", {"session": session_id, "with": means})


def sign_in_failed(user: User | None, login_key: bytes | None, *, means: str) -> Entry:
    """Say that a sign-in failed.

    Args:
        user: Whose login it was; None for nobody's.
        login_key: Stands for the login that was tried, and says nothing; None where none was.
        means: What was tried.
    """
    return Entry(
        action="sign-in",
        outcome=Outcome.REFUSED,
        actor=NOBODY,
        facts={"with": means, "login": None if login_key is None else login_key.hex(), "user": _id(user)},
    )


def locked_out(user: User | None, login_key: bytes, *, known: bool) -> Entry:
    """Say that passwords for a login are not looked at for a while.

    Args:
        user: Whose login it is; None for nobody's.
        login_key: Stands for it.
        known: Whether that goes for one browser that signed in before, or for all others.
    """
    return Entry(
        action="sign-in-lock-out",
        outcome=Outcome.DONE,
        actor=NOBODY,
        facts={"login": login_key.hex(), "browser": "known" if known else "unknown", "user": _id(user)},
    )


def sessions_ended(user: User, session_ids: Collection[str], *, why: str) -> list[Entry]:
    """Say that sessions were ended before their time."""
    return [_own(user, "session-ended", {"session": one, "why": why}) for one in session_ids]


def credential_added(user: User, credential: Credential) -> Entry:
    """Say that somebody has something new to sign in with; of an API key also what it is for."""
    facts: dict[str, Any] = {"credential": credential.credential_id, "kind": credential.kind.value}
    if credential.expires_at is not None:
        facts["expires_at"] = credential.expires_at.isoformat()
    if "actions" in credential.facts:
        facts["actions"] = list(credential.facts["actions"])
    return _own(user, "credential-added", facts)


def credentials_removed(user: User, credentials: Collection[Credential]) -> list[Entry]:
    """Say that somebody can't sign in with something any more."""
    return [
        _own(user, "credential-removed", {"credential": one.credential_id, "kind": one.kind.value})
        for one in credentials
    ]


def _id(user: User | None) -> str | None:
    return None if user is None else user.user_id


def _own(user: User, action: str, facts: dict[str, Any]) -> Entry:
    """Return the entry of something that a person did for themselves."""
    return Entry(action=action, outcome=Outcome.DONE, actor=_Person(user.user_id, user.org_id), facts=facts)
