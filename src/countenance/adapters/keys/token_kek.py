"""The key-encryption key in a PKCS#11 token: it is made there and never leaves."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import pkcs11
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, MechanismFlag, ObjectClass, Session, exceptions

from countenance.core.errors import CountenanceError, IntegrityError, UnavailableError
from countenance.keys.envelope import KEY_BYTES, NONCE_BYTES, TAG_BYTES
from countenance.keys.model import key_wrong

KIND = "pkcs11"
ID_BYTES = 16

_ALONE = Lock()
"""A process has one login at a token, whoever in it asks."""

NOT_OURS = (exceptions.NoSuchKey, exceptions.MultipleObjectsReturned)
REFUSED_INPUT = (
    exceptions.EncryptedDataInvalid,
    exceptions.EncryptedDataLenRange,
    exceptions.GeneralError,
    exceptions.FunctionFailed,
)
"""What tokens answer where the tag of AES-GCM does not fit; PKCS#11 leaves the code to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Where a home's keys lie.

    Attributes:
        module: The token's PKCS#11 library.
        token: The token's label.
        label: The keys' label.
        pin: Reads the user's PIN.
    """

    module: Path
    token: str
    label: str
    pin: Callable[[], str]


class TokenKeys:
    """The AES-256 keys of one label in a token, told apart by their CKA_ID. Thread-safe.

    Each use logs in and out again: uses are rare, and a token that was taken out and put back goes on. A PIN that was
    refused is not tried again, so that a server can't lock the token.
    """

    def __init__(self, place: TokenPlace) -> None:
        """Remember the place."""
        self.place = place
        self._refused: str | None = None

    def make_next(self) -> "TokenKek":
        """Make a key in the token: not extractable, for encryption and decryption alone.

        Raises:
            UnavailableError: as `session`; no key was made.
        """
        mark = secrets.token_bytes(ID_BYTES)
        with self.session(write=True) as session:
            session.generate_key(
                KeyType.AES,
                KEY_BYTES * 8,
                id=mark,
                label=self.place.label,
                store=True,
                capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
                template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
            )
        return TokenKek(self, mark)

    def load(self, kek_id: str) -> "TokenKek":
        """Return the key of an identifier.

        Raises:
            IntegrityError: code `key-wrong`: the token holds no such key, or others of that label only.
            UnavailableError: as `session`.
        """
        kek = TokenKek(self, bytes.fromhex(kek_id.removeprefix(f"{KIND}:")))
        with self.session() as session:
            kek.found(session)
        return kek

    def destroy(self, kek_id: str) -> None:
        """Destroy a key for good; one that is gone is no harm.

        Raises:
            UnavailableError: as `session`; it is still there.
        """
        mark = bytes.fromhex(kek_id.removeprefix(f"{KIND}:"))
        with self.session(write=True) as session:
            for key in session.get_objects(self._ours() | {Attribute.ID: mark}):
                key.destroy()

    def held(self) -> list[str]:
        """Return the identifiers of all keys of the label.

        Raises:
            UnavailableError: as `session`.
        """
        with self.session() as session:
            return sorted(f"{KIND}:{key[Attribute.ID].hex()}" for key in session.get_objects(self._ours()))

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[Session]:
        """Log in for a moment, and turn what the token refuses into errors of ours.

        Raises:
            UnavailableError: codes `token-module-missing`, `token-unavailable`, `token-pin-missing`, `token-pin-wrong`,
                `token-pin-locked`.
        """
        with _ALONE:
            pin = self.place.pin()
            if pin == self._refused:
                raise _pin_wrong(self.place.token)
            try:
                token = pkcs11.lib(str(self.place.module)).get_token(token_label=self.place.token)
                with token.open(rw=write, user_pin=pin) as session:
                    yield session
            except (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange):
                self._refused = pin
                raise _pin_wrong(self.place.token) from None
            except exceptions.PinLocked:
                raise UnavailableError(
                    f"the PIN of the token {self.place.token} is locked",
                    code="token-pin-locked",
                    hint="its security officer can set a new one; the keys in it stay",
                ) from None
            except CountenanceError:
                raise
            # Loading a library that is none is a RuntimeError; PKCS11Error is one too.
            except (RuntimeError, OSError) as error:
                raise _unavailable(self.place, error) from None

    def _ours(self) -> dict[Attribute, object]:
        """Return what all keys of the label have in common."""
        return {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.LABEL: self.place.label}


class TokenKek:
    """Implements `KeyEncryptionKey` with AES-256-GCM in the token; the scope is the associated data."""

    def __init__(self, keys: TokenKeys, mark: bytes) -> None:
        """Remember which key it is, by its CKA_ID."""
        self.kek_id = f"{KIND}:{mark.hex()}"
        self._keys = keys
        self._mark = mark

    def wrap(self, key: bytes, *, scope: str) -> bytes:
        """See the port."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        with self._keys.session() as session:
            sealed: bytes = self.found(session).encrypt(
                key, mechanism=Mechanism.AES_GCM, mechanism_param=_parameters(nonce, scope)
            )
        return nonce + sealed

    def unwrap(self, wrapped: bytes, *, scope: str) -> bytes:
        """See the port."""
        if len(wrapped) < NONCE_BYTES + TAG_BYTES:
            raise key_wrong(self.kek_id)
        parameters = _parameters(wrapped[:NONCE_BYTES], scope)
        with self._keys.session() as session:
            key = self.found(session)
            try:
                opened: bytes = key.decrypt(
                    wrapped[NONCE_BYTES:], mechanism=Mechanism.AES_GCM, mechanism_param=parameters
                )
            except REFUSED_INPUT:
                raise key_wrong(self.kek_id) from None
        return opened

    def found(self, session: Session) -> Any:  # noqa: ANN401 - what a key can do hangs on how it was made
        """Find the key in the token.

        Raises:
            IntegrityError: code `key-wrong`.
        """
        label = self._keys.place.label
        try:
            return session.get_key(ObjectClass.SECRET_KEY, KeyType.AES, label=label, id=self._mark)
        except NOT_OURS:
            raise IntegrityError(
                f"the token {self._keys.place.token} does not hold the key that wrapped this keyring ({self.kek_id})",
                code="key-wrong",
                hint=f"name the right token, and the key's label ({label} was looked for): COUNTENANCE_PKCS11_KEY",
            ) from None


def _parameters(nonce: bytes, scope: str) -> GCMParams:
    """Return the mechanism's parameters."""
    return GCMParams(nonce, scope.encode(), TAG_BYTES * 8)


def pin_from(text: str | None, file: Path | None) -> str:
    """Return the PIN from its setting, or from the file that another setting names.

    Raises:
        UnavailableError: code `token-pin-missing`: neither is set, or the file can't be read.
    """
    if text is not None:
        return text
    try:
        pin = "" if file is None else file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        pin = ""
    if not pin:
        raise UnavailableError(
            "the token's PIN is not given",
            code="token-pin-missing",
            hint="set COUNTENANCE_PKCS11_PIN_FILE to a file of the operator's alone, or COUNTENANCE_PKCS11_PIN",
        )
    return pin


def _pin_wrong(token: str) -> UnavailableError:
    return UnavailableError(
        f"the token {token} refused the PIN; it was not tried again",
        code="token-pin-wrong",
        hint="give the right one (COUNTENANCE_PKCS11_PIN_FILE), and start anew; wrong ones lock many tokens",
    )


def _unavailable(place: TokenPlace, error: Exception) -> UnavailableError:
    if isinstance(error, exceptions.NoSuchToken | exceptions.TokenNotPresent | exceptions.TokenNotRecognised):
        what = f"there is no token {place.token}"
    elif isinstance(error, exceptions.MultipleTokensReturned):
        what = f"several tokens are called {place.token}"
    elif not place.module.is_file():
        return UnavailableError(
            f"there is no PKCS#11 module {place.module}",
            code="token-module-missing",
            hint="set COUNTENANCE_PKCS11_MODULE to the library of the token's maker",
        )
    else:
        what = f"the token {place.token} does not answer ({type(error).__name__})"
    return UnavailableError(
        what, code="token-unavailable", hint="plug it in, or start its service; then run the same command again"
    )
