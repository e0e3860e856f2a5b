"""Organisations, users and every change to them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countenance.policy.model import (
    HOUSE,
    Actor,
    Channel,
    OrganisationFacts,
    OrganisationState,
    Qualification,
    Role,
    Sector,
)

HOUSE_ROLES = frozenset({Role.OPERATOR, Role.AUDITOR, Role.CUSTODIAN})
"""Roles of people of the organisation that runs the installation: those who vet don't search."""

CUSTOMER_ROLES = frozenset({Role.EXAMINER, Role.SUPERVISOR, Role.CUSTODIAN, Role.AUDITOR})
"""Roles of people of every other organisation."""


class Action(StrEnum):
    """What was done to an organisation or a user."""

    APPLIED = "applied"
    ADMITTED = "admitted"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"
    USER_ADDED = "user-added"
    CONFIRMED = "confirmed"
    INVITED = "invited"
    ROLES_SET = "roles-set"
    QUALIFIED = "qualified"
    DEACTIVATED = "deactivated"


class UserState(StrEnum):
    """Whether somebody may sign in."""

    WAITING = "waiting"
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document that an application rests on; its bytes are in the object store, encrypted.

    Attributes:
        name: The file's name as it was handed over.
        sha256: Hex digest of its bytes.
    """

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """An organisation that asked to search here, or the house.

    Attributes:
        contact: How to reach it, in its own words.
    """

    org_id: str
    name: str
    sector: Sector
    country: str
    region: str | None
    contact: str
    documents: tuple[Document, ...]
    state: OrganisationState
    applied_at: datetime

    @property
    def facts(self) -> OrganisationFacts:
        """What policy decides on."""
        return OrganisationFacts(
            org_id=self.org_id, sector=self.sector, country=self.country, region=self.region, state=self.state
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person of one organisation.

    Attributes:
        login: What they sign in with; unique.
        name: What people call them.
    """

    user_id: str
    org_id: str
    login: str
    name: str
    roles: frozenset[Role]
    qualifications: tuple[Qualification, ...]
    state: UserState
    added_at: datetime

    def acting(
        self,
        organisation: Organisation,
        *,
        channel: Channel,
        actions: frozenset[str] | None = None,
        os_user: str | None = None,
    ) -> Actor:
        """Return this person as an actor for their organisation."""
        return Actor(
            user_id=self.user_id,
            organisation=organisation.facts,
            roles=self.roles,
            qualifications=self.qualifications,
            channel=channel,
            actions=actions,
            os_user=os_user,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that was done, when, by whom, and why.

    Attributes:
        user_id: Whom it was done to; None where it was done to the organisation as a whole.
        by: The user id of whoever did it, or `system`.
        reason: In their own words, or the rule that left no choice.
    """

    at: datetime
    by: str
    action: Action
    org_id: str
    user_id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What an organisation hands in.

    Attributes:
        documents: Each one's file name and bytes; one at least.
    """

    name: str
    sector: Sector
    country: str
    region: str | None
    contact: str
    documents: tuple[tuple[str, bytes], ...]


def roles_allowed(org_id: str) -> frozenset[Role]:
    """Return the roles that people of an organisation may have."""
    return HOUSE_ROLES if org_id == HOUSE else CUSTOMER_ROLES
