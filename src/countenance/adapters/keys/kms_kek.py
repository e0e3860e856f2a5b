"""The key-encryption key in a key service with AWS KMS's API: it is made there and never leaves."""

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from countenance.adapters.keys.aws_signature import AwsCredentials
from countenance.adapters.keys.kms_client import KmsClient
from countenance.core.errors import InvalidInputError, UnavailableError
from countenance.keys.envelope import KEY_BYTES
from countenance.keys.model import HOME, key_wrong

KIND = "kms"
CONTEXT = "countenance-scope"
"""Under which name a scope stands in the encryption context, and so in the service's own log of who used a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsPlace:
    """Which key wraps, and how its service is reached.

    Attributes:
        key: An ARN, a key's identifier or `alias/NAME`; None where the settings name none.
        region: Where a key lies that is not named by its ARN; None where the settings name none.
        endpoint: The service's address; None for AWS's own.
        credentials: Returns who asks.
    """

    key: str | None
    region: str | None
    endpoint: str | None
    credentials: Callable[[], AwsCredentials]


class KmsKeys:
    """The keys of a key service. Thread-safe.

    They are made, disabled and deleted there, by whoever may: what is needed here is encrypting and decrypting.
    """

    def __init__(self, place: KmsPlace) -> None:
        """Remember the place."""
        self.place = place
        # One a region, so that connections stay open.
        self._client = cache(partial(KmsClient, endpoint=place.endpoint, credentials=place.credentials))

    def make_next(self) -> "KmsKek":
        """Return the key that the settings name, by the ARN that it has now, once it wrapped and unwrapped something.

        Raises:
            InvalidInputError: code `kms-setting-missing`, and as `KmsClient.ask`.
            NotFoundError, IntegrityError, UnavailableError: as `KmsClient.ask`.
        """
        if not self.place.key:
            raise InvalidInputError(
                "no key of a key service is named",
                code="kms-setting-missing",
                hint="set COUNTENANCE_KMS_KEY to its ARN, or to `alias/NAME` with AWS_REGION",
            )
        probe = secrets.token_bytes(KEY_BYTES)
        answer = self.asked("Encrypt", self.place.key, HOME, Plaintext=_encoded(probe))
        # An alias may be pointed at another key any time: the keyring names the key itself.
        kek = KmsKek(self, str(answer.get("KeyId") or self.place.key))
        if kek.unwrap(_decoded(answer, "CiphertextBlob"), scope=HOME) != probe:
            raise key_wrong(kek.kek_id)
        return kek

    def load(self, kek_id: str) -> "KmsKek":
        """Return the key of an identifier; the service is not asked yet."""
        return KmsKek(self, kek_id.removeprefix(f"{KIND}:"))

    def asked(self, action: str, key: str, scope: str, **parts: str) -> Mapping[str, Any]:
        """Ask the service in which a key lies.

        Raises:
            InvalidInputError: code `kms-setting-missing`, no region is named; and as `KmsClient.ask`.
        """
        # arn:PARTITION:kms:REGION:ACCOUNT:key/ID
        region = key.split(":")[3] if key.count(":") >= 5 else self.place.region
        if not region:
            raise InvalidInputError(
                f"nothing says in which region the key {key} is",
                code="kms-setting-missing",
                hint="name it by its ARN in COUNTENANCE_KMS_KEY, or set AWS_REGION",
            )
        return self._client(region=region).ask(action, {"KeyId": key, "EncryptionContext": {CONTEXT: scope}, **parts})


class KmsKek:
    """Implements `KeyEncryptionKey` with Encrypt and Decrypt of a key service; the scope is the encryption context."""

    def __init__(self, keys: KmsKeys, key: str) -> None:
        """Remember which key it is."""
        self.kek_id = f"{KIND}:{key}"
        self._keys = keys
        self._key = key

    def wrap(self, key: bytes, *, scope: str) -> bytes:
        """See the port."""
        return _decoded(self._keys.asked("Encrypt", self._key, scope, Plaintext=_encoded(key)), "CiphertextBlob")

    def unwrap(self, wrapped: bytes, *, scope: str) -> bytes:
        """See the port."""
        if not wrapped:
            raise key_wrong(self.kek_id)
        opened = _decoded(self._keys.asked("Decrypt", self._key, scope, CiphertextBlob=_encoded(wrapped)), "Plaintext")
        if len(opened) != KEY_BYTES:
            raise key_wrong(self.kek_id)
        return opened


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(answer: Mapping[str, Any], name: str) -> bytes:
    """Return the bytes of an answer."""
    try:
        return base64.b64decode(answer[name], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise UnavailableError(
            "the key service answers with something else", code="kms-unavailable", hint="check COUNTENANCE_KMS_ENDPOINT"
        ) from None
