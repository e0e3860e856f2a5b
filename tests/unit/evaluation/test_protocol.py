from pathlib import Path

import pytest

from countenance.core.errors import CountenanceError
from countenance.evaluation.protocol import Role, read_protocol

HEAD = "image,subject,role\n"
GOOD = HEAD + "A/1.jpg,A,gallery\nA/2.jpg,A,probe\nB/1.jpg,B,probe\n"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of files that nobody looks into."""
    folder = tmp_path / "images"
    for name in ("A/1.jpg", "A/2.jpg", "B/1.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "link.jpg").symlink_to(folder / "A" / "1.jpg")
    (folder / "out.jpg").symlink_to(tmp_path / "outside.jpg")
    (tmp_path / "outside.jpg").touch()
    return folder


def test_rows_are_split_into_gallery_and_probes(tmp_path: Path, images: Path) -> None:
    table = tmp_path / "protocol.csv"
    table.write_text("\ufefffold,role,subject,image\n1,gallery,A,A/1.jpg\n2, probe ,B,B/1.jpg\n", encoding="utf-8")

    protocol = read_protocol(table, images)

    assert [row.reference for row in protocol.gallery] == ["A/1.jpg"]
    assert [(row.subject, row.role) for row in protocol.probes] == [("B", Role.PROBE)]
    assert protocol.files == {"A/1.jpg": images / "A/1.jpg", "B/1.jpg": images / "B/1.jpg"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("", "protocol-malformed", id="empty"),
        pytest.param("image,subject\nA/1.jpg,A\n", "protocol-malformed", id="no role column"),
        pytest.param(HEAD + "A/1.jpg,A\n", "protocol-malformed", id="a field too few"),
        pytest.param(HEAD + "A/1.jpg,A,probe,x\n", "protocol-malformed", id="a field too many"),
        pytest.param(HEAD + ",A,probe\n", "protocol-malformed", id="no image"),
        pytest.param(HEAD + "A/1.jpg, ,probe\n", "protocol-malformed", id="no subject"),
        pytest.param(HEAD + '"A/1.jpg"x,A,probe\n', "protocol-malformed", id="broken quotes"),
        pytest.param(HEAD + "A/1.jpg,A,mated\n", "protocol-role-unknown", id="another role"),
        pytest.param(HEAD + "../outside.jpg,A,probe\n", "protocol-path-outside", id="the folder above"),
        pytest.param(HEAD + "/etc/passwd,A,probe\n", "protocol-path-outside", id="an absolute path"),
        pytest.param(HEAD + "out.jpg,A,probe\n", "protocol-path-outside", id="a link that leads out"),
        pytest.param(HEAD + "A/3.jpg,A,probe\n", "protocol-image-missing", id="no such photograph"),
        pytest.param(HEAD + "A,A,probe\n", "protocol-image-missing", id="a folder"),
        pytest.param(HEAD + f"{'A' * 300},A,probe\n", "protocol-image-missing", id="a name too long for a file"),
        pytest.param(GOOD + "A/2.jpg,A,probe\n", "protocol-image-twice", id="the same row twice"),
        pytest.param(GOOD + "A/../A/2.jpg,A,probe\n", "protocol-image-twice", id="the same file by another path"),
        pytest.param(GOOD + "A/1.jpg,A,probe\n", "protocol-image-both-roles", id="in and out"),
        pytest.param(GOOD + "link.jpg,A,probe\n", "protocol-image-both-roles", id="in and out, by a link"),
        pytest.param(GOOD + "A/1.jpg,B,probe\n", "protocol-image-two-subjects", id="of two subjects"),
        pytest.param(HEAD, "protocol-no-gallery", id="no rows"),
        pytest.param(HEAD + "A/1.jpg,A,probe\n", "protocol-no-gallery", id="no gallery"),
        pytest.param(HEAD + "A/1.jpg,A,gallery\n", "protocol-no-probes", id="no probes"),
    ],
)
def test_a_bad_table_is_refused_with_its_code(tmp_path: Path, images: Path, text: str, code: str) -> None:
    table = tmp_path / "protocol.csv"
    table.write_text(text)

    with pytest.raises(CountenanceError) as refused:
        read_protocol(table, images)

    assert refused.value.code == code
    assert refused.value.hint


def test_a_table_or_folder_that_is_not_there_is_refused(tmp_path: Path, images: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")

    for table, folder, code in (
        (tmp_path / "none.csv", images, "protocol-not-found"),
        (tmp_path, images, "protocol-not-found"),
        (binary, images, "protocol-malformed"),
        (binary, tmp_path / "none", "folder-not-found"),
    ):
        with pytest.raises(CountenanceError) as refused:
            read_protocol(table, folder)

        assert refused.value.code == code
