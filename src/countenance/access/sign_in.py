"""Signing in: a password with a code, a one-time code; sessions that go on; API keys."""

import hmac
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import pyotp

from countenance.access.credentials import (
    INVITATION_LASTS,
    SESSION_IDLE,
    SESSION_LONGEST,
    Credential,
    CredentialKind,
    PageSession,
    lookup_of,
    new_secret,
)
from countenance.access.entries import locked_out, sessions_ended, sign_in_failed, signed_in
from countenance.access.model import Action, Organisation, User, UserState
from countenance.access.organisations import require_operator
from countenance.access.passwords import Passwords
from countenance.access.people import change
from countenance.access.ports import Directory, DirectoryChange, DirectoryView
from countenance.access.throttle import bucket_of, check_rate, note_failure, worth_an_entry
from countenance.core.clock import utc_now
from countenance.core.errors import NotFoundError, NotPermittedError
from countenance.core.ids import new_id
from countenance.policy.model import Actor, Channel, OrganisationState

DEVICE_LASTS = timedelta(days=90)

TOUCH_AFTER = timedelta(minutes=1)
"""How old a session's last use may be before it is written again: a request need not wait for the disk."""

STEPS = (-1, 0, 1)
"""Time steps of 30 s that a TOTP code may be early or late. Source: RFC 6238, section 5.2."""

NOTHING: frozenset[str] = frozenset()
"""What somebody may do who came with a one-time code, besides setting what they sign in with. No API key is for
nothing."""

API_KEY = re.compile(r"cnt_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A session that began.

    Attributes:
        cookie: What the browser holds from now on.
        device: What the browser is known by at its next sign-in; None where it is known already.
    """

    cookie: str
    device: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whoever a session belongs to, as they stand on record at this moment."""

    user: User
    organisation: Organisation
    session: PageSession

    def actor(self) -> Actor:
        """Return them as an actor, who may do nothing where a one-time code began the session."""
        actions = NOTHING if self.session.setting_up else None
        return self.user.acting(self.organisation, channel=Channel.PAGE, actions=actions)


class SignIn:
    """Lets people in and keeps them signed in. Thread-safe. What fails says never why, nor whether somebody exists."""

    def __init__(self, directory: Directory, passwords: Passwords, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Join the parts."""
        self._directory = directory
        self._passwords = passwords
        self._clock = clock

    def by_password(self, login: str, password: str, code: str, *, device: str | None, browser: str) -> Begun:
        """Sign in with a password and a code of an authenticator.

        Steps:
            1. Too many failures lately: the password is not even looked at.
            2. The password is checked, nobody's too, outside any transaction: it takes a tenth of a second.
            3. In one transaction: the person may sign in, and the code's time step is later than the last one used.
            4. A new session, never one that the browser brought; the failures are forgotten.

        Raises:
            NotPermittedError: codes `sign-in-refused`, `sign-in-slow-down`.
            UnavailableError: code `sign-in-busy`.
        """
        at = self._clock()
        with self._directory.reading() as view:
            user, known = _somebody(view, login), _known_device(view, login, device, at)
            bucket = bucket_of(view.login_key(login), lookup_of(device) if device and known else None)
            check_rate(view.failures, bucket, known=known, at=at)  # 1
            kept = None if user is None else _password_of(view, user)
        fits = self._passwords.fits(kept, password)  # 2
        with self._directory.changing() as change:
            if user is not None and fits and may_sign_in(change, user) and _code_fits(change, user, code, at):  # 3
                change.failures.forget(bucket)  # 4
                return begin_session(change, user, at=at, means="password", browser=browser, new_device=not known)
            login_key = change.login_key(login)
            change.note([sign_in_failed(user, login_key, means="password")])
            if note_failure(change.failures, bucket, known=known, at=at):
                change.note([locked_out(user, login_key, known=known)])
        raise sign_in_refused()

    def by_invitation(self, login: str, code: str, *, browser: str) -> Begun:
        """Sign in with a one-time code, to set a password or a passkey and nothing else.

        Raises:
            NotPermittedError: code `sign-in-refused`.
        """
        at = self._clock()
        with self._directory.changing() as change:
            user = _somebody(change, login)
            found = change.credentials.found(CredentialKind.INVITATION, lookup_of(_plain(code)))
            fits = user is not None and found is not None and found.user_id == user.user_id
            if user is not None and found is not None and fits and not found.over(at) and may_sign_in(change, user):
                change.credentials.drop([found.credential_id])
                return begin_session(change, user, at=at, means="one-time-code", browser=browser, setting_up=True)
            login_key = change.login_key(login)
            if worth_an_entry(change.failures, login_key, at=at):
                change.note([sign_in_failed(user, login_key, means="one-time-code")])
        raise sign_in_refused()

    def visitor(self, cookie: str) -> Visitor | None:
        """Return whose session a browser's cookie stands for, as of now; None where it ended, however it did."""
        at = self._clock()
        with self._directory.reading() as view:
            session = view.sessions.found(lookup_of(cookie))
            if session is None or session.over(at):
                return None
            user = view.user(session.user_id)
            organisation = view.organisation(user.org_id)
        if not _active(user, organisation):
            return None
        if at - session.used_at >= TOUCH_AFTER:
            with self._directory.changing() as change:
                change.sessions.used(session.session_id, at=at)
        return Visitor(user=user, organisation=organisation, session=session)

    def key_holder(self, key: str) -> Actor | None:
        """Return whom an API key stands for, as of now; None where it is nobody's, over, or its owner stopped."""
        at = self._clock()
        form = API_KEY.fullmatch(key)
        if form is None:
            return None
        with self._directory.reading() as view:
            found = view.credentials.found(CredentialKind.API_KEY, lookup_of(form[1]))
            if found is None or found.over(at):
                return None
            if not hmac.compare_digest(bytes.fromhex(found.facts["sha256"]), sha256(form[2].encode()).digest()):
                return None
            user = view.user(found.user_id)
            organisation = view.organisation(user.org_id)
        if not _active(user, organisation):
            return None
        if found.used_at is None or at - found.used_at >= TOUCH_AFTER:
            with self._directory.changing() as change:
                change.credentials.used(found.credential_id, at=at)
        return user.acting(organisation, channel=Channel.API, actions=frozenset(found.facts["actions"]))

    def end(self, cookie: str) -> None:
        """End the session that a cookie stands for; one that is not there is passed over."""
        with self._directory.changing() as change:
            session = change.sessions.found(lookup_of(cookie))
            if session is not None:
                change.sessions.end([session.session_id])
                change.note(sessions_ended(change.user(session.user_id), [session.session_id], why="signed-out"))

    def invite(self, login: str, *, actor: Actor) -> str:
        """Make a one-time code for somebody, which ends any earlier one, and return it: it is shown once.

        For somebody of the house only on the command line: no operator takes over another by the page.

        Raises:
            NotPermittedError: codes `operator-needed`, `invitation-refused`.
            NotFoundError: code `user-unknown`.
        """
        require_operator(actor)
        at, code = self._clock(), "-".join(secrets.token_hex(4) for _ in range(4))
        with self._directory.changing() as change:
            user = change.user_named(login)
            if user.org_id == actor.org_id and actor.channel is not Channel.COMMAND_LINE:
                raise NotPermittedError(
                    "people of the house get their codes on the server's own command line",
                    code="invitation-refused",
                    hint="countenance user invite LOGIN",
                )
            add_invitation(change, user, code, actor=actor, at=at)
        return code


def add_invitation(directory: DirectoryChange, user: User, code: str, *, actor: Actor, at: datetime) -> None:
    """Keep a one-time code for somebody, instead of any earlier one."""
    earlier = directory.credentials.of(user.user_id, CredentialKind.INVITATION)
    directory.credentials.drop([one.credential_id for one in earlier])
    invitation = Credential(
        credential_id=new_id(),
        user_id=user.user_id,
        kind=CredentialKind.INVITATION,
        made_at=at,
        expires_at=at + INVITATION_LASTS,
    )
    directory.credentials.add(invitation, lookup=lookup_of(_plain(code)))
    directory.record([change(user, Action.INVITED, "one-time code", actor=actor, at=at)])


def require_set_up(actor: Actor) -> None:
    """Refuse whoever came with a one-time code: they set what they sign in with, and nothing else.

    Raises:
        NotPermittedError: code `setting-up`.
    """
    if actor.actions == NOTHING:
        raise NotPermittedError(
            "first set what you will sign in with", code="setting-up", hint="Open /own and set a passkey or a password."
        )


def sign_in_refused() -> NotPermittedError:
    """Return the one error of every sign-in that fails."""
    return NotPermittedError(
        "that did not sign anybody in",
        code="sign-in-refused",
        hint="check what you entered; a code counts once; an operator can make a new one-time code",
    )


def begin_session(
    directory: DirectoryChange,
    user: User,
    *,
    at: datetime,
    means: str,
    browser: str,
    setting_up: bool = False,
    new_device: bool = False,
) -> Begun:
    """Begin a session, and know the browser from now on."""
    cookie, device = new_secret(), new_secret() if new_device else None
    directory.sessions.end_older(began=at - SESSION_LONGEST, used=at - SESSION_IDLE)
    session = PageSession(
        session_id=new_id(),
        user_id=user.user_id,
        began_at=at,
        used_at=at,
        setting_up=setting_up,
        browser=browser[:200],
    )
    directory.sessions.begin(session, lookup=lookup_of(cookie))
    directory.note([signed_in(user, session.session_id, means=means)])
    if device is not None:
        known = Credential(
            credential_id=new_id(),
            user_id=user.user_id,
            kind=CredentialKind.DEVICE,
            made_at=at,
            expires_at=at + DEVICE_LASTS,
        )
        directory.credentials.add(known, lookup=lookup_of(device))
    return Begun(cookie=cookie, device=device)


def _somebody(view: DirectoryView, login: str) -> User | None:
    """Return whoever signs in with a login."""
    try:
        user = view.user_named(login)
    except NotFoundError:
        return None
    return user if user.login == login else None


def _known_device(view: DirectoryView, login: str, device: str | None, at: datetime) -> bool:
    """Return whether a browser signed in with this login before."""
    if device is None:
        return False
    found = view.credentials.found(CredentialKind.DEVICE, lookup_of(device))
    user = _somebody(view, login)
    return found is not None and user is not None and found.user_id == user.user_id and not found.over(at)


def _password_of(view: DirectoryView, user: User) -> str | None:
    """Return the hash of somebody's password."""
    found = view.credentials.of(user.user_id, CredentialKind.PASSWORD)
    return found[-1].facts["hash"] if found else None


def _code_fits(directory: DirectoryChange, user: User, code: str, at: datetime) -> bool:
    """Return whether a code is their authenticator's of about now, and of a later time step than the last one used."""
    return any(
        directory.credentials.used(totp.credential_id, at=at, counter=step)
        for totp in directory.credentials.of(user.user_id, CredentialKind.TOTP)
        for step in matching_steps(totp.facts["secret"], code, at)
    )


def matching_steps(secret: str, code: str, at: datetime) -> Collection[int]:
    """Return the time steps around a moment whose code this is. Source: RFC 6238."""
    totp, now = pyotp.TOTP(secret), int(at.timestamp()) // 30
    given = _plain(code)
    return [now + step for step in STEPS if hmac.compare_digest(totp.at((now + step) * 30), given)]


def may_sign_in(view: DirectoryView, user: User) -> bool:
    """Return whether somebody may sign in, as they stand on record in this transaction."""
    return _active(view.user(user.user_id), view.organisation(user.org_id))


def _active(user: User, organisation: Organisation) -> bool:
    return user.state is UserState.ACTIVE and organisation.state is OrganisationState.ACTIVE


def _plain(code: str) -> str:
    """Take out what people put into a code to read it."""
    return "".join(code.split()).replace("-", "").lower() if code.isascii() else ""
