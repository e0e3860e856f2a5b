"""What is done with keys is decided on and stands in the audit log; it works where the gallery does not open, too."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from countenance.bootstrap.key_care import keys_status
from countenance.bootstrap.keyring import key_files
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli.main import run
from countenance.policy.model import Role
from tests import signed_up
from tests.made_up_galleries import made_up_home

Said = Callable[..., Mapping[str, Any]]
OPERATOR, EXAMINER = "operator-1", "only-examiner"
KEYS = 4
"""Of the home, the house, the organisation and the source."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a home with somebody who is no operator."""
    made = made_up_home(tmp_path / "home", {"archive": 3})
    with open_gallery(made) as gallery:
        signed_up.person(gallery, EXAMINER, roles=[Role.EXAMINER])
    return made


@pytest.fixture
def said(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command; returns its answer, with the exit code."""

    def runs(*words: object, who: str = OPERATOR) -> Mapping[str, Any]:
        capsys.readouterr()
        code = run([*map(str, words), "--as", who, "--home", str(settings.home), "--json"])
        answer = json.loads(capsys.readouterr().out)
        return {**answer, **answer.get("error", {}), "exit": code}

    return runs


def newest(settings: Settings) -> tuple[str, str, str, dict[str, Any]]:
    """Return the log's newest entry: action, outcome, who, facts."""
    with open_gallery(settings) as gallery:
        size = gallery.audit.head().size
        [body] = gallery.audit.entries(size - 1, size)
        entry = json.loads(body)
        user = entry["actor"]["user"]
        who = "system" if user == "system" else gallery.accounts.logins([user])[user]
    return entry["action"], entry["outcome"], who, entry["facts"]


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_each_command_stands_in_the_log_with_who_and_which(settings: Settings, said: Said, tmp_path: Path) -> None:
    backup, escrow, again = (tmp_path / name for name in ("backup", "escrow", "again"))

    assert said("keys", "backup", backup)["recorded"] is True
    assert newest(settings) == ("keys-backup", "done", OPERATOR, {"keys": KEYS, "sha256": digest(backup)})

    made = said("keys", "escrow", escrow, "--shares", 3, "--needed", 2)
    facts = {"escrow": made["escrow"], "sha256": digest(escrow), "shares": 3, "needed": 2}
    assert newest(settings) == ("keys-escrow", "done", OPERATOR, facts)

    said("keys", "escrow", again, "--like", escrow)
    assert newest(settings)[3] == {"escrow": made["escrow"], "sha256": digest(again)}

    said("keys", "restore", backup)
    assert newest(settings) == ("keys-restore", "done", OPERATOR, {"keys": KEYS, "sha256": digest(backup)})

    shares = [tmp_path / "1", tmp_path / "2"]
    for path, text in zip(shares, made["shares"], strict=False):
        path.write_text(text)
    said("keys", "restore", again, "--share", shares[0], "--share", shares[1])
    facts = {"escrow": made["escrow"], "sha256": digest(again), "to": None, "lost": []}
    assert newest(settings) == ("keys-restore", "done", OPERATOR, facts)

    before = keys_status(settings)["kek"]
    after = said("keys", "rotate")["kek"]
    assert newest(settings) == ("keys-rotate", "done", OPERATOR, {"before": before, "after": after})

    said("templates", "rekey")
    assert newest(settings)[:3] == ("templates-rekey", "done", OPERATOR)


COMMANDS = {
    "backup": ("keys", "backup", "{there}"),
    "escrow": ("keys", "escrow", "{there}"),
    "restore": ("keys", "restore", "{backup}"),
    "rotate": ("keys", "rotate"),
    "rekey": ("templates", "rekey"),
}


def filled(command: str, folder: Path) -> list[str]:
    return [word.format(there=folder / "there", backup=folder / "backup") for word in COMMANDS[command]]


def held(settings: Settings, folder: Path) -> tuple[bytes, bytes, list[str], bool]:
    """Return what none of the commands may change."""
    key_file, keyring = key_files(settings)
    names = sorted(path.name for path in settings.index.iterdir())
    return key_file.read_bytes(), keyring.read_bytes(), names, (folder / "there").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_done_for_who_may_not(settings: Settings, said: Said, tmp_path: Path, command: str) -> None:
    said("keys", "backup", tmp_path / "backup")
    before = held(settings, tmp_path)

    refused = said(*filled(command, tmp_path), who=EXAMINER)

    assert (refused["exit"], refused["code"]) == (3, "not-permitted")
    assert held(settings, tmp_path) == before
    assert newest(settings)[:3] == ("maintain", "refused", EXAMINER)


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_is_done_that_the_log_does_not_take(
    settings: Settings, said: Said, tmp_path: Path, command: str
) -> None:
    said("keys", "backup", tmp_path / "backup")
    before = held(settings, tmp_path)
    with sqlite3.connect(settings.database) as database:
        database.execute("CREATE TRIGGER broken BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'broken'); END")

    refused = said(*filled(command, tmp_path))

    assert (refused["exit"], refused["code"]) == (6, "audit-unwritable")
    assert held(settings, tmp_path) == before


@pytest.mark.parametrize(("who", "named"), [(OPERATOR, OPERATOR), ("nobody", "system")])
def test_a_lost_keyring_comes_back_and_is_on_record_then(
    settings: Settings, said: Said, tmp_path: Path, who: str, named: str
) -> None:
    said("keys", "backup", tmp_path / "backup")
    key_files(settings)[1].unlink()

    restored = said("keys", "restore", tmp_path / "backup", who=who)

    assert (restored["exit"], restored["recorded"]) == (0, True)
    facts = {"keys": KEYS, "sha256": digest(tmp_path / "backup"), "asked": False}
    assert newest(settings) == ("keys-restore", "done", named, facts)


def test_somebody_has_to_be_named_there_too(
    settings: Settings, said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COUNTENANCE_USER")
    said("keys", "backup", tmp_path / "backup")
    key_files(settings)[1].unlink()

    assert said("keys", "restore", tmp_path / "backup", who="")["code"] == "actor-missing"
    assert not key_files(settings)[1].exists()


def test_keys_of_damaged_records_are_backed_up_and_it_is_said_that_no_log_has_it(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.database.write_bytes(b"no database at all" * 1000)
    capsys.readouterr()

    code = run(["keys", "backup", str(tmp_path / "backup"), "--as", OPERATOR, "--home", str(settings.home)])

    assert code == 0
    assert (tmp_path / "backup").is_file()
    said = capsys.readouterr()
    assert "The audit log has no entry of this, since the gallery does not open: records-unreadable" in said.out
    assert said.err == ""
