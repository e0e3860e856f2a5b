"""Every number that a command takes: however large, below zero, or none at all, it is answered or refused in a line."""

import inspect
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from typer.main import get_command

from countenance.bootstrap.keyring import audit_key_file
from countenance.bootstrap.settings import Settings
from countenance.cli.main import app
from tests.integration.cli.conftest import Command
from tests.integration.cli.test_every_command import commands

PROBE = "probe.jpg"

WORDS: Mapping[str, tuple[str, ...]] = {
    "api-key make": ("key", "--action", "search"),
    "audit prove": (),
    "audit show": (),
    "bench search": ("--engine", "exact", "--templates", "60", "--probes", "2", "--dim", "8"),
    "evaluate identification": ("--images", ".", "--protocol", "none.csv"),
    "keys escrow": ("escrow",),
    "report transparency": (),
    "rights find": ("5f0c", PROBE),
    "search": (PROBE, "--case", "2026-114", "--purpose", "missing-person"),
    "search-group": (PROBE, "--case", "2026-114", "--purpose", "missing-person"),
    # Not as far as a server.
    "serve": ("--home", "nowhere"),
    "subjects list": (),
}
"""What each command needs besides."""

LARGE = ["0", "-1", str(2**31), str(2**63), str(-(2**63) - 1), str(10**20), "9" * 400]
WRITTEN = {int: LARGE, float: ["nan", "inf", "-inf", "1e400", "-1e-400", "0", str(10**20)]}


def is_of(hint: object, kind: type) -> bool:
    """Return whether a parameter's type is a kind of number, or may be, or is a list of them."""
    return hint is kind or any(is_of(part, kind) for part in get_args(hint))


def numbers() -> Iterator[tuple[str, Any, type]]:
    """Return every number that a command takes: the command, the parameter, which kind of number."""
    for words, made in commands(get_command(app)):
        hints = get_type_hints(inspect.unwrap(made.callback))
        for parameter in made.params:
            for kind in (int, float):
                if is_of(hints.get(parameter.name), kind):
                    yield " ".join(words), parameter, kind


CASES = [
    pytest.param(command, parameter, value, id=f"{command} {parameter.name} {value[:22]}")
    for command, parameter, kind in numbers()
    for value in WRITTEN[kind]
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Path:
    """A folder with a photograph."""
    folder = tmp_path_factory.mktemp("numbers")
    (folder / PROBE).write_bytes(portraits["obama3.jpg"].read_bytes())
    return folder


@pytest.fixture(scope="module")
def tried_home(filled_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A copy of the filled gallery and of its log's key: searches count, and some commands change it."""
    folder = tmp_path_factory.mktemp("tried")
    key = shutil.copy(audit_key_file(Settings(home=filled_home)), folder / "audit-key")
    return Path(shutil.copytree(filled_home, folder / "home")), Path(key)


def test_some_are_known() -> None:
    found = {(command, parameter.name) for command, parameter, _ in numbers()}

    assert {("subjects list", "offset"), ("bench search", "templates"), ("search", "fpir")} < found


@pytest.mark.parametrize(("words", "parameter", "value"), CASES)
def test_it_is_answered_or_refused_in_a_line(
    *,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    here: Path,
    tried_home: tuple[Path, Path],
    words: str,
    parameter: Any,
    value: str,
) -> None:
    if words.startswith("audit"):  # entries are shown to auditors only
        request.getfixturevalue("own_home")
    else:
        home, key = tried_home
        monkeypatch.setenv("COUNTENANCE_HOME", str(home))
        monkeypatch.setenv("COUNTENANCE_AUDIT_KEY", str(key))
    monkeypatch.chdir(here)
    option = parameter.opts[0]
    named = (option, value) if option.startswith("-") else ("--", value)

    ended = command(*words.split(), *WORDS[words], *named)

    assert ended.code in {0, 2, 4}
    if ended.code:
        assert ended.err.splitlines()[0].endswith("]")
