"""People: added by an operator, narrowed by their organisation, and operators only by two."""

from datetime import timedelta

import pytest

from countenance.access.model import UserState
from countenance.access.organisations import cancel, suspend
from countenance.access.people import add_user, confirm_user, deactivate, qualify, set_roles
from countenance.core.errors import ConflictError, CountenanceError, InvalidInputError
from countenance.policy.model import HOUSE, Qualification, QualificationKind, Role
from tests.integration.access.conftest import NOW, House

TRAINING = Qualification(
    kind=QualificationKind.TRAINING, name="facial comparison", valid_until=NOW + timedelta(days=300)
)


def test_a_person_of_the_house_waits_for_another_operator(house: House) -> None:
    third = house.person(HOUSE, "third", frozenset({Role.OPERATOR}))

    with pytest.raises(ConflictError) as raised, house.directory.changing() as change:
        confirm_user(change, third.user_id, actor=house.operators[0], at=NOW)
    with house.directory.changing() as change:
        confirmed = confirm_user(change, third.user_id, actor=house.operators[1], at=NOW)

    assert (third.state, raised.value.code, confirmed.state) == (
        UserState.WAITING,
        "reviewed-already",
        UserState.ACTIVE,
    )


def test_nobody_is_made_an_operator_by_one_alone(house: House) -> None:
    custodian = house.person(HOUSE, "custodian", frozenset({Role.CUSTODIAN}))

    with pytest.raises(InvalidInputError) as raised, house.directory.changing() as change:
        set_roles(change, custodian.user_id, {Role.OPERATOR}, reason="mine", actor=house.operators[0], at=NOW)

    assert raised.value.code == "roles-invalid"


def test_two_operators_stay(house: House) -> None:
    with pytest.raises(ConflictError) as raised, house.directory.changing() as change:
        deactivate(change, house.operators[1].user_id, reason="spite", actor=house.operators[0], at=NOW)

    assert raised.value.code == "operators-needed"


@pytest.mark.parametrize(
    ("org", "roles"),
    [
        pytest.param(HOUSE, {Role.EXAMINER}, id="those-who-vet-do-not-search"),
        pytest.param(HOUSE, {Role.OPERATOR, Role.SUPERVISOR}, id="nor-approve"),
        pytest.param(None, {Role.OPERATOR}, id="customers-do-not-vet"),
        pytest.param(None, {Role.AUDITOR, Role.EXAMINER}, id="an-auditor-sees-no-face"),
        pytest.param(None, set(), id="nobody-without-a-role"),
    ],
)
def test_roles_fit_the_organisation(house: House, org: str | None, roles: set[Role]) -> None:
    org_id = org or house.admitted().org_id

    with pytest.raises(InvalidInputError) as raised:
        house.person(org_id, "j.doe", frozenset(roles))

    assert raised.value.code == "roles-invalid"


@pytest.mark.parametrize("login", ["", "a", "J.Doe", "j doe", "j/doe", "-jo", "j\n", "é.doe", "j" * 101])
def test_a_login_is_plain(house: House, login: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        house.person(house.admitted().org_id, login)

    assert raised.value.code == "login-invalid"


def test_people_are_added_to_active_organisations_only(house: House) -> None:
    waiting, active = house.applied("Waiting"), house.admitted("Active")
    with house.directory.changing() as change:
        suspend(change, active.org_id, reason="overdue", actor=house.operators[0], at=NOW)
    stopped = [waiting.org_id, active.org_id]

    for org_id in stopped:
        with pytest.raises(ConflictError) as raised:
            house.person(org_id)
        assert raised.value.code == "organisation-not-active"


def test_a_login_is_taken_once_whatever_the_organisation(house: House) -> None:
    first, second = house.admitted("First"), house.admitted("Second")
    house.person(first.org_id, "j.doe")

    with pytest.raises(ConflictError) as raised:
        house.person(second.org_id, "j.doe")

    assert raised.value.code == "user-exists"


def test_a_qualification_of_the_same_name_is_renewed(house: House) -> None:
    user = house.person(house.admitted().org_id)
    renewed = Qualification(kind=TRAINING.kind, name=TRAINING.name, valid_until=NOW + timedelta(days=600))

    for held in (TRAINING, renewed):
        with house.directory.changing() as change:
            after = qualify(change, user.user_id, held, actor=house.operators[0], at=NOW)

    assert after.qualifications == (renewed,)


def test_a_qualification_that_is_over_is_refused(house: House) -> None:
    user = house.person(house.admitted().org_id)
    over = Qualification(kind=TRAINING.kind, name=TRAINING.name, valid_until=NOW)

    with pytest.raises(InvalidInputError) as raised, house.directory.changing() as change:
        qualify(change, user.user_id, over, actor=house.operators[0], at=NOW)

    assert raised.value.code == "qualification-over"


def test_somebody_who_was_deactivated_is_left_alone(house: House) -> None:
    user, operator = house.person(house.admitted().org_id), house.operators[0]
    with house.directory.changing() as change:
        deactivate(change, user.user_id, reason="left", actor=operator, at=NOW)

    with pytest.raises(ConflictError) as again, house.directory.changing() as change:
        deactivate(change, user.user_id, reason="left", actor=operator, at=NOW)
    with pytest.raises(ConflictError) as roles, house.directory.changing() as change:
        set_roles(change, user.user_id, {Role.SUPERVISOR}, reason="back", actor=operator, at=NOW)

    assert (again.value.code, roles.value.code) == ("user-deactivated", "user-deactivated")


def test_those_of_a_customer_vet_nobody(house: House) -> None:
    active = house.admitted()
    examiner = house.person(active.org_id).acting(active, channel=house.operators[0].channel)

    with pytest.raises(CountenanceError) as adding, house.directory.changing() as change:
        add_user(change, active.org_id, login="pal", name="Pal", roles={Role.EXAMINER}, actor=examiner, at=NOW)
    with pytest.raises(CountenanceError) as ending, house.directory.changing() as change:
        cancel(change, active.org_id, reason="ours", actor=examiner, at=NOW)

    assert (adding.value.code, ending.value.code) == ("operator-needed", "operator-needed")
