"""What holds of every command: `--json`, `--home`, an example in the help; one object also for an error."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from countenance.cli.arguments import TextCommand
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
        pytest.param("COUNTENANCE_USER", os.fsdecode(b"a\xff"), "setting-invalid", id="no text"),
        pytest.param("COUNTENANCE_RUNTIME", "magic", "setting-invalid", id="no such choice"),
    ],
)
def test_a_wrong_setting_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: str
) -> None:
    monkeypatch.setenv(name, value)

    command("status").refused(2, code)


NOT_TEXT = os.fsdecode(b"a\xff")


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("source", "show", NOT_TEXT), id="an argument"),
        pytest.param(("source", "list", "--as", NOT_TEXT), id="--as"),
        pytest.param(("subjects", "show", NOT_TEXT), id="subjects show"),
        pytest.param(("erase", "subject", NOT_TEXT, "--reason", "x"), id="erase subject"),
        pytest.param(("erase", "subject", "5f0c", "--reason", NOT_TEXT), id="erase --reason"),
        pytest.param(("case", "show", NOT_TEXT), id="case show"),
        pytest.param(("user", "show", NOT_TEXT), id="user show"),
        pytest.param(("org", "show", NOT_TEXT), id="org show"),
        pytest.param(("approval", "grant", NOT_TEXT, "--reason", "x"), id="approval grant"),
        pytest.param(("rights", "show", NOT_TEXT), id="rights show"),
        pytest.param(("init", "--operator", "a", "--operator", NOT_TEXT), id="one of several"),
        pytest.param(("search", "a.jpg", "--case", NOT_TEXT, "--purpose", "x"), id="search --case"),
        pytest.param(("policy", "check", f"sector={NOT_TEXT}"), id="policy check"),
    ],
)
def test_what_is_no_text_is_refused(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", "nowhere")

    command(*arguments).refused(2, "argument-not-text")

    assert list(tmp_path.iterdir()) == []


def test_every_argument_that_is_no_path_is_looked_at() -> None:
    assert all(isinstance(made, TextCommand) for _, made in commands(get_command(app)))


def test_a_path_need_be_no_text(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", "nowhere")
    receipt = tmp_path / NOT_TEXT
    receipt.write_text("{}", encoding="ascii")

    command("audit", "verify", "--receipt", receipt).refused(2, "receipt-unreadable")
    command("rights", "letter", "5f0c", "--to", receipt).refused(5, "output-exists")


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
