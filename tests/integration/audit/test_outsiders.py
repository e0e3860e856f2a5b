"""Programs that share no code with Countenance check its log: Go's packages for transparency logs, and openssl."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from countenance.adapters.audit_export import ExportedLog, write_export
from countenance.adapters.memory_audit import MemoryAuditLog
from countenance.audit.note import parse_note
from countenance.audit.verification import verify_log
from countenance.core.errors import CountenanceError, IntegrityError
from tests.audit_parts import SIGNER, entry

PROGRAM = Path(__file__).parent.parent.parent / "outsiders" / "verify_log.go"
SIZE = 700
"""Entries: two whole tiles and a partial one."""


def needed(program: str) -> str:
    """Return a program's path; without it, the test is skipped, and fails where CI is set."""
    path = shutil.which(program)
    if path is None:
        missing = f"{program} is not installed"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export, the key, a receipt in two files, and a checkpoint of before."""
    folder, log = tmp_path_factory.mktemp("outsiders"), MemoryAuditLog(SIGNER)
    log.record(*map(entry, range(300)))
    (folder / "old").write_text(log.head().note)
    receipt = log.record(entry(300))
    log.record(*map(entry, range(301, SIZE)))
    (folder / "vkey").write_text(SIGNER.verifier.vkey + "\n")
    (folder / "entry").write_bytes(receipt.entry)
    (folder / "proof").write_text(receipt.proof.render())
    write_export(log, folder / "export", vkeys=lambda: SIGNER.verifier.vkey, readme="r")
    return folder


@pytest.fixture(scope="module")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, compiled against Debian's packages: nothing is downloaded."""
    go, folder = needed("go"), tmp_path_factory.mktemp("go")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode",
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
        "GOPROXY": "off",
    }
    subprocess.run([go, "build", "-o", folder / "verify_log", PROGRAM], env=environment, check=True)
    return folder / "verify_log"


def checked(go_program: Path, files: Path, **changed: Path) -> subprocess.CompletedProcess[str]:
    """Run the Go program."""
    named = {name: files / name for name in ("export", "vkey", "entry", "proof", "old")} | changed
    return subprocess.run([go_program, *named.values()], capture_output=True, text=True, check=False)


def test_go_checks_receipt_tiles_and_growth(go_program: Path, files: Path) -> None:
    ended = checked(go_program, files)

    assert ended.stdout.split() == ["receipt", "changed-entry-refused", "record-in-tiles", "growth-in-tiles"]
    assert ended.returncode == 0


def test_go_refuses_a_changed_entry_and_a_changed_tile(go_program: Path, files: Path, tmp_path: Path) -> None:
    other = tmp_path / "entry"
    other.write_bytes((files / "entry").read_bytes().replace(b"300", b"301"))
    damaged = shutil.copytree(files / "export", tmp_path / "export")
    tile = damaged / "tile" / "0" / "001"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])

    assert "failed" in checked(go_program, files, entry=other).stdout
    assert "failed" in checked(go_program, files, export=damaged).stdout


def test_openssl_checks_the_signature(files: Path, tmp_path: Path) -> None:
    openssl = needed("openssl")
    note = parse_note((files / "export" / "checkpoint").read_text())
    prefix = bytes.fromhex("302a300506032b6570032100")  # RFC 8410, an Ed25519 public key in DER before its 32 bytes
    key = base64.b64encode(prefix + SIGNER.verifier.public).decode()
    (tmp_path / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n")
    (tmp_path / "signature").write_bytes(note.signatures[0].blob)

    def verify(text: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "text").write_text(text)
        words = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem", "-in", "text", "-sigfile", "signature"]
        return subprocess.run([openssl, *words], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert verify(note.text).returncode == 0
    assert verify(note.text.replace("\n700\n", "\n701\n")).returncode != 0


def test_the_export_is_verified_as_the_log_itself(files: Path) -> None:
    log = ExportedLog(files / "export")

    found = verify_log(log, verifiers=[SIGNER.verifier], notes=[(files / "old").read_text()])

    assert (found.checkpoint.size, found.checkpoints) == (SIZE, 1)
    assert json.loads(next(log.entries(257, 258)))["facts"]["number"] == 257


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/0/000", "tile/1/000.p/2", "checkpoint"])
def test_any_damaged_file_of_an_export_is_noticed(files: Path, tmp_path: Path, path: str) -> None:
    damaged = shutil.copytree(files / "export", tmp_path / "export")
    content = (damaged / path).read_bytes()
    (damaged / path).write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])

    with pytest.raises(IntegrityError):
        verify_log(ExportedLog(damaged), verifiers=[SIGNER.verifier])
    (damaged / path).unlink()
    with pytest.raises(CountenanceError, match="export"):
        verify_log(ExportedLog(damaged), verifiers=[SIGNER.verifier])
