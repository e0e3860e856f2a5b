"""Looking after a home's keys: what there is, a new key-encryption key, backups apart from the data."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from countenance.adapters.keys.keyring_file import FileKeyringStore, packed, unpacked
from countenance.bootstrap.backups import new_backup, read_backup, write_backup
from countenance.bootstrap.keks import KekKind, kind_of
from countenance.bootstrap.keyring import key_files, key_places, open_keks, open_keyring
from countenance.bootstrap.settings import Settings
from countenance.core.errors import IntegrityError
from countenance.keys.care import restored, rewrap
from countenance.keys.model import HOME, KeyringContent
from countenance.keys.ports import Record
from countenance.keys.service import REASON


def keys_status(settings: Settings) -> Mapping[str, Any]:
    """Return where the keys lie, and what has become of each; JSON types only.

    Raises:
        NotFoundError, IntegrityError: as `keyring.open_keyring`.
    """
    content = FileKeyringStore(key_files(settings)[1]).read()
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
        **key_places(settings),
        "left_behind": list(open_keks(settings).left_behind(content.kek_id)),
        "active": len(scopes) - destroyed,
        "destroyed": destroyed,
        "scopes": scopes,
    }


def rotate_keys(
    settings: Settings,
    to: KekKind | None = None,
    *,
    record: Record,
    on_progress: Callable[[int], None] = lambda _: None,
) -> str:
    """Take a new key-encryption key and wrap every data key with it; the data stay as they are, and servers go on.

    Rotations take turns; other uses of the keyring wait for none.

    Steps, each of which may be the last before a crash:
    1. A new key is made where keys of its kind lie; nothing names it yet.
    2. It is on record; then the keyring is replaced as a whole, and names the new key.
    3. The new key takes its place (opening a keyring does that too, for a key file), and the old one is destroyed.
       What is cut short here is found by `keys_status` as left behind.

    Args:
        to: Where the new key lies; None means where the old one does.
        on_progress: Called with how many keys were wrapped since the last call.

    Returns:
        The new key's identifier.

    Raises:
        UnavailableError: codes `key-file-unwritable`, `keyring-unwritable`, those of tokens and key services; run it
            again.
        NotFoundError, IntegrityError, InvalidInputError: the old key or the new one is not at hand; nothing changed.
    """
    store, keks = FileKeyringStore(key_files(settings)[1]), open_keks(settings)
    with store.rotating():
        old = keks.load(store.read().kek_id)
        new = keks.make_next(to or kind_of(old.kek_id))
        record(before=old.kek_id, after=new.kek_id)
        rewrap(store, old, new, on_progress=on_progress)
        keks.settle(old=old.kek_id, new=new.kek_id)
    return new.kek_id


def backup_keys(settings: Settings, target: Path, *, record: Record) -> int:
    """Write the wrapped keys to a file; whoever has it needs the key file too.

    Returns:
        How many keys there are.

    Raises:
        ConflictError: code `backup-exists`; nothing was written.
        InvalidInputError: code `key-inside-home`; nothing was written.
        UnavailableError: code `backup-unwritable`.
    """
    target = new_backup(settings, target)
    content = FileKeyringStore(key_files(settings)[1]).read()
    data = packed(content)
    record(sha256=sha256(data).hexdigest(), keys=len(content.entries))
    write_backup(target, data)
    return len(content.entries)


def restore_keys(settings: Settings, source: Path, *, record: Record) -> tuple[int, frozenset[str]]:
    """Put a backup of the keyring back. What was destroyed stays destroyed, what was made since stays.

    Returns:
        How many keys there are now, and the scopes that stay dark.

    Raises:
        NotFoundError: code `backup-unreadable`; nothing was changed.
        IntegrityError: codes `backup-damaged`, `key-wrong`; nothing was changed.
    """
    data = read_backup(source)
    try:
        backup = unpacked(data)
    except IntegrityError:
        raise IntegrityError(
            f"{source} is no backup of a keyring, or a damaged one",
            code="backup-damaged",
            hint="name another backup; the keyring was left as it is",
        ) from None
    kek = open_keks(settings).load(backup.kek_id)
    kek.unwrap(backup.entries[HOME].wrapped, scope=HOME)
    record(sha256=sha256(data).hexdigest(), keys=len(backup.entries))
    content = FileKeyringStore(key_files(settings)[1]).put(lambda current: restored(backup, current))
    return counted(content)


def counted(content: KeyringContent) -> tuple[int, frozenset[str]]:
    """Return how many keys a keyring holds, and the scopes that are dark."""
    dark = frozenset(scope for scope, entry in content.entries.items() if entry.destroyed_at is not None)
    return len(content.entries) - len(dark), dark
