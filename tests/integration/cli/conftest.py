"""The real command, run in this process, over a real gallery with real models."""

import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keyring import audit_key_file
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli.main import run
from countenance.gallery.model import LegalBasis
from countenance.gallery.plan import Subjects, plan
from countenance.policy.model import Role
from tests import signed_up

SOURCE = "portraits"

PEOPLE = {"A": ["person_a_1.jpg"], "B": ["person_b_1.jpg"], "C": ["obama.jpg", "obama2.jpg"], "D": ["biden.jpg"]}
"""Who is enrolled, with which of the sample portraits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command line ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        assert self.out.count("\n") == 1
        assert self.err == ""
        answer: dict[str, Any] = json.loads(self.out)
        return answer

    def refused(self, code: int, name: str) -> None:
        """Assert that it ended with an exit code and one line with an error's name, and a hint below it."""
        first, *hints = self.err.splitlines()
        assert (self.code, self.out) == (code, "")
        assert first.startswith("countenance: ")
        assert first.endswith(f" [{name}]")
        # Several reasons against something are a list, two lines each.
        assert len(hints) <= 1 or (name == "not-permitted" and len(hints) % 2 == 0)


class Command(Protocol):
    """Runs one command line."""

    def __call__(self, *arguments: str | Path) -> Ended: ...


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Command]:
    """Runs command lines in this process, in an empty folder; the log's handlers are put back afterwards."""
    handlers = logging.root.handlers[:]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: str | Path) -> Ended:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code=code, out=captured.out, err=captured.err)

    yield call
    logging.root.handlers[:] = handlers


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Path:
    """A folder with a folder a person."""
    folder = tmp_path_factory.mktemp("photographs")
    for subject, names in PEOPLE.items():
        (folder / subject).mkdir()
        for name in names:
            shutil.copy(portraits[name], folder / subject)
    return folder


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory, photographs: Path) -> Path:
    """The home of a gallery that holds these people; not to be changed by a test."""
    settings = Settings(home=tmp_path_factory.mktemp("filled") / "home", workers=1)
    initialise(settings)
    with open_gallery(settings) as gallery:
        gallery.sources.register(name=SOURCE, owner="Test bench", legal_basis=LegalBasis.LICENCE, document=b"licence")
        gallery.enrol(SOURCE, plan(photographs, Subjects.FOLDERS))
        signed_up.admitted(gallery)
    return settings.home


@pytest.fixture
def home(filled_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That gallery, as COUNTENANCE_HOME."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(filled_home))
    return filled_home


@pytest.fixture
def own_home(filled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the filled gallery with a signing key of its own, as COUNTENANCE_HOME, to be changed by an auditor."""
    home = Path(shutil.copytree(filled_home, tmp_path / "own"))
    key = shutil.copy(audit_key_file(Settings(home=filled_home)), tmp_path / "audit-key")
    monkeypatch.setenv("COUNTENANCE_AUDIT_KEY", str(key))
    monkeypatch.setenv("COUNTENANCE_HOME", str(home))
    monkeypatch.setenv("COUNTENANCE_USER", "house-auditor")
    with open_gallery(Settings(home=home)) as gallery:
        signed_up.house_auditor(gallery)
        signed_up.person(gallery, "bench-auditor", roles=[Role.AUDITOR])
    return home


@pytest.fixture
def archive_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> Path:
    """An empty gallery with one active source, `archive`, as COUNTENANCE_HOME."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTENANCE_WORKERS", "1")
    command("init")
    signed_up.admitted_home(tmp_path / "home")
    (tmp_path / "d.txt").write_text("given", encoding="utf-8")
    by = ("--owner", "Zoë", "--legal-basis", "contract", "--document", "d.txt")
    assert command("source", "register", "archive", *by).code == 0
    return tmp_path / "home"


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command, photographs: Path) -> Path:
    """An empty gallery, and a folder with the photographs of two people."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTENANCE_WORKERS", "1")
    command("init")
    signed_up.admitted_home(tmp_path / "home")
    (tmp_path / "d.txt").write_text("given", encoding="utf-8")
    for person in "AB":
        shutil.copytree(photographs / person, tmp_path / "album" / person)
    return tmp_path / "album"
