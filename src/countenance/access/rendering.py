"""Organisations and people as JSON: one shape for the command line and the API."""

from collections.abc import Mapping

from countenance.access.credentials import Credential, PageSession
from countenance.access.model import Change, Organisation, User


def organisation_json(organisation: Organisation) -> dict[str, object]:
    """Return an organisation, JSON types only."""
    return {
        "organisation_id": organisation.org_id,
        "name": organisation.name,
        "sector": organisation.sector.value,
        "country": organisation.country,
        "region": organisation.region,
        "contact": organisation.contact,
        "documents": [{"name": document.name, "sha256": document.sha256} for document in organisation.documents],
        "state": organisation.state.value,
        "applied_at": organisation.applied_at.isoformat(),
    }


def user_json(user: User) -> dict[str, object]:
    """Return a person, JSON types only."""
    return {
        "user_id": user.user_id,
        "login": user.login,
        "name": user.name,
        "organisation_id": user.org_id,
        "roles": sorted(role.value for role in user.roles),
        "qualifications": [
            {"kind": held.kind.value, "name": held.name, "valid_until": held.valid_until.isoformat()}
            for held in user.qualifications
        ],
        "state": user.state.value,
        "added_at": user.added_at.isoformat(),
    }


def change_json(change: Change, logins: Mapping[str, str]) -> dict[str, object]:
    """Return one thing that was done, JSON types only.

    Args:
        logins: What people sign in with, by user id.
    """
    return {
        "at": change.at.isoformat(),
        "by": logins.get(change.by, change.by),
        "action": change.action.value,
        "user": None if change.user_id is None else logins.get(change.user_id, change.user_id),
        "reason": change.reason,
    }


def credential_json(credential: Credential) -> dict[str, object]:
    """Return a credential without anything secret, JSON types only."""
    return {
        "credential_id": credential.credential_id,
        "kind": credential.kind.value,
        "name": credential.facts.get("name"),
        "actions": credential.facts.get("actions"),
        "made_at": credential.made_at.isoformat(),
        "expires_at": credential.expires_at and credential.expires_at.isoformat(),
        "used_at": credential.used_at and credential.used_at.isoformat(),
    }


def session_json(session: PageSession, current: PageSession) -> dict[str, object]:
    """Return a session, JSON types only."""
    return {
        "session_id": session.session_id,
        "began_at": session.began_at.isoformat(),
        "used_at": session.used_at.isoformat(),
        "browser": session.browser,
        "current": session.session_id == current.session_id,
    }
