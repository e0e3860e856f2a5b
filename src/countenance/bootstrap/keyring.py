"""Wiring of keys: where the key-encryption key and the keyring lie, made once a home, opened at every start."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_config_path

from countenance.adapters.durable import replace_synced
from countenance.adapters.keys.file_kek import FileKek
from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.bootstrap.keks import KekKind, Keks, kind_of
from countenance.bootstrap.process import forbid_core_dumps
from countenance.bootstrap.settings import Settings
from countenance.core.errors import IntegrityError, InvalidInputError, NotFoundError
from countenance.core.ids import new_id
from countenance.keys.ports import Keyring
from countenance.keys.service import WrappedKeyring, new_content

HOME_ID = re.compile(r"[0-9a-f-]{36}")


def make_keys(settings: Settings) -> None:
    """Make a home's key-encryption key and keyring, unless it has them; a home that lost them gets no others.

    Raises:
        InvalidInputError: code `key-inside-home`, and those of `keks.Keks.source`; nothing was made.
        UnavailableError: codes `key-file-unwritable`, `keyring-unwritable`, those of tokens and key services; run it
            again.
    """
    if settings.home_id.exists():
        return
    home_id = new_id()
    kek = keks_of(settings, home_id).make_first()
    FileKeyringStore(_keyring_file(settings, home_id)).create(new_content(kek))
    # Last: a home has no keys until it names them, and those of an attempt that was cut short are of use to nobody.
    replace_synced(settings.home_id, home_id.encode() + b"\n")


@contextmanager
def open_keyring(settings: Settings) -> Iterator[Keyring]:
    """Open a home's keyring.

    Raises:
        NotFoundError: codes `key-file-missing`, `keyring-missing`.
        IntegrityError: codes `key-wrong`, `keyring-damaged`, `home-id-damaged`.
        InvalidInputError: code `key-inside-home`, and those of `keks.Keks.source`.
        UnavailableError: those of tokens and key services.
    """
    forbid_core_dumps()
    store = FileKeyringStore(key_files(settings)[1])
    try:
        yield WrappedKeyring(store, open_keks(settings).load)
    finally:
        store.close()


def key_files(settings: Settings) -> tuple[Path, Path]:
    """Return where a home's key-encryption key and its keyring lie.

    Raises:
        InvalidInputError: code `key-inside-home`.
        IntegrityError: code `home-id-damaged`.
    """
    home_id = kept_home_id(settings)
    return _key_file(settings, home_id), _keyring_file(settings, home_id)


def open_keks(settings: Settings) -> Keks:
    """Return the key-encryption keys of a home.

    Raises:
        InvalidInputError: code `key-inside-home`.
        IntegrityError: code `home-id-damaged`.
    """
    return keks_of(settings, kept_home_id(settings))


def keks_of(settings: Settings, home_id: str) -> Keks:
    """Return the key-encryption keys of a home by its identifier."""
    return Keks(settings, file=FileKek(_key_file(settings, home_id)), label=f"countenance-{home_id}")


def key_places(settings: Settings) -> dict[str, str | None]:
    """Say where a home's keys lie.

    Returns:
        `key`: the key-encryption key's place in words; `key_file`: its file, where it is in one; `keyring`: the
        keyring's file; `kek`: which key it is.

    Raises:
        NotFoundError, IntegrityError, UnavailableError: as `KeyringStore.read`.
    """
    path = key_files(settings)[1]
    store = FileKeyringStore(path)
    try:
        keks, kek_id = open_keks(settings), store.read().kek_id
        key_file = str(keks.file.path) if kind_of(kek_id) is KekKind.FILE else None
        return {"key": keks.place(kek_id), "key_file": key_file, "keyring": str(path), "kek": kek_id}
    finally:
        store.close()


def audit_key_file(settings: Settings) -> Path:
    """Return where the key lies that signs the audit log of a home that has keys.

    Raises:
        InvalidInputError: code `key-inside-home`.
        IntegrityError: code `home-id-damaged`.
    """
    return outside(settings, settings.audit_key or _keys_folder() / f"{kept_home_id(settings)}.audit-key")


def erasure_list_file(settings: Settings) -> Path:
    """Return where the list of what was erased lies.

    Raises:
        InvalidInputError: code `key-inside-home`.
        IntegrityError: code `home-id-damaged`.
    """
    return outside(settings, settings.erasure_list or _keys_folder() / f"{kept_home_id(settings)}.erased")


def kept_home_id(settings: Settings) -> str:
    """Return what a home's keys are called after.

    Raises:
        NotFoundError: code `home-not-initialised`.
        IntegrityError: code `home-id-damaged`.
    """
    try:
        home_id = settings.home_id.read_bytes().decode("ascii", errors="replace").strip()
    except FileNotFoundError:
        raise NotFoundError(
            f"{settings.home} holds no gallery with keys",
            code="home-not-initialised",
            hint="make one with `countenance init`, or name another with --home",
        ) from None
    if not HOME_ID.fullmatch(home_id):
        raise IntegrityError(
            f"{settings.home_id} is damaged",
            code="home-id-damaged",
            hint="put it back from a backup: it names the keyring that belongs to this home",
        )
    return home_id


def _key_file(settings: Settings, home_id: str) -> Path:
    """Return where the key-encryption key lies."""
    return outside(settings, settings.key_file or _keys_folder() / f"{home_id}.kek")


def _keyring_file(settings: Settings, home_id: str) -> Path:
    """Return where the keyring lies."""
    return outside(settings, settings.keyring or _keys_folder() / f"{home_id}.keyring")


def _keys_folder() -> Path:
    """Return the folder of keys that no setting places elsewhere."""
    return user_config_path("countenance") / "keys"


def outside(settings: Settings, path: Path) -> Path:
    """Give a path back that lies outside the home: whoever takes or copies the one must not have the other."""
    path = path.expanduser().resolve()
    if path.is_relative_to(settings.home.resolve()):
        raise InvalidInputError(
            f"{path} lies in the gallery's home",
            code="key-inside-home",
            hint="keys belong elsewhere, and in another backup: see COUNTENANCE_KEY_FILE and its like",
        )
    return path
