"""The command as a process: Ctrl-C, terminals, and readers that have had enough."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.gallery.model import LegalBasis
from tests import signed_up
from tests.integration.cli.conftest import SOURCE

COUNTENANCE = Path(sys.executable).parent / "countenance"
MANY = 100
"""Photographs: enough for three commits, so that a run can be stopped between two."""


@pytest.fixture
def new_home(tmp_path: Path) -> Path:
    settings = Settings(home=tmp_path / "home")
    initialise(settings)
    with open_gallery(settings) as gallery:
        gallery.sources.register(name=SOURCE, owner="o", legal_basis=LegalBasis.LICENCE, document=b"l")
        signed_up.admitted(gallery)
    return settings.home


@pytest.fixture
def many_photographs(tmp_path: Path, portraits: Mapping[str, Path]) -> Path:
    """One portrait many times, each with other bytes behind its end."""
    folder = tmp_path / "photographs"
    for number in range(MANY):
        (folder / f"{number:03}").mkdir(parents=True)
        data = portraits["person_b_1.jpg"].read_bytes()
        (folder / f"{number:03}" / "a.jpg").write_bytes(data + number.to_bytes(2, "big"))
    return folder


def start(home: Path, *arguments: str | Path, **options: int) -> subprocess.Popen[str]:
    """Start the command, in a process group of its own as a shell does."""
    return subprocess.Popen(
        [COUNTENANCE, *arguments],
        stdout=subprocess.PIPE,
        stderr=options.get("stderr", subprocess.PIPE),
        stdin=subprocess.DEVNULL,
        env=os.environ | {"COUNTENANCE_HOME": str(home), "COUNTENANCE_WORKERS": "1"},
        text=True,
        start_new_session=True,
    )


def images(home: Path) -> int:
    """Return how many photographs are on record."""
    with open_gallery(Settings(home=home)) as gallery:
        return gallery.records.snapshot().images


def stopped(home: Path, photographs: Path, *arguments: str) -> tuple[int, str, str]:
    """Enrol, press Ctrl-C once something more is on record; return exit code and what was printed."""
    before = images(home)
    running = start(home, "enrol", SOURCE, photographs, *arguments)
    while images(home) == before and running.poll() is None:
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    return running.returncode, out, err


def test_an_enrolment_that_is_stopped_goes_on(new_home: Path, many_photographs: Path) -> None:
    for_people = stopped(new_home, many_photographs)
    first = images(new_home)
    code, out, err = stopped(new_home, many_photographs, "--json")
    second = images(new_home)
    last = start(new_home, "enrol", SOURCE, many_photographs, "--json")
    report = json.loads(last.communicate(timeout=120)[0])

    message = "countenance: stopped [interrupted]\n  what was finished is kept; the same command goes on from there\n"
    assert for_people == (130, "", message)
    assert (code, err, json.loads(out)["error"]["code"]) == (130, "", "interrupted")
    assert 0 < first < second < MANY
    assert (last.returncode, report["already"], report["enrolled"]) == (0, second, MANY - second)
    assert images(new_home) == MANY


def on_terminal(home: Path, *arguments: str | Path) -> tuple[str, str]:
    """Run a command with its standard error on a terminal; return standard output and what the terminal got."""
    near, far = pty.openpty()
    running = start(home, *arguments, stderr=far)
    os.close(far)
    shown = b""
    while True:
        try:
            piece = os.read(near, 4096)
        except OSError:  # how Linux says that the far side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(near)
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    return out, shown.decode()


def test_a_terminal_gets_a_bar_with_rate_and_time_left(new_home: Path, photographs: Path) -> None:
    out, shown = on_terminal(new_home, "enrol", SOURCE, photographs)

    assert "5 enrolled with 5 templates" in out
    for words in ("Enrolling", "5/5", "/s", "0:00:0"):
        assert words in shown


def test_asked_for_json_a_terminal_gets_no_bar(new_home: Path, photographs: Path) -> None:
    out, shown = on_terminal(new_home, "enrol", SOURCE, photographs, "--json")

    assert json.loads(out)["enrolled"] == 5
    assert shown == ""


def test_what_is_no_terminal_gets_no_bar(new_home: Path, photographs: Path) -> None:
    running = start(new_home, "enrol", SOURCE, photographs)
    out, err = running.communicate(timeout=60)

    assert "5 enrolled with 5 templates" in out
    assert err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("subjects", "list"), id="a table"),
        pytest.param(("subjects", "list", "--json"), id="an object"),
        pytest.param(("--help",), id="help"),
        pytest.param(("--version",), id="version"),
    ],
)
def test_a_reader_that_has_had_enough_is_no_error(filled_home: Path, arguments: tuple[str, ...]) -> None:
    running = start(filled_home, *arguments)
    assert running.stdout is not None
    running.stdout.close()
    assert running.stderr is not None
    err = running.stderr.read()

    assert (running.wait(timeout=60), err) == (0, "")
    running.stderr.close()


def test_a_plain_terminal_gets_escapes(new_home: Path, tmp_path: Path) -> None:
    (tmp_path / "licence.txt").write_text("given", encoding="utf-8")
    by = ("--owner", "Zoë", "--legal-basis", "licence", "--document", str(tmp_path / "licence.txt"))
    environment = os.environ | {"COUNTENANCE_HOME": str(new_home), "PYTHONIOENCODING": "ascii"}

    subprocess.run([COUNTENANCE, "source", "register", "zoe", *by], env=environment, check=True, capture_output=True)
    for_people = subprocess.run([COUNTENANCE, "source", "list"], env=environment, check=True, capture_output=True)
    as_json = subprocess.run(
        [COUNTENANCE, "source", "list", "--json"], env=environment, check=True, capture_output=True
    )

    assert b"Zo\\xeb" in for_people.stdout
    assert "Zoë" in {source["owner"] for source in json.loads(as_json.stdout)["sources"]}


def test_a_home_whose_path_is_no_text_is_refused(tmp_path: Path) -> None:
    odd = os.fsdecode(bytes(tmp_path) + b"/h\xf6me")

    running = start(Path(odd), "init")
    out, err = running.communicate(timeout=60)

    assert (running.returncode, out) == (2, "")
    assert err.splitlines()[0].endswith("[setting-invalid]")
    assert list(tmp_path.iterdir()) == []
