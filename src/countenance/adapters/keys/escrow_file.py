"""Escrow: a keyring sealed to a public key, whose private key is split among people as words that can be printed."""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share

from countenance.adapters.keys.aead_kek import AeadKek
from countenance.adapters.keys.keyring_file import packed, unpacked
from countenance.core.errors import IntegrityError, InvalidInputError
from countenance.keys.care import rewrapped
from countenance.keys.envelope import KEY_BYTES
from countenance.keys.model import KeyringContent
from countenance.keys.ports import KeyEncryptionKey

MARK = b"countenance-escrow-1"
KIND = "escrow"
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
MOST_SHARES = 16
"""SLIP-39 numbers shares with four bits."""

WORDS_A_LINE = 8
ATTEMPTS = 2000
"""Choices of shares that are tried where more were given than are needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscrowFile:
    """A keyring that whoever holds the private key opens, and nobody else.

    Attributes:
        public_key: X25519, 32 bytes.
        sealed_key: The file's own key, sealed to the public key (HPKE).
        content: The keyring; the file's own key wraps its keys.
    """

    public_key: bytes
    sealed_key: bytes
    content: KeyringContent

    @classmethod
    def of(cls, content: KeyringContent, kek: KeyEncryptionKey, public_key: bytes) -> "EscrowFile":
        """Seal a keyring to a public key.

        Raises:
            IntegrityError: code `key-wrong`.
        """
        key = secrets.token_bytes(KEY_BYTES)
        sealed = SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public_key), info=MARK)
        return cls(public_key=public_key, sealed_key=sealed, content=rewrapped(content, kek, AeadKek(key, KIND)))

    @property
    def escrow_id(self) -> str:
        """Which shares open it; stands on each of them."""
        return hashlib.sha256(MARK + self.public_key).hexdigest()[:16]

    def packed(self) -> bytes:
        """Return the file's bytes."""
        head = b" ".join((MARK, base64.b64encode(self.public_key), base64.b64encode(self.sealed_key)))
        return head + b"\n" + packed(self.content)

    @classmethod
    def unpacked(cls, data: bytes) -> "EscrowFile":
        """Return the file whose bytes these are.

        Raises:
            IntegrityError: code `escrow-damaged`.
        """
        head, _, rest = data.partition(b"\n")
        try:
            mark, public_key, sealed_key = (part for part in head.split(b" "))
            if mark == MARK:
                return cls(
                    public_key=base64.b64decode(public_key, validate=True),
                    sealed_key=base64.b64decode(sealed_key, validate=True),
                    content=unpacked(rest),
                )
        except (ValueError, IntegrityError):
            pass
        raise IntegrityError(
            "that is no escrow of a keyring, or a damaged one", code="escrow-damaged", hint="name another copy of it"
        )

    def kek(self, private_key: bytes) -> AeadKek:
        """Return what unwraps the keys in it.

        Raises:
            IntegrityError: code `shares-foreign`: the shares are of another escrow.
        """
        try:
            key = SUITE.decrypt(self.sealed_key, X25519PrivateKey.from_private_bytes(private_key), info=MARK)
        except (InvalidTag, ValueError):
            raise IntegrityError(
                f"the shares are whole, but they are not of the escrow {self.escrow_id}",
                code="shares-foreign",
                hint="each share says of which escrow it is",
            ) from None
        return AeadKek(key, KIND)


def split(*, needed: int, shares: int) -> tuple[bytes, list[str]]:
    """Make a key pair whose private key is split.

    Args:
        needed: How many shares open what is sealed to it.
        shares: How many there are.

    Returns:
        The public key, and the shares as words.

    Raises:
        InvalidInputError: code `shares-invalid`.

    Source:
        Shamir's scheme over GF(256) with a digest, as in SLIP-0039.
    """
    if not 2 <= needed <= shares <= MOST_SHARES:
        raise InvalidInputError(
            f"{needed} of {shares} shares can't be",
            code="shares-invalid",
            hint=f"at least 2 are needed, and there are at most {MOST_SHARES}",
        )
    private = X25519PrivateKey.generate()
    [words] = generate_mnemonics(1, [(needed, shares)], private.private_bytes_raw())
    return private.public_key().public_bytes_raw(), words


def share_text(words: str, *, number: int, shares: int, needed: int, escrow_id: str) -> str:
    """Return a share as it is printed."""
    listed = words.split()
    lines = [" ".join(listed[at : at + WORDS_A_LINE]) for at in range(0, len(listed), WORDS_A_LINE)]
    return (
        f"Countenance: share {number} of {shares} of the escrow {escrow_id}; {needed} of them open it.\n"
        "Keep it apart from the other shares, from the escrow's file and from the gallery.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def joined(shares: Mapping[str, str]) -> bytes:
    """Return the private key out of enough shares.

    Args:
        shares: What is printed on each, by a name that tells it from the others.

    Raises:
        InvalidInputError: codes `share-damaged`, `shares-mixed`, `share-wrong`, which name the share; `shares-too-few`.
    """
    words = {name: " ".join(text.strip().rpartition("\n\n")[2].lower().split()) for name, text in shares.items()}
    read = {name: _read(name, one) for name, one in words.items()}
    first = next(iter(read))
    for name, share in read.items():
        if share.common_parameters() != read[first].common_parameters():
            raise InvalidInputError(
                f"{name} and {first} are shares of different escrows", code="shares-mixed", hint="leave one out"
            )
    distinct = list({share.index: name for name, share in read.items()}.values())
    needed = read[first].member_threshold
    if len(distinct) < needed:
        raise InvalidInputError(
            f"{len(distinct)} shares are there, {needed} are needed", code="shares-too-few", hint="name more of them"
        )
    return _combined(words, distinct, needed)


def _read(name: str, words: str) -> Share:
    """Read one share; its own check sum finds what was misread."""
    try:
        return Share.from_mnemonic(words)
    except MnemonicError as error:
        raise InvalidInputError(
            f"{name} is no share, or was misread: {error}", code="share-damaged", hint="compare it with the print"
        ) from None


def _combined(words: Mapping[str, str], distinct: Sequence[str], needed: int) -> bytes:
    """Combine shares, and where that fails find out which one is wrong, as far as more are there than needed."""
    for chosen in islice(combinations(distinct, needed), ATTEMPTS):
        try:
            key: bytes = combine_mnemonics([words[name] for name in chosen])
        except MnemonicError:
            continue
        return key
    raise InvalidInputError(
        f"one of {', '.join(distinct)} was changed: they don't fit together",
        code="share-wrong",
        hint="name others in addition",
    )
