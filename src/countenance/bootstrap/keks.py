"""Wiring of key-encryption keys: of which kind a home's is, where it lies, and how another takes its place."""

import os
from collections.abc import Sequence
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Protocol

from countenance.adapters.addresses import is_trusted
from countenance.adapters.keys.aws_signature import AwsCredentials
from countenance.adapters.keys.file_kek import FileKek
from countenance.adapters.keys.kms_kek import KmsKeys, KmsPlace
from countenance.bootstrap.settings import Settings
from countenance.core.errors import ConflictError, InvalidInputError, UnavailableError
from countenance.keys.ports import KeyEncryptionKey

if TYPE_CHECKING:
    from countenance.adapters.keys.token_kek import TokenKeys


class KekKind(StrEnum):
    """Where a key-encryption key lies."""

    FILE = "file"
    PKCS11 = "pkcs11"
    KMS = "kms"


class KekSource(Protocol):
    """Where key-encryption keys of one kind come from."""

    def make_next(self) -> KeyEncryptionKey:
        """Make one that no keyring names yet."""

    def load(self, kek_id: str) -> KeyEncryptionKey:
        """Return the one of an identifier."""


class Keks:
    """A home's key-encryption keys: the one in use, and those that may take its place. Thread-safe."""

    def __init__(self, settings: Settings, *, file: FileKek, label: str) -> None:
        """Remember where they lie.

        Args:
            file: The key file's place, whether there is one or not.
            label: What the home's keys in a token are called where the settings say nothing else.
        """
        self.file = file
        self._settings = settings
        self._label = settings.pkcs11_key or label
        # Kept: a token's PIN that was refused must not be tried again.
        self._token = cache(partial(_token_keys, settings, self._label))
        self._service = cache(partial(_service_keys, settings))

    def source(self, kind: KekKind) -> KekSource:
        """Return where keys of a kind come from; what is not asked for is not loaded.

        Raises:
            InvalidInputError: codes `token-setting-missing`, `kms-endpoint-untrusted`.
            UnavailableError: code `key-kind-missing`, the extra is not installed.
        """
        match kind:
            case KekKind.FILE:
                return self.file
            case KekKind.PKCS11:
                return self._token()
            case KekKind.KMS:
                return self._service()

    def load(self, kek_id: str) -> KeyEncryptionKey:
        """Return the key-encryption key that a keyring names.

        Raises:
            NotFoundError, IntegrityError, UnavailableError, InvalidInputError: as its kind's.
        """
        return self.source(kind_of(kek_id)).load(kek_id)

    def make_first(self) -> KeyEncryptionKey:
        """Return the key of a home that has none, of the kind that the settings say."""
        kind = KekKind(self._settings.key_kind)
        return self.file.make() if kind is KekKind.FILE else self.make_next(kind)

    def make_next(self, kind: KekKind) -> KeyEncryptionKey:
        """Make, or find, a key that may take the place of the one in use."""
        return self.source(kind).make_next()

    def settle(self, *, old: str, new: str) -> None:
        """Put the new key into its place, and destroy the old one, now that the keyring names the new one.

        A key service's keys are left: they are whoever's who made them.

        Raises:
            UnavailableError: code `key-file-unwritable`, those of tokens; the old key may still be there.
            NotFoundError, IntegrityError: the new key is not in its place; a token's old one was left.
        """
        if kind_of(new) is KekKind.FILE:
            self.file.load(new)
        elif kind_of(old) is KekKind.FILE:
            self.file.retire(old)
        if kind_of(old) is KekKind.PKCS11 and old != new:
            self._token().destroy(old)

    def left_behind(self, kek_id: str) -> Sequence[str]:
        """Name keys that this home has and no longer uses: what a rotation left that was cut short.

        Raises:
            UnavailableError: those of tokens, where the key in use lies in one.
        """
        kind = kind_of(kek_id)
        files = [str(self.file.path)] if kind is not KekKind.FILE and self.file.path.exists() else []
        if kind is not KekKind.PKCS11 and self._settings.pkcs11_module is None:
            return files
        try:
            return files + [one for one in self._token().held() if one != kek_id]
        except UnavailableError:
            if kind is KekKind.PKCS11:
                raise
            return files

    def place(self, kek_id: str) -> str:
        """Say in words where a key lies."""
        match kind_of(kek_id):
            case KekKind.FILE:
                return f"file {self.file.path}"
            case KekKind.PKCS11:
                return f"token {self._settings.pkcs11_token}, key {self._label}"
            case KekKind.KMS:
                return f"key service, key {kek_id.removeprefix('kms:')}"


def kind_of(kek_id: str) -> KekKind:
    """Return the kind of key that an identifier names.

    Raises:
        ConflictError: code `keyring-newer`: a kind that this version does not know.
    """
    kind = kek_id.partition(":")[0]
    try:
        return KekKind(kind)
    except ValueError:
        raise ConflictError(
            f"this version knows no keys of the kind {kind!r}",
            code="keyring-newer",
            hint="install the version of Countenance that made this keyring, or a later one",
        ) from None


def _token_keys(settings: Settings, label: str) -> "TokenKeys":
    """Return the keys in the token of the settings."""
    try:
        from countenance.adapters.keys.token_kek import TokenKeys, TokenPlace, pin_from  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise _extra_missing("pkcs11") from None
    if settings.pkcs11_module is None:
        raise InvalidInputError(
            "no PKCS#11 module is set",
            code="token-setting-missing",
            hint="set COUNTENANCE_PKCS11_MODULE to the library of the token's maker",
        )
    pin = None if settings.pkcs11_pin is None else settings.pkcs11_pin.get_secret_value()
    place = TokenPlace(
        module=settings.pkcs11_module,
        token=settings.pkcs11_token,
        label=label,
        pin=partial(pin_from, pin, settings.pkcs11_pin_file),
    )
    return TokenKeys(place)


def _service_keys(settings: Settings) -> KmsKeys:
    """Return the keys of the key service of the settings."""
    if settings.kms_endpoint is not None and not is_trusted(settings.kms_endpoint):
        raise InvalidInputError(
            f"{settings.kms_endpoint} is no address that keys may be sent to",
            code="kms-endpoint-untrusted",
            hint="set COUNTENANCE_KMS_ENDPOINT to an https address; http will do on this machine alone",
        )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return KmsKeys(
        KmsPlace(
            key=settings.kms_key,
            region=region,
            endpoint=settings.kms_endpoint,
            credentials=partial(_service_credentials, settings),
        )
    )


def _service_credentials(settings: Settings) -> AwsCredentials:
    """Return who asks the key service: the settings' own, else those of the environment.

    Raises:
        UnavailableError: code `kms-credentials-missing`.
    """
    if settings.kms_access_key_id and settings.kms_secret_access_key:
        secret = settings.kms_secret_access_key.get_secret_value()
        return AwsCredentials(access_key_id=settings.kms_access_key_id, secret_access_key=secret)
    key_id, secret = (os.environ.get(f"AWS_{name}", "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
    if not key_id or not secret:
        raise UnavailableError(
            "the key service's credentials are not given",
            code="kms-credentials-missing",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or COUNTENANCE_KMS_ACCESS_KEY_ID and "
            "COUNTENANCE_KMS_SECRET_ACCESS_KEY where those are of an object store",
        )
    token = os.environ.get("AWS_SESSION_TOKEN") or None
    return AwsCredentials(access_key_id=key_id, secret_access_key=secret, session_token=token)


def _extra_missing(kind: str) -> UnavailableError:
    return UnavailableError(
        f"keys of the kind {kind} need a package that is not installed",
        code="key-kind-missing",
        hint=f"install countenance[{kind}]",
    )
