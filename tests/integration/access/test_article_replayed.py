"""The article, replayed: 2,228 organisations in 27 countries, one policy, one command."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from countenance.access.eligibility import barred, cancel_ineligible, ineligible
from countenance.access.model import Action, Organisation
from countenance.access.own import OwnSecurity
from countenance.access.passwords import Passwords
from countenance.access.people import add_user
from countenance.access.sign_in import SignIn, begin_session
from countenance.bootstrap.policy import open_policy
from countenance.bootstrap.settings import Settings
from countenance.core.errors import ConflictError
from countenance.policy.model import Channel, OrganisationState, Role, Sector
from countenance.policy.service import Policy
from tests.integration.access.conftest import NOW, House

LASTS = timedelta(days=30)
ORGANISATIONS = 2228
ILLINOIS = 105
COUNTRIES = (
    "US AU BE BR CA CH DK EE ES FI FR GB IE IN IT LT LV MT NL NO PT RO RS SA SE SI AE".split()  # noqa: SIM905 - 27 codes
)
SECTORS = tuple(sector for sector in Sector if sector is not Sector.HOUSE)
ADMITTED = {Sector.LAW_ENFORCEMENT, Sector.GOVERNMENT}


@dataclass(frozen=True, kw_only=True)
class World:
    """All organisations, each with an examiner who is signed in, and in every tenth with an API key too."""

    house: House
    sign_in: SignIn
    keys: Mapping[str, str]
    cookies: Mapping[str, str]

    def organisations(self) -> tuple[Organisation, ...]:
        """Return them as they stand now."""
        with self.house.directory.reading() as view:
            return view.organisations()


def place(number: int) -> tuple[str, str | None]:
    """Return where an organisation is: most in one country, some of those in one state, as it was reported."""
    if number < ILLINOIS:
        return "US", "US-IL"
    if number < 1800:
        return "US", ("US-TX", "US-NY", "US-CA", None)[number % 4]
    return COUNTRIES[number % len(COUNTRIES)], None


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    """The default pack."""
    return open_policy(Settings(home=tmp_path / "home"))


@pytest.fixture
def world(house: House) -> World:
    """Organisations that were all admitted before there was a policy."""
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    sign_in = SignIn(house.directory, passwords, clock=lambda: NOW)
    own = OwnSecurity(house.directory, passwords, clock=lambda: NOW)
    actors, cookies = {}, {}
    with house.directory.changing() as change:
        for number in range(ORGANISATIONS):
            country, region = place(number)
            organisation = Organisation(
                org_id=f"org-{number}",
                name=f"Organisation {number:04}",
                sector=SECTORS[number % len(SECTORS)],
                country=country,
                region=region,
                contact="desk",
                documents=(),
                state=OrganisationState.ACTIVE,
                applied_at=NOW,
            )
            change.add_organisation(organisation)
            user = add_user(
                change,
                organisation.org_id,
                login=f"examiner-{number}",
                name="E",
                roles={Role.EXAMINER},
                actor=house.operators[0],
                at=NOW,
            )
            cookies[organisation.org_id] = begin_session(change, user, at=NOW, means="password", browser="b").cookie
            if number % 10 == 0:
                actors[organisation.org_id] = user.acting(organisation, channel=Channel.PAGE)
    keys = {org: own.make_key(actor, name="k", actions=["search"], lasts=LASTS)[1] for org, actor in actors.items()}
    return World(house=house, sign_in=sign_in, keys=keys, cookies=cookies)


def test_who_is_left_and_nobody_else_gets_in(world: World, policy: Policy) -> None:
    house, before = world.house, world.organisations()
    assert len(before) == ORGANISATIONS
    assert len({one.country for one in before}) == 27
    assert sum(one.region == "US-IL" for one in before) == ILLINOIS

    with house.directory.reading() as view:
        named = ineligible(view, policy, actor=house.operators[0], at=NOW)
    unchanged = world.organisations()
    with house.directory.changing() as change:
        cancelled = cancel_ineligible(change, policy, actor=house.operators[0], at=NOW)

    assert unchanged == before
    assert [one.organisation.org_id for one in named] == [one.organisation.org_id for one in cancelled]
    left = {one.org_id for one in world.organisations() if one.state is OrganisationState.ACTIVE}
    assert left == {one.org_id for one in before if one.sector in ADMITTED and one.region != "US-IL"}
    assert 0 < len(left) < ORGANISATIONS
    by_rule = Counter(rule.rule_id for one in cancelled for rule in one.rules)
    assert by_rule["default-us-il"] == ILLINOIS
    assert by_rule["default-sector"] == sum(one.sector not in ADMITTED for one in before)
    # Not one of them gets in, by key or by session; every one that is left does.
    assert {org_id for org_id, key in world.keys.items() if world.sign_in.key_holder(key)} == left & world.keys.keys()
    assert {org_id for org_id, cookie in world.cookies.items() if world.sign_in.visitor(cookie) is not None} == left


def test_each_cancellation_is_on_record_with_its_rule_and_done_once(house: House, policy: Policy) -> None:
    company = house.admitted("A company", sector=Sector.COMPANY)
    police = house.admitted("Police of Illinois", country="US", region="US-IL")
    kept = house.admitted("Harbour Police")

    for _ in range(2):
        with house.directory.changing() as change:
            last = cancel_ineligible(change, policy, actor=house.operators[0], at=NOW)

    assert last == ()
    with house.directory.reading() as view:
        reasons = {org: view.changes(org)[-1] for org in (company.org_id, police.org_id, kept.org_id)}
    assert (reasons[company.org_id].action, reasons[police.org_id].action) == (Action.CANCELLED, Action.CANCELLED)
    assert "default-sector" in reasons[company.org_id].reason
    assert "default-us-il" in reasons[police.org_id].reason
    assert reasons[kept.org_id].action is Action.ADMITTED


def test_an_expired_pack_cancels_nobody(house: House, policy: Policy) -> None:
    house.admitted("Harbour Police")

    with pytest.raises(ConflictError) as raised, house.directory.changing() as change:
        cancel_ineligible(change, policy, actor=house.operators[0], at=datetime(2040, 1, 1, tzinfo=UTC))

    assert raised.value.code == "policy-not-standing"
    with house.directory.reading() as view:
        assert [one.state for one in view.organisations()] == [OrganisationState.ACTIVE]


def test_no_base_pack_cancels_nobody(house: House, tmp_path: Path) -> None:
    nothing = open_policy(Settings(home=tmp_path / "home"), ())

    with pytest.raises(ConflictError) as raised:
        barred(nothing, [house.admitted()], at=NOW)

    assert raised.value.code == "policy-not-standing"
