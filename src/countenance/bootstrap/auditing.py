"""Wiring of the audit log: its signing key, made once a home, and the public keys that go with it."""

import secrets

from countenance.adapters.durable import replace_synced, write_synced
from countenance.audit.note import Signer, Verifier, new_signer, parse_skey, parse_vkey
from countenance.bootstrap.keyring import audit_key_file, kept_home_id
from countenance.bootstrap.settings import Settings
from countenance.core.errors import NotFoundError, UnavailableError


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
    signer = new_signer(f"countenance.local/{kept_home_id(settings)}")
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
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
    except OSError as error:
        raise UnavailableError(
            f"the audit log's signing key {path} can't be written: {error.strerror}",
            code="audit-key-unwritable",
            hint="name another file with COUNTENANCE_AUDIT_KEY",
        ) from None


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


def known_verifiers(settings: Settings) -> tuple[Verifier, ...]:
    """Return the public keys that this home's log was and is signed with, oldest first.

    Raises:
        InvalidInputError: code `vkey-invalid`.
    """
    return tuple(parse_vkey(line) for line in settings.audit_vkeys.read_text("utf-8").splitlines() if line)
