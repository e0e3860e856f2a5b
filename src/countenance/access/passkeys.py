"""Passkeys: registered by whoever is signed in, signed in with, and signed with by whoever approves a request.

A passkey is two factors by itself: the device, and what unlocks it. User verification is asked for and checked.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url, parse_authentication_credential_json, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from countenance.access.credentials import CHALLENGE_LASTS, Credential, CredentialKind, new_secret
from countenance.access.entries import credential_added, sign_in_failed
from countenance.access.ports import Directory, DirectoryView
from countenance.access.sign_in import Begun, Visitor, begin_session, may_sign_in, sign_in_refused
from countenance.access.throttle import worth_an_entry
from countenance.access.words import checked_words
from countenance.core.clock import utc_now
from countenance.core.errors import InvalidInputError, NotFoundError, NotPermittedError
from countenance.core.ids import new_id

NAME = "Countenance"

APPROVAL = b"countenance/approval/v1\0"
"""What an approval's challenge begins with, so that no other signature can be taken for one."""

REGISTER = "passkey-new"
SIGN_IN = "passkey-sign-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedApproval:
    """A request's hash signed by a passkey: kept, it can be checked again by anybody with the public key.

    Attributes:
        credential_id: Id of the credential on record.
        public_key: COSE key, base64url.
        assertion: What the browser gave back, JSON types only.
    """

    credential_id: str
    public_key: str
    assertion: Mapping[str, Any]


class Passkeys:
    """Registers passkeys, lets people in with them, and checks what they signed. Thread-safe.

    Source:
        W3C Web Authentication, level 3, sections 7.1 and 7.2.
    """

    def __init__(self, directory: Directory, *, clock: Callable[[], datetime] = utc_now) -> None:
        """Join the parts."""
        self._directory = directory
        self._clock = clock

    def registration(self, visitor: Visitor, *, origin: str) -> Mapping[str, Any]:
        """Return what the browser needs to make a passkey.

        Args:
            visitor: Whoever is signed in.
            origin: Of the page, e.g. `http://localhost:8000`.
        """
        user, challenge = visitor.user, new_secret().encode()
        with self._directory.changing() as change:
            held = change.credentials.of(user.user_id, CredentialKind.PASSKEY)
            self._put(change.challenges.put, challenge, REGISTER, user.user_id)
        options = generate_registration_options(
            rp_id=rp_id(origin),
            rp_name=NAME,
            user_id=user.user_id.encode(),
            user_name=user.login,
            user_display_name=user.name,
            challenge=challenge,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.facts["raw_id"])) for one in held
            ],
        )
        return _plain_json(options)

    def register(self, visitor: Visitor, given: Mapping[str, Any], *, name: str, origin: str) -> Credential:
        """Keep a passkey that the browser made for whoever is signed in.

        Raises:
            InvalidInputError: codes `passkey-invalid`, `words-invalid`; nothing was kept.
            ConflictError: code `credential-exists`.
        """
        at, called = self._clock(), checked_words(name, "the passkey's name")
        challenge = _challenge_of(given)
        with self._directory.changing() as change:
            facts = change.challenges.take(_key(challenge), purpose=REGISTER, at=at)
        if facts is None or facts["user_id"] != visitor.user.user_id:
            raise _passkey_invalid()
        try:
            verified = verify_registration_response(
                credential=dict(given),
                expected_challenge=challenge,
                expected_rp_id=rp_id(origin),
                expected_origin=origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError):
            raise _passkey_invalid() from None
        made = Credential(
            credential_id=new_id(),
            user_id=visitor.user.user_id,
            kind=CredentialKind.PASSKEY,
            made_at=at,
            counter=verified.sign_count,
            facts={
                "name": called,
                "raw_id": bytes_to_base64url(verified.credential_id),
                "public_key": bytes_to_base64url(verified.credential_public_key),
            },
        )
        with self._directory.changing() as change:
            change.credentials.add(made, lookup=_key(verified.credential_id))
            change.note([credential_added(visitor.user, made)])
        return made

    def sign_in_options(self, *, origin: str) -> Mapping[str, Any]:
        """Return what the browser needs to sign in with any passkey that it has for this page."""
        challenge = new_secret().encode()
        with self._directory.changing() as change:
            self._put(change.challenges.put, challenge, SIGN_IN, None)
        return _request(challenge, origin)

    def sign_in(self, given: Mapping[str, Any], *, origin: str, browser: str) -> Begun:
        """Sign in with a passkey.

        Steps:
            1. The challenge is one of ours, comes back for the first time, and in time.
            2. The passkey is on record, and its owner may sign in.
            3. The signature is right, the user was verified, and the counter rose.

        Raises:
            NotPermittedError: code `sign-in-refused`.
        """
        at = self._clock()
        try:
            challenge = _challenge_of(given)
        except InvalidInputError:
            raise sign_in_refused() from None
        with self._directory.changing() as change:
            if change.challenges.take(_key(challenge), purpose=SIGN_IN, at=at) is None:  # 1
                challenge = b""
        with self._directory.changing() as change:
            held = _passkey_of(change, given)  # 2
            user = None if held is None else change.user(held.user_id)
            if challenge and held is not None and user is not None and may_sign_in(change, user):
                count = _counted(held, given, challenge=challenge, origin=origin)  # 3
                if count is not None and change.credentials.used(held.credential_id, at=at, counter=count or None):
                    return begin_session(change, user, at=at, means="passkey", browser=browser)
            if worth_an_entry(change.failures, b"passkey" if user is None else user.user_id.encode(), at=at):
                change.note([sign_in_failed(user, None, means="passkey")])
        raise sign_in_refused()

    def approval_options(self, user_id: str, request: bytes, *, origin: str) -> Mapping[str, Any]:
        """Return what the browser needs to sign a request with one of somebody's passkeys.

        Args:
            user_id: Who approves.
            request: The canonical bytes of what is approved.
            origin: Of the page.

        Raises:
            NotFoundError: code `passkey-missing`, they have none.
        """
        with self._directory.reading() as view:
            held = view.credentials.of(user_id, CredentialKind.PASSKEY)
        if not held:
            raise NotFoundError(
                "you have no passkey to sign with", code="passkey-missing", hint="register one under /own"
            )
        allowed = [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.facts["raw_id"])) for one in held]
        return _request(approval_challenge(request), origin, allowed)

    def approve(self, user_id: str, request: bytes, given: Mapping[str, Any], *, origin: str) -> SignedApproval:
        """Check that somebody signed this very request with a passkey of theirs, for its audit entry.

        Raises:
            NotPermittedError: code `approval-invalid`; nothing is approved.
        """
        at = self._clock()
        with self._directory.changing() as change:
            held = _passkey_of(change, given)
            if held is None or held.user_id != user_id or not may_sign_in(change, change.user(user_id)):
                raise _approval_invalid()
            try:
                count = _checked(held, given, challenge=approval_challenge(request), origin=origin)
            except _NotSignedError:
                raise _approval_invalid() from None
            if not change.credentials.used(held.credential_id, at=at, counter=count or None):
                raise _approval_invalid()
        return SignedApproval(
            credential_id=held.credential_id, public_key=held.facts["public_key"], assertion=dict(given)
        )

    def _put(self, put: Callable[..., None], challenge: bytes, purpose: str, user_id: str | None) -> None:
        """Keep a challenge."""
        expires_at = self._clock() + CHALLENGE_LASTS
        put(_key(challenge), purpose=purpose, expires_at=expires_at, facts={"user_id": user_id})


def approval_challenge(request: bytes) -> bytes:
    """Return what a passkey signs to approve a request: a hash that stands for nothing else, 32 bytes."""
    return hashlib.sha256(APPROVAL + request).digest()


def approval_holds(approval: SignedApproval, request: bytes, *, origin: str) -> bool:
    """Return whether a kept approval is a signature over this very request; needs nothing but what was kept."""
    held = Credential(
        credential_id=approval.credential_id,
        user_id="",
        kind=CredentialKind.PASSKEY,
        made_at=datetime.min,  # noqa: DTZ901 - never read
        facts={"public_key": approval.public_key},
    )
    try:
        _checked(held, approval.assertion, challenge=approval_challenge(request), origin=origin)
    except _NotSignedError:
        return False
    return True


def rp_id(origin: str) -> str:
    """Return the name that passkeys belong to: the page's host."""
    return urlsplit(origin).hostname or ""


class _NotSignedError(Exception):
    """It is not a signature of this passkey over this challenge."""


def _counted(held: Credential, given: Mapping[str, Any], *, challenge: bytes, origin: str) -> int | None:
    """Check a signature and return the passkey's new counter; None where it is no signature."""
    try:
        return _checked(held, given, challenge=challenge, origin=origin)
    except _NotSignedError:
        return None


def _checked(held: Credential, given: Mapping[str, Any], *, challenge: bytes, origin: str) -> int:
    """Check a signature and return the passkey's new counter.

    Raises:
        _NotSignedError: it is none.
    """
    try:
        verified = verify_authentication_response(
            credential=dict(given),
            expected_challenge=challenge,
            expected_rp_id=rp_id(origin),
            expected_origin=origin,
            credential_public_key=base64url_to_bytes(held.facts["public_key"]),
            credential_current_sign_count=held.counter,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise _NotSignedError from None
    return verified.new_sign_count


def _passkey_of(view: DirectoryView, given: Mapping[str, Any]) -> Credential | None:
    """Return the passkey that an answer names."""
    try:
        raw_id = parse_authentication_credential_json(dict(given)).raw_id
    except (WebAuthnException, ValueError, KeyError, TypeError):
        return None
    return view.credentials.found(CredentialKind.PASSKEY, _key(raw_id))


def _challenge_of(given: Mapping[str, Any]) -> bytes:
    """Return the challenge that the browser says it answered.

    Raises:
        InvalidInputError: code `passkey-invalid`.
    """
    try:
        return parse_client_data_json(base64url_to_bytes(given["response"]["clientDataJSON"])).challenge
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise _passkey_invalid() from None


def _request(
    challenge: bytes, origin: str, allowed: list[PublicKeyCredentialDescriptor] | None = None
) -> Mapping[str, Any]:
    """Return what the browser needs to sign a challenge."""
    options = generate_authentication_options(
        rp_id=rp_id(origin),
        challenge=challenge,
        allow_credentials=allowed,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _plain_json(options)


def _plain_json(options: Any) -> Mapping[str, Any]:  # noqa: ANN401 - one of two of the library's types
    """Return options as JSON types."""
    made: Mapping[str, Any] = json.loads(options_to_json(options))
    return made


def _key(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def _passkey_invalid() -> InvalidInputError:
    return InvalidInputError(
        "that passkey can't be registered",
        code="passkey-invalid",
        hint="start again; the device has to be unlocked with a PIN, a finger or a face",
    )


def _approval_invalid() -> NotPermittedError:
    return NotPermittedError(
        "that is not your passkey's signature over this request", code="approval-invalid", hint="sign it again"
    )
