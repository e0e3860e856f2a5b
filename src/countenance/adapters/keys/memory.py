"""A keyring that lasts as long as its process: real keys, no files."""

import secrets
from collections.abc import Callable
from threading import Lock

from countenance.adapters.keys.aead_kek import AeadKek
from countenance.keys.envelope import KEY_BYTES
from countenance.keys.model import KeyringContent
from countenance.keys.service import WrappedKeyring, new_content


class MemoryKeyringStore:
    """Implements `KeyringStore` in memory. Thread-safe."""

    def __init__(self, content: KeyringContent) -> None:
        """Begin with a content."""
        self._content = content
        self._lock = Lock()

    def read(self) -> KeyringContent:
        """See the port."""
        return self._content

    def change(self, changed: Callable[[KeyringContent], KeyringContent]) -> KeyringContent:
        """See the port."""
        with self._lock:
            self._content = changed(self._content)
            return self._content


def memory_keyring() -> WrappedKeyring:
    """Return a new keyring in memory."""
    kek = AeadKek(secrets.token_bytes(KEY_BYTES), "memory")
    return WrappedKeyring(MemoryKeyringStore(new_content(kek)), lambda _: kek)
