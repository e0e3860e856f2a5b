"""`bench search`, over the real engines."""

import json
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Command

SMALL = ("bench", "search", "--templates", "2000", "--probes", "10")
BASELINES = ("faiss-flat", "faiss-hnsw", "usearch", "pgvector", "pgvector-hnsw")
COMPLETE = {"exact", "faiss-flat", "pgvector"}
KEPT = ("faiss-hnsw", "usearch", "pgvector-hnsw")
FEW = ("bench", "search", "--templates", "300", "--probes", "10")


@pytest.fixture(autouse=True)
def no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_engines_are_measured_side_by_side_over_the_same_gallery(command: Command, no_home: Path) -> None:
    engines = ("exact", *BASELINES)

    result = command(*SMALL, *(word for name in engines for word in ("--engine", name)), "--json").json

    assert (result["templates"], result["dim"], result["probes"], result["limit"]) == (2000, 128, 10, 50)
    assert [one["engine"] for one in result["engines"]] == list(engines)
    for one in result["engines"]:
        assert 0 < one["p50_ms"] <= one["p95_ms"] <= one["p99_ms"]
        assert len(one["search_ns"]) == 10
    assert all(one["same_list"] == 10 for one in result["engines"] if one["engine"] in COMPLETE)
    assert all(one["resident_bytes"] > 2000 * 512 for one in result["engines"] if one["engine"].startswith("pgvector"))
    assert not no_home.exists()


def test_what_took_long_to_build_is_searched_again_without_building_it(command: Command, tmp_path: Path) -> None:
    engines = tuple(word for name in ("exact", *KEPT) for word in ("--engine", name))
    words = (*FEW, *engines, "--graphs", str(tmp_path / "graphs"), "--json")

    first, again = command(*words).json["engines"], command(*words).json["engines"]

    assert [one["build"]["kept"] for one in first] == [False] * 4
    assert [one["build"]["kept"] for one in again] == [False] + [True] * 3
    for built, kept in zip(first[1:], again[1:], strict=True):
        assert kept["build_seconds"] == built["build_seconds"]
        assert (kept["same_top"], kept["same_list"]) == (built["same_top"], built["same_list"])


def test_what_was_built_over_another_gallery_is_not_searched(command: Command, tmp_path: Path) -> None:
    words = (*FEW, "--engine", "faiss-hnsw", "--graphs", str(tmp_path / "graphs"), "--json")

    command(*words)
    [other] = command(*words, "--seed", "1").json["engines"]

    assert other["build"]["kept"] is False
    assert other["same_top"] == 10


def test_a_graph_built_more_narrowly_loses_more_and_is_kept_apart(command: Command, tmp_path: Path) -> None:
    graphs = ("--graphs", str(tmp_path / "graphs"), "--json")
    words = (*SMALL, "--engine", "faiss-hnsw", "--engine", "usearch", *graphs)

    own = command(*words).json
    narrow = command(*words, "--build-breadth", "1").json

    assert (own["build_breadth"], narrow["build_breadth"]) == (None, 1)
    assert all(one["build"]["kept"] is False for one in narrow["engines"])
    for broad, thin in zip(own["engines"], narrow["engines"], strict=True):
        assert thin["same_top"] < broad["same_top"]


def test_a_folder_that_can_not_keep_graphs_is_refused(command: Command) -> None:
    ended = command(*SMALL, "--engine", "faiss-hnsw", "--graphs", "/proc/none")

    assert ended.code == 6
    assert "[scratch-unavailable]" in ended.err


def test_any_dimension_has_a_population(command: Command) -> None:
    result = command(*SMALL, "--engine", "faiss-flat", "--dim", "512", "--json").json

    assert result["engines"][0]["same_top"] == 10


def test_the_file_holds_the_same_object_and_is_not_replaced_unasked(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "result.json"

    first = command(*SMALL, "--engine", "exact", "--out", str(out), "--json").json
    written = json.loads(out.read_text())
    again = command(*SMALL, "--engine", "exact", "--out", str(out))

    assert written == first
    assert again.code == 5
    assert "[output-exists]" in again.err
    assert json.loads(out.read_text()) == first


def test_people_see_a_line_an_engine(command: Command) -> None:
    shown = command(*SMALL, "--engine", "exact", "--engine", "faiss-flat").out

    lines = [line.split() for line in shown.splitlines()]
    assert [line[0] for line in lines if line and line[0] in {"exact", "faiss-flat"}] == ["exact", "faiss-flat"]
    assert all(line[-3:-1] == ["10", "10"] for line in lines if line and line[0] in {"exact", "faiss-flat"})
    assert "2,000 templates of 128 columns" in shown


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("--dim", "1"), "dim-invalid", id="a dimension without an angle"),
        pytest.param(("--dim", "2049"), "dim-invalid", id="more columns than the exact engine takes"),
        pytest.param(("--templates", "10"), "templates-invalid", id="fewer than the list is long"),
        pytest.param(("--probes", "0"), "probes-invalid", id="no probe"),
        pytest.param(("--seed", "-1"), "seed-invalid", id="a seed below zero"),
        pytest.param(("--out", "/no/such/folder/x.json"), "output-invalid", id="nowhere to write"),
        pytest.param(("--build-breadth", "0"), "usage", id="no breadth"),
        pytest.param(("--engine", "annoy"), "usage", id="an unknown engine"),
    ],
)
def test_bad_input_is_refused(command: Command, words: tuple[str, ...], code: str) -> None:
    ended = command(*SMALL, "--engine", "exact", *words)

    assert ended.code == 2
    assert f"[{code}]" in ended.err
