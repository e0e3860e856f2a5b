"""Pictures kept as objects through obstore: in a folder, or by the same calls on an S3 server."""

from datetime import timedelta
from pathlib import Path

import obstore
from obstore.exceptions import NotFoundError as ObjectMissingError
from obstore.store import LocalStore, ObjectStore

from countenance.adapters.s3 import FAULTS, HINT, TIMEOUT, Fault, fault_of, open_bucket
from countenance.core.errors import NotFoundError, UnavailableError


class StoredObjects:
    """Objects in an obstore store. Implements `Objects`; thread-safe."""

    def __init__(self, store: ObjectStore, prefix: str = "") -> None:
        """Keep the store, and what all keys begin with in it."""
        self._store = store
        self._prefix = prefix

    @classmethod
    def in_folder(cls, folder: Path) -> "StoredObjects":
        """Keep objects below a folder, made where missing. Writes are atomic: a temporary file, then a rename."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(LocalStore(folder))

    @classmethod
    def in_bucket(cls, place: str, *, timeout: timedelta = TIMEOUT) -> "StoredObjects":
        """Keep objects in `s3://bucket/prefix`: see `s3.open_bucket`. Writes are atomic: one request each."""
        return cls(*open_bucket(place, timeout=timeout))

    def put(self, key: str, data: bytes) -> None:
        """See the port."""
        try:
            obstore.put(self._store, self._prefix + key, data, use_multipart=False)
        except FAULTS as error:
            raise _unavailable(error) from None

    def get(self, key: str) -> bytes:
        """See the port."""
        try:
            return bytes(obstore.get(self._store, self._prefix + key).bytes())
        except (ObjectMissingError, FileNotFoundError) as error:
            if fault_of(error) is Fault.UNKNOWN:
                raise _unavailable(error) from None
            raise NotFoundError("that picture is not in the object store", code="object-unknown") from None
        except FAULTS as error:
            raise _unavailable(error) from None

    def delete(self, key: str) -> None:
        """See the port."""
        try:
            obstore.delete(self._store, self._prefix + key)
        except FAULTS as error:
            missing = isinstance(error, ObjectMissingError | FileNotFoundError)
            if not missing or fault_of(error) is Fault.UNKNOWN:
                raise _unavailable(error) from None

    def delete_all(self, prefix: str) -> None:
        """See the port."""
        try:
            for listed in obstore.list(self._store, prefix=self._prefix + prefix):
                obstore.delete(self._store, [one["path"] for one in listed])
        except FileNotFoundError:
            return
        except FAULTS as error:
            raise _unavailable(error) from None


def _unavailable(error: Exception) -> UnavailableError:
    """Translate a store's fault, without its keys or paths."""
    why, hint = f"does not answer ({type(error).__name__})", "check the data folder or the bucket's server, try again"
    match fault_of(error):
        case Fault.REFUSED:
            why, hint = "refuses the credentials, or they may not do that", HINT
        case Fault.UNKNOWN:
            why, hint = "is a bucket that does not exist", HINT
        case Fault.UNAVAILABLE if "No space left" in str(error):
            why, hint = "has no space left", "free some space and run the same command again"
    return UnavailableError(f"the object store {why}", code="objects-unavailable", hint=hint)
