"""Signatures over law packs: who stands for what it says. A signed pack that was changed is refused."""

import hashlib
import tomllib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from countenance.core.errors import IntegrityError, InvalidInputError

SIGNATURE = "signature.toml"
"""The file with the signature, beside those that it covers."""

PREFIX = b"countenance law pack v1\n"
"""What is signed begins with this, so that the signature is good for nothing else."""


def pack_digest(folder: Path) -> str:
    """Return the hex SHA-256 of a pack: of each file's name and hash, in the names' order.

    The signature and hidden files are left out; neither is read as part of the pack.
    """
    whole = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != SIGNATURE)
    for path in sorted(path for path in files if not path.name.startswith(".")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{content} {path.relative_to(folder).as_posix()}\n".encode())
    return whole.hexdigest()


def sign_pack(folder: Path, key: Ed25519PrivateKey) -> str:
    """Sign a pack as it stands, and return the public key, hex.

    Source:
        Ed25519, RFC 8032.
    """
    public = key.public_key().public_bytes_raw().hex()
    signature = key.sign(PREFIX + pack_digest(folder).encode()).hex()
    beside = folder / f".{SIGNATURE}.part"
    beside.write_text(f'key = "{public}"\nsignature = "{signature}"\n', encoding="utf-8")
    beside.replace(folder / SIGNATURE)
    return public


def signer_of(folder: Path) -> str | None:
    """Return the public key, hex, that signed a pack; None where it is not signed.

    Raises:
        IntegrityError: code `law-pack-changed`: it is not what was signed; nothing may be decided by it.
    """
    path = folder / SIGNATURE
    if not path.exists():
        return None
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(held["key"]))
        public.verify(bytes.fromhex(held["signature"]), PREFIX + pack_digest(folder).encode())
    except (OSError, KeyError, TypeError, ValueError, InvalidSignature):
        raise IntegrityError(
            f"the law pack {folder.name} is not what was signed",
            code="law-pack-changed",
            hint="get it again from whoever signed it, or have it signed as it is now; until then nothing is permitted",
        ) from None
    return public.public_bytes_raw().hex()


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read an Ed25519 private key in PEM, without a passphrase.

    Raises:
        InvalidInputError: code `pack-key-unreadable`.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidInputError(
            f"{path} holds no Ed25519 private key",
            code="pack-key-unreadable",
            hint="make one with `openssl genpkey -algorithm ed25519 -out pack.key`",
        )
    return key
