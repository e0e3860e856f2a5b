"""`models`: what is there, and installing more: whole or not at all."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from countenance.bootstrap.settings import load_settings
from tests import signed_up
from tests.integration.cli.conftest import Command
from tests.model_packs import make_pack


@pytest.fixture(autouse=True)
def new_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTENANCE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "home"


def test_the_default_pack_is_listed_and_in_use(command: Command) -> None:
    [pack] = command("models", "list", "--json").json["packs"]

    assert list(pack) == ["name", "digest", "dimension", "threshold", "built_in", "in_use"]
    assert (pack["name"], pack["dimension"], pack["built_in"], pack["in_use"]) == ("opencv-sface", 128, True, True)


def test_show_says_licence_and_provenance(command: Command) -> None:
    pack = command("models", "show", "--json").json

    for role in ("detector", "recogniser"):
        network = pack["networks"][role]
        assert network["licence"]
        assert "OpenCV Zoo" in network["provenance"]
        assert len(network["sha256"]) == 64
        assert Path(network["path"]).is_file()


def test_people_see_the_same(command: Command) -> None:
    shown = command("models", "show", "opencv-sface").out

    for words in ("Apache-2.0", "MIT", "dimension", "arcface-112"):
        assert words in shown


def test_the_default_pack_verifies(command: Command) -> None:
    verified = command("models", "verify", "--json").json["verified"]

    assert [pack["name"] for pack in verified] == ["opencv-sface"]


def test_an_installed_pack_enrols_and_searches(
    command: Command, portraits: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "photographs" / "C").mkdir(parents=True)
    (tmp_path / "photographs" / "C" / "obama.jpg").write_bytes(portraits["obama.jpg"].read_bytes())
    (tmp_path / "licence.txt").write_text("given", encoding="utf-8")
    monkeypatch.setenv("COUNTENANCE_WORKERS", "1")

    installed = command("models", "install", make_pack(tmp_path / "pack"), "--json").json
    monkeypatch.setenv("COUNTENANCE_MODEL_PACK", "arcface-like")
    command("init")
    signed_up.admitted_home(load_settings().home)
    command(
        "source", "register", "s", "--owner", "o", "--legal-basis", "licence", "--document", tmp_path / "licence.txt"
    )
    enrolled = command("enrol", "s", tmp_path / "photographs", "--json").json
    found = command("search", portraits["obama.jpg"], "--case", "c", "--purpose", "missing-person", "--json").json

    assert (installed["new"], installed["dimension"], installed["in_use"]) == (True, 512, False)
    assert enrolled["templates"] == 1
    assert found["gallery"]["pack"] == installed["digest"]
    assert found["threshold"] == 0.3
    assert found["candidates"][0]["score"] == pytest.approx(1, abs=1e-5)


def test_the_same_twice_is_there_already(command: Command, tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "pack")
    first = command("models", "install", pack, "--json").json

    second = command("models", "install", pack, "--json").json

    assert second == {**first, "new": False}
    assert len(command("models", "list", "--json").json["packs"]) == 2


def test_a_damaged_pack_is_put_in_order_by_installing_it_again(
    command: Command, tmp_path: Path, new_home: Path
) -> None:
    pack = make_pack(tmp_path / "pack")
    command("models", "install", pack)
    network = new_home / "models" / "arcface-like" / "networks" / "embed.onnx"
    network.write_bytes(network.read_bytes()[:-1])
    damaged = command("models", "verify", "arcface-like")

    again = command("models", "install", pack, "--json").json

    damaged.refused(7, "model-hash-mismatch")
    assert again["new"]
    assert command("models", "verify", "arcface-like").code == 0
    assert [path.name for path in (new_home / "models").iterdir()] == ["arcface-like"]


@pytest.mark.parametrize(
    ("made", "refusal"),
    [
        pytest.param({"seed": 1}, (5, "pack-exists"), id="another pack of the same name"),
        pytest.param({"name": "opencv-sface"}, (5, "pack-name-builtin"), id="a built-in pack's name"),
        pytest.param({"name": "other", "claimed": 256}, (7, "model-dimension-wrong"), id="another dimension"),
        pytest.param({"name": "../up"}, (2, "pack-manifest-invalid"), id="a name that is a path"),
        pytest.param({"name": "other", "licence": ""}, (2, "pack-manifest-invalid"), id="no licence"),
    ],
)
def test_what_can_not_be_used_is_not_installed(
    command: Command, tmp_path: Path, new_home: Path, made: dict[str, object], refusal: tuple[int, str]
) -> None:
    first = command("models", "install", make_pack(tmp_path / "first"), "--json").json

    ended = command("models", "install", make_pack(tmp_path / "second", **made))

    ended.refused(*refusal)
    [_, kept] = command("models", "list", "--json").json["packs"]
    assert kept["digest"] == first["digest"]
    assert [path.name for path in (new_home / "models").iterdir()] == ["arcface-like"]


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param(lambda file: file.write_bytes(file.read_bytes() + b"x"), (7, "model-hash-mismatch"), id="changed"),
        pytest.param(lambda file: file.unlink(), (4, "model-file-missing"), id="missing"),
        pytest.param(
            lambda file: (file.parent.parent / "manifest.toml").unlink(), (4, "pack-unknown"), id="no manifest"
        ),
    ],
)
def test_a_file_that_is_not_the_manifests_is_not_installed(
    command: Command, tmp_path: Path, new_home: Path, change: Callable[[Path], object], refusal: tuple[int, str]
) -> None:
    pack = make_pack(tmp_path / "pack")
    change(pack / "networks" / "embed.onnx")

    ended = command("models", "install", pack)

    ended.refused(*refusal)
    assert not (new_home / "models").exists() or list((new_home / "models").iterdir()) == []


def test_an_unknown_pack_is_not_found(command: Command) -> None:
    command("models", "show", "nobody").refused(4, "pack-unknown")


def test_a_broken_manifest_hinders_no_other_pack(command: Command, new_home: Path) -> None:
    command("init")
    (new_home / "models" / "broken").mkdir()
    (new_home / "models" / "broken" / "manifest.toml").write_text("name = ", encoding="utf-8")

    status, shown = command("status", "--json"), command("models", "show", "broken", "--json")

    assert status.code == 0
    assert (shown.code, shown.json["error"]["code"]) == (2, "pack-manifest-invalid")
