"""The policy decides as a plain-Python oracle does, everywhere; restrictions only restrict; what is missing denies."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.adapters.cedar import CedarRules, entities_of, question
from countenance.policy.pack import LawPack, find_law_pack, lists_of
from countenance.policy.request import Action, ProbeKind
from countenance.policy.service import Policy, schema_of
from countenance.policy.vectors import SOME_DAY, Facts, request_of
from tests import policy_oracle

NOWHERE = Path("/nowhere")
EVERY_LAW = tuple(name for name in policy_oracle.PACKS if name not in {"default", "archive"})
COMBINATIONS = [("default", *EVERY_LAW), ("archive", *EVERY_LAW)]
PLACES = ("US-CA", "US-IL", "US-MD", "US-WA", "US-MI", "US-TX", "US", "BE", "DE-BE")


@cache
def policy(packs: tuple[str, ...]) -> Policy:
    core = find_law_pack("core", installed_in=NOWHERE)
    return Policy(core, [find_law_pack(name, installed_in=NOWHERE) for name in packs], load=CedarRules)


def product(**values: Sequence[Any]) -> Iterator[Facts]:
    for chosen in itertools.product(*values.values()):
        yield Facts(**dict(zip(values, chosen, strict=True)))


ENUMERATIONS = {
    "roles": lambda: product(
        action=list(Action),
        roles=[
            (),
            ("examiner",),
            ("supervisor",),
            ("custodian",),
            ("operator",),
            ("auditor",),
            ("examiner", "operator"),
        ],
        state=["applied", "active", "suspended", "cancelled"],
        sector=["law-enforcement", "house"],
        key=[None, (), ("search", "view-answer")],
    ),
    "whose search": lambda: product(
        action=["search", "search-source", "examine-probe", "view-answer", "view-subject", "enrol"],
        roles=[("examiner", "custodian")],
        sector=["law-enforcement", "government", "archive", "company", "education", "house"],
        place=PLACES,
        trained=[True, False],
        source_basis=["consent", "contract"],
        source_releases=[True, False],
    ),
    "what for": lambda: product(
        purpose=["missing-person", "witness", "suspect", "describe-collection", "curiosity"],
        offence=["", "robbery", "theft", "loitering"],
        place=["US-CA", "US-MD", "US-MI", "BE"],
        approval=["none", "supervisor", "self", "stranger", "examiner", "other-request", "expired"],
        emergency=[True, False],
        authorised=[True, False],
    ),
    "how": lambda: product(
        probe=list(ProbeKind),
        case=[True, False],
        person_today=[0, 10],
        under_case=[9, 10],
        organisation_today=[0, 11],
        overdue=[0, 1],
        emergency=[True, False],
        place=["US-CA", "US-WA"],
    ),
    "which source": lambda: product(
        action=["search-source"],
        sector=["law-enforcement", "archive"],
        place=["US-CA", "US", "DE-BE"],
        source_state=["active", "suspended", "withdrawn"],
        source_sectors=[("any",), ("law-enforcement",), ("archive", "company"), ()],
        source_purposes=[("any",), ("missing-person",), ("victim",), ()],
        source_excluded=[(), ("US",), ("US-IL", "DE")],
        source_basis=["consent", "contract"],
    ),
    "whose source": lambda: product(
        action=["manage-source", "enrol", "set-keeper", "view-subject", "search-source"],
        roles=[("custodian",), ("examiner",), ("custodian", "examiner")],
        sector=["law-enforcement", "archive", "house"],
        place=["US-CA", "US-IL"],
        source_state=["active", "suspended"],
        source_keeper=["none", "own", "another"],
        source_basis=["consent", "contract"],
    ),
    "whose people": lambda: product(
        action=["view-subject"],
        roles=[("examiner",), ("custodian",)],
        sector=["law-enforcement", "archive", "house"],
        place=["US-CA", "DE-BE"],
        source_state=["active", "suspended"],
        source_sectors=[("any",), ("archive", "company"), ()],
        source_purposes=[("any",), ("victim", "describe-collection"), ("art",), ()],
        source_excluded=[(), ("US", "DE")],
        source_basis=["consent", "contract"],
    ),
}


@pytest.mark.parametrize("packs", [pytest.param(packs, id=packs[0]) for packs in COMBINATIONS])
@pytest.mark.parametrize("enumeration", ENUMERATIONS)
def test_it_decides_as_the_oracle_does(enumeration: str, packs: tuple[str, ...]) -> None:
    rules = policy(packs)

    for facts in ENUMERATIONS[enumeration]():
        decision = rules.decide(request_of(facts))
        reasons = {reason.rule_id for reason in decision.reasons}
        assert reasons == policy_oracle.forbids(facts, packs), facts
        assert decision.allowed == (not reasons)


FACTS = st.builds(
    Facts,
    action=st.sampled_from(Action),
    roles=st.sets(st.sampled_from(["examiner", "supervisor", "custodian", "operator", "auditor"])).map(tuple),
    trained=st.booleans(),
    sector=st.sampled_from(["law-enforcement", "government", "archive", "company"]),
    state=st.sampled_from(["active", "active", "suspended"]),
    place=st.sampled_from(PLACES),
    key=st.sampled_from([None, None, ("search",)]),
    purpose=st.sampled_from(["missing-person", "witness", "suspect", "describe-collection", "x"]),
    offence=st.sampled_from(["", "robbery", "theft", "x"]),
    probe=st.sampled_from(ProbeKind),
    case=st.booleans(),
    authorised=st.booleans(),
    person_today=st.integers(0, 12),
    approval=st.sampled_from(["none", "supervisor", "self", "stranger", "expired"]),
    emergency=st.booleans(),
    overdue=st.integers(0, 1),
    source_state=st.sampled_from(["active", "suspended"]),
    source_basis=st.sampled_from(["consent", "contract"]),
    source_sectors=st.sampled_from([("any",), ("archive",), ()]),
    source_excluded=st.sampled_from([(), ("US",)]),
    source_releases=st.booleans(),
)
PERMITTED = [
    Facts(),
    Facts(purpose="witness", offence="robbery", approval="supervisor"),
    Facts(action="search-source", source_sectors=("law-enforcement",), source_excluded=("US-IL", "FR")),
    Facts(place="BE", purpose="suspect", offence="robbery", authorised=True, action="search-source"),
    Facts(action="enrol", roles=("custodian",)),
    Facts(action="view-subject", source_sectors=("law-enforcement",), source_excluded=("US-IL", "FR")),
    Facts(action="view-subject", roles=("custodian",), sector="house", place="ZZ", source_sectors=()),
    Facts(action="manage-source", roles=("custodian",), source_keeper="own"),
    Facts(action="manage-source", roles=("custodian",), sector="house", place="ZZ", source_keeper="another"),
    Facts(action="set-keeper", roles=("custodian",), sector="house", place="ZZ"),
    Facts(action="read-log", roles=("auditor",)),
    Facts(action="read-whole-log", roles=("auditor",), sector="house"),
]


@given(facts=FACTS, base=st.sampled_from(["default", "archive"]), added=st.sets(st.sampled_from(EVERY_LAW)))
def test_a_pack_more_never_permits_more(facts: Facts, base: str, added: set[str]) -> None:
    request = request_of(facts)

    alone = policy((base,)).decide(request)
    together = policy((base, *sorted(added))).decide(request)

    assert alone.allowed or not together.allowed
    assert {one.rule_id for one in alone.reasons} <= {one.rule_id for one in together.reasons}


RESTRICTIONS: Mapping[str, Any] = {
    "roles": (),
    "trained": False,
    "state": "suspended",
    "key": (),
    "purpose": "curiosity",
    "offence": "loitering",
    "probe": "live",
    "case": False,
    "authorised": False,
    "person_today": 10,
    "under_case": 10,
    "organisation_today": 10,
    "approval": "none",
    "overdue": 1,
    "source_state": "withdrawn",
    "source_sectors": (),
    "source_purposes": (),
    "source_excluded": ("US", "BE", "DE"),
    "source_releases": False,
}


@given(facts=FACTS, restricted=st.sampled_from(sorted(RESTRICTIONS)))
def test_a_restriction_more_never_permits_more(facts: Facts, restricted: str) -> None:
    tighter = facts.model_copy(
        update={restricted: getattr(Facts(**{restricted: RESTRICTIONS[restricted]}), restricted)}
    )
    rules = policy(("default", *EVERY_LAW))

    before, after = rules.decide(request_of(facts)), rules.decide(request_of(tighter))

    assert before.allowed or not after.allowed


@given(facts=FACTS)
def test_every_request_is_decided_with_reasons(facts: Facts) -> None:
    decision = policy(("default", *EVERY_LAW)).decide(request_of(facts))

    assert decision.allowed != bool(decision.reasons)
    assert "core-undecided" not in {one.rule_id for one in decision.reasons}


WHOSE_PEOPLE: Mapping[str, Sequence[Any]] = {
    "source_state": ["active", "suspended"],
    "source_basis": ["consent", "contract"],
    "source_releases": [True, False],
    "source_sectors": [("any",), ("archive", "company"), ()],
    "source_purposes": [("any",), ("suspect",), ("art",)],
    "source_excluded": [(), ("US",)],
}


@pytest.mark.parametrize("base", ["default", "archive", "open"])
def test_an_examiner_sees_the_people_of_those_sources_that_some_search_of_theirs_might_find(base: str) -> None:
    """Says nothing of rules: who is shown follows from what a search would be let through to."""
    packs = [open_base() if base == "open" else find_law_pack(base, installed_in=NOWHERE)]
    packs += [find_law_pack(name, installed_in=NOWHERE) for name in ("us-il-bipa", "us-tx-cubi")]
    rules = Policy(find_law_pack("core", installed_in=NOWHERE), packs, load=CedarRules)
    lists = rules.lists(SOME_DAY.date())
    best = {"offence": "homicide" if lists.offences else "", "authorised": True, "approval": "supervisor"}

    def allowed(facts: Sequence[Facts]) -> list[bool]:
        """Decide on sources that are told apart by their ids, at once."""
        asked = [request_of(one) for one in facts]
        named = [replace(one, source=replace(one.source, source_id=f"{at}")) for at, one in enumerate(asked)]
        return [decision.allowed for decision in rules.decide_all(named)]

    seen = set()
    for sector, place in itertools.product(["law-enforcement", "archive", "company"], ["US-CA", "US-TX", "US-IL"]):
        sources = [
            facts.model_dump() | {"sector": sector, "place": place, "action": "search-source"}
            for facts in product(**WHOSE_PEOPLE)
        ]
        by_purpose = [
            allowed([Facts(**one | best | {"purpose": purpose}) for one in sources]) for purpose in lists.purposes
        ]
        found = [any(outcomes) for outcomes in zip(*by_purpose, strict=True)]
        assert allowed([Facts(**one | {"action": "view-subject"}) for one in sources]) == found, (sector, place)
        seen |= set(found)
    assert seen == {True, False}


def open_base() -> LawPack:
    """Return a base pack that admits everybody, so that the law packs' own rules show."""
    default = find_law_pack("default", installed_in=NOWHERE)
    manifest = default.manifest.model_copy(update={"name": "open", "prefix": "open"})
    return replace(default, rules="", vectors=(), manifest=manifest)


def without(value: Any, path: tuple[Any, ...]) -> Any:
    copy = deepcopy(value)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    return copy


def paths(value: Any, *, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*above, key)
        yield from paths(value[key], above=(*above, key))


DENIED = [
    Facts(purpose="witness", offence="robbery", approval="stranger"),
    Facts(purpose="witness", offence="robbery", approval="examiner"),
    Facts(action="search-source", source_excluded=("US",)),
    Facts(action="view-subject", source_excluded=("US",)),
    Facts(action="view-subject", place="US-IL"),
    Facts(action="manage-source", roles=("custodian",), source_keeper="another"),
    Facts(action="enrol", roles=("custodian",), source_keeper="another"),
    Facts(place="US-IL"),
    Facts(state="suspended", sector="company", case=False),
    Facts(place="DE-BE", purpose="suspect", offence="robbery"),
]
"""Denials that rest on something that is there: an exclusion, a place, an approver."""


@pytest.mark.parametrize("facts", [pytest.param(facts, id=f"{number}") for number, facts in enumerate(DENIED)])
def test_a_denial_stays_one_whatever_input_is_left_out(facts: Facts) -> None:
    packs = [find_law_pack(name, installed_in=NOWHERE) for name in ("default", *EVERY_LAW)]
    core = find_law_pack("core", installed_in=NOWHERE)
    rules = CedarRules(schema_of(core), [core.text(), *(pack.text() for pack in packs)])
    request = request_of(facts)
    given_ = {"question": question(request, lists_of(packs)), "entities": entities_of([request])}
    # An element of a set is a fact of its own: a source with fewer exclusions is another source.
    dropped = [path for path in paths(given_) if len(path) > 1 and not (isinstance(path[-1], int) and "attrs" in path)]

    for path in dropped:
        less = without(given_, path)
        [verdict] = rules.evaluate([less["question"]], less["entities"])
        assert not verdict.allowed, path


@pytest.mark.parametrize("facts", [pytest.param(facts, id=f"{number}") for number, facts in enumerate(PERMITTED)])
def test_a_permission_needs_every_entity_that_it_rests_on(facts: Facts) -> None:
    packs = [find_law_pack(name, installed_in=NOWHERE) for name in ("default", *EVERY_LAW)]
    core = find_law_pack("core", installed_in=NOWHERE)
    rules = CedarRules(schema_of(core), [core.text(), *(pack.text() for pack in packs)])
    request = request_of(facts)
    asked, entities = question(request, lists_of(packs)), entities_of([request])
    [whole] = rules.evaluate([asked], entities)

    for entity in entities:
        if entity["uid"]["type"] in {"Person", "Organisation", "Source"}:
            [verdict] = rules.evaluate([asked], [other for other in entities if other is not entity])
            assert not verdict.allowed, entity["uid"]
    assert whole.allowed
