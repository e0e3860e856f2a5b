"""What holds of every command: `--json`, `--home`, an example in the help; one object also for an error."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from countenance.cli.main import app
from tests.integration.cli.conftest import Command


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield all commands with their words."""
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, *path, name)
        else:
            yield (*path, name), one


COMMANDS = [pytest.param(words, made, id=" ".join(words)) for words, made in commands(get_command(app))]


@pytest.mark.parametrize(("words", "made"), COMMANDS)
def test_it_has_the_options_of_all_and_an_example(words: tuple[str, ...], made: Any) -> None:
    options = {option for parameter in made.params for option in parameter.opts}

    assert {"--json", "--home"} <= options
    assert "Example" in made.help
    assert f"`countenance {' '.join(words)}" in made.help


ERRORS = [
    pytest.param(("status",), 4, "home-not-initialised", id="no gallery"),
    pytest.param(("serve",), 4, "home-not-initialised", id="no gallery to serve"),
    pytest.param(
        ("search", "a.jpg", "--case", "c", "--purpose", "missing-person"),
        4,
        "home-not-initialised",
        id="none to search",
    ),
    pytest.param(("faces", "a.jpg"), 4, "home-not-initialised", id="none to look with"),
    pytest.param(("enrol", "s", "."), 4, "home-not-initialised", id="none to enrol into"),
    pytest.param(("status", "--colour"), 2, "usage", id="an unknown flag"),
    pytest.param(("status", "now"), 2, "usage", id="too many words"),
    pytest.param(("search", "a.jpg"), 2, "usage", id="an option is missing"),
    pytest.param(("stat",), 2, "usage", id="an unknown command"),
    pytest.param(("source", "drop"), 2, "usage", id="an unknown command of a group"),
    pytest.param(("serve", "--port", "65536"), 2, "usage", id="no such port"),
    pytest.param(("models", "show", "nobody"), 4, "pack-unknown", id="an unknown pack"),
]


@pytest.mark.parametrize(("arguments", "exit_code", "code"), ERRORS)
def test_an_error_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", "nowhere")

    command(*arguments).refused(exit_code, code)


@pytest.mark.parametrize(("arguments", "exit_code", "code"), ERRORS)
def test_an_error_is_one_object(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", "nowhere")

    ended = command(*arguments, "--json")

    assert ended.code == exit_code
    assert list(ended.json) == ["error"]
    assert list(ended.json["error"]) == ["code", "message", "hint"]
    assert ended.json["error"]["code"] == code
    assert ended.json["error"]["message"]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        pytest.param("COUNTENANCE_HOEM", "x", "setting-unknown", id="misspelt"),
        pytest.param("COUNTENANCE_PORT", "many", "setting-invalid", id="no number"),
        pytest.param("COUNTENANCE_RUNTIME", "magic", "setting-invalid", id="no such choice"),
    ],
)
def test_a_wrong_setting_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: str
) -> None:
    monkeypatch.setenv(name, value)

    command("status").refused(2, code)


def test_home_wins_over_the_environment(
    command: Command, filled_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path))

    status = command("status", "--home", filled_home, "--json").json

    assert status["home"] == str(filled_home)


def test_the_version_is_said(command: Command) -> None:
    assert command("--version").out.startswith("countenance 0.")


def test_without_words_the_help_is_shown(command: Command) -> None:
    ended = command()

    assert ended.code == 2
    assert "Usage" in ended.out
    assert ended.err == ""
