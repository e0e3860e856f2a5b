"""`faces`: numbered, graded, drawn on a copy."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.integration.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("home")


def test_json_has_boxes_and_quality(command: Command, portraits: Mapping[str, Path]) -> None:
    answer = command("faces", portraits["biden.jpg"], "--json").json

    assert list(answer) == ["sha256", "media_type", "width", "height", "faces", "out"]
    [face] = answer["faces"]
    assert (face["face"], face["passes"], face["refusals"], face["warnings"]) == (1, True, [], [])
    assert face["quality"]["eye_distance"] > 24
    assert answer["out"] == "biden-faces.jpg"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("out.png", "PNG", id="png"),
        pytest.param("out.jpg", "JPEG", id="jpg"),
        pytest.param("out.JPEG", "JPEG", id="jpeg in capitals"),
    ],
)
def test_the_copy_is_of_the_kind_that_its_name_says(
    command: Command, portraits: Mapping[str, Path], name: str, kind: str
) -> None:
    ended = command("faces", portraits["biden.jpg"], "--out", name)

    assert ended.code == 0
    assert f"Numbered in {name}" in ended.out
    with Image.open(name) as copy, Image.open(portraits["biden.jpg"]) as original:
        assert (copy.format, copy.size) == (kind, original.size)


def test_only_the_boxes_and_numbers_are_drawn(command: Command, portraits: Mapping[str, Path]) -> None:
    [face] = command("faces", portraits["biden.jpg"], "--out", "out.png", "--json").json["faces"]

    changed = np.asarray(Image.open("out.png")) != np.asarray(Image.open(portraits["biden.jpg"]).convert("RGB"))
    places = np.argwhere(changed.any(axis=2))
    left, top, right, bottom = (round(side) for side in face["box"])
    (first_y, first_x), (last_y, last_x) = places.min(axis=0), places.max(axis=0)
    assert left - 20 <= first_x <= left
    assert right <= last_x <= right + 20
    assert bottom <= last_y <= bottom + 20
    assert top - (bottom - top) / 2 <= first_y < top
    assert not changed[top + 20 : bottom - 20, left + 20 : right - 20].any()


def test_no_face_writes_no_picture(command: Command, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (90, 120, 90)).save(tmp_path / "meadow.png")

    ended = command("faces", "meadow.png")
    answer = command("faces", "meadow.png", "--json").json

    assert "No face was found" in ended.out
    assert (answer["faces"], answer["out"]) == ([], None)
    assert [path.name for path in tmp_path.iterdir()] == ["meadow.png"]


def test_a_poor_face_is_listed_with_the_reason(command: Command, portraits: Mapping[str, Path]) -> None:
    Image.open(portraits["biden.jpg"]).point(lambda level: level // 10).save("night.png")

    [face] = command("faces", "night.png", "--json").json["faces"]
    listed = command("faces", "night.png", "--force").out

    assert not face["passes"]
    assert "too dark" in face["refusals"][0]
    assert "no: too dark" in listed


def test_a_file_that_is_there_stays(command: Command, portraits: Mapping[str, Path]) -> None:
    Path("out.png").write_bytes(b"mine")

    command("faces", portraits["biden.jpg"], "--out", "out.png").refused(5, "output-exists")

    assert Path("out.png").read_bytes() == b"mine"


def test_force_replaces_it(command: Command, portraits: Mapping[str, Path]) -> None:
    Path("out.png").write_bytes(b"mine")

    ended = command("faces", portraits["biden.jpg"], "--out", "out.png", "--force")

    assert ended.code == 0
    assert Path("out.png").read_bytes() != b"mine"


@pytest.mark.parametrize("link", [pytest.param(False, id="itself"), pytest.param(True, id="a link to it")])
def test_the_photograph_is_never_written_over(command: Command, portraits: Mapping[str, Path], link: bool) -> None:
    data = portraits["biden.jpg"].read_bytes()
    Path("probe.jpg").write_bytes(data)
    if link:
        Path("link.jpg").symlink_to("probe.jpg")

    ended = command("faces", "probe.jpg", "--out", "link.jpg" if link else "probe.jpg", "--force")

    ended.refused(2, "output-is-input")
    assert Path("probe.jpg").read_bytes() == data


@pytest.mark.parametrize(
    ("out", "exit_code", "code"),
    [
        pytest.param("out.gif", 2, "output-format-unknown", id="gif"),
        pytest.param("out", 2, "output-format-unknown", id="no extension"),
        pytest.param("none/out.png", 2, "output-invalid", id="no such folder"),
        pytest.param("/proc/out.png", 6, "output-unwritable", id="a folder that takes no files"),
    ],
)
def test_where_it_can_not_be_written_is_said(
    command: Command, portraits: Mapping[str, Path], out: str, exit_code: int, code: str
) -> None:
    command("faces", portraits["biden.jpg"], "--out", out).refused(exit_code, code)
