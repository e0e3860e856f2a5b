"""Wiring of the object store: the home's folder or a bucket, whichever its objects are in."""

from countenance.adapters.durable import write_synced
from countenance.adapters.objects import StoredObjects
from countenance.adapters.sealed_objects import SealedObjects
from countenance.bootstrap.settings import Settings
from countenance.core.errors import ConflictError
from countenance.core.ids import new_id
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring


def open_objects(settings: Settings, keyring: Keyring) -> SealedObjects:
    """Open the object store of a home, and keep which one it is.

    Raises:
        ConflictError: code `objects-elsewhere`; nothing was read or written.
        InvalidInputError: codes `bucket-malformed`, `bucket-credentials-missing`.
    """
    bucket = settings.objects_bucket
    stored = StoredObjects.in_folder(settings.objects) if bucket is None else StoredObjects.in_bucket(bucket)
    place = (bucket or "folder").rstrip("/").encode()
    # A fingerprint: where an organisation keeps things is its own business.
    mark = keyring.fingerprint(HOME, place, column="objects-place").hex().encode() + b"\n"
    if settings.objects_place.is_file():
        if settings.objects_place.read_bytes() != mark:
            raise _elsewhere()
    elif bucket is not None and any(path.is_file() for path in settings.objects.rglob("*")):
        raise _elsewhere()
    else:
        # By way of a name of its own: several processes may open a home for the first time.
        written = settings.objects_place.with_name(f"objects-place-{new_id()}")
        write_synced(written, mark)
        written.replace(settings.objects_place)
    return SealedObjects(stored, keyring)


def _elsewhere() -> ConflictError:
    return ConflictError(
        "this home's objects are kept elsewhere",
        code="objects-elsewhere",
        hint="set COUNTENANCE_OBJECTS_BUCKET as it was; docs/guide/object-store.md says how to move them",
    )
