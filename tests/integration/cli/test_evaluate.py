"""`countenance evaluate` with the real models on the sample portraits, and on lfw-dev where that is present."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.protocols.lfw_dev import Row, protocol_rows
from countenance.vision.pack import builtin_packs
from tests.integration.cli.conftest import Command

PAIRS = (
    "2\t1\nmacron\t1\t2\nardern\t1\tobama\t1\nardern\t1\t2\nmacron\t1\tbiden\t1\n",
    {
        "macron/macron_0001.jpg": "person_a_1.jpg",
        "macron/macron_0002.jpg": "person_a_2.jpg",
        "ardern/ardern_0001.jpg": "person_b_1.jpg",
        "ardern/ardern_0002.jpg": "person_b_2.jpg",
        "obama/obama_0001.jpg": "obama.jpg",
        "biden/biden_0001.jpg": "biden.jpg",
    },
)
"""A list of pairs in two folds, and the portraits that it names."""

PROTOCOL = (
    "image,subject,role",
    "person_a_1.jpg,macron,gallery",
    "obama.jpg,obama,gallery",
    "obama2.jpg,obama,gallery",
    "person_a_2.jpg,macron,probe",
    "obama3.jpg,obama,probe",
    "blank.png,obama,probe",
    "biden.jpg,biden,probe",
    "person_b_1.jpg,ardern,probe",
)


@pytest.fixture
def images(portraits: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of portraits, under their own names and in LFW's layout, and a picture without a face; one worker."""
    monkeypatch.setenv("COUNTENANCE_WORKERS", "1")
    from PIL import Image  # noqa: PLC0415

    folder = tmp_path / "images"
    folder.mkdir()
    for name, path in portraits.items():
        shutil.copy(path, folder / name)
    for name, portrait in PAIRS[1].items():
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(portraits[portrait], folder / name)
    Image.new("RGB", (200, 200), (90, 90, 90)).save(folder / "blank.png")
    return folder


def test_verification_of_the_portraits(command: Command, images: Path, tmp_path: Path) -> None:
    table = tmp_path / "pairs.txt"
    table.write_text(PAIRS[0])

    ended = command(
        "evaluate", "verification", "--images", images, "--pairs", table, "--report", tmp_path / "out", "--json"
    )

    result = ended.json
    assert ended.code == 0
    assert result["accuracy"]["value"] == 1.0
    assert result["accuracy"]["folds"] == [1.0, 1.0]
    assert result["pairs"] == {"same": 2, "different": 2, "failed": 0}
    assert result["metrics"]["tar_at_far_0.01"]["value"] is None
    assert "at least 100 comparisons" in result["metrics"]["tar_at_far_0.01"]["undefined"]
    assert result["failures"] == []
    assert json.loads((tmp_path / "out" / "verification.json").read_text()) == result
    assert (tmp_path / "out" / "verification-det.svg").read_text().lstrip().startswith("<?xml")
    assert (tmp_path / "out" / "verification.html").read_text().count("<img") == 2


def test_identification_of_the_portraits(command: Command, images: Path, tmp_path: Path) -> None:
    table = tmp_path / "protocol.csv"
    table.write_text("\n".join(PROTOCOL) + "\n")

    ended = command(
        "evaluate", "identification", "--images", images, "--protocol", table, "--report", tmp_path / "out", "--json"
    )

    result = ended.json
    assert ended.code == 0
    assert result["N"] == 2
    assert result["gallery"] == {"subjects": 2, "enrolled": 2, "photographs": 3, "templates": 3}
    assert result["searches"] == {
        "mated": {"searches": 3, "subjects": 2},
        "non_mated": {"searches": 2, "subjects": 2},
    }
    assert result["metrics"]["rank_1"]["value"] == pytest.approx(2 / 3)
    assert result["metrics"]["fnir_at_fpir_0.003"]["value"] is None
    assert "at least 334 non-mated searches" in result["metrics"]["fnir_at_fpir_0.003"]["undefined"]
    assert result["failures_to_acquire"] == [{"image": "blank.png", "code": "no-face", "message": "no face was found"}]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "identification-cmc.svg",
        "identification-det.svg",
        "identification-scores.svg",
        "identification.html",
        "identification.json",
    ]


def test_groups_growth_and_another_pack_in_one_report(command: Command, images: Path, tmp_path: Path) -> None:
    table, groups, home = tmp_path / "protocol.csv", tmp_path / "groups.csv", tmp_path / "home"
    table.write_text("\n".join(PROTOCOL) + "\n")
    groups.write_text("subject,office\nmacron,president\nobama,president\nbiden,president\nardern,prime minister\n")
    single_crop(home)

    ended = command(
        *("evaluate", "identification", "--images", images, "--protocol", table, "--groups", groups),
        *("--grow-to", "20000", "--against", "single-crop", "--home", home, "--report", tmp_path / "out", "--json"),
    )

    result = ended.json
    page = (tmp_path / "out" / "identification.html").read_text()
    [presidents, prime_ministers] = result["groups"]["columns"]["office"]["with_gate"]
    assert (presidents["mated"], presidents["non_mated"], presidents["refused"]) == (3, 1, 1)
    assert (prime_ministers["mated"], prime_ministers["non_mated"]) == (0, 1)
    [of_presidents, _] = result["groups"]["columns"]["office"]["differences"]
    assert of_presidents["fpir"]["value"] == presidents["fpir"]["value"] - prime_ministers["fpir"]["value"]
    assert set(result["curves"]["det"]) == {"single-crop, cosine", "opencv-sface, cosine", "opencv-sface, normalised"}
    assert result["curves"]["cmc"]["rank"] == [1, 2]
    assert [(step["N"], step["made_up"]) for step in result["growth"]["steps"]] == [
        (2, 0),
        (1000, 998),
        (10000, 9998),
        (20000, 19998),
    ]
    assert [(one["first"], one["second"]) for one in result["comparisons"]] == [
        ("single-crop, cosine", "opencv-sface, cosine"),
        ("single-crop, cosine", "opencv-sface, normalised"),
        ("opencv-sface, cosine", "opencv-sface, normalised"),
    ]
    assert result["comparisons"][0]["metrics"]["rank_1"]["difference"]["value"] == 0.0
    assert (tmp_path / "out" / "identification-growth.svg").is_file()
    for text in ("opencv-sface", "single-crop", "prime minister", "made-up strangers", "no face was found"):
        assert text in page


def single_crop(home: Path) -> None:
    """Install the default pack without the mirrored crop."""
    [pack] = [pack for pack in builtin_packs() if pack.name == "opencv-sface"]
    manifest = (pack.folder / "manifest.toml").read_text().replace("mirror = true", "mirror = false")
    folder = home / "models" / "single-crop"
    folder.mkdir(parents=True)
    (folder / "manifest.toml").write_text(manifest.replace('"opencv-sface"', '"single-crop"'))


def test_it_is_readable_too_and_needs_no_gallery(command: Command, images: Path, tmp_path: Path) -> None:
    table = tmp_path / "protocol.csv"
    table.write_text("\n".join(PROTOCOL) + "\n")

    ended = command("evaluate", "identification", "--images", images, "--protocol", table, "--home", tmp_path / "none")

    assert ended.code == 0
    assert "N = 2 subjects; 3 mated searches of 2 people, 2 non-mated of 2" in ended.out
    assert "blank.png: no face was found [no-face]" in ended.out
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        pytest.param("A/1.jpg,A,gallery", "protocol-image-missing", id="no such photograph"),
        pytest.param("blank.png,A,gallery\nbiden.jpg,A,probe", "evaluation-nobody-enrolled", id="nobody enrolled"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    command: Command, images: Path, tmp_path: Path, rows: str, code: str
) -> None:
    table = tmp_path / "protocol.csv"
    table.write_text(f"image,subject,role\n{rows}\n")

    ended = command("evaluate", "identification", "--images", images, "--protocol", table)

    ended.refused(2, code)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        pytest.param(("--groups", "none.csv"), (4, "groups-not-found"), id="no table of groups"),
        pytest.param(("--against", "none"), (4, "pack-unknown"), id="no such pack"),
        pytest.param(("--grow-to", "20000000"), (2, "usage"), id="too many made-up people"),
        pytest.param(("--threshold", "2"), (2, "threshold-invalid"), id="a threshold that is no score"),
        pytest.param(("--threshold", "nan"), (2, "threshold-invalid"), id="a threshold that is no number"),
        pytest.param(("--groups", "strangers.csv"), (2, "groups-nobody-known"), id="groups of other people"),
    ],
)
def test_options_are_checked_before_any_photograph_is_read(
    command: Command, images: Path, tmp_path: Path, options: tuple[str, str], refusal: tuple[int, str]
) -> None:
    table = tmp_path / "protocol.csv"
    table.write_text("\n".join(PROTOCOL) + "\n")
    (images / "strangers.csv").write_text("subject,office\nA,president\n")
    options = tuple(str(images / "strangers.csv") if one == "strangers.csv" else one for one in options)

    ended = command("evaluate", "identification", "--images", images, "--protocol", table, *options)

    ended.refused(*refusal)


def test_a_report_that_cannot_be_written_is_refused_before_any_work(
    command: Command, images: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    ended = command(
        "evaluate", "identification", "--images", images, "--protocol", "none.csv", "--report", tmp_path / "file"
    )

    ended.refused(2, "output-invalid")


@pytest.mark.timeout(900)
def test_verification_on_lfw_dev(command: Command, lfw_dev: Path) -> None:
    ended = command("evaluate", "verification", "--images", lfw_dev, "--pairs", lfw_dev / "pairs.txt", "--json")

    result = ended.json
    assert result["pairs"]["same"] == result["pairs"]["different"] == 900
    assert result["accuracy"]["value"] >= 0.992
    assert result["metrics"]["tar_at_far_0.01"]["value"] >= 0.985
    assert {one["code"] for one in result["failures"]} <= {"face-refused"}


def test_the_protocol_on_lfw_dev_is_fixed(lfw_dev: Path) -> None:
    rows = list(protocol_rows(lfw_dev))

    mated = {row.subject for row in rows if row.role == "gallery"}
    probes = [row for row in rows if row.role == "probe"]
    assert len(rows) == len({row.image for row in rows}) == 2941
    assert all(isinstance(row, Row) and (lfw_dev / row.image).is_file() for row in rows)
    assert (len(mated), sum(row.subject in mated for row in probes), len(probes)) == (929, 694, 1822)
