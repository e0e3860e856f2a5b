import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from countenance.access.eligibility import barred
from countenance.access.model import Organisation
from countenance.adapters.cedar import CedarRules
from countenance.core.errors import CountenanceError, IntegrityError, NotFoundError
from countenance.policy.comparison import compare
from countenance.policy.model import OrganisationState, Sector
from countenance.policy.pack import (
    LawPack,
    built_in_folder,
    find_law_pack,
    law_packs,
    lists_of,
    quota_of,
    read_law_pack,
)
from countenance.policy.ports import Verdict
from countenance.policy.request import Action, Request
from countenance.policy.service import Policy, check_signers, schema_of
from countenance.policy.vectors import SOME_DAY, Facts, facts_of, request_of, run_vectors

NOWHERE = Path("/nowhere")
PACKS = {pack.name: pack for pack in law_packs(installed_in=NOWHERE)}
CORE, DEFAULT = PACKS["core"], PACKS["default"]


class CountingRules(CedarRules):
    """Counts what it is asked."""

    questions = 0

    def evaluate(
        self, questions: Sequence[Mapping[str, Any]], entities: Sequence[dict[str, Any]]
    ) -> tuple[Verdict, ...]:
        self.questions += len(questions)
        return super().evaluate(questions, entities)


def policy(*names: str) -> Policy:
    return Policy(CORE, [PACKS[name] for name in names], load=CedarRules)


def reasons(rules: Policy, facts: Facts, at: datetime = datetime(2026, 12, 1, tzinfo=UTC)) -> list[str]:
    return [reason.rule_id for reason in rules.decide(request_of(facts, at=at)).reasons]


def test_these_packs_come_with_the_product() -> None:
    assert list(PACKS) == [
        "core",
        "archive",
        "default",
        "eu-ai-act",
        "us-il-bipa",
        "us-md-cp-2-501",
        "us-mi-detroit-307.5",
        "us-tx-cubi",
        "us-wa-rcw-43.386",
    ]


@pytest.mark.parametrize("pack", [pytest.param(pack, id=name) for name, pack in PACKS.items()])
def test_every_vector_holds(pack: LawPack) -> None:
    failed = [one for one in run_vectors(pack, core=CORE, default=DEFAULT, load=CedarRules) if not one.holds]

    assert failed == []


@pytest.fixture
def own_pack(tmp_path: Path) -> Path:
    """A copy of the default pack, to be changed."""
    folder = tmp_path / "default"
    shutil.copytree(built_in_folder() / "default", folder)
    return folder


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        pytest.param("forbid (", "permit (", "may only forbid", id="a permit"),
        pytest.param('@id("default-sector")', "", "@id", id="no id"),
        pytest.param('@id("default-sector")', '@id("core-sector")', "begins with default-", id="another pack's prefix"),
        pytest.param('@id("default-sector")', '@id("default-us-il")', "two rules", id="an id twice"),
        pytest.param('@needs("an organisation outside US-IL")', "", "@needs", id="no words"),
        pytest.param(
            "principal.organisation.sector", "principal.organisation.sektor", "sektor", id="a misspelt attribute"
        ),
        pytest.param(
            "principal.organisation.sector", "context.purpose", "purpose", id="a fact that not every action has"
        ),
        pytest.param('contains("US-IL")', "contains(", "default", id="what does not parse"),
        pytest.param('@bars("organisation")', '@bars("everybody")', "what it bars", id="a mark that is none"),
    ],
)
def test_rules_that_can_not_be_used_are_refused(own_pack: Path, before: str, after: str, why: str) -> None:
    change(own_pack / "policies.cedar", before, after)
    changed = read_law_pack(own_pack)

    with pytest.raises(IntegrityError, match=why) as refused:
        Policy(CORE, [changed], load=CedarRules)

    assert refused.value.code == "policy-invalid"


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        pytest.param("manifest.toml", "jurisdiction", "jurisdistion", id="an unknown field"),
        pytest.param("manifest.toml", 'kind = "base"', 'kind = "core"', id="it calls itself the core"),
        pytest.param("manifest.toml", "expires = 2027-12-31", "expires = 2025-12-31", id="it ends before it begins"),
        pytest.param("manifest.toml", 'name = "default"', 'name = "another"', id="another name"),
        pytest.param("manifest.toml", "=", "", id="no TOML"),
        pytest.param("vectors.toml", "[[vectors]]", "[[vector]]\n[[vectors]]", id="vectors"),
    ],
)
def test_a_manifest_that_can_not_be_is_refused(own_pack: Path, file: str, before: str, after: str) -> None:
    change(own_pack / file, before, after)

    if file == "vectors.toml":
        assert read_law_pack(own_pack).digest != DEFAULT.digest
        return
    with pytest.raises(IntegrityError) as refused:
        read_law_pack(own_pack)

    assert refused.value.code == "law-pack-invalid"


def test_a_rule_without_a_deny_vector_is_refused(own_pack: Path) -> None:
    for _ in range(3):
        change(own_pack / "vectors.toml", 'rule = "default-sector"\nexpect = "pass"', 'rule = "x"\nexpect = "pass"')

    with pytest.raises(IntegrityError, match="default-sector has no pass vector"):
        run_vectors(read_law_pack(own_pack), core=CORE, default=DEFAULT, load=CedarRules)


def test_a_vector_that_fails_is_reported(own_pack: Path) -> None:
    change(own_pack / "policies.cedar", 'contains("US-IL")', 'contains("US-IN")')

    outcomes = run_vectors(read_law_pack(own_pack), core=CORE, default=DEFAULT, load=CedarRules)

    assert [(one.vector.says, one.holds) for one in outcomes if not one.holds] == [
        ("a police department in Indiana", False),
        ("a police department in Illinois", False),
        ("a police department in Illinois reads an old answer", False),
        ("a police department in Illinois looks at who is enrolled", False),
    ]


OPEN = replace(
    DEFAULT, rules="", vectors=(), manifest=DEFAULT.manifest.model_copy(update={"name": "open", "prefix": "open"})
)
"""A base pack that admits everybody, so that the law packs' own rules show."""

EVERYWHERE = [(place[:2], place if len(place) > 2 else None) for place in ("US-IL", "US-TX", "US-MD", "US-CA", "BE")]


@pytest.mark.parametrize("name", [name for name in PACKS if name != "core"])
def test_rules_that_refuse_an_organisation_as_such_are_marked(name: str) -> None:
    """What refuses even the best search that an organisation could make is about the organisation."""
    pack = PACKS[name]
    rules = Policy(CORE, [pack] if pack.manifest.kind == "base" else [OPEN, pack], load=CedarRules)
    organisations = [
        Organisation(
            org_id="o",
            name="O",
            sector=sector,
            country=country,
            region=region,
            contact="c",
            documents=(),
            state=OrganisationState.ACTIVE,
            applied_at=SOME_DAY,
        )
        for sector in Sector
        if sector is not Sector.HOUSE
        for country, region in EVERYWHERE
    ]

    refusing = {rule.rule_id for one in barred(rules, organisations, at=SOME_DAY) for rule in one.rules}

    assert rules.barring() == refusing | {"core-organisation"}


def test_no_other_refusal_is_about_the_organisation() -> None:
    rules = policy("default", *(name for name, pack in PACKS.items() if pack.manifest.kind == "law"))
    place = {"place": "BE", "purpose": "suspect", "trained": False}

    for facts in (Facts(case=False, probe="live", person_today=10), Facts(roles=(), key=()), Facts(**place)):
        assert reasons(rules, facts)
        assert not rules.barring().intersection(reasons(rules, facts))
    assert "core-organisation" in rules.barring().intersection(reasons(rules, Facts(state="suspended")))


def test_all_reasons_come_back_with_words_and_citations() -> None:
    decision = policy("default").decide(request_of(Facts(sector="company", place="US-IL", state="suspended")))

    assert [reason.rule_id for reason in decision.reasons] == ["core-organisation", "default-sector", "default-us-il"]
    assert all(reason.says and reason.cites and reason.needs for reason in decision.reasons)
    assert "searching is for government and law enforcement only" in str(decision.refusal())
    assert "an organisation outside US-IL" in decision.refusal().hint
    assert decision.refusal().code == "not-permitted"


def test_an_expired_pack_fails_closed_for_faces_only() -> None:
    at = datetime(2027, 12, 31, tzinfo=UTC)
    rules = policy("default")

    assert reasons(rules, Facts(), at) == ["core-expired"]
    assert reasons(rules, Facts(), datetime(2027, 12, 30, 23, 59, tzinfo=UTC)) == []
    assert reasons(rules, Facts(action=Action.READ_LOG, roles=("auditor",)), at) == []


def test_a_pack_that_is_not_in_force_yet_restricts_nothing_and_admits_nobody() -> None:
    before = datetime(2026, 7, 1, tzinfo=UTC)
    facts = Facts(place="BE", purpose="suspect", offence="robbery")

    assert reasons(policy("default", "eu-ai-act"), facts, before) == []
    assert reasons(policy("default", "eu-ai-act"), facts) == ["eu-ai-act-authorisation"]
    assert reasons(policy("default"), Facts(), datetime(2025, 1, 1, tzinfo=UTC)) == ["core-base", "core-purpose"]


def test_no_base_pack_admits_nobody() -> None:
    assert reasons(policy("us-md-cp-2-501"), Facts()) == ["core-base", "core-purpose"]
    assert reasons(policy(), Facts(action=Action.ENROL, roles=("custodian",))) == ["core-base"]


def test_lists_and_quotas_of_several_packs_are_the_strictest() -> None:
    both = lists_of([DEFAULT, PACKS["archive"]])

    assert both.purposes == {"missing-person", "identify-deceased"}
    assert both.sensitive == {"child-victim", "witness"}
    assert quota_of([DEFAULT, PACKS["archive"]]) == DEFAULT.manifest.quota
    assert quota_of([PACKS["eu-ai-act"]]).person_day == 0


def test_who_stands_in_two_states_is_not_decided_on() -> None:
    request = request_of(Facts(purpose="missing-person", approval="supervisor", roles=()))
    twice = replace(
        request,
        search=replace(request.search, approval=replace(request.search.approval, approver=request_of(Facts()).actor)),
    )

    decision = policy("default").decide(twice)

    assert [reason.rule_id for reason in decision.reasons] == ["core-undecided"]


def test_a_change_of_packs_is_shown_by_what_it_changes() -> None:
    found = compare(
        policy("default"),
        policy("default", "us-il-bipa"),
        [PACKS["us-il-bipa"]],
        at=datetime(2026, 12, 1, tzinfo=UTC),
    )

    assert (found.added, found.removed) == (("us-il-bipa-probe", "us-il-bipa-release"), ())
    assert found.as_json()["decided_otherwise"][0]["before"] == "allowed"


def test_an_unknown_pack_has_a_code() -> None:
    with pytest.raises(NotFoundError) as refused:
        find_law_pack("us-xx", installed_in=NOWHERE)

    assert refused.value.code == "law-pack-unknown"


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param({"colour": "red"}, id="an unknown fact"),
        pytest.param({"sector": "spies"}, id="an unknown sector"),
        pytest.param({"person_today": "many"}, id="no number"),
    ],
)
def test_facts_that_can_not_be_are_refused(pairs: dict[str, str]) -> None:
    with pytest.raises(CountenanceError) as refused:
        facts_of(pairs)

    assert refused.value.code == "fact-invalid"


def test_facts_with_several_values_are_read() -> None:
    facts = facts_of({"roles": "examiner,supervisor", "source_excluded": "US-IL", "key": ""})

    assert (facts.roles, facts.source_excluded, facts.key) == (("examiner", "supervisor"), ("US-IL",), ())


def test_packs_from_elsewhere_need_a_trusted_signature_where_keys_are_named(own_pack: Path) -> None:
    own = read_law_pack(own_pack)

    check_signers([own, DEFAULT], trusted=frozenset())
    check_signers([DEFAULT], trusted=frozenset({"aa"}))
    with pytest.raises(IntegrityError) as refused:
        check_signers([own], trusted=frozenset({"aa"}))

    assert refused.value.code == "law-pack-unsigned"


class TestManySources:
    """Sources of one search: those that differ in nothing but their ids are decided on together."""

    SEARCH = request_of(facts_of({"action": "search-source"}))

    def asked(self, count: int, **differently: object) -> list[Request]:
        """Return requests about so many sources, the last one of which differs."""
        assert self.SEARCH.source is not None
        sources = [replace(self.SEARCH.source, source_id=f"s-{number}") for number in range(count)]
        sources[-1] = replace(sources[-1], **differently)  # type: ignore[arg-type]
        return [replace(self.SEARCH, source=source) for source in sources]

    def rules(self, more: str = "") -> CountingRules:
        return CountingRules(schema_of(CORE), [CORE.text(), replace(DEFAULT.text(), rules=DEFAULT.rules + more)])

    def test_they_are_asked_about_once(self) -> None:
        rules = self.rules()

        verdicts = rules.judge(self.asked(50, sectors=("archive",)), policy("default").lists(SOME_DAY.date()))

        assert rules.questions == 2
        assert [verdict.allowed for verdict in verdicts] == [True] * 49 + [False]
        assert verdicts[-1].forbids == ("core-source-sector",)

    def test_a_rule_may_still_name_one(self) -> None:
        rules = self.rules(
            '@id("default-one") @says("not this one") @cites("none") @needs("another")\n'
            'forbid (principal, action == Action::"search-source", resource == Source::"s-3");'
        )

        verdicts = rules.judge(self.asked(5), policy("default").lists(SOME_DAY.date()))

        assert rules.questions == 5
        assert [verdict.allowed for verdict in verdicts] == [True, True, True, False, True]

    def test_one_source_in_two_states_is_undecided(self) -> None:
        rules = self.rules()

        verdicts = rules.judge(
            self.asked(2, source_id="s-0", state="suspended"), policy("default").lists(SOME_DAY.date())
        )

        assert [(verdict.allowed, verdict.failed) for verdict in verdicts] == [(False, True)] * 2
