"""Signing in with an identity provider: who it says somebody is, matched with people on record and nobody else.

Source:
    OpenID Connect Core 1.0, section 3.1 (authorisation code flow); RFC 7636 (PKCE); RFC 9207 (the issuer in the
    answer); RFC 9700, section 2.1 (what a client has to check).
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from countenance.access.credentials import (
    CHALLENGE_LASTS,
    Credential,
    CredentialKind,
    lookup_of,
    new_secret,
)
from countenance.access.entries import credential_added, sign_in_failed
from countenance.access.model import User
from countenance.access.organisations import require_operator
from countenance.access.ports import Directory, DirectoryChange
from countenance.access.sign_in import Begun, begin_session, may_sign_in, sign_in_refused
from countenance.access.throttle import worth_an_entry
from countenance.core.clock import utc_now
from countenance.core.errors import ConflictError, InvalidInputError, NotFoundError, NotPermittedError
from countenance.core.ids import new_id
from countenance.policy.model import HOUSE, Actor, Channel

PURPOSE = "identity-provider"

CALLBACK = "/session/provider/callback"
"""Where the provider sends people back to, below the page's origin; registered there exactly so."""

LONGEST_SUBJECT = 255
"""ASCII signs. Source: OpenID Connect Core 1.0, section 2, `sub`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a provider says somebody is, after all checks of the token that says so.

    Attributes:
        issuer: The provider.
        subject: Its own, lasting name for them.
        email: Their address, where the provider says that it verified it; None otherwise.
    """

    issuer: str
    subject: str
    email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sign-in on its way: what the provider is asked, and what its answer has to fit.

    Attributes:
        state: Comes back with the answer.
        nonce: Has to stand in the token.
        verifier: PKCE's secret, which goes with the code.
        redirect_uri: Where the provider sends people back to.
    """

    state: str
    nonce: str
    verifier: str
    redirect_uri: str

    @property
    def challenge(self) -> str:
        """PKCE's challenge, method S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class IdentityProvider(Protocol):
    """The one provider that an installation names."""

    @property
    def issuer(self) -> str:
        """Its issuer, as its tokens name it."""

    def address(self, attempt: Attempt) -> str:
        """Return where the browser has to go.

        Raises:
            UnavailableError: code `provider-unavailable`.
        """

    def identity(self, attempt: Attempt, code: str) -> Identity | None:
        """Exchange a code for a token and return whom it is about; None where anything about it is wrong.

        Raises:
            UnavailableError: code `provider-unavailable`; the code may be spent.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Where the browser goes, and what it has to bring back besides.

    Attributes:
        address: At the provider.
        cookie: Ties the answer to this browser.
    """

    address: str
    cookie: str


class ProviderSignIn:
    """Lets people in whom an identity provider names and who are on record here. Thread-safe."""

    def __init__(
        self,
        directory: Directory,
        provider: IdentityProvider,
        *,
        by_email: bool,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Join the parts.

        Args:
            directory: Who is on record.
            provider: Says who somebody is.
            by_email: Whether a verified address that is somebody's login binds their identity, the first time.
            clock: The time.
        """
        self._directory = directory
        self._provider = provider
        self._by_email = by_email
        self._clock = clock

    def start(self, *, origin: str) -> Started:
        """Begin a sign-in.

        Args:
            origin: Of our page.

        Raises:
            UnavailableError: code `provider-unavailable`.
        """
        attempt = Attempt(
            state=new_secret(), nonce=new_secret(), verifier=new_secret(), redirect_uri=f"{origin}{CALLBACK}"
        )
        address, cookie = self._provider.address(attempt), new_secret()
        facts = {
            "nonce": attempt.nonce,
            "verifier": attempt.verifier,
            "redirect_uri": attempt.redirect_uri,
            "browser": lookup_of(cookie).hex(),
        }
        with self._directory.changing() as change:
            expires_at = self._clock() + 2 * CHALLENGE_LASTS
            change.challenges.put(lookup_of(attempt.state), purpose=PURPOSE, expires_at=expires_at, facts=facts)
        return Started(address=address, cookie=cookie)

    def finish(self, answer: Mapping[str, str], *, cookie: str | None, browser: str) -> Begun:
        """Sign in with what the provider's answer brings.

        Steps:
            1. The answer is to a question of ours, asked of this browser, and comes for the first time and in time.
            2. It is the provider's own: its issuer, where it says one.
            3. Its code is exchanged for a token, whose signature, issuer, audience, times and nonce are checked.
            4. In one transaction: the identity is somebody's on record who may sign in; a session begins.

        Raises:
            NotPermittedError: code `sign-in-refused`, whatever was wrong.
            UnavailableError: code `provider-unavailable`.
        """
        attempt = self._attempt(answer.get("state", ""), cookie)  # 1
        of_ours = answer.get("iss", self._provider.issuer) == self._provider.issuer  # 2
        identity = None
        if attempt is not None and of_ours and "code" in answer and "error" not in answer:
            identity = self._provider.identity(attempt, answer["code"])  # 3
        at = self._clock()
        with self._directory.changing() as change:
            user = None if identity is None else self._somebody(change, identity, at)  # 4
            if user is not None and may_sign_in(change, user):
                return begin_session(change, user, at=at, means="provider", browser=browser)
            if worth_an_entry(change.failures, b"provider" if user is None else user.user_id.encode(), at=at):
                change.note([sign_in_failed(user, None, means="provider")])
        raise sign_in_refused()

    def bind(self, login: str, subject: str, *, actor: Actor) -> User:
        """Let somebody of the provider's be somebody on record; an earlier one of theirs counts no more.

        For somebody of the house only on the command line, as with one-time codes.

        Raises:
            NotPermittedError: codes `operator-needed`, `binding-refused`.
            NotFoundError: code `user-unknown`.
            InvalidInputError: code `subject-invalid`.
            ConflictError: code `credential-exists`, it is somebody's already. Nothing was changed in these cases.
        """
        require_operator(actor)
        if not subject.isascii() or not subject.isprintable() or not 1 <= len(subject) <= LONGEST_SUBJECT:
            raise InvalidInputError(
                "that can't be a provider's name for somebody",
                code="subject-invalid",
                hint=f"the token's `sub`: 1 to {LONGEST_SUBJECT} printable ASCII signs",
            )
        with self._directory.changing() as change:
            user = change.user_named(login)
            if user.org_id == HOUSE and actor.channel is not Channel.COMMAND_LINE:
                raise NotPermittedError(
                    "people of the house are bound on the server's own command line", code="binding-refused"
                )
            identity = Identity(issuer=self._provider.issuer, subject=subject, email=None)
            taken = change.credentials.found(CredentialKind.IDENTITY, identity_key(identity))
            if taken is not None and taken.user_id != user.user_id:
                raise ConflictError("that is somebody's already", code="credential-exists", hint="use another")
            earlier = change.credentials.of(user.user_id, CredentialKind.IDENTITY)
            change.credentials.drop([one.credential_id for one in earlier])
            _keep(change, user, identity, self._clock())
        return user

    def _attempt(self, state: str, cookie: str | None) -> Attempt | None:
        """Return what was asked under a state, once, and only to the browser that asked."""
        with self._directory.changing() as change:
            facts = change.challenges.take(lookup_of(state), purpose=PURPOSE, at=self._clock())
        if facts is None or cookie is None or not hmac.compare_digest(facts["browser"], lookup_of(cookie).hex()):
            return None
        return Attempt(
            state=state, nonce=facts["nonce"], verifier=facts["verifier"], redirect_uri=facts["redirect_uri"]
        )

    def _somebody(self, change: DirectoryChange, identity: Identity, at: datetime) -> User | None:
        """Return whose identity it is; the first time, and where that is set, by a verified address."""
        found = change.credentials.found(CredentialKind.IDENTITY, identity_key(identity))
        if found is not None:
            return change.user(found.user_id)
        if not self._by_email or identity.email is None:
            return None
        try:
            user = change.user_named(identity.email.lower())
        except NotFoundError:
            return None
        bound = change.credentials.of(user.user_id, CredentialKind.IDENTITY)
        if user.login != identity.email.lower() or user.org_id == HOUSE or bound or not may_sign_in(change, user):
            return None
        try:
            _keep(change, user, identity, at)
        except ConflictError:  # Another kind of credential is kept under it.
            return None
        return user


def _keep(change: DirectoryChange, user: User, identity: Identity, at: datetime) -> None:
    """Bind an identity to somebody."""
    made = Credential(
        credential_id=new_id(),
        user_id=user.user_id,
        kind=CredentialKind.IDENTITY,
        made_at=at,
        facts={"issuer": identity.issuer, "subject": identity.subject},
    )
    change.credentials.add(made, lookup=identity_key(identity))
    change.note([credential_added(user, made)])


def identity_key(identity: Identity) -> bytes:
    """Return what an identity is found by: neither part can run into the other, since a subject is printable."""
    return hashlib.sha256(f"{identity.issuer}\0{identity.subject}".encode()).digest()
