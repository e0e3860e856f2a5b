"""Looking after a keyring: wrapping it anew, and putting a backup back without bringing anything back to life."""

from collections.abc import Callable
from dataclasses import replace

from countenance.keys.model import HOME, KeyEntry, KeyringContent, key_wrong
from countenance.keys.ports import KeyEncryptionKey, KeyringStore


def rewrap(
    store: KeyringStore,
    old: KeyEncryptionKey,
    new: KeyEncryptionKey,
    *,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Put a keyring in its store under another key-encryption key; the data stay as they are.

    A token or a key service takes its time over each key, and nobody else waits for it. Steps:
    1. The keys that are there are wrapped anew, while others make and destroy some.
    2. All are put in at once, if those that are there by then are those that were wrapped.
    3. If not, what is new goes through 1. too: a key made meanwhile is wrapped, the mark of one that was destroyed
       meanwhile stays as it is.

    Args:
        on_progress: Called with how many keys were wrapped since the last call.

    Raises:
        IntegrityError: code `key-wrong`: `old` does not wrap the keyring, or no longer; nothing was changed.
        UnavailableError: code `keyring-unwritable`, or the key service's own; nothing was changed.
    """
    done: dict[tuple[str, KeyEntry], KeyEntry] = {}
    rest = list(store.read().entries.items())

    def put(now: KeyringContent) -> KeyringContent:
        if now.kek_id != old.kek_id:
            raise key_wrong(now.kek_id)
        rest.extend(item for item in now.entries.items() if item not in done)
        if rest:
            return now
        return KeyringContent(kek_id=new.kek_id, entries={item[0]: done[item] for item in now.entries.items()})

    while rest:
        for scope, entry in rest:
            done[scope, entry] = _rewrapped(scope, entry, old, new)
            on_progress(1)
        rest.clear()
        store.change(put)


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
