"""Signed notes: a text, then lines of signatures by named Ed25519 keys. Keys, their text forms, signing and opening.

Source:
    C2SP signed-note (the format, and `vkey`), C2SP tlog-cosignature (what a witness signs). A private key is kept in
    the text form of Go's golang.org/x/mod/sumdb/note, so that its tools take it as it is.
"""

import base64
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from countenance.core.errors import IntegrityError, InvalidInputError

KEY_BYTES = 32
ID_BYTES = 4
SIGNATURE_BYTES = 64
PRIVATE = "PRIVATE+KEY+"
DASH = "\u2014"
"""What a signature line begins with."""


class Algorithm(IntEnum):
    """What a key signs: the note as it stands, or a witness's message about it with a time."""

    NOTE = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line of a note: whose, which key, and what it signed with."""

    name: str
    key_id: bytes
    blob: bytes

    def line(self) -> str:
        """Return the line, without its newline."""
        return f"{DASH} {self.name} {base64.b64encode(self.key_id + self.blob).decode()}"


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name, as a `vkey` says it."""

    name: str
    algorithm: Algorithm
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of the hash of name, algorithm and key."""
        return _key_id(self.name, self.algorithm, self.public)

    @property
    def vkey(self) -> str:
        """The text form that auditors are given."""
        key = base64.b64encode(bytes([self.algorithm]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def verifies(self, text: str, signature: Signature) -> bool:
        """Say whether a signature is this key's, over this text."""
        if (signature.name, signature.key_id) != (self.name, self.key_id):
            return False
        message, blob = text.encode(), signature.blob
        if self.algorithm is Algorithm.COSIGNATURE:
            if len(blob) != 8 + SIGNATURE_BYTES:
                return False
            message, blob = cosigned_message(text, cosigned_at(signature)), blob[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(blob, message)
        except InvalidSignature:
            return False
        return True


def parse_vkey(vkey: str) -> Verifier:
    """Read a public key's text form.

    Raises:
        InvalidInputError: code `vkey-invalid`.
    """
    try:
        name, algorithm, public = _key_parts(vkey)
        Ed25519PublicKey.from_public_bytes(public)
        verifier = Verifier(name, algorithm, public)
        _require_id(vkey, verifier)
    except ValueError:
        raise InvalidInputError(
            f"{vkey.strip()[:60]!a} is not a public key of a log",
            code="vkey-invalid",
            hint="it looks like NAME+8 hexadecimal digits+base64, in one line",
        ) from None
    return verifier


class Signer:
    """A private key with its name. Its text form is never printed by accident: there is no `repr` of it."""

    def __init__(self, name: str, key: Ed25519PrivateKey, algorithm: Algorithm = Algorithm.NOTE) -> None:
        """Keep the key."""
        self._key = key
        self.verifier = Verifier(name, algorithm, key.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """Sign a note's text, which ends with a newline."""
        return Signature(self.verifier.name, self.verifier.key_id, self._key.sign(text.encode()))

    def cosign(self, text: str, *, at: int) -> Signature:
        """Sign as a witness that this checkpoint was seen, and that it continues what was seen before.

        Args:
            text: The checkpoint's text.
            at: s since 1970.
        """
        blob = struct.pack(">Q", at) + self._key.sign(cosigned_message(text, at))
        return Signature(self.verifier.name, self.verifier.key_id, blob)

    def skey(self) -> str:
        """Return the private key's text form, for a file that only its owner reads."""
        key = base64.b64encode(bytes([self.verifier.algorithm]) + self._key.private_bytes_raw()).decode()
        return f"{PRIVATE}{self.verifier.name}+{self.verifier.key_id.hex()}+{key}"


def new_signer(name: str, algorithm: Algorithm = Algorithm.NOTE) -> Signer:
    """Make a key pair."""
    return Signer(name, Ed25519PrivateKey.generate(), algorithm)


def parse_skey(skey: str) -> Signer:
    """Read a private key's text form.

    Raises:
        IntegrityError: code `audit-key-damaged`; the message does not repeat it.
    """
    try:
        name, algorithm, private = _key_parts(skey.removeprefix(PRIVATE))
        signer = Signer(name, Ed25519PrivateKey.from_private_bytes(private), algorithm)
        _require_id(skey, signer.verifier)
    except ValueError:
        raise IntegrityError(
            "the key file holds no whole signing key",
            code="audit-key-damaged",
            hint="restore the file from a backup; without it nothing more can be signed in this log's name",
        ) from None
    return signer


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text that ends with a newline, and signatures under it, not checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def render(self) -> str:
        """Return the note as it is kept and sent."""
        return f"{self.text}\n" + "".join(f"{signature.line()}\n" for signature in self.signatures)

    def signed_by(self, verifiers: Sequence[Verifier]) -> tuple[Verifier, ...]:
        """Return those of the keys that signed this text."""
        return tuple(
            verifier
            for verifier in verifiers
            if any(verifier.verifies(self.text, signature) for signature in self.signatures)
        )


def parse_note(note: str) -> SignedNote:
    """Take a note apart.

    Raises:
        ValueError: it is none.
    """
    note.encode()  # Out of JSON it may hold half a sign, which no bytes stand for: a ValueError.
    text, separator, lines = note.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise ValueError("a note without signatures")
    return SignedNote(f"{text}\n", tuple(_signature(line) for line in lines[:-1].split("\n")))


def cosigned_message(text: str, at: int) -> bytes:
    """Return the bytes that a witness signs."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosigned_at(signature: Signature) -> int:
    """Return when a witness signed, s since 1970."""
    at: int = struct.unpack(">Q", signature.blob[:8])[0]
    return at


def _signature(line: str) -> Signature:
    """Read one signature line."""
    dash, name, encoded = line.split(" ", 2)
    raw = base64.b64decode(encoded, validate=True)
    if dash != DASH or not name or len(raw) <= ID_BYTES:
        raise ValueError("a line that is no signature")
    return Signature(name, raw[:ID_BYTES], raw[ID_BYTES:])


def _key_parts(key: str) -> tuple[str, Algorithm, bytes]:
    """Take a key's text form apart: its name, its algorithm, its 32 bytes.

    Raises:
        ValueError: it is none.
    """
    name, _, rest = key.strip().partition("+")
    _, _, encoded = rest.partition("+")
    raw = base64.b64decode(encoded, validate=True)
    if not name or len(raw) != 1 + KEY_BYTES:
        raise ValueError("not a key")
    return name, Algorithm(raw[0]), raw[1:]


def _require_id(key: str, verifier: Verifier) -> None:
    """Refuse a key whose text form names another key's id."""
    if f"{verifier.name}+{verifier.key_id.hex()}+" not in key:
        raise ValueError("the id is not that of the key")


def _key_id(name: str, algorithm: Algorithm, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:ID_BYTES]
