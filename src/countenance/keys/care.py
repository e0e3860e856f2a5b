"""Looking after a keyring: wrapping it anew, and putting a backup back without bringing anything back to life."""

from collections.abc import Callable
from dataclasses import replace

from countenance.keys.model import HOME, KeyEntry, KeyringContent, key_wrong
from countenance.keys.ports import KeyEncryptionKey


def rewrapped(
    content: KeyringContent,
    old: KeyEncryptionKey,
    new: KeyEncryptionKey,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> KeyringContent:
    """Return a keyring with its data keys under another key-encryption key; the data stay as they are.

    Args:
        on_progress: Called with how many keys were wrapped since the last call.

    Raises:
        IntegrityError: code `key-wrong`; nothing is usable.
    """
    entries = {}
    for scope, entry in content.entries.items():
        entries[scope] = _rewrapped(scope, entry, old, new)
        on_progress(1)
    return KeyringContent(kek_id=new.kek_id, entries=entries)


def _rewrapped(scope: str, entry: KeyEntry, old: KeyEncryptionKey, new: KeyEncryptionKey) -> KeyEntry:
    """Wrap one key anew; marks stay."""
    if entry.destroyed_at is not None:
        return entry
    return replace(entry, wrapped=new.wrap(old.unwrap(entry.wrapped, scope=scope), scope=scope))


def restored(backup: KeyringContent, current: KeyringContent | None) -> KeyringContent:
    """Return what a keyring becomes when a backup of it is put back.

    What the current one knows wins: keys that were destroyed since stay destroyed, keys made since stay.

    Raises:
        IntegrityError: code `key-wrong`: the backup is wrapped by another key-encryption key, or it is of another
            home.
    """
    if current is None:
        return backup
    if backup.kek_id != current.kek_id or backup.entries[HOME].made_at != current.entries[HOME].made_at:
        raise key_wrong(current.kek_id)
    return replace(current, entries={**backup.entries, **current.entries})


def recovered(backup: KeyringContent, current: KeyringContent | None) -> tuple[KeyringContent, frozenset[str]]:
    """Return what a keyring becomes whose key-encryption key was lost, and what is lost with it.

    Args:
        backup: An earlier state, under a new key-encryption key.
        current: The keyring that can't be opened any more; its marks still count.

    Raises:
        IntegrityError: code `key-wrong`: the backup is of another home.
    """
    if current is None:
        return backup, frozenset()
    if backup.entries[HOME].made_at != current.entries[HOME].made_at:
        raise key_wrong(current.kek_id)
    marks = {scope: entry for scope, entry in current.entries.items() if entry.destroyed_at is not None}
    entries = {**backup.entries, **marks}
    return replace(backup, entries=entries), frozenset(current.entries.keys() - entries.keys())
