"""A key-encryption key whose bytes are at hand."""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from countenance.keys.envelope import NONCE_BYTES
from countenance.keys.model import key_wrong


class AeadKek:
    """Implements `KeyEncryptionKey` with AES-256-GCM; the scope is the associated data."""

    def __init__(self, key: bytes, kind: str) -> None:
        """Keep the key, 32 random bytes; its identifier is a part of its hash, so that it can't be mistaken."""
        self.kek_id = f"{kind}:{hashlib.sha256(b'countenance kek id' + key).hexdigest()[:16]}"
        self._cipher = AESGCM(key)

    def wrap(self, key: bytes, *, scope: str) -> bytes:
        """See the port."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, scope.encode())

    def unwrap(self, wrapped: bytes, *, scope: str) -> bytes:
        """See the port."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], scope.encode())
        except (InvalidTag, ValueError):
            raise key_wrong(self.kek_id) from None
