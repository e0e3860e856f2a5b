"""Looking after a home's keys: what there is, a new key-encryption key, backups apart from the data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from countenance.adapters.durable import write_synced
from countenance.adapters.keys.file_kek import FileKek
from countenance.adapters.keys.keyring_file import FileKeyringStore, packed, unpacked
from countenance.bootstrap.keyring import key_files, open_keyring, outside
from countenance.bootstrap.settings import Settings
from countenance.core.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from countenance.keys.care import restored, rewrapped
from countenance.keys.model import HOME
from countenance.keys.service import REASON


def keys_status(settings: Settings) -> Mapping[str, Any]:
    """Return where the keys lie, and what has become of each; JSON types only.

    Raises:
        NotFoundError, IntegrityError: as `keyring.open_keyring`.
    """
    key_file, path = key_files(settings)
    content = FileKeyringStore(path).read()
    with open_keyring(settings) as keyring:
        scopes = [
            {
                "scope": scope,
                "made_at": entry.made_at.isoformat(),
                "destroyed_at": entry.destroyed_at and entry.destroyed_at.isoformat(),
                "reason": (entry.reason and keyring.open(HOME, entry.reason, record=scope, column=REASON).decode())
                or None,
            }
            for scope, entry in sorted(content.entries.items())
        ]
    destroyed = sum(one["destroyed_at"] is not None for one in scopes)
    return {
        "key_file": str(key_file),
        "keyring": str(path),
        "kek": content.kek_id,
        "active": len(scopes) - destroyed,
        "destroyed": destroyed,
        "scopes": scopes,
    }


def rotate_keys(settings: Settings) -> str:
    """Make a new key-encryption key and wrap every data key with it; the data stay as they are.

    Steps, each of which may be the last before a crash: a new key is written beside the old one; the keyring is
    replaced, and names the new one; the new one takes the old one's place, which whoever opens the keyring next does
    otherwise.

    Returns:
        The new key's identifier.

    Raises:
        UnavailableError: codes `key-file-unwritable`, `keyring-unwritable`; run it again.
    """
    key_file, path = key_files(settings)
    kek, store = FileKek(key_file), FileKeyringStore(path)
    old = kek.load(store.read().kek_id)
    new = kek.make_next()
    store.change(lambda content: rewrapped(content, old, new))
    kek.promote()
    return new.kek_id


def backup_keys(settings: Settings, target: Path) -> int:
    """Write the wrapped keys to a file; whoever has it needs the key file too.

    Returns:
        How many keys there are.

    Raises:
        ConflictError: code `backup-exists`; nothing was written.
        InvalidInputError: code `key-inside-home`; nothing was written.
        UnavailableError: code `backup-unwritable`.
    """
    content = FileKeyringStore(key_files(settings)[1]).read()
    target = outside(settings, target)
    if target.exists():
        raise ConflictError(f"{target} exists", code="backup-exists", hint="name a new file")
    try:
        write_synced(target, packed(content))
    except OSError as error:
        raise UnavailableError(
            f"{target} can't be written: {error.strerror}", code="backup-unwritable", hint="name another file"
        ) from None
    return len(content.entries)


def restore_keys(settings: Settings, source: Path) -> tuple[int, frozenset[str]]:
    """Put a backup of the keyring back. What was destroyed stays destroyed, what was made since stays.

    Returns:
        How many keys there are now, and the scopes that stay dark.

    Raises:
        NotFoundError: code `backup-unreadable`; nothing was changed.
        IntegrityError: codes `backup-damaged`, `key-wrong`; nothing was changed.
    """
    try:
        backup = unpacked(source.read_bytes())
    except IntegrityError:
        raise IntegrityError(
            f"{source} is no backup of a keyring, or a damaged one",
            code="backup-damaged",
            hint="name another backup; the keyring was left as it is",
        ) from None
    except OSError as error:
        raise NotFoundError(
            f"{source} can't be read: {error.strerror}", code="backup-unreadable", hint="name the backup's file"
        ) from None
    key_file, path = key_files(settings)
    kek = FileKek(key_file).load(backup.kek_id)
    kek.unwrap(backup.entries[HOME].wrapped, scope=HOME)
    content = FileKeyringStore(path).put(lambda current: restored(backup, current))
    dark = frozenset(scope for scope, entry in content.entries.items() if entry.destroyed_at is not None)
    return len(content.entries) - len(dark), dark
