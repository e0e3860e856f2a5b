"""Organisations and people for tests, admitted the way that everybody is."""

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

import pyotp

from countenance.access.credentials import CredentialKind
from countenance.access.founding import FIRST_OPERATORS
from countenance.access.model import Application, User
from countenance.access.sign_in import begin_session
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, NotFoundError
from countenance.gallery.model import SourceState
from countenance.gallery.ports import Records
from countenance.policy.model import HOUSE, Actor, Channel, Role, Sector
from countenance.policy.request import Action
from countenance.search.model import SearchRequest
from countenance.search.permission import Permitted, request_hash

BENCH = "Test bench"

ROLES = (Role.EXAMINER, Role.SUPERVISOR, Role.CUSTODIAN)

ACTIONS = tuple(action.value for action in Action)


def operators(gallery: OpenGallery) -> tuple[Actor, Actor]:
    """Return both operators, on the command line."""
    first, second = (gallery.accounts.acting(login) for login in FIRST_OPERATORS)
    return first, second


def organisation(
    gallery: OpenGallery,
    name: str = BENCH,
    *,
    sector: Sector = Sector.LAW_ENFORCEMENT,
    place: tuple[str, str | None] = ("NL", None),
) -> str:
    """Return the id of an active organisation, admitted now where it is new."""
    first, second = operators(gallery)
    try:
        return gallery.accounts.organisation(name, actor=first).organisation.org_id
    except NotFoundError:
        pass
    application = Application(
        name=name,
        sector=sector,
        country=place[0],
        region=place[1],
        contact="desk",
        documents=(("charter.pdf", b"charter"),),
    )
    applied = gallery.accounts.apply_for(application, actor=first)
    for operator in (first, second):
        gallery.accounts.review(applied.org_id, admit=True, reason="seen", actor=operator)
    return applied.org_id


def person(
    gallery: OpenGallery,
    login: str = "examiner",
    *,
    roles: Collection[Role] = ROLES,
    org: str = BENCH,
    place: tuple[str, str | None] = ("NL", None),
) -> User:
    """Return a person of an organisation, added now where they are new."""
    org_id, (operator, _) = organisation(gallery, org, place=place), operators(gallery)
    try:
        return gallery.accounts.add_user(login, organisation=org_id, name=login, roles=roles, actor=operator)
    except ConflictError:
        return gallery.accounts.user(login, actor=operator)[0]


def house_auditor(gallery: OpenGallery, login: str = "house-auditor") -> Actor:
    """Return an auditor of the house as an actor; where they are new, one operator adds and the other confirms them."""
    return of_the_house(gallery, login, role=Role.AUDITOR)


def of_the_house(gallery: OpenGallery, login: str, *, role: Role) -> Actor:
    """Return a person of the house as an actor; where they are new, one operator adds and the other confirms them."""
    first, second = operators(gallery)
    try:
        gallery.accounts.add_user(login, organisation=HOUSE, name=login, roles=[role], actor=first)
        gallery.accounts.confirm_user(login, actor=second)
    except ConflictError:
        pass
    return gallery.accounts.acting(login)


def acting(gallery: OpenGallery, login: str = "examiner", *, channel: Channel = Channel.COMMAND_LINE) -> Actor:
    """Return a person of the test bench as an actor."""
    person(gallery, login)
    return gallery.accounts.acting(login, channel=channel)


def api_key(gallery: OpenGallery, login: str = "examiner", *, actions: Collection[str] = ACTIONS) -> str:
    """Return a new API key of a person of the test bench."""
    actor = acting(gallery, login)
    return gallery.own.make_key(actor, name="tests", actions=actions, lasts=timedelta(days=1))[1]


def cookie(gallery: OpenGallery, login: str = "examiner", *, setting_up: bool = False) -> str:
    """Return the cookie of a new session of a person of the test bench."""
    user = person(gallery, login)
    with gallery.accounts.directory.changing() as change:
        begun = begin_session(change, user, at=utc_now(), means="password", browser="tests", setting_up=setting_up)
    return begun.cookie


PASSWORD = "four quiet harbour cranes"  # noqa: S105 - of people who exist in tests only


def with_password(gallery: OpenGallery, login: str = "examiner") -> pyotp.TOTP:
    """Give a person of the test bench the password, and return their authenticator."""
    visitor = gallery.sign_in.visitor(cookie(gallery, login))
    assert visitor is not None
    held = {one.kind for one in gallery.own.credentials(visitor.user.user_id)}
    gallery.own.set_password(visitor, PASSWORD, current=PASSWORD if CredentialKind.PASSWORD in held else "")
    made = gallery.own.start_authenticator(visitor)
    authenticator = pyotp.TOTP(made.secret)
    # Of the step before, so that a code of now still counts.
    gallery.own.confirm_authenticator(visitor, made.secret, authenticator.at(int(utc_now().timestamp()) - 30))
    return authenticator


def operator_cookie(gallery: OpenGallery, number: int, *, setting_up: bool = False) -> str:
    """Return the cookie of a new session of one of the two operators."""
    with gallery.accounts.directory.changing() as change:
        user = change.user_named(FIRST_OPERATORS[number])
        begun = begin_session(change, user, at=utc_now(), means="password", browser="tests", setting_up=setting_up)
    return begun.cookie


CASE, PURPOSE = "2026-114", "missing-person"
"""What tests search for: an open case of the test bench, and a purpose that no approval is needed for."""

CASES = (CASE, "c")

A_DAY = timedelta(days=1)


def admitted(gallery: OpenGallery, login: str = "examiner", *, cases: Collection[str] = CASES) -> Actor:
    """Return a person of the test bench, which has open cases, as an actor who may search."""
    actor = acting(gallery, login)
    known = {case.reference for case in gallery.cases.all(actor=actor)}
    for reference in cases:
        if reference not in known:
            gallery.cases.open(reference, actor=actor)
    return actor


def admitted_home(home: Path, *, cases: Collection[str] = CASES) -> None:
    """Admit the test bench in a home that was initialised; COUNTENANCE_USER names its examiner in all tests."""
    with open_gallery(Settings(home=home)) as gallery:
        admitted(gallery, cases=cases)


def added_home(home: Path, login: str) -> None:
    """Add another person to the test bench of a home."""
    with open_gallery(Settings(home=home)) as gallery:
        person(gallery, login)


class PermitsAll:
    """Implements `Permits` for searches without accounts: every active source, and nothing is counted."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def permit(self, request: SearchRequest, search_id: str) -> Permitted:
        active = [one for one in self._records.sources() if one.source.state is SourceState.ACTIVE]
        return Permitted(
            sources=tuple(self._records.active_sources()),
            subjects=sum(one.subjects for one in active),
            templates=sum(one.templates for one in active),
            barred=0,
            facts={"request": request_hash(request), "search": search_id},
        )

    def release(self, search_id: str) -> None:
        """Nothing was counted."""
