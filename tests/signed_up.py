"""Organisations and people for tests, admitted the way that everybody is."""

from collections.abc import Collection
from datetime import timedelta

import pyotp

from countenance.access.credentials import CredentialKind
from countenance.access.founding import FIRST_OPERATORS
from countenance.access.model import Application, User
from countenance.access.sign_in import begin_session
from countenance.bootstrap.wiring import OpenGallery
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, NotFoundError
from countenance.policy.model import Actor, Channel, Role, Sector
from countenance.policy.request import Action

BENCH = "Test bench"

ROLES = (Role.EXAMINER, Role.SUPERVISOR, Role.CUSTODIAN)

ACTIONS = tuple(action.value for action in Action)


def operators(gallery: OpenGallery) -> tuple[Actor, Actor]:
    """Return both operators, on the command line."""
    first, second = (gallery.accounts.acting(login) for login in FIRST_OPERATORS)
    return first, second


def organisation(gallery: OpenGallery, name: str = BENCH, *, sector: Sector = Sector.LAW_ENFORCEMENT) -> str:
    """Return the id of an active organisation, admitted now where it is new."""
    first, second = operators(gallery)
    try:
        return gallery.accounts.organisation(name, actor=first).organisation.org_id
    except NotFoundError:
        pass
    application = Application(
        name=name, sector=sector, country="NL", region=None, contact="desk", documents=(("charter.pdf", b"charter"),)
    )
    applied = gallery.accounts.apply_for(application, actor=first)
    for operator in (first, second):
        gallery.accounts.review(applied.org_id, admit=True, reason="seen", actor=operator)
    return applied.org_id


def person(gallery: OpenGallery, login: str = "examiner", *, roles: Collection[Role] = ROLES, org: str = BENCH) -> User:
    """Return a person of an organisation, added now where they are new."""
    org_id, (operator, _) = organisation(gallery, org), operators(gallery)
    try:
        return gallery.accounts.add_user(login, organisation=org_id, name=login, roles=roles, actor=operator)
    except ConflictError:
        return gallery.accounts.user(login, actor=operator)[0]


def acting(gallery: OpenGallery, login: str = "examiner", *, channel: Channel = Channel.COMMAND_LINE) -> Actor:
    """Return a person of the test bench as an actor."""
    person(gallery, login)
    return gallery.accounts.acting(login, channel=channel)


def api_key(gallery: OpenGallery, login: str = "examiner", *, actions: Collection[str] = ACTIONS) -> str:
    """Return a new API key of a person of the test bench."""
    actor = acting(gallery, login)
    return gallery.own.make_key(actor, name="tests", actions=actions, lasts=timedelta(days=1))[1]


def cookie(gallery: OpenGallery, login: str = "examiner") -> str:
    """Return the cookie of a new session of a person of the test bench."""
    user = person(gallery, login)
    with gallery.accounts.directory.changing() as change:
        return begin_session(change, user, at=utc_now(), browser="tests").cookie


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


def operator_cookie(gallery: OpenGallery, number: int) -> str:
    """Return the cookie of a new session of one of the two operators."""
    with gallery.accounts.directory.changing() as change:
        user = change.user_named(FIRST_OPERATORS[number])
        return begin_session(change, user, at=utc_now(), browser="tests").cookie
