"""`countenance calibrate` and `calibration show`, and what a search says by them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from countenance.search.calibration import FEWEST_SUBJECTS
from tests.integration.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("home")

ASKED = ("--case", "2026-114", "--purpose", "missing-person")


def test_a_small_gallery_has_the_model_packs_calibration(command: Command) -> None:
    shown = command("calibration", "show", "--json").json

    assert (shown["made_from"], shown["stale"]) == ("population", False)
    for check in shown["checks"]:
        assert check["counted"] == pytest.approx(check["expected"], rel=0.1, abs=3 * check["expected"] ** 0.5)


@pytest.mark.parametrize(
    ("name", "magic"), [pytest.param("c.svg", b"<?xml", id="svg"), pytest.param("c.png", b"\x89PNG", id="png")]
)
def test_the_reliability_plot_is_drawn_once(command: Command, name: str, magic: bytes) -> None:
    first = command("calibration", "show", "--plot", name)
    again = command("calibration", "show", "--plot", name)

    assert first.code == 0
    assert Path(name).read_bytes().startswith(magic)
    again.refused(5, "output-exists")


def test_a_plot_of_another_format_is_refused(command: Command) -> None:
    command("calibration", "show", "--plot", "c.pdf").refused(2, "output-format-unknown")


def test_a_gallery_that_is_too_small_is_not_calibrated(command: Command) -> None:
    ended = command("calibrate")

    ended.refused(5, "gallery-too-small-to-calibrate")
    assert f"{FEWEST_SUBJECTS:,}" in ended.err


def test_a_search_says_how_many_strangers_to_expect(command: Command, portraits: Mapping[str, Path]) -> None:
    answer = command("search", portraits["obama3.jpg"], *ASKED, "--json").json

    [candidate] = answer["candidates"]
    assert candidate["strangers"]["known"] in {"estimated", "fewer-than"}
    assert candidate["strangers"]["expected"] < 0.01
    assert answer["scale"]["people"] == answer["gallery"]["templates"]
    assert candidate["strangers"]["words"].endswith(f"among {answer['gallery']['subjects']} would look this similar")
    assert candidate["normalised"] == candidate["score"] - answer["scale"]["offset"]


def test_the_threshold_follows_from_the_fpir(command: Command, portraits: Mapping[str, Path]) -> None:
    strict, loose = (
        command("search", portraits["obama3.jpg"], *ASKED, "--fpir", fpir, "--json").json for fpir in ("0.001", "0.5")
    )

    assert strict["scale"]["fpir"] == 0.001
    assert strict["threshold"] > loose["threshold"]


def test_a_threshold_and_an_fpir_are_too_much(command: Command, portraits: Mapping[str, Path]) -> None:
    ended = command("search", portraits["obama3.jpg"], *ASKED, "--fpir", "0.01", "--threshold", "0.4")

    ended.refused(2, "fpir-invalid")
