"""The envelope: what one data key seals, opens and fingerprints."""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from countenance.keys.model import sealed_damaged

KEY_BYTES = 32
"""AES-256."""

VERSION = b"\x01"
NONCE_BYTES = 12
"""NIST SP 800-38D, 8.2.2: with random 96-bit nonces a key may seal 2^32 values."""

TAG_BYTES = 16


class Envelope:
    """One data key at work: AES-256-GCM, and HMAC-SHA256 under a key derived apart. Thread-safe.

    A sealed value is version (1 byte), nonce (12), ciphertext, tag (16). Its associated data are version, scope, record
    and column, each behind its length, so that a value opens in its own place only.

    Source:
        AES-GCM: NIST SP 800-38D. HKDF-Expand: RFC 5869. ADR 0030.
    """

    def __init__(self, key: bytes, scope: str) -> None:
        """Derive both keys from the scope's data key, 32 random bytes."""
        self._seal = AESGCM(_derived(key, b"countenance seal"))
        self._fingerprint = _derived(key, b"countenance fingerprint")
        self._scope = _framed(scope.encode())

    def seal(self, plaintext: bytes, *, record: str, column: str) -> bytes:
        """Seal one value."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + nonce + self._seal.encrypt(nonce, plaintext, self._place(record, column))

    def open(self, sealed: bytes, *, record: str, column: str) -> bytes:
        """Return what was sealed.

        Raises:
            IntegrityError: code `sealed-damaged`.
        """
        if sealed[:1] != VERSION or len(sealed) < 1 + NONCE_BYTES + TAG_BYTES:
            raise sealed_damaged()
        body = memoryview(sealed)
        try:
            return self._seal.decrypt(body[1 : 1 + NONCE_BYTES], body[1 + NONCE_BYTES :], self._place(record, column))
        except InvalidTag:
            raise sealed_damaged() from None

    def fingerprint(self, value: bytes, *, column: str) -> bytes:
        """Return 32 bytes that are equal for equal values of a column."""
        return hmac.digest(self._fingerprint, _framed(column.encode()) + value, "sha256")

    def _place(self, record: str, column: str) -> bytes:
        """Return the associated data."""
        return b"".join((VERSION, self._scope, _framed(record.encode()), _framed(column.encode())))


def _framed(part: bytes) -> bytes:
    """Put a part's length before it, so that parts can't run into each other."""
    return len(part).to_bytes(4) + part


def _derived(key: bytes, info: bytes) -> bytes:
    """Derive a key for one use."""
    return HKDFExpand(SHA256(), KEY_BYTES, info).derive(key)
