"""Organisations and people to rows and back: what is personal is one sealed document a row."""

from datetime import datetime
from typing import Any

from countenance.access.model import Action, Change, Document, Organisation, User, UserState
from countenance.adapters.sql.access_models import AccessChangeRow, AccountRow, OrganisationRow
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import HOME, org_scope
from countenance.keys.ports import Keyring
from countenance.policy.model import OrganisationState, Qualification, QualificationKind, Role, Sector


def name_key(keyring: Keyring, name: str) -> bytes:
    """Return the fingerprint of an organisation's name, whatever the case of its letters."""
    return keyring.fingerprint(HOME, name.casefold().encode(), column="organisation.name")


def login_key(keyring: Keyring, login: str) -> bytes:
    """Return the fingerprint of what a person signs in with."""
    return keyring.fingerprint(HOME, login.encode(), column="account.login")


def sealed_organisation(keyring: Keyring, organisation: Organisation) -> bytes:
    """Seal what an organisation's row does not say in the clear."""
    facts = {
        "name": organisation.name,
        "sector": organisation.sector.value,
        "country": organisation.country,
        "region": organisation.region,
        "contact": organisation.contact,
        "documents": [{"name": document.name, "sha256": document.sha256} for document in organisation.documents],
    }
    return _seal(keyring, organisation.org_id, facts, organisation.org_id, "organisation.sealed")


def organisation_of(keyring: Keyring, row: OrganisationRow) -> Organisation:
    """Return an organisation."""
    facts = _open(keyring, row.org_id, row.sealed, row.org_id, "organisation.sealed")
    return Organisation(
        org_id=row.org_id,
        name=facts["name"],
        sector=Sector(facts["sector"]),
        country=facts["country"],
        region=facts["region"],
        contact=facts["contact"],
        documents=tuple(Document(**document) for document in facts["documents"]),
        state=OrganisationState(row.state),
        applied_at=row.applied_at,
    )


def sealed_user(keyring: Keyring, user: User) -> bytes:
    """Seal what a person's row does not say in the clear."""
    facts = {
        "login": user.login,
        "name": user.name,
        "roles": sorted(role.value for role in user.roles),
        "qualifications": [
            {"kind": held.kind.value, "name": held.name, "valid_until": held.valid_until.isoformat()}
            for held in user.qualifications
        ],
    }
    return _seal(keyring, user.org_id, facts, user.user_id, "account.sealed")


def user_of(keyring: Keyring, row: AccountRow, org_id: str) -> User:
    """Return a person of an organisation."""
    facts = _open(keyring, org_id, row.sealed, row.user_id, "account.sealed")
    return User(
        user_id=row.user_id,
        org_id=org_id,
        login=facts["login"],
        name=facts["name"],
        roles=frozenset(Role(role) for role in facts["roles"]),
        qualifications=tuple(
            Qualification(
                kind=QualificationKind(held["kind"]),
                name=held["name"],
                valid_until=datetime.fromisoformat(held["valid_until"]),
            )
            for held in facts["qualifications"]
        ),
        state=UserState(row.state),
        added_at=row.added_at,
    )


def sealed_reason(keyring: Keyring, change_id: str, change: Change) -> bytes:
    """Seal why something was done."""
    return _seal(keyring, change.org_id, {"reason": change.reason}, change_id, "access_change.sealed")


def change_of(keyring: Keyring, row: AccessChangeRow, org_id: str, user_id: str | None) -> Change:
    """Return what was done."""
    facts = _open(keyring, org_id, row.sealed, row.change_id, "access_change.sealed")
    return Change(
        at=row.at, by=row.by, action=Action(row.action), org_id=org_id, user_id=user_id, reason=facts["reason"]
    )


def _seal(keyring: Keyring, org_id: str, facts: dict[str, Any], record: str, column: str) -> bytes:
    """Seal under the organisation's own key: destroying it makes the organisation and its people unreadable."""
    return seal_document(keyring, org_scope(org_id), facts, record=record, column=column)


def _open(keyring: Keyring, org_id: str, sealed: bytes, record: str, column: str) -> dict[str, Any]:
    """Return what was sealed under the organisation's key."""
    facts: dict[str, Any] = open_document(keyring, org_scope(org_id), sealed, record=record, column=column)
    return facts
