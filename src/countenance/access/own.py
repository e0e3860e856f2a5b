"""What people keep of their own: password, authenticator, API keys, sessions."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import pyotp

from countenance.access.credentials import (
    CHALLENGE_LASTS,
    Credential,
    CredentialKind,
    PageSession,
    lookup_of,
    new_secret,
)
from countenance.access.entries import credential_added, credentials_removed, sessions_ended
from countenance.access.model import User
from countenance.access.passwords import Passwords
from countenance.access.ports import Directory, DirectoryChange
from countenance.access.sign_in import Visitor, matching_steps, require_set_up, sign_in_refused
from countenance.access.words import checked_words
from countenance.core.clock import utc_now
from countenance.core.errors import InvalidInputError, NotFoundError, NotPermittedError
from countenance.core.ids import new_id
from countenance.policy.model import Actor
from countenance.policy.request import Action

ISSUER = "Countenance"

LONGEST_KEY = timedelta(days=366)

LISTED = (CredentialKind.PASSWORD, CredentialKind.TOTP, CredentialKind.PASSKEY, CredentialKind.API_KEY)

TOTP_PURPOSE = "totp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """A new authenticator that was not confirmed yet.

    Attributes:
        secret: Base32, for typing in.
        uri: The same for authenticator programs (`otpauth://`).
    """

    secret: str
    uri: str


class OwnSecurity:
    """Changes what one person signs in with, for that person. Thread-safe."""

    def __init__(self, directory: Directory, passwords: Passwords, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Join the parts."""
        self._directory = directory
        self._passwords = passwords
        self._clock = clock

    def set_password(self, visitor: Visitor, password: str, *, current: str) -> None:
        """Set a password. Whoever has one has to give it; every other session ends.

        Raises:
            NotPermittedError: code `sign-in-refused`, the current one is wrong.
            InvalidInputError: code `password-weak`.
            UnavailableError: code `sign-in-busy`. Nothing was changed in any of these cases.
        """
        user = visitor.user
        with self._directory.reading() as view:
            kept = view.credentials.of(user.user_id, CredentialKind.PASSWORD)
        if kept and not visitor.session.setting_up and not self._passwords.fits(kept[-1].facts["hash"], current):
            raise sign_in_refused()
        hashed = self._passwords.hash(password, login=user.login)
        with self._directory.changing() as change:
            made = self._credential(user.user_id, CredentialKind.PASSWORD, {"hash": hashed})
            _replace(change, user, kept, made)
            _end_others(change, user, visitor.session)

    def start_authenticator(self, visitor: Visitor) -> Authenticator:
        """Make a secret for an authenticator; `confirm_authenticator` with a code of it makes it count."""
        secret, at = pyotp.random_base32(), self._clock()
        with self._directory.changing() as change:
            change.challenges.put(
                lookup_of(secret),
                purpose=TOTP_PURPOSE,
                expires_at=at + 2 * CHALLENGE_LASTS,
                facts={"user_id": visitor.user.user_id},
            )
        return Authenticator(
            secret=secret, uri=pyotp.TOTP(secret).provisioning_uri(name=visitor.user.login, issuer_name=ISSUER)
        )

    def confirm_authenticator(self, visitor: Visitor, secret: str, code: str) -> None:
        """Let an authenticator count from now on, instead of an earlier one.

        Raises:
            InvalidInputError: code `code-wrong`; the secret is spent, start again.
        """
        at, user_id = self._clock(), visitor.user.user_id
        with self._directory.changing() as change:
            facts = change.challenges.take(lookup_of(secret), purpose=TOTP_PURPOSE, at=at)
        steps = matching_steps(secret, code, at) if facts is not None and facts["user_id"] == user_id else ()
        if not steps:
            raise InvalidInputError(
                "that is not the code of this authenticator now",
                code="code-wrong",
                hint="start again with a new secret, and check the clock of the device",
            )
        with self._directory.changing() as change:
            made = self._credential(user_id, CredentialKind.TOTP, {"secret": secret}, counter=max(steps))
            _replace(change, visitor.user, change.credentials.of(user_id, CredentialKind.TOTP), made)

    def ready(self, visitor: Visitor) -> bool:
        """Return whether they can sign in without a one-time code from now on."""
        with self._directory.reading() as view:
            return can_sign_in({one.kind for one in view.credentials.of(visitor.user.user_id)})

    def finish_setting_up(self, visitor: Visitor) -> None:
        """End a session that a one-time code began, once there is something to sign in with.

        Raises:
            NotPermittedError: code `setting-up-unfinished`.
        """
        if not self.ready(visitor):
            raise NotPermittedError(
                "there is nothing to sign in with yet",
                code="setting-up-unfinished",
                hint="set a password and an authenticator, or a passkey",
            )
        with self._directory.changing() as change:
            ended = [visitor.session.session_id]
            change.sessions.end(ended)
            change.note(sessions_ended(visitor.user, ended, why="set-up-finished"))

    def credentials(self, user_id: str) -> tuple[Credential, ...]:
        """Return what somebody signs in with; no secret of it."""
        with self._directory.reading() as view:
            return view.credentials.of(user_id, *LISTED)

    def drop(self, actor: Actor, credential_id: str, *, kinds: Collection[CredentialKind] = LISTED) -> None:
        """Forget one of the actor's own credentials, at once.

        Args:
            actor: Whose it is.
            credential_id: Which.
            kinds: Of which kinds it may be.

        Raises:
            NotFoundError: code `credential-unknown`.
            NotPermittedError: codes `credential-last`, they could not sign in any more; `setting-up`. Nothing was
                forgotten in any of these cases.
        """
        require_set_up(actor)
        user_id = actor.user_id
        with self._directory.changing() as change:
            held = change.credentials.of(user_id, *LISTED)
            gone = [one for one in held if one.credential_id == credential_id and one.kind in kinds]
            if not gone:
                raise NotFoundError("you have no such credential", code="credential-unknown")
            left = {one.kind for one in held if one.credential_id != credential_id}
            if can_sign_in({one.kind for one in held}) and not can_sign_in(left):
                raise NotPermittedError(
                    "you could not sign in any more",
                    code="credential-last",
                    hint="set another passkey, or a password and an authenticator, first",
                )
            change.credentials.drop([credential_id])
            change.note(credentials_removed(change.user(user_id), gone))

    def make_key(
        self, actor: Actor, *, name: str, actions: Collection[str], lasts: timedelta
    ) -> tuple[Credential, str]:
        """Make an API key for whoever asks, narrowed to some actions; the key itself is returned this once.

        Raises:
            NotPermittedError: codes `key-makes-key`, the actor came with an API key; `setting-up`.
            InvalidInputError: codes `words-invalid`, `actions-invalid`, `key-too-long`. Nothing was made.
        """
        require_set_up(actor)
        if actor.actions is not None:
            raise NotPermittedError("an API key makes no further ones", code="key-makes-key", hint="sign in")
        known = {action.value for action in Action}
        if not actions or not known.issuperset(actions):
            raise InvalidInputError(
                "a key is for actions that there are, one at least",
                code="actions-invalid",
                hint=f"these: {', '.join(sorted(known))}",
            )
        if not timedelta() < lasts <= LONGEST_KEY:
            raise InvalidInputError(
                f"a key lasts 1 to {LONGEST_KEY.days} days", code="key-too-long", hint="make a new one in time"
            )
        spoken, secret = secrets.token_hex(16), new_secret()
        facts: dict[str, object] = {
            "name": checked_words(name, "the key's name"),
            "actions": sorted(set(actions)),
            "sha256": sha256(secret.encode()).hexdigest(),
        }
        made = self._credential(actor.user_id, CredentialKind.API_KEY, facts, lasts=lasts)
        with self._directory.changing() as change:
            change.credentials.add(made, lookup=lookup_of(spoken))
            change.note([credential_added(change.user(actor.user_id), made)])
        return made, f"cnt_{spoken}_{secret}"

    def sessions(self, user_id: str) -> tuple[PageSession, ...]:
        """Return somebody's sessions that go on."""
        at = self._clock()
        with self._directory.reading() as view:
            return tuple(session for session in view.sessions.of(user_id) if not session.over(at))

    def end_session(self, actor: Actor, session_id: str) -> None:
        """End one of the actor's own sessions, at once.

        Raises:
            NotFoundError: code `session-unknown`.
            NotPermittedError: code `setting-up`. Nothing was ended in either case.
        """
        require_set_up(actor)
        user_id = actor.user_id
        with self._directory.changing() as change:
            if session_id not in {session.session_id for session in change.sessions.of(user_id)}:
                raise NotFoundError("you have no such session", code="session-unknown")
            change.sessions.end([session_id])
            change.note(sessions_ended(change.user(user_id), [session_id], why="ended-by-owner"))

    def _credential(
        self,
        user_id: str,
        kind: CredentialKind,
        facts: dict[str, object],
        *,
        counter: int = 0,
        lasts: timedelta | None = None,
    ) -> Credential:
        """Make one."""
        at = self._clock()
        return Credential(
            credential_id=new_id(),
            user_id=user_id,
            kind=kind,
            made_at=at,
            expires_at=None if lasts is None else at + lasts,
            counter=counter,
            facts=facts,
        )


def can_sign_in(kinds: Collection[CredentialKind]) -> bool:
    """Return whether credentials of these kinds let somebody in: two factors, or a passkey, which is two by itself."""
    held = set(kinds)
    return CredentialKind.PASSKEY in held or {CredentialKind.PASSWORD, CredentialKind.TOTP} <= held


def _replace(directory: DirectoryChange, user: User, earlier: Collection[Credential], made: Credential) -> None:
    """Let something new count instead of what was there before."""
    directory.credentials.drop([one.credential_id for one in earlier])
    directory.credentials.add(made)
    directory.note([*credentials_removed(user, earlier), credential_added(user, made)])


def _end_others(directory: DirectoryChange, user: User, session: PageSession) -> None:
    """End all of somebody's sessions but one."""
    others = [one.session_id for one in directory.sessions.of(session.user_id) if one.session_id != session.session_id]
    directory.sessions.end(others)
    directory.note(sessions_ended(user, others, why="password-set"))
