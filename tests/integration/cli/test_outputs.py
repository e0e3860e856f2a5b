"""Every command that writes a file: looked at before anything is done for it, and nothing is lost without `--force`."""

from pathlib import Path

import pytest
from typer.main import get_command

from countenance.cli.main import app
from tests.integration.cli.conftest import Command
from tests.integration.cli.test_every_command import commands

CHECKPOINT = ("audit", "witness", "now.txt", "--key", "key", "--vkey", "vkeys", "--seen", "seen")

WRITERS = {
    "source withdraw": ("source", "withdraw", "archive", "--reason", "x", "--certificate"),
    "erase subject": ("erase", "subject", "5f0c", "--reason", "x", "--certificate"),
    "erase image": ("erase", "image", "5f0c", "--reason", "x", "--certificate"),
    "erase face": ("erase", "face", "5f0c", "--reason", "x", "--certificate"),
    "rights letter": ("rights", "letter", "5f0c", "--to"),
    "report transparency": ("report", "transparency", "--year", "2026", "--out"),
    "calibration show": ("calibration", "show", "--plot"),
    "bench search": ("bench", "search", "--templates", "10", "--engine", "exact", "--out"),
    "audit checkpoint": ("audit", "checkpoint", "--out"),
    "audit witness": (*CHECKPOINT, "--out"),
}
"""Commands that look at the place of what they write before the gallery is opened, up to where it is named."""

WITH_A_PHOTOGRAPH = {"search", "search-group", "faces"}
"""Those that read a photograph first: see their own tests."""

INTO_A_FOLDER = {"evaluate identification", "evaluate verification"}

CASES = [pytest.param(words, id=name) for name, words in WRITERS.items()]


@pytest.fixture(autouse=True)
def _no_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gets as far as opening it is refused otherwise."""
    monkeypatch.setenv("COUNTENANCE_HOME", "nowhere")


def place(words: tuple[str, ...], name: str) -> str:
    """Return a file's name as the command wants it to end."""
    endings = {"report": ".html", "calibration": ".svg"}
    return name + endings.get(words[0], "")


def test_no_command_was_forgotten() -> None:
    with_force = {
        " ".join(words)
        for words, made in commands(get_command(app))
        if "--force" in {option for parameter in made.params for option in parameter.opts}
    }

    assert with_force == {*WRITERS, *WITH_A_PHOTOGRAPH, *INTO_A_FOLDER}


@pytest.mark.parametrize("words", CASES)
def test_a_file_that_is_there_stays(command: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    precious = tmp_path / place(words, "precious")
    precious.write_bytes(b"of the last year")

    command(*words, precious.name).refused(5, "output-exists")

    assert precious.read_bytes() == b"of the last year"


@pytest.mark.parametrize("words", CASES)
@pytest.mark.parametrize(
    "name", [pytest.param("folder", id="a folder"), pytest.param("nofolder/x", id="in a folder that there is not")]
)
def test_what_can_not_be_written_is_refused_first(
    command: Command, tmp_path: Path, words: tuple[str, ...], name: str
) -> None:
    (tmp_path / place(words, "folder")).mkdir()

    command(*words, place(words, name), "--force").refused(2, "output-invalid")


@pytest.mark.parametrize("words", CASES)
def test_with_force_the_command_goes_on(command: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / place(words, "old")).write_bytes(b"old")

    ended = command(*words, place(words, "old"), "--force")

    assert "[output-" not in ended.err


def test_a_device_is_never_replaced(command: Command) -> None:
    command("rights", "letter", "5f0c", "--to", "/dev/null", "--force").refused(2, "output-invalid")

    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("read", ["now.txt", "key", "vkeys", "seen", "proof"])
def test_a_witness_writes_over_nothing_that_it_reads(command: Command, tmp_path: Path, read: str) -> None:
    for name in ("now.txt", "key", "vkeys", "proof"):
        (tmp_path / name).write_text(name, encoding="ascii")

    command(*CHECKPOINT, "--proof", "proof", "--out", read, "--force").refused(2, "output-is-input")

    assert not (tmp_path / "seen").exists()
    assert [(tmp_path / name).read_text() for name in ("now.txt", "key")] == ["now.txt", "key"]


def test_what_a_witness_remembers_replaces_nothing_else(command: Command, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("key", encoding="ascii")
    words = ("audit", "witness", "now.txt", "--key", "key", "--vkey", "vkeys", "--out", "out")

    command(*words, "--seen", "key").refused(2, "output-is-input")
    command(*words, "--seen", "nofolder/seen").refused(2, "output-invalid")


@pytest.mark.parametrize("read", ["one.txt", "key"])
def test_a_checkpoint_is_not_written_over_what_is_read(command: Command, tmp_path: Path, read: str) -> None:
    for name in ("one.txt", "key"):
        (tmp_path / name).write_text(name, encoding="ascii")
    words = ("audit", "checkpoint", "--cosigned", "one.txt", "--witness", "key", "--force")

    command(*words, "--out", read).refused(2, "output-is-input")


@pytest.mark.parametrize("kind", ["identification", "verification"])
@pytest.mark.parametrize("name", ["{}.json", "{}.html", "{}-det.svg"])
def test_an_evaluation_keeps_an_older_report(command: Command, tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / "out").mkdir()
    older = tmp_path / "out" / name.format(kind)
    older.write_bytes(b"of the last year")
    table = {"identification": "--protocol", "verification": "--pairs"}[kind]
    words = ("evaluate", kind, "--images", tmp_path, table, "none.csv", "--report", "out")

    command(*words).refused(5, "output-exists")
    ended = command(*words, "--force")

    assert older.read_bytes() == b"of the last year"
    # On to what is missing next.
    assert "none.csv" in ended.err


def test_an_export_writes_over_nothing_in_another_folder(command: Command, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "README.md").write_bytes(b"of something else")

    command("audit", "export", "project").refused(5, "output-exists")

    assert [path.name for path in (tmp_path / "project").iterdir()] == ["README.md"]
