"""The first minute: the house and its first two operators, so that nobody ever decides alone."""

from datetime import datetime

from countenance.access.model import Action, Organisation, User, UserState
from countenance.access.people import LEAST_OPERATORS, LOGIN, change
from countenance.access.ports import DirectoryChange
from countenance.core.errors import InvalidInputError
from countenance.core.ids import new_id
from countenance.policy.model import HOUSE, SYSTEM, OrganisationState, Role, Sector

FIRST_OPERATORS = ("operator-1", "operator-2")


def found(directory: DirectoryChange, operators: tuple[str, ...], *, at: datetime) -> tuple[User, ...]:
    """Put the house on record, with its first operators. Called once, when the installation is made.

    Raises:
        InvalidInputError: code `operators-invalid`; nothing was written.
    """
    if len(set(operators)) < LEAST_OPERATORS or not all(LOGIN.fullmatch(login) for login in operators):
        raise InvalidInputError(
            f"{LEAST_OPERATORS} operators with different names are needed",
            code="operators-invalid",
            hint="e.g. --operator ada --operator bea: lower-case letters, digits, '.', '_', '@' and '-'",
        )
    directory.add_organisation(
        Organisation(
            org_id=HOUSE,
            name="House",
            sector=Sector.HOUSE,
            country=SYSTEM.organisation.country,
            region=None,
            contact="this installation",
            documents=(),
            state=OrganisationState.ACTIVE,
            applied_at=at,
        )
    )
    people = tuple(
        User(
            user_id=new_id(),
            org_id=HOUSE,
            login=login,
            name=login,
            roles=frozenset({Role.OPERATOR}),
            qualifications=(),
            state=UserState.ACTIVE,
            added_at=at,
        )
        for login in operators
    )
    for user in people:
        directory.add_user(user)
        directory.record([change(user, Action.USER_ADDED, "the first operators", actor=SYSTEM, at=at)])
    return people
