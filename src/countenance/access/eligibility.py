"""Who is still admitted: every organisation held against the policy in force, and the rest cancelled at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from countenance.access.model import Organisation
from countenance.access.organisations import cancel, require_operator
from countenance.access.ports import DirectoryChange, DirectoryView
from countenance.core.errors import ConflictError
from countenance.policy.decision import Rule
from countenance.policy.model import (
    Actor,
    Channel,
    OrganisationFacts,
    OrganisationState,
    Qualification,
    QualificationKind,
    Role,
)
from countenance.policy.request import (
    Action,
    Approval,
    CaseFacts,
    ProbeKind,
    QuotaFacts,
    Request,
    SearchFacts,
    Use,
)
from countenance.policy.service import Policy

LIVING = frozenset({OrganisationState.APPLIED, OrganisationState.ACTIVE, OrganisationState.SUSPENDED})

NOT_ABOUT_ANYBODY = frozenset({"core-expired", "core-base", "core-undecided"})
"""Rules that stop everybody because something is wrong with the policy itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """An organisation that the policy in force does not admit.

    Attributes:
        rules: What bars it from every purpose there is.
    """

    organisation: Organisation
    rules: tuple[Rule, ...]

    def reason(self) -> str:
        """Return the rules in words."""
        return "; ".join(f"{rule.says} ({rule.rule_id}: {rule.cites})" for rule in self.rules)[:500]


def barred(policy: Policy, organisations: Iterable[Organisation], *, at: datetime) -> tuple[Barred, ...]:
    """Return the organisations that no search is permitted to, however well it is made, with the rules.

    Raises:
        ConflictError: code `policy-not-standing`, the policy permits nothing to anybody for a fault of its own.
    """
    known: dict[OrganisationFacts, tuple[Rule, ...]] = {}
    found = []
    for organisation in organisations:
        # Those of the same sector and place stand or fall together.
        facts = OrganisationFacts(
            org_id="any",
            sector=organisation.sector,
            country=organisation.country,
            region=organisation.region,
            state=OrganisationState.ACTIVE,
        )
        if facts not in known:
            known[facts] = _rules_against(policy, facts, at)
        if known[facts]:
            found.append(Barred(organisation=organisation, rules=known[facts]))
    return tuple(found)


def ineligible(directory: DirectoryView, policy: Policy, *, actor: Actor, at: datetime) -> tuple[Barred, ...]:
    """Return those of the organisations that were not cancelled yet.

    Raises:
        NotPermittedError: code `operator-needed`.
        ConflictError: code `policy-not-standing`.
    """
    require_operator(actor)
    return barred(policy, [one for one in directory.organisations() if one.state in LIVING], at=at)


def cancel_ineligible(directory: DirectoryChange, policy: Policy, *, actor: Actor, at: datetime) -> tuple[Barred, ...]:
    """Cancel every organisation that is not admitted, with its people's access, all in this transaction.

    Raises:
        NotPermittedError: code `operator-needed`.
        ConflictError: code `policy-not-standing`. Nothing was cancelled in either case.
    """
    found = ineligible(directory, policy, actor=actor, at=at)
    for one in found:
        cancel(directory, one.organisation.org_id, reason=one.reason(), actor=actor, at=at)
    return found


def _rules_against(policy: Policy, facts: OrganisationFacts, at: datetime) -> tuple[Rule, ...]:
    """Return the rules that forbid every purpose; none where one purpose is permitted."""
    lists = policy.lists(at.date())
    requests = [_best_search(facts, purpose, lists.offences, at) for purpose in sorted(lists.purposes) or ["none"]]
    decisions = policy.decide_all(requests)
    if any(decision.allowed for decision in decisions):
        return ()
    common = set.intersection(*({rule.rule_id for rule in decision.reasons} for decision in decisions))
    if common & NOT_ABOUT_ANYBODY:
        raise ConflictError(
            "the policy permits nothing to anybody at the moment, for a fault of its own",
            code="policy-not-standing",
            hint="see `countenance policy check`: nobody is cancelled for an expired or missing pack",
        )
    always = [rule for rule in decisions[0].reasons if rule.rule_id in common]
    return tuple(always or decisions[0].reasons)


def _best_search(facts: OrganisationFacts, purpose: str, offences: Collection[str], at: datetime) -> Request:
    """Return a search that only who asks can be held against: all that can be in order, is."""
    until = at + timedelta(days=1)
    held = tuple(Qualification(kind=kind, name="any", valid_until=until) for kind in QualificationKind)

    def somebody(user_id: str, role: Role) -> Actor:
        return Actor(
            user_id=user_id,
            organisation=facts,
            roles=frozenset({role}),
            qualifications=held,
            channel=Channel.PAGE,
        )

    request_hash, none = "0" * 64, Use(used=0, limit=1)
    approval = Approval(approver=somebody("supervisor", Role.SUPERVISOR), request_hash=request_hash, until=until)
    search = SearchFacts(
        purpose=purpose,
        offence=min(offences, default=""),
        probe=ProbeKind.PHOTOGRAPH,
        case=CaseFacts(open=True, authorised=True),
        quota=QuotaFacts(person=none, case=none, organisation=none),
        request_hash=request_hash,
        approval=approval,
    )
    return Request(action=Action.SEARCH, actor=somebody("examiner", Role.EXAMINER), at=at, search=search)
