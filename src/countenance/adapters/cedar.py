"""Rules in Cedar, behind the policy's port. Fails closed: a request that any rule can't be evaluated for is denied.

Cedar skips a rule that errors, so that a `forbid` which reads something that isn't there would be no `forbid`. Hence:

1. A request is permitted only if Cedar says Allow and reports no error at all.
2. The schema is always given, and every rule was validated against it when it was loaded.
3. Every entity that a request names is loaded with it: nothing dangles.
4. Evidence that must be there stands in the `permit` too (packs/core/policies.cedar).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import cedarpy

from countenance.core.errors import IntegrityError
from countenance.policy.decision import Rule
from countenance.policy.model import Actor, QualificationKind
from countenance.policy.ports import Lists, RuleText, Verdict
from countenance.policy.request import Request, SearchFacts, SourceFacts, Use

_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU: Final = frozenset(_MEMBERS.split())
"""The member states, so that a rule can name `EU`. Source: Treaty on European Union, article 52."""

HOME: Final = {"type": "Home", "id": "home"}

Entity = dict[str, Any]
ANNOTATIONS: Final = ("id", "says", "cites", "needs")

BARS, ORGANISATION = "bars", "organisation"
"""`@bars("organisation")` marks a rule that refuses an organisation as such."""


class CedarRules:
    """Implements `Rules`: a schema and the rules of several packs, parsed and validated once. Thread-safe."""

    def __init__(self, schema: str, texts: Sequence[RuleText]) -> None:
        """Load rules.

        Args:
            schema: In Cedar's own form.
            texts: Each pack's rules. Only one with `may_permit` may hold a `permit`.

        Raises:
            IntegrityError: code `policy-invalid`: a rule does not parse or does not fit the schema, has no id, words or
                citation, shares its id with another, or permits where its pack may not. Nothing may be decided by it.
        """
        self._forbids: dict[str, Rule] = {}
        self._names_sources = any("Source::" in text.rules for text in texts)
        static: dict[str, Any] = {}
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            for text in texts:
                for rule_id, policy in _rules_of(text).items():
                    if rule_id in static:
                        raise _invalid(text.pack, f"two rules are called {rule_id}")
                    static[rule_id] = policy
                    if policy["effect"] == "forbid":
                        self._forbids[rule_id] = _rule(text.pack, policy["annotations"])
            rules = json.dumps({"staticPolicies": static, "templates": {}, "templateLinks": []})
            self._rules = cedarpy.PolicySet.from_json_str(rules)
            found = cedarpy.validate_policies(cedarpy.policies_from_json_str(rules), schema)
        except ValueError as error:
            raise _invalid(", ".join(text.pack for text in texts), str(error).splitlines()[0]) from None
        if not found.validation_passed:
            raise _invalid(", ".join(text.pack for text in texts), str(found.errors[0]))

    @property
    def forbids(self) -> Mapping[str, Rule]:
        """See the port."""
        return self._forbids

    def judge(self, requests: Sequence[Request], lists: Lists) -> tuple[Verdict, ...]:
        """See the port."""
        if not requests:
            return ()
        # Sources that differ in nothing but their ids are decided on once, unless a rule names one by its id.
        alike = [one if self._names_sources else _nameless(one) for one in requests]
        chosen = dict(zip(alike, requests, strict=True))
        questions = [question(one, lists) for one in chosen.values()]
        try:
            entities = entities_of(list(chosen.values()))
        except ValueError:
            return _undecided(len(requests))
        verdicts = dict(zip(chosen, self.evaluate(questions, entities), strict=True))
        return tuple(verdicts[key] for key in alike)

    def evaluate(self, questions: Sequence[Mapping[str, Any]], entities: Sequence[Entity]) -> tuple[Verdict, ...]:
        """Decide Cedar requests over entities, both in Cedar's JSON form.

        Anything that Cedar can't decide for certain is a denial: an error in any rule, a request that does not fit the
        schema, entities that don't.
        """
        try:
            held = cedarpy.Entities.from_json_str(json.dumps(list(entities)), self._schema)
            answers = cedarpy.is_authorized_batch([dict(one) for one in questions], self._rules, held, self._schema)
        except (ValueError, KeyError, TypeError):
            return _undecided(len(questions))
        return tuple(self._verdict(answer) for answer in answers)

    def _verdict(self, answer: cedarpy.AuthzResult) -> Verdict:
        """Read one answer, closed."""
        failed = bool(answer.diagnostics.errors) or answer.decision is cedarpy.Decision.NoDecision
        allowed = answer.decision is cedarpy.Decision.Allow and not failed
        forbids = () if answer.decision is cedarpy.Decision.Allow else tuple(sorted(answer.diagnostics.reasons))
        return Verdict(allowed=allowed, forbids=forbids, failed=failed)


def _nameless(request: Request) -> Request:
    """Return a request as it is but for its source's id."""
    if request.source is None:
        return request
    return replace(request, source=replace(request.source, source_id=""))


def _undecided(requests: int) -> tuple[Verdict, ...]:
    """Return the verdict on what can't be evaluated: no."""
    return (Verdict(allowed=False, forbids=(), failed=True),) * requests


def _rules_of(text: RuleText) -> dict[str, dict[str, Any]]:
    """Parse one pack's rules, by their ids."""
    rules: dict[str, dict[str, Any]] = {}
    for policy in json.loads(cedarpy.policies_to_json_str(text.rules))["staticPolicies"].values():
        rule_id = policy.get("annotations", {}).get("id")
        if not rule_id or not rule_id.startswith(f"{text.prefix}-"):
            raise _invalid(text.pack, f"each rule needs an @id that begins with {text.prefix}-")
        if rule_id in rules:
            raise _invalid(text.pack, f"two rules are called {rule_id}")
        if policy["effect"] == "permit" and not text.may_permit:
            raise _invalid(text.pack, f"{rule_id} permits; a pack may only forbid")
        if policy["effect"] == "forbid" and not all(policy["annotations"].get(name) for name in ANNOTATIONS):
            raise _invalid(text.pack, f"{rule_id} needs @says, @cites and @needs")
        if policy["annotations"].get(BARS, ORGANISATION) != ORGANISATION:
            raise _invalid(text.pack, f'{rule_id} says what it bars in other words than @bars("{ORGANISATION}")')
        rules[rule_id] = policy
    return rules


def _rule(pack: str, annotations: Mapping[str, str]) -> Rule:
    """Read a rule's words."""
    return Rule(
        rule_id=annotations["id"],
        pack=pack,
        says=annotations["says"],
        cites=annotations["cites"],
        needs=annotations["needs"],
        bars=BARS in annotations,
    )


def _invalid(packs: str, why: str) -> IntegrityError:
    return IntegrityError(
        f"the rules of {packs} can't be used: {why}",
        code="policy-invalid",
        hint="mend the pack and check it with `countenance policy test`; until then nothing is permitted",
    )


def question(request: Request, lists: Lists) -> dict[str, Any]:
    """Put a request into Cedar's JSON form."""
    context: dict[str, Any] = {
        "now": _time(request.at),
        "key_allows": request.key_allows,
    }
    if request.search is not None and request.action.value in {"search", "search-source"}:
        context |= _search(request.search, lists)
    if request.action.value == "view-subject":
        context["purposes"] = sorted(lists.purposes)
    resource = HOME if request.source is None else {"type": "Source", "id": request.source.source_id}
    return {
        "principal": _person_id(request.actor),
        "action": {"type": "Action", "id": request.action.value},
        "resource": resource,
        "context": context,
    }


def _search(search: SearchFacts, lists: Lists) -> dict[str, Any]:
    """Put the facts of a search into the context."""
    facts: dict[str, Any] = {
        "purpose": search.purpose,
        "purpose_listed": search.purpose in lists.purposes,
        "sensitive": search.purpose in lists.sensitive,
        "offence": search.offence,
        "offence_listed": search.offence in lists.offences,
        "offence_required": search.purpose in lists.offence_required,
        "probe": search.probe.value,
        "case_open": search.case.open,
        "case_authorised": search.case.authorised,
        "by_person": _use(search.quota.person),
        "by_case": _use(search.quota.case),
        "by_organisation": _use(search.quota.organisation),
        "request": search.request_hash,
        "emergency": search.emergency,
        "overdue": search.overdue,
    }
    if search.approval is not None:
        facts["approval"] = {
            "by": {"__entity": _person_id(search.approval.approver)},
            "request": search.approval.request_hash,
            "until": _time(search.approval.until),
        }
    return facts


def entities_of(requests: Iterable[Request]) -> list[Entity]:
    """Return every entity that the requests name, each once: people, organisations, sources.

    Raises:
        ValueError: one is named in two states, so that it is not certain which one is decided on.
    """
    found: dict[tuple[str, str], Entity] = {("Home", "home"): {"uid": HOME, "attrs": {}, "parents": []}}
    for request in requests:
        people = [request.actor]
        if request.search is not None and request.search.approval is not None:
            people.append(request.search.approval.approver)
        entities = [entity for person in people for entity in _person(person, request.at)]
        if request.source is not None:
            entities.append(_source(request.source))
        for entity in entities:
            if found.setdefault((entity["uid"]["type"], entity["uid"]["id"]), entity) != entity:
                raise ValueError("one entity in two states")
    return list(found.values())


def _person(actor: Actor, at: datetime) -> list[Entity]:
    """Return a person and their organisation."""
    organisation = actor.organisation
    person = {
        "organisation": {"__entity": {"type": "Organisation", "id": organisation.org_id}},
        "roles": sorted(role.value for role in actor.roles),
        "trained": actor.qualified(QualificationKind.TRAINING, at=at),
        "accredited": actor.qualified(QualificationKind.ACCREDITATION, at=at),
    }
    held = {
        "id": organisation.org_id,
        "sector": organisation.sector.value,
        "state": organisation.state.value,
        "places": _places(organisation.region or organisation.country),
    }
    return [
        _entity("Person", actor.user_id, person),
        _entity("Organisation", organisation.org_id, held),
    ]


def _source(source: SourceFacts) -> Entity:
    """Return a source."""
    held = {
        "keeper": source.keeper or "",
        "state": source.state,
        "basis": source.legal_basis,
        "sectors": sorted(source.sectors),
        "purposes": sorted(source.purposes),
        "excluded": sorted(source.excluded),
        "releases": source.releases_required,
    }
    return _entity("Source", source.source_id, held)


def _places(place: str) -> list[str]:
    """Return the codes of a place and those that it lies in: a region in its country, a member state in the Union."""
    country = place.partition("-")[0]
    return sorted({place, country} | ({"EU"} if country in EU else set()))


def _entity(kind: str, entity_id: str, attributes: Mapping[str, Any]) -> Entity:
    return {"uid": {"type": kind, "id": entity_id}, "attrs": attributes, "parents": []}


def _person_id(actor: Actor) -> Entity:
    return {"type": "Person", "id": actor.user_id}


def _use(use: Use) -> dict[str, int]:
    return {"used": use.used, "limit": use.limit}


def _time(at: datetime) -> dict[str, Any]:
    """Write a time as Cedar reads it: UTC, ms, rounded down."""
    utc = at.astimezone(UTC)
    stamp = f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03}Z"
    return {"__extn": {"fn": "datetime", "arg": stamp}}
