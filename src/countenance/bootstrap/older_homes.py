"""Bringing an older home up to date: what it kept in the clear is sealed, and what is left of it overwritten.

Each step may be cut off and is finished when the home is opened next.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine

from countenance.adapters.durable import overwrite_and_delete, sync_folder
from countenance.adapters.exact.blocks import MANIFEST
from countenance.adapters.objects import StoredObjects
from countenance.adapters.sealed_objects import SealedObjects
from countenance.adapters.sql.database import scrub, unscrubbed, upgrade
from countenance.bootstrap.calibrating import seal_older_statistics
from countenance.bootstrap.settings import Settings
from countenance.core.errors import IntegrityError, NotFoundError
from countenance.gallery.ports import Records, SourceRegister
from countenance.gallery.sources import document_key, release_key
from countenance.keys.ports import Keyring

logger = logging.getLogger(__name__)

IN_THE_CLEAR = re.compile(r"documents/[0-9a-f]{64}|images/[^/]+/[0-9a-f]{64}|crops/[^/]+/[0-9a-f]{64}/\d+\.jpg")
"""Keys of objects that were stored before there were keys."""


def bring_up_to_date(settings: Settings, engine: Engine, keyring: Keyring) -> None:
    """Migrate the records, seal what older versions kept in the clear, and overwrite what is left of it.

    Raises:
        ConflictError, IntegrityError, UnavailableError: as `database.upgrade` and `database.scrub`; run it again.
    """
    upgrade(engine, keyring)
    seal_older_statistics(settings, keyring)
    if not unscrubbed(engine):
        return
    _seal_objects(settings.objects, SealedObjects(StoredObjects.in_folder(settings.objects), keyring))
    for folder in settings.index.glob("*/"):
        # A folder with a sealed manifest was filled since there are keys.
        if not (folder / MANIFEST).exists():
            for path in (*folder.glob("*.segment"), *folder.glob("manifest.json")):
                overwrite_and_delete(path)
    # Last: while the database says that there is something left to do, it is done again.
    scrub(engine)


def _seal_objects(folder: Path, objects: SealedObjects) -> None:
    """Seal the objects that stand in the clear, one after the other."""
    for path in _in_the_clear(folder):
        _put_synced(folder, objects, path.relative_to(folder).as_posix(), path.read_bytes())
        overwrite_and_delete(path)
        if path.parent.name != folder.name and not any(path.parent.iterdir()):
            path.parent.rmdir()


def reseal_documents(settings: Settings, objects: SealedObjects, records: Records, register: SourceRegister) -> None:
    """Seal documents under their source's key that an earlier version sealed under the home's.

    1. Each is sealed under the key of every source that it is of, as a source's own or a release's.
    2. What lies in the old place is overwritten: what was of sources that are gone, or of none, goes with it. One that
       is damaged stays.
    """
    old = {path.name: path for path in (settings.objects / "documents").glob("*") if path.is_file()}
    if not old:
        return
    damaged = set()
    for before, after in _moves(records, register):  # 1
        try:
            if not (settings.objects / objects.stored_key(after)).is_file():
                _put_synced(settings.objects, objects, after, objects.get(before))
        except NotFoundError:
            # Another process was quicker, or its source goes meanwhile.
            continue
        except IntegrityError as error:
            damaged.add(objects.stored_key(before))
            logger.warning("a document of a source is damaged and stays sealed under the home's key (%s)", error.code)
    for name, path in old.items():  # 2
        if f"documents/{name}" not in damaged:
            with suppress(FileNotFoundError):
                overwrite_and_delete(path)


def _moves(records: Records, register: SourceRegister) -> Iterator[tuple[str, str]]:
    """Yield where documents of sources that are not gone lay in an earlier version, and where they belong."""
    for source in [summary.source for summary in records.sources()]:
        if source.state.is_gone:
            continue
        yield f"documents/{source.document_sha256}", document_key(source.source_id, source.document_sha256)
        for digest in {release.document_sha256 for release in register.releases(source.name)}:
            yield f"documents/{digest}", release_key(source.source_id, digest)


def _put_synced(folder: Path, objects: SealedObjects, key: str, data: bytes) -> None:
    """Seal an object into the home's folder, and wait until it is on disk."""
    objects.put(key, data)
    path = folder / objects.stored_key(key)
    with path.open("rb") as sealed:
        os.fsync(sealed.fileno())
    sync_folder(path.parent)


def _in_the_clear(folder: Path) -> Iterator[Path]:
    """Return the files of objects that aren't sealed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and IN_THE_CLEAR.fullmatch(path.relative_to(folder).as_posix()):
            yield path
