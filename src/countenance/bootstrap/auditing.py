"""Wiring of the audit log: its signing key, made once a home, and the public keys that go with it."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from countenance.adapters.audit_export import ExportedLog, write_export
from countenance.adapters.durable import locked, replace_synced, sync_folder, write_synced
from countenance.adapters.sql.audit_log import SqlAuditLog, stored_head
from countenance.audit.growth import Head
from countenance.audit.model import Acting, Entry, Outcome, Receipt
from countenance.audit.note import Signer, Verifier, new_signer, parse_note, parse_skey, parse_vkey
from countenance.audit.ports import AuditLog, AuditReader
from countenance.audit.verification import KEY_ROTATED
from countenance.bootstrap.keyring import audit_key_file, kept_home_id
from countenance.bootstrap.settings import Settings
from countenance.core.errors import IntegrityError, NotFoundError, UnavailableError
from countenance.keys.ports import Keyring
from countenance.policy.model import HOUSE, Actor


def make_audit_key(settings: Settings) -> None:
    """Make the signing key of a home that has keys, unless it had one: a home that lost it gets no other.

    Raises:
        UnavailableError: code `audit-key-unwritable`; run it again.
        InvalidInputError: code `key-inside-home`.
        IntegrityError: code `audit-key-damaged`; a key that was there before can't be read.
    """
    if settings.audit_vkeys.exists():
        return
    path = audit_key_file(settings)
    signer = new_signer(log_name(settings))
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            write_synced(beside, f"{signer.skey()}\n".encode())
            # Of several processes that make one, the first wins, and a key is never written over.
            path.hardlink_to(beside)
        except FileExistsError:
            pass
        finally:
            beside.unlink(missing_ok=True)
        # Last: until the public key stands there the home has none.
        replace_synced(settings.audit_vkeys, f"{load_signer(settings).verifier.vkey}\n".encode())


def log_name(settings: Settings) -> str:
    """Return what the log of a home that has keys is called in its checkpoints."""
    return f"countenance.local/{kept_home_id(settings)}"


def rotate_key(settings: Settings, log: AuditLog, *, actor: Acting) -> Receipt:
    """Let a new key take over the log's signing; servers that run have to be started again.

    Rotations take turns; whoever opens the gallery waits for none. Steps, each of which may be the last before a crash:
    1. The new key is written beside the old one, under a name of its own.
    2. An entry names it, under a checkpoint that both sign: who trusts the old one comes to trust the new one.
    3. Its public key is put on record, and it takes the old one's place: see `finish_rotation`.
    4. Keys that rotations before this one left beside it are deleted.

    Raises:
        UnavailableError: code `audit-unwritable`; the old key goes on. Code `audit-key-unwritable`; likewise, or step 3
            is done when the gallery is opened next.
        ConflictError: code `audit-key-replaced`; another rotation came first, whose key goes on.
        IntegrityError: code `audit-damaged`; the old key goes on.
    """
    successor = new_signer(log_name(settings))
    waiting = _waiting_key(settings, successor.verifier.key_id)
    entry = Entry(action=KEY_ROTATED, outcome=Outcome.DONE, actor=actor, facts={"vkey": successor.verifier.vkey})
    with _holding(settings, "rotation-lock"):
        finish_rotation(settings, log.head())
        left = (_older_waiting_key(settings), *waiting.parent.glob(f"{escape(audit_key_file(settings).name)}.next-*"))
        write_synced(waiting, f"{successor.skey()}\n".encode())
        sync_folder(waiting.parent)
        receipt = log.hand_over(entry, successor)
        finish_rotation(settings, log.head())
        # None of them can be handed over to any more: the log refuses whoever signs with our old key.
        for one in left:
            one.unlink(missing_ok=True)
    return receipt


def finish_rotation(settings: Settings, head: Head) -> None:
    """Put the key that the log was handed over to in the old one's place, unless it is there.

    Any number of processes may do so at once. A key that the log was not handed over to is left alone: a rotation that
    goes on elsewhere, or a commit that the database has not ended yet, may still hand over to it.

    Raises:
        UnavailableError: code `audit-key-unwritable`; try again.
        IntegrityError: code `audit-key-damaged`.
    """
    try:
        note = parse_note(head.note)
    except ValueError:
        # Empty, or damaged, which whoever appends is told.
        return
    waiting = _named_key(settings, note.signatures[-1].key_id)
    if waiting is None:
        return
    with _holding(settings, "lock"):
        if not waiting.exists():
            # Another process was quicker.
            return
        successor = parse_skey(waiting.read_text("ascii", errors="replace")).verifier
        if not note.signed_by([successor]):
            return
        vkeys = settings.audit_vkeys.read_text("utf-8")
        if successor.vkey not in vkeys:
            replace_synced(settings.audit_vkeys, f"{vkeys}{successor.vkey}\n".encode())
        waiting.replace(audit_key_file(settings))
        sync_folder(waiting.parent)


def load_signer(settings: Settings) -> Signer:
    """Read the signing key.

    Raises:
        NotFoundError: code `audit-key-missing`; nothing can be recorded, so nothing can be done.
        IntegrityError: code `audit-key-damaged`; likewise.
    """
    path = audit_key_file(settings)
    try:
        return parse_skey(path.read_bytes().decode("ascii", errors="replace"))
    except OSError as error:
        raise NotFoundError(
            f"the audit log's signing key {path} can't be read: {error.strerror}",
            code="audit-key-missing",
            hint="put it back from a backup, or name its place with COUNTENANCE_AUDIT_KEY",
        ) from None


def open_audit(settings: Settings, engine: Engine, keyring: Keyring) -> SqlAuditLog:
    """Open the audit log in a database that is up to date.

    Raises:
        NotFoundError, IntegrityError, UnavailableError: those of `load_signer` and `finish_rotation`.
    """
    finish_rotation(settings, stored_head(engine))
    return SqlAuditLog(engine, load_signer(settings), keyring)


def known_verifiers(settings: Settings) -> tuple[Verifier, ...]:
    """Return the public keys that this home's log was and is signed with, oldest first.

    Raises:
        InvalidInputError: code `vkey-invalid`.
    """
    return tuple(parse_vkey(line) for line in settings.audit_vkeys.read_text("utf-8").splitlines() if line)


def may_read(actor: Actor, entry: Mapping[str, Any]) -> bool:
    """Say whether an auditor may read an entry: those of the house all, others what their organisation did."""
    return actor.org_id in {HOUSE, entry["actor"]["organisation"]}


def export_log(
    settings: Settings, log: AuditReader, folder: Path, *, on_progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write the log as static files, with its public keys and a page for auditors: see `audit_export.write_export`."""
    readme = (files("countenance.bootstrap") / "export-readme.md").read_text("utf-8")

    def vkeys() -> str:
        """Return the public keys, that of a rotation which is not finished yet too."""
        finish_rotation(settings, log.head())
        return settings.audit_vkeys.read_text("utf-8")

    return write_export(log, folder, vkeys=vkeys, readme=readme, on_progress=on_progress)


def open_export(folder: Path) -> AuditReader:
    """Open an exported log: see `audit_export.ExportedLog`."""
    return ExportedLog(folder)


def _waiting_key(settings: Settings, key_id: bytes) -> Path:
    """Return where a key waits that is about to take over."""
    path = audit_key_file(settings)
    return path.with_name(f"{path.name}.next-{key_id.hex()}")


def _older_waiting_key(settings: Settings) -> Path:
    """Return where such a key waited in an earlier version."""
    path = audit_key_file(settings)
    return path.with_name(f"{path.name}.next")


def _named_key(settings: Settings, key_id: bytes) -> Path | None:
    """Return where the key waits that the log names; None where it does not wait.

    Raises:
        UnavailableError: code `audit-key-unwritable`.
    """
    waiting, older = _waiting_key(settings, key_id), _older_waiting_key(settings)
    if waiting.exists():
        return waiting
    # One that is damaged was half written when its rotation died: the log was not handed over to it.
    with _writing(audit_key_file(settings)), suppress(FileNotFoundError, IntegrityError):
        if parse_skey(older.read_text("ascii", errors="replace")).verifier.key_id == key_id:
            return older
    return None


@contextmanager
def _holding(settings: Settings, name: str) -> Iterator[None]:
    """Hold a lock in a file beside the signing key, and translate what goes wrong when keys are written."""
    path = audit_key_file(settings)
    with _writing(path), locked(path.with_name(f"{path.name}.{name}")):
        yield


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Translate what goes wrong when keys are written."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            f"the audit log's signing key {path} can't be written: {error.strerror}",
            code="audit-key-unwritable",
            hint="name another file with COUNTENANCE_AUDIT_KEY",
        ) from None
