"""Escrow of a home's keys: some people together open it, and bring back a home whose key-encryption key was lost."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from countenance.adapters.keys.escrow_file import EscrowFile, joined, share_text, split
from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.bootstrap.backups import new_backup, read_backup, write_backup
from countenance.bootstrap.keks import KekKind, Keks
from countenance.bootstrap.keyring import key_files, open_keks
from countenance.bootstrap.settings import Settings
from countenance.core.errors import ConflictError, IntegrityError, NotFoundError
from countenance.keys.care import recovered, restored, rewrapped
from countenance.keys.model import KeyringContent
from countenance.keys.ports import KeyEncryptionKey, Record


def make_escrow(settings: Settings, target: Path, *, needed: int, shares: int, record: Record) -> tuple[str, list[str]]:
    """Seal the keyring to a new key pair, and split the private key, which is kept nowhere.

    Returns:
        The escrow's identifier, and the shares as they are printed.

    Raises:
        InvalidInputError: codes `shares-invalid`, `key-inside-home`; nothing was written.
        ConflictError: code `backup-exists`; nothing was written.
        UnavailableError: code `backup-unwritable`.
        NotFoundError, IntegrityError: as `keyring.open_keyring`.
    """
    target = new_backup(settings, target)
    public_key, words = split(needed=needed, shares=shares)
    escrow = _sealed(settings, public_key)
    data = escrow.packed()
    record(escrow=escrow.escrow_id, sha256=sha256(data).hexdigest(), needed=needed, shares=shares)
    write_backup(target, data)
    return escrow.escrow_id, [
        share_text(one, number=number, shares=shares, needed=needed, escrow_id=escrow.escrow_id)
        for number, one in enumerate(words, start=1)
    ]


def renew_escrow(settings: Settings, target: Path, *, like: Path, record: Record) -> str:
    """Seal the keyring as it is now so that the shares of an earlier escrow open it.

    Args:
        like: The earlier escrow's file; the public key in it is taken as it stands.

    Returns:
        The escrow's identifier, which is on the shares.

    Raises:
        As `make_escrow`; code `escrow-damaged` besides.
    """
    target = new_backup(settings, target)
    escrow = _sealed(settings, EscrowFile.unpacked(read_backup(like)).public_key)
    data = escrow.packed()
    record(escrow=escrow.escrow_id, sha256=sha256(data).hexdigest())
    write_backup(target, data)
    return escrow.escrow_id


def save_shares(settings: Settings, folder: Path, escrow_id: str, shares: Sequence[str]) -> list[Path]:
    """Write each share into a file of its own, its owner's alone.

    Raises:
        InvalidInputError: code `key-inside-home`; nothing was written.
        ConflictError: code `backup-exists`; what stood there stays.
        UnavailableError: code `backup-unwritable`.
    """
    paths = [folder / f"share-{number}-of-{len(shares)}-{escrow_id}.txt" for number in range(1, len(shares) + 1)]
    for path, text in zip(paths, shares, strict=True):
        write_backup(new_backup(settings, path), text.encode())
    return paths


def restore_escrow(
    settings: Settings, source: Path, shares: Sequence[Path], *, to: KekKind | None, record: Record
) -> tuple[KeyringContent, frozenset[str]]:
    """Put back the keys of an escrow: under the key-encryption key that is there, or a new one where that was lost.

    What was destroyed stays destroyed. What was made since stays where its key-encryption key is still there.

    Args:
        to: Where a new key-encryption key shall lie; None means that the one in use is there.

    Returns:
        The keyring as it is now, and the scopes whose keys are lost: made since, under the key that was lost.

    Raises:
        InvalidInputError: codes of `escrow_file.joined`; nothing was changed.
        IntegrityError: codes `escrow-damaged`, `shares-foreign`, `key-wrong`; nothing was changed.
        NotFoundError: code `backup-unreadable`; the key in use is not there, and no place was named for a new one.
        ConflictError: code `key-file-exists`; nothing was changed.
    """
    data = read_backup(source)
    escrow, facts = EscrowFile.unpacked(data), {"sha256": sha256(data).hexdigest()}
    opener = escrow.kek(joined({path.name: _share(path) for path in shares}))
    store, keks = FileKeyringStore(key_files(settings)[1]), open_keks(settings)
    current = _current(store)
    if to is None:
        kek = _present_kek(keks, current)
        backup = rewrapped(escrow.content, opener, kek)
        record(escrow=escrow.escrow_id, to=None, lost=[], **facts)
        return store.put(lambda found: restored(backup, found)), frozenset()
    with store.rotating():
        new = _new_kek(keks, to)
        backup = rewrapped(escrow.content, opener, new)
        _, lost = recovered(backup, current)
        record(escrow=escrow.escrow_id, to=to.value, lost=sorted(lost), **facts)
        # A server that has opened its keys may have destroyed some meanwhile.
        kept = store.put(lambda found: recovered(backup, found)[0])
        keks.settle(old=new.kek_id, new=new.kek_id)
    return kept, lost


def _sealed(settings: Settings, public_key: bytes) -> EscrowFile:
    """Seal the keyring to a public key."""
    content = FileKeyringStore(key_files(settings)[1]).read()
    return EscrowFile.of(content, open_keks(settings).load(content.kek_id), public_key)


def _share(path: Path) -> str:
    return read_backup(path).decode("utf-8", errors="replace")


def _current(store: FileKeyringStore) -> KeyringContent | None:
    """Return the keyring that is there; None where it can't be read."""
    try:
        return store.read()
    except (NotFoundError, IntegrityError):
        return None


def _present_kek(keks: Keks, current: KeyringContent | None) -> KeyEncryptionKey:
    """Return the key-encryption key that is there; where the keyring is lost, only a key file shows which that is."""
    if current is not None:
        return keks.load(current.kek_id)
    if not keks.file.path.exists():
        raise NotFoundError(
            f"there is neither a keyring nor the key file {keks.file.path}",
            code="key-file-missing",
            hint="say with --to where a new key shall lie",
        )
    return keks.file.make()


def _new_kek(keks: Keks, to: KekKind) -> KeyEncryptionKey:
    """Make a key in the place of a lost one; a key file that is there is not this home's, and not written over."""
    if to is KekKind.FILE and keks.file.path.exists():
        raise ConflictError(
            f"there is a key file {keks.file.path}",
            code="key-file-exists",
            hint="leave --to out if it is the right one, or move it away",
        )
    return keks.make_next(to)
