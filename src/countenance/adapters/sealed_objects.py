"""Objects sealed before they are stored, under names that say nothing."""

from countenance.gallery.ports import Objects
from countenance.keys.model import HOME, KeyState, case_scope, org_scope, source_scope
from countenance.keys.ports import Keyring

COLUMN = "object"
OWNED = {"organisations": org_scope, "cases": case_scope}
"""Kinds that belong to no source."""

NAME_BYTES = 16
"""Of the key's fingerprint: two of a source's objects never share a name by chance."""


class SealedObjects:
    """Implements `Objects` over another store. Thread-safe where that is.

    What has an owner (`KIND/OWNER_ID/...`) is sealed under the owner's key and lies below `KIND/OWNER_ID/`, so that it
    can be found when the owner goes; anything else is sealed under the home's. The rest of the name is a fingerprint.
    """

    def __init__(self, objects: Objects, keyring: Keyring) -> None:
        """Keep the store."""
        self._objects = objects
        self._keyring = keyring

    def put(self, key: str, data: bytes) -> None:
        """See the port; also code `key-destroyed`."""
        sealed = self._keyring.seal(_scope(key), data, record=key, column=COLUMN)
        self._objects.put(self.stored_key(key), sealed)

    def get(self, key: str) -> bytes:
        """See the port; also codes `key-destroyed`, `sealed-damaged`."""
        return self._keyring.open(_scope(key), self._objects.get(self.stored_key(key)), record=key, column=COLUMN)

    def delete(self, key: str) -> None:
        """See the port; what belongs to an owner whose key was destroyed went with it."""
        if self._keyring.state(_scope(key)) is not KeyState.DESTROYED:
            self._objects.delete(self.stored_key(key))

    def delete_all(self, prefix: str) -> None:
        """See the port: the folder of a kind, or of one owner's."""
        self._objects.delete_all(prefix)

    def stored_key(self, key: str) -> str:
        """Return the key that an object is stored by."""
        parts = key.split("/")
        name = self._keyring.fingerprint(_scope(key), key.encode(), column=COLUMN)[:NAME_BYTES].hex()
        return "/".join([*parts[: 2 if len(parts) > 2 else 1], name])


def _scope(key: str) -> str:
    """Return whose an object is."""
    kind, *owner = key.split("/")
    return OWNED.get(kind, source_scope)(owner[0]) if len(owner) > 1 else HOME
