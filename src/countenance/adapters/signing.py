"""The installation's signing key for certificates: Ed25519, sealed with the keyring, its public half beside it."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countenance.adapters.durable import locked, replace_synced
from countenance.core.errors import UnavailableError
from countenance.keys.model import HOME
from countenance.keys.ports import Keyring

RECORD, COLUMN = "certificate-key", "private"


class SealedSigner:
    """Implements `Signer`: the key is made at first use, and lies in a file that opens with the keyring only."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        """Keep where it lies: `certificate-key` in the folder, and `certificate-key.pem` for everybody."""
        self._path = folder / "certificate-key"
        self._keyring = keyring

    @property
    def public_key(self) -> bytes:
        """See the port."""
        return self._key().public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """See the port."""
        return self._key().sign(message)

    def holds(self, message: bytes, signature: bytes, public_key: bytes) -> bool:
        """See the port."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _key(self) -> Ed25519PrivateKey:
        """Read the key, or make it.

        Raises:
            IntegrityError: code `sealed-damaged`.
            UnavailableError: code `home-unwritable`.
        """
        try:
            if not self._path.exists():
                self._make()
            sealed = self._path.read_bytes()
        except OSError as error:
            raise UnavailableError(
                f"{self._path} can't be written: {error.strerror}", code="home-unwritable", hint="see to the disk"
            ) from None
        raw = self._keyring.open(HOME, sealed, record=RECORD, column=COLUMN)
        return Ed25519PrivateKey.from_private_bytes(raw)

    def _make(self) -> None:
        """Make the key, the same for all who ask at once; its public half first, so that all in use can be checked."""
        with locked(self._path.with_suffix(".lock")):
            if self._path.exists():
                return
            key = Ed25519PrivateKey.generate()
            pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            replace_synced(self._path.with_suffix(".pem"), pem)
            replace_synced(self._path, self._keyring.seal(HOME, key.private_bytes_raw(), record=RECORD, column=COLUMN))
