"""Who acts, and for which organisation: what decisions are made about and the audit log names."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

HOUSE = "house"
"""Id of the organisation that runs this installation. It has operators and auditors; nobody searches for it."""


class Sector(StrEnum):
    """What kind of organisation it is."""

    LAW_ENFORCEMENT = "law-enforcement"
    GOVERNMENT = "government"
    ARCHIVE = "archive"
    HUMANITARIAN = "humanitarian"
    EDUCATION = "education"
    COMPANY = "company"
    HOUSE = "house"


class OrganisationState(StrEnum):
    """How far an organisation's vetting has come."""

    APPLIED = "applied"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CANCELLED = "cancelled"


class Role(StrEnum):
    """What a person is there for.

    Examiners search and judge; supervisors approve; custodians keep sources; operators vet organisations and people and
    look after the keys; auditors see the log, never a face.
    """

    EXAMINER = "examiner"
    SUPERVISOR = "supervisor"
    CUSTODIAN = "custodian"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class QualificationKind(StrEnum):
    """What somebody has to show before they may examine."""

    TRAINING = "training"
    ACCREDITATION = "accreditation"


class Channel(StrEnum):
    """How an actor came in."""

    COMMAND_LINE = "command-line"
    PAGE = "page"
    API = "api"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Qualification:
    """A training or an accreditation, which ends.

    Attributes:
        name: What it is called, e.g. `facial comparison, level 2`.
        valid_until: From this moment on it counts no more.
    """

    kind: QualificationKind
    name: str
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationFacts:
    """What policy decides on about an organisation.

    Attributes:
        org_id: A random id, or HOUSE.
        country: ISO 3166-1 alpha-2, e.g. `US`.
        region: ISO 3166-2, e.g. `US-IL`; None where the organisation works in the whole country.
    """

    org_id: str
    sector: Sector
    country: str
    region: str | None
    state: OrganisationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a person of an organisation, as they stand on record at this moment, or the installation itself.

    Attributes:
        user_id: A random id, or `system`.
        actions: What an API key narrows its owner's actions to; empty where a one-time code let them in, to set
            what they sign in with and nothing else; None where nothing narrows them.
        os_user: On the command line, the operating system's user; personal.
    """

    user_id: str
    organisation: OrganisationFacts
    roles: frozenset[Role]
    qualifications: tuple[Qualification, ...]
    channel: Channel
    actions: frozenset[str] | None = None
    os_user: str | None = None

    @property
    def org_id(self) -> str:
        """The organisation's id."""
        return self.organisation.org_id

    def qualified(self, kind: QualificationKind, *, at: datetime) -> bool:
        """Return whether they hold a qualification of this kind that has not ended."""
        return any(held.kind is kind and at < held.valid_until for held in self.qualifications)


SYSTEM = Actor(
    user_id="system",
    organisation=OrganisationFacts(
        org_id=HOUSE, sector=Sector.HOUSE, country="ZZ", region=None, state=OrganisationState.ACTIVE
    ),
    roles=frozenset(),
    qualifications=(),
    channel=Channel.MAINTENANCE,
)
"""Who acts when nobody does: retention runs, repairs, clocks. `ZZ` is ISO 3166's code for no country."""
