"""Organisations: vetted by two, stopped by one, and every change on record."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from countenance.access.model import Action
from countenance.access.organisations import cancel, review, suspend
from countenance.core.errors import ConflictError, CountenanceError, InvalidInputError, NotFoundError, NotPermittedError
from countenance.policy.model import HOUSE, OrganisationState, Role, Sector
from tests.integration.access.conftest import NOW, House


def test_an_organisation_is_active_once_two_operators_admitted_it(house: House) -> None:
    applied = house.applied()

    states = []
    for operator in house.operators:
        with house.directory.changing() as change:
            states.append(review(change, applied.org_id, admit=True, reason="seen", actor=operator, at=NOW).state)

    assert (applied.state, states) == (OrganisationState.APPLIED, [OrganisationState.APPLIED, OrganisationState.ACTIVE])
    with house.directory.reading() as view:
        done = [(one.action, one.by, one.reason) for one in view.changes(applied.org_id)]
    first, second = (operator.user_id for operator in house.operators)
    assert done == [
        (Action.APPLIED, first, "applied"),
        (Action.ADMITTED, first, "seen"),
        (Action.ADMITTED, second, "seen"),
    ]


def test_one_operator_counts_once(house: House) -> None:
    applied = house.applied()
    with house.directory.changing() as change:
        review(change, applied.org_id, admit=True, reason="seen", actor=house.operators[0], at=NOW)

    with pytest.raises(ConflictError) as raised, house.directory.changing() as change:
        review(change, applied.org_id, admit=True, reason="seen again", actor=house.operators[0], at=NOW)

    assert raised.value.code == "reviewed-already"
    with house.directory.reading() as view:
        assert view.organisation(applied.org_id).state is OrganisationState.APPLIED


def test_two_reviews_at_the_same_moment_make_it_active_once(house: House) -> None:
    applied = house.applied()

    def admit(number: int) -> OrganisationState:
        with house.directory.changing() as change:
            return review(
                change, applied.org_id, admit=True, reason="seen", actor=house.operators[number], at=NOW
            ).state

    with ThreadPoolExecutor(2) as pool:
        states = set(pool.map(admit, (0, 1)))

    assert states == {OrganisationState.APPLIED, OrganisationState.ACTIVE}


def test_one_refusal_ends_an_application(house: House) -> None:
    applied = house.applied()

    with house.directory.changing() as change:
        refused = review(change, applied.org_id, admit=False, reason="no charter", actor=house.operators[1], at=NOW)

    assert refused.state is OrganisationState.CANCELLED
    with pytest.raises(ConflictError) as raised, house.directory.changing() as change:
        review(change, applied.org_id, admit=True, reason="seen", actor=house.operators[0], at=NOW)
    assert raised.value.code == "organisation-not-waiting"


def test_a_suspended_organisation_comes_back_by_two_new_reviews(house: House) -> None:
    active = house.admitted()
    with house.directory.changing() as change:
        suspend(change, active.org_id, reason="audit overdue", actor=house.operators[0], at=NOW)

    states = []
    for operator in house.operators:
        with house.directory.changing() as change:
            states.append(review(change, active.org_id, admit=True, reason="mended", actor=operator, at=NOW).state)

    assert states == [OrganisationState.SUSPENDED, OrganisationState.ACTIVE]


@pytest.mark.parametrize(
    ("differently", "code"),
    [
        pytest.param({"country": "XX"}, "country-unknown", id="no-such-country"),
        pytest.param({"country": "USA"}, "country-unknown", id="three-letters"),
        pytest.param({"country": ""}, "country-unknown", id="no-country"),
        pytest.param({"region": "US-IL"}, "region-unknown", id="region-of-another-country"),
        pytest.param({"region": "NL-XX"}, "region-unknown", id="no-such-region"),
        pytest.param({"region": ""}, "region-unknown", id="empty-region"),
        pytest.param({"contact": " "}, "words-invalid", id="no-contact"),
        pytest.param({"contact": "a\x1b[31m"}, "words-invalid", id="control-characters"),
        pytest.param({"name": "n" * 501}, "words-invalid", id="long-name"),
        pytest.param({"documents": ()}, "document-missing", id="no-document"),
        pytest.param({"documents": (("charter.pdf", b""),)}, "document-missing", id="empty-document"),
        pytest.param({"sector": Sector.HOUSE}, "sector-invalid", id="a-second-house"),
    ],
)
def test_an_application_that_says_nothing_is_refused_whole(
    house: House, differently: dict[str, object], code: str
) -> None:
    with pytest.raises(InvalidInputError) as raised:
        house.applied(**{"name": "Harbour Police", **differently})

    assert raised.value.code == code
    with house.directory.reading() as view:
        assert view.organisations() == ()


def test_codes_are_kept_as_iso_writes_them(house: House) -> None:
    applied = house.applied(country="us", region="us-il")

    assert (applied.country, applied.region) == ("US", "US-IL")


def test_a_name_is_taken_whatever_the_case_of_its_letters(house: House) -> None:
    house.applied("Harbour Police")

    with pytest.raises(ConflictError) as raised:
        house.applied("HARBOUR police")

    assert raised.value.code == "organisation-exists"


@pytest.mark.parametrize("act", [cancel, suspend], ids=["cancel", "suspend"])
def test_the_house_is_never_stopped(house: House, act: Callable[..., object]) -> None:
    with pytest.raises(NotPermittedError) as raised, house.directory.changing() as change:
        act(change, HOUSE, reason="spite", actor=house.operators[0], at=NOW)

    assert raised.value.code == "house-stays"


def test_a_cancelled_organisation_is_cancelled_once_and_never_comes_back(house: House) -> None:
    active = house.admitted()
    with house.directory.changing() as change:
        cancel(change, active.org_id, reason="dissolved", actor=house.operators[0], at=NOW)

    for act, code in ((cancel, "organisation-state"), (suspend, "organisation-state")):
        with pytest.raises(ConflictError) as raised, house.directory.changing() as change:
            act(change, active.org_id, reason="again", actor=house.operators[0], at=NOW)
        assert raised.value.code == code


def test_only_an_operator_with_nothing_narrowed_may_vet(house: House) -> None:
    operator = house.operators[0]
    others = (
        replace(operator, roles=frozenset({Role.AUDITOR})),
        replace(operator, organisation=replace(operator.organisation, org_id="another")),
        replace(operator, actions=frozenset({"search"})),
    )
    applied = house.applied()

    for actor in others:
        for act in (lambda change: review(change, applied.org_id, admit=True, reason="r", actor=actor, at=NOW),):  # noqa: B023
            with pytest.raises(CountenanceError) as raised, house.directory.changing() as change:
                act(change)
            assert raised.value.code == "operator-needed"


def test_an_unknown_organisation_is_not_found(house: House) -> None:
    with pytest.raises(NotFoundError) as raised, house.directory.changing() as change:
        cancel(change, "nobody", reason="r", actor=house.operators[0], at=NOW)

    assert raised.value.code == "organisation-unknown"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nothing_of_an_organisation_or_its_people_is_in_the_file_in_the_clear(house: House, tmp_path: Path) -> None:
    active = house.admitted("Harbour Police", contact="duty@harbour.example")
    house.person(active.org_id, "j.doe")

    house.engine.dispose()
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    for planted in ("Harbour", "harbour", "duty@", "NL-ZH", "law-enforcement", "j.doe", "Jo Doe", "examiner", "seen"):
        assert planted.encode() not in held


def test_every_change_is_in_the_audit_log_in_the_same_transaction(house: House) -> None:
    house.admitted("Harbour Police")
    other = house.applied("Other")
    with pytest.raises(NotFoundError), house.directory.changing() as change:  # noqa: PT012 - it fails half-way
        review(change, other.org_id, admit=True, reason="r", actor=house.operators[0], at=NOW)
        change.organisation("nobody")

    log = house.audit
    actions = [json.loads(entry)["action"] for entry in log.entries(0, log.head().size)]
    assert actions == [
        *["access-user-added"] * 2,
        "access-applied",
        *["access-admitted"] * 2,
        "access-applied",
    ]
