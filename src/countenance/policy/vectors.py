"""Vectors: requests with the answer that a rule has to give, and a request written down as flat facts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from countenance.core.errors import InvalidInputError
from countenance.policy.model import (
    Actor,
    Channel,
    OrganisationFacts,
    OrganisationState,
    Qualification,
    QualificationKind,
    Role,
    Sector,
)
from countenance.policy.pack import LawPack, invalid_pack, lists_of
from countenance.policy.ports import LoadRules
from countenance.policy.request import (
    OF_A_SOURCE,
    Action,
    Approval,
    CaseFacts,
    ProbeKind,
    QuotaFacts,
    Request,
    SearchFacts,
    SourceFacts,
    Use,
)
from countenance.policy.service import schema_of

DAY = timedelta(days=1)

SOME_DAY = datetime(2026, 12, 1, 12, tzinfo=UTC)
"""When a vector is decided, unless somebody asks as of another day."""

REQUEST_HASH = "0" * 64


class Facts(BaseModel):
    """A request as flat facts. Left out, a fact is that of a search that nothing speaks against.

    `view-subject` is that of somebody enrolled in the source, and `manage-source` of something done to it.

    Attributes:
        place: Country or region of the organisation, e.g. `US-CA`.
        key: Actions that an API key allows; None where none narrows them.
        case: Whether the reference is of an open case of the organisation.
        approval: Whose approval there is: `none`, `supervisor`, `self`, `stranger` of another organisation, `examiner`,
            `other-request`, `expired`.
        source_keeper: Which organisation keeps the source: `none` in particular, the person's `own`, `another`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Action = Action.SEARCH
    roles: tuple[Role, ...] = (Role.EXAMINER,)
    trained: bool = True
    accredited: bool = True
    sector: Sector = Sector.LAW_ENFORCEMENT
    state: OrganisationState = OrganisationState.ACTIVE
    place: str = "US-CA"
    key: tuple[str, ...] | None = None
    purpose: str = "missing-person"
    offence: str = ""
    probe: ProbeKind = ProbeKind.PHOTOGRAPH
    case: bool = True
    authorised: bool = False
    person_today: int = 0
    under_case: int = 0
    organisation_today: int = 0
    limit: int = 10
    approval: Literal["none", "supervisor", "self", "stranger", "examiner", "other-request", "expired"] = "none"
    emergency: bool = False
    overdue: int = 0
    source_state: str = "active"
    source_basis: str = "contract"
    source_sectors: tuple[str, ...] = ("any",)
    source_purposes: tuple[str, ...] = ("any",)
    source_excluded: tuple[str, ...] = ()
    source_releases: bool = False
    source_keeper: Literal["none", "own", "another"] = "none"


class Vector(BaseModel):
    """One request and what a rule has to say of it.

    Attributes:
        rule: Whose vector it is.
        expect: `pass`: permitted; `deny`: this rule forbids it.
        says: The case in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    expect: Literal["pass", "deny"]
    says: str
    facts: Facts = Facts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one vector."""

    pack: str
    vector: Vector
    allowed: bool
    forbids: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the rule says what it has to."""
        return self.allowed if self.vector.expect == "pass" else self.vector.rule in self.forbids


def facts_of(pairs: Mapping[str, Any]) -> Facts:
    """Read flat facts; several values of one fact are separated by commas.

    Raises:
        InvalidInputError: code `fact-invalid`.
    """
    several = {name for name, field in Facts.model_fields.items() if "tuple" in str(field.annotation)}
    values = {
        name: [one for one in value.split(",") if one] if name in several and isinstance(value, str) else value
        for name, value in pairs.items()
    }
    try:
        return Facts.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInputError(
            f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}",
            code="fact-invalid",
            hint=f"facts are {', '.join(Facts.model_fields)}",
        ) from None


def vectors_of(pack: LawPack) -> tuple[Vector, ...]:
    """Read a pack's vectors.

    Raises:
        IntegrityError: code `law-pack-invalid`.
    """
    try:
        return tuple(Vector.model_validate(one) for one in pack.vectors)
    except ValidationError as error:
        raise invalid_pack(pack.name, f"vectors: {error.errors()[0]['msg']}") from None


def run_vectors(pack: LawPack, *, core: LawPack, default: LawPack, load: LoadRules) -> tuple[Outcome, ...]:
    """Decide each vector of a pack by its rules and the core's.

    Args:
        default: Whose lists are used where the pack has none.

    Raises:
        IntegrityError: codes `law-pack-invalid`, `policy-invalid`; also where a rule has no pass or no deny vector.
    """
    packs = [core] if pack.name == core.name else [core, pack]
    rules = load(schema_of(core), [one.text() for one in packs])
    vectors = vectors_of(pack)
    wanted = {
        (rule.rule_id, way) for rule in rules.forbids.values() if rule.pack == pack.name for way in ("pass", "deny")
    }
    missing = wanted - {(vector.rule, vector.expect) for vector in vectors}
    if missing:
        rule, way = min(missing)
        raise invalid_pack(pack.name, f"{rule} has no {way} vector")
    lists = lists_of([pack if pack.manifest.purposes else default])
    outcomes = []
    for vector in vectors:
        [verdict] = rules.judge([request_of(vector.facts)], lists)
        outcomes.append(Outcome(pack=pack.name, vector=vector, allowed=verdict.allowed, forbids=verdict.forbids))
    return tuple(outcomes)


def request_of(facts: Facts, *, at: datetime = SOME_DAY) -> Request:
    """Make the request that flat facts describe."""
    actor = _actor("person", facts.roles, "organisation", facts, at=at)
    search = facts.action in {Action.SEARCH, Action.SEARCH_SOURCE}
    return Request(
        action=facts.action,
        actor=actor,
        at=at,
        source=_source(facts) if facts.action in OF_A_SOURCE else None,
        search=_search(facts, actor, at) if search else None,
    )


def _actor(user_id: str, roles: Sequence[Role], org_id: str, facts: Facts, *, at: datetime) -> Actor:
    """Make a person of an organisation."""
    country, _, region = facts.place.partition("-")
    kinds = {QualificationKind.TRAINING: facts.trained, QualificationKind.ACCREDITATION: facts.accredited}
    return Actor(
        user_id=user_id,
        organisation=OrganisationFacts(
            org_id=org_id,
            sector=facts.sector,
            country=country,
            region=facts.place if region else None,
            state=facts.state,
        ),
        roles=frozenset(roles),
        qualifications=tuple(
            Qualification(kind=kind, name=kind.value, valid_until=at + (DAY if held else -DAY))
            for kind, held in kinds.items()
        ),
        channel=Channel.COMMAND_LINE,
        actions=None if facts.key is None else frozenset(facts.key),
    )


def _source(facts: Facts) -> SourceFacts:
    """Make a source."""
    return SourceFacts(
        source_id="source",
        state=facts.source_state,
        legal_basis=facts.source_basis,
        sectors=facts.source_sectors,
        purposes=facts.source_purposes,
        excluded=facts.source_excluded,
        releases_required=facts.source_releases,
        keeper={"none": None, "own": "organisation", "another": "another"}[facts.source_keeper],
    )


def _search(facts: Facts, actor: Actor, at: datetime) -> SearchFacts:
    """Make a search."""
    return SearchFacts(
        purpose=facts.purpose,
        offence=facts.offence,
        probe=facts.probe,
        case=CaseFacts(open=facts.case, authorised=facts.authorised),
        quota=QuotaFacts(
            person=Use(used=facts.person_today, limit=facts.limit),
            case=Use(used=facts.under_case, limit=facts.limit),
            organisation=Use(used=facts.organisation_today, limit=facts.limit),
        ),
        request_hash=REQUEST_HASH,
        approval=_approval(facts, actor, at),
        emergency=facts.emergency,
        overdue=facts.overdue,
    )


def _approval(facts: Facts, actor: Actor, at: datetime) -> Approval | None:
    """Make an approval, whole or with one thing wrong."""
    if facts.approval == "none":
        return None
    roles = (Role.EXAMINER,) if facts.approval == "examiner" else (Role.SUPERVISOR,)
    org_id = "another" if facts.approval == "stranger" else "organisation"
    approver = actor if facts.approval == "self" else _actor("approver", roles, org_id, facts, at=at)
    return Approval(
        approver=approver,
        request_hash="1" * 64 if facts.approval == "other-request" else REQUEST_HASH,
        until=at - DAY if facts.approval == "expired" else at + DAY,
    )
