"""A PKCS#11 token that tests make, of Debian's `softhsm2`."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from countenance.bootstrap.settings import Settings

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
TOKEN, PIN, SO_PIN = "countenance", "2580-1470", "so-2580-1470"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token of a test's own.

    Attributes:
        folder: Where SoftHSM keeps it.
        pin_file: Its user PIN.
    """

    folder: Path
    pin_file: Path

    def places(self) -> dict[str, object]:
        """Return the settings that lead to it."""
        return {"pkcs11_module": MODULE, "pkcs11_token": TOKEN, "pkcs11_pin_file": self.pin_file}

    def settings(self, home: Path, **others: object) -> Settings:
        """Return the settings of a home whose keys the token wraps."""
        return Settings.model_validate({"home": home, "key_kind": "pkcs11", **self.places(), **others})

    def tool(self, *words: str) -> str:
        """Run OpenSC's `pkcs11-tool` on it, logged in; return what it prints."""
        command = ["pkcs11-tool", "--module", str(MODULE), "--token-label", TOKEN, "--login", "--pin", PIN, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def make_token(folder: Path, patch: pytest.MonkeyPatch) -> Token:
    """Make a token, and name it to SoftHSM; without SoftHSM tests are skipped, and fail where CI is set.

    SoftHSM looks for tokens once a process, so that all tests share one; homes have keys of their own in it.
    """
    if not MODULE.is_file():
        missing = "SoftHSM is not installed: apt-get install softhsm2 opensc"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    (folder / "tokens").mkdir(parents=True)
    config = folder / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    (folder / "pin").write_text(f"{PIN}\n")
    patch.setenv("SOFTHSM2_CONF", str(config))
    words = ["--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", SO_PIN]
    subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
    return Token(folder=folder, pin_file=folder / "pin")
