"""The documents keep up with the code."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperCommand, TyperGroup

from countenance.cli.main import app

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if not {".venv", "demo", "node_modules"} & set(path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\]\(([^)#]+?)(?:#[^)]*)?\)")
COMMAND = re.compile(r"(?:^|`|\$ )(countenance (?!-)[a-z][^`\n#|]*)", re.MULTILINE)

PRINTING = sorted(
    path
    for path in (ROOT / "src").rglob("*")
    if path.suffix in {".cedar", ".html", ".js", ".md", ".py", ".toml"} and b"countenance " in path.read_bytes()
)
"""What errors, pages and reports are made from."""
PRINTED = re.compile(r"(?:(?<!b)[`\"']|<code>)(countenance [a-z][^`\"'<{\n]*)")
NO_COMMANDS = {"countenance destruction certificate, version 1"}


def document(path: Path) -> object:
    return pytest.param(path, id=str(path.relative_to(ROOT)))


def commands(
    command: TyperCommand | TyperGroup, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], TyperCommand | TyperGroup]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


TREE = dict(commands(typer.main.get_command(app)))


def test_the_reference_is_that_of_the_code() -> None:
    ended = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate_reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("path", [document(path) for path in DOCUMENTS])
def test_links_lead_somewhere(path: Path) -> None:
    targets = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if not re.match(r"[a-z]+:", link)]

    missing = [target for target in targets if not (path.parent / target).exists()]

    assert missing == []


@pytest.mark.parametrize("path", [document(path) for path in DOCUMENTS])
def test_commands_that_are_shown_exist_with_their_options(path: Path) -> None:
    wrong = []
    for text in COMMAND.findall(path.read_text(encoding="utf-8")):
        words = [word for word in shlex.split(text.replace("…", "").replace("'", ""))[1:] if word]
        known = max((name for name in TREE if tuple(words[: len(name)]) == name), key=len)
        offered = {
            option for parameter in TREE[known].params for option in (*parameter.opts, *parameter.secondary_opts)
        } | {"--help", "-h"}
        if not known or any(word.split("=")[0] not in offered for word in words if word.startswith("--")):
            wrong.append(text)

    assert wrong == []


@pytest.mark.parametrize("path", [document(path) for path in PRINTING])
def test_commands_that_are_printed_exist_with_their_options(path: Path) -> None:
    wrong = []
    for text in set(PRINTED.findall(path.read_text(encoding="utf-8"))) - NO_COMMANDS:
        words = text.split()[1:]
        known = max((name for name in TREE if tuple(words[: len(name)]) == name), key=len)
        options = {option for parameter in TREE[known].params for option in parameter.opts} | {"--help"}
        # Of a group, a command that there is; of a command, options that it has.
        inside = hasattr(TREE[known], "commands") and words[len(known) :]
        if inside or not {word for word in words if word.startswith("--")} <= options:
            wrong.append(text)

    assert wrong == []


def test_the_readme_begins_with_the_two_commands() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert [line.split("#")[0].strip() for line in lines[3:5]] == ["make demo", "make test"]


@pytest.mark.parametrize("path", [document(path) for path in sorted((ROOT / "docs" / "adr").glob("*.md"))])
def test_a_decision_says_why_what_and_what_follows(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert re.match(r"# \d{4}[: .]", text)
    assert [f"## {part}" in text for part in ("Context", "Decision", "Consequences")] == [True] * 3


def test_no_registry_is_named_anywhere() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    hosts = ("pypi" + ".org", "pythonhosted" + ".org", "registry.npmjs" + ".org", "deb.debian" + ".org")

    named = [
        name
        for name in listed
        if name and (ROOT / name).is_file() and any(host.encode() in (ROOT / name).read_bytes() for host in hosts)
    ]

    assert named == []
