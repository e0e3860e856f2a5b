"""Bringing an older home up to date: what it kept in the clear is sealed, and what is left of it overwritten.

Each step may be cut off and is finished when the home is opened next.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from countenance.adapters.durable import overwrite_and_delete
from countenance.adapters.objects import StoredObjects
from countenance.adapters.sealed_objects import SealedObjects
from countenance.adapters.sql.database import scrub, unscrubbed, upgrade
from countenance.bootstrap.calibrating import seal_older_statistics
from countenance.bootstrap.settings import Settings
from countenance.keys.ports import Keyring

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
    for pattern in ("*/*.segment", "*/manifest.json"):
        for path in settings.index.glob(pattern):
            overwrite_and_delete(path)
    # Last: while the database says that there is something left to do, it is done again.
    scrub(engine)


def _seal_objects(folder: Path, objects: SealedObjects) -> None:
    """Seal the objects that stand in the clear, one after the other."""
    for path in _in_the_clear(folder):
        key = path.relative_to(folder).as_posix()
        objects.put(key, path.read_bytes())
        with (folder / objects.stored_key(key)).open("rb") as sealed:
            os.fsync(sealed.fileno())
        overwrite_and_delete(path)
        if path.parent.name != folder.name and not any(path.parent.iterdir()):
            path.parent.rmdir()


def _in_the_clear(folder: Path) -> Iterator[Path]:
    """Return the files of objects that aren't sealed."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and IN_THE_CLEAR.fullmatch(path.relative_to(folder).as_posix()):
            yield path
