"""Pictures kept as objects through obstore: a folder now, any S3 server by the same calls."""

from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.exceptions import NotFoundError as ObjectMissingError
from obstore.store import LocalStore, ObjectStore

from countenance.core.errors import NotFoundError, UnavailableError


class StoredObjects:
    """Objects in an obstore store. Implements `Objects`; thread-safe."""

    def __init__(self, store: ObjectStore) -> None:
        """Keep the store."""
        self._store = store

    @classmethod
    def in_folder(cls, folder: Path) -> "StoredObjects":
        """Keep objects below a folder, made where missing. Writes are atomic: a temporary file, then a rename."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(folder))

    def put(self, key: str, data: bytes) -> None:
        """See the port."""
        try:
            obstore.put(self._store, key, data)
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    def get(self, key: str) -> bytes:
        """See the port."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except (ObjectMissingError, FileNotFoundError):
            raise NotFoundError("that picture is not in the object store", code="object-unknown") from None
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    def delete(self, key: str) -> None:
        """See the port."""
        try:
            obstore.delete(self._store, key)
        except (ObjectMissingError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None

    def delete_all(self, prefix: str) -> None:
        """See the port."""
        try:
            for listed in obstore.list(self._store, prefix=prefix):
                obstore.delete(self._store, [one["path"] for one in listed])
        except FileNotFoundError:
            return
        except (BaseError, OSError) as error:
            raise _unavailable(error) from None


def _unavailable(error: Exception) -> UnavailableError:
    """Translate a store's fault, without its keys or paths."""
    full = "No space left" in str(error)
    return UnavailableError(
        "the object store's disk is full" if full else f"the object store does not answer ({type(error).__name__})",
        code="objects-unavailable",
        hint="free some space and run the same command again" if full else "check the data folder, then try again",
    )
