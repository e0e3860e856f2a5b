"""What somebody asks to do: an action, whoever acts, and the facts that rules are about. Plain values, no I/O."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from countenance.policy.model import Actor


class Action(StrEnum):
    """Everything that can be done in any interface. A route or command that fits none must not exist."""

    SEARCH = "search"
    SEARCH_SOURCE = "search-source"
    EXAMINE_PROBE = "examine-probe"
    VIEW_ANSWER = "view-answer"
    VIEW_SUBJECT = "view-subject"
    VIEW_SOURCE = "view-source"
    ENROL = "enrol"
    MANAGE_SOURCE = "manage-source"
    SET_KEEPER = "set-keeper"
    OPEN_CASE = "open-case"
    CLOSE_CASE = "close-case"
    VIEW_CASE = "view-case"
    APPROVE = "approve"
    MANAGE_ORGANISATION = "manage-organisation"
    MANAGE_USER = "manage-user"
    MAINTAIN = "maintain"
    READ_LOG = "read-log"
    READ_WHOLE_LOG = "read-whole-log"
    READ_POLICY = "read-policy"


class ProbeKind(StrEnum):
    """What a probe is, as whoever searches states it."""

    PHOTOGRAPH = "photograph"
    VIDEO_FRAME = "video-frame"
    LIVE = "live"
    SKETCH = "sketch"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What rules decide on about a source.

    Attributes:
        sectors: Sectors whose organisations its owner admits; `any` for all.
        purposes: Purposes that its owner admits; `any` for all.
        excluded: Countries and regions whose organisations may not search it.
        releases_required: Whether each subject gave a release of their own.
        keeper: Id of the organisation that keeps it; None where every custodian does.
    """

    source_id: str
    state: str
    legal_basis: str
    sectors: tuple[str, ...]
    purposes: tuple[str, ...]
    excluded: tuple[str, ...]
    releases_required: bool
    keeper: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What rules decide on about the case that a search names.

    A case of another organisation and one that there is not give the same facts: nobody learns which it is.

    Attributes:
        open: Whether it is an open case of the actor's own organisation.
        authorised: Whether a court's or an administrative authority's authorisation is on record with it.
    """

    open: bool
    authorised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How often something was done, and how often it may be."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaFacts:
    """Searches before this one: of the person today, under the case so far, of the organisation today."""

    person: Use
    case: Use
    organisation: Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a supervisor approved.

    Attributes:
        approver: As they stand on record now.
        request_hash: Hex SHA-256 of the request that they approved.
        until: From this moment on it counts no more.
    """

    approver: Actor
    request_hash: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFacts:
    """What rules decide on about a search.

    Attributes:
        purpose: A code of the lists of the packs in force, or whatever else was asked for.
        offence: The same; empty where none was stated.
        request_hash: Hex SHA-256 of what is searched with and what for.
        approval: A supervisor's; None where there is none.
        emergency: Whether it is done now and approved within 48 hours.
        overdue: Emergency searches of this person that were not approved in time.
    """

    purpose: str
    offence: str
    probe: ProbeKind
    case: CaseFacts
    quota: QuotaFacts
    request_hash: str
    approval: Approval | None = None
    emergency: bool = False
    overdue: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to the policy.

    Attributes:
        source: Which source it is about; actions upon one need it.
        search: The search that it is part of; `search` and `search-source` need it.
    """

    action: Action
    actor: Actor
    at: datetime
    source: SourceFacts | None = None
    search: SearchFacts | None = None

    def __post_init__(self) -> None:
        """Refuse a question that lacks what its action is decided on."""
        if self.at.tzinfo is None:
            raise ValueError("a time without a zone")
        if self.action in {Action.SEARCH, Action.SEARCH_SOURCE} and self.search is None:
            raise ValueError(f"{self.action} needs the facts of the search")
        if self.action in ON_A_SOURCE and self.source is None:
            raise ValueError(f"{self.action} needs the facts of the source")

    @property
    def key_allows(self) -> bool:
        """Whether the API key that the actor came with, if any, is for this: one for searching is for what it takes."""
        action = Action.SEARCH if self.action is Action.SEARCH_SOURCE else self.action
        return self.actor.actions is None or action.value in self.actor.actions


ON_A_SOURCE = frozenset({Action.SEARCH_SOURCE, Action.ENROL})
"""Actions that are decided on for one source each."""

OF_A_SOURCE = ON_A_SOURCE | {Action.VIEW_SUBJECT, Action.MANAGE_SOURCE}
"""Those, and actions that may name one: whose people are looked at, what is done to it."""
