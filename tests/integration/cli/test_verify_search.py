"""`verify-search`: an answer that holds, and every way in which one does not."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from tests.integration.cli.conftest import Command

ASKED = ("--case", "2026-114", "--purpose", "identify a victim", "--json")


@pytest.fixture
def own_home(filled_home: Path, tmp_path: Path) -> Path:
    """A copy of the filled gallery, to be changed."""
    return copytree(filled_home, tmp_path / "home")


@pytest.fixture
def probe(portraits: Mapping[str, Path]) -> Path:
    """A photograph of somebody who is enrolled."""
    return portraits["obama3.jpg"]


def kept(command: Command, home: Path, probe: Path, *more: str) -> dict[str, Any]:
    """Search, and return the answer."""
    return command("search", probe, *ASKED, *more, "--home", home).json


def tamper(home: Path, search_id: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a kept answer behind Countenance's back."""
    with sqlite3.connect(home / "records.sqlite3") as records:
        [text] = records.execute("SELECT answer FROM search WHERE search_id = ?", (search_id,)).fetchone()
        answer = json.loads(text)
        change(answer)
        records.execute("UPDATE search SET answer = ? WHERE search_id = ?", (json.dumps(answer), search_id))
    records.close()


@pytest.mark.parametrize(
    "more",
    [
        pytest.param((), id="the pack's threshold"),
        pytest.param(("--threshold", "-1"), id="everybody"),
        pytest.param(("--threshold", "-1", "--limit", "2"), id="the best two"),
        pytest.param(("--threshold", "0.99"), id="nobody"),
    ],
)
def test_an_answer_holds(command: Command, own_home: Path, probe: Path, more: tuple[str, ...]) -> None:
    answer = kept(command, own_home, probe, *more)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--json", "--home", own_home)

    assert ended.json == {
        "search_id": answer["search_id"],
        "candidates": len(answer["candidates"]),
        "templates": 5,
        "erased_since": 0,
        "holds": True,
    }


def test_it_is_said_in_words(command: Command, own_home: Path, probe: Path) -> None:
    answer = kept(command, own_home, probe)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", own_home)

    assert (ended.code, ended.err) == (0, "")
    assert "The answer holds: 5 templates scored again, 1 candidates agree" in ended.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda answer: answer["candidates"].pop(0), "is missing", id="a candidate taken out"),
        pytest.param(lambda answer: answer["candidates"].reverse(), "not in order", id="another order"),
        pytest.param(
            lambda answer: answer["candidates"][0].update(score=answer["candidates"][0]["score"] + 1e-9),
            "has the score",
            id="a score changed in the ninth place",
        ),
        pytest.param(lambda answer: answer.update(threshold=0.5), "below the threshold", id="another threshold"),
        pytest.param(
            lambda answer: answer["certificate"].update(templates=4), "4 templates", id="fewer templates searched"
        ),
        pytest.param(
            lambda answer: answer["certificate"].update(bound=0.0, cut=0.1, scored=1), "above the bound", id="a bound"
        ),
        pytest.param(lambda answer: answer["certificate"].update(bound=0.5, cut=0.4), "could have", id="bound and cut"),
    ],
)
def test_a_changed_answer_does_not(
    command: Command, own_home: Path, probe: Path, change: Callable[[dict[str, Any]], object], why: str
) -> None:
    answer = kept(command, own_home, probe, "--threshold", "-1", "--limit", "3")
    tamper(own_home, answer["search_id"], change)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", own_home)

    ended.refused(7, "search-not-verified")
    assert why in ended.err


def test_nor_one_whose_template_changed_on_record(command: Command, own_home: Path, probe: Path) -> None:
    answer = kept(command, own_home, probe)
    with sqlite3.connect(own_home / "records.sqlite3") as records:
        row = answer["candidates"][0]["template"]
        [vector] = records.execute("SELECT vector FROM template WHERE number = ?", (row,)).fetchone()
        changed = bytes([vector[0] ^ 0x40]) + vector[1:]
        records.execute("UPDATE template SET vector = ? WHERE number = ?", (changed, row))
    records.close()

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", own_home)

    ended.refused(7, "search-not-verified")


def test_another_file_is_refused(command: Command, own_home: Path, probe: Path, portraits: Mapping[str, Path]) -> None:
    answer = kept(command, own_home, probe)

    ended = command("verify-search", answer["search_id"], "--probe", portraits["biden.jpg"], "--home", own_home)

    ended.refused(2, "probe-differs")


def test_an_answer_without_a_search_is_refused(command: Command, own_home: Path, probe: Path) -> None:
    answer = kept(command, own_home, probe)
    tamper(own_home, answer["search_id"], lambda answer: answer.update(certificate=None))

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", own_home)

    ended.refused(5, "search-not-certified")


def test_an_unknown_search_is_refused(command: Command, own_home: Path, probe: Path) -> None:
    ended = command("verify-search", "no-such-search", "--probe", probe, "--home", own_home)

    ended.refused(4, "search-unknown")
