"""What moving from another system refuses, each row and file by its code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countenance.core.errors import InvalidInputError
from countenance.gallery.compreface import compreface_photographs
from countenance.gallery.embeddings_table import table_photographs
from countenance.gallery.enrolment import NotEnrolled
from countenance.gallery.migration import Rehearsal, rehearse
from countenance.gallery.plan import PlannedPhotograph


def rehearsed(planned: Iterator[PlannedPhotograph | NotEnrolled]) -> Rehearsal:
    """Count what would be done."""
    return rehearse("archive", planned, on_progress=lambda _: None)


def refusals(found: Rehearsal) -> list[tuple[str, str]]:
    """Return what was refused, and why."""
    return [(one.reference, one.code) for one in found.not_enrolled]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        pytest.param('A,A/person_a_1.jpg,"1,NaN,2"', "embedding-not-finite", id="NaN"),
        pytest.param("A,A/person_a_1.jpg,1;2;-Infinity", "embedding-not-finite", id="infinity"),
        pytest.param('A,A/person_a_1.jpg,"[1, 2, 1e999]"', "embedding-not-finite", id="too large a number"),
        pytest.param("A,A/person_a_1.jpg,1 2", "embedding-of-another-length", id="another network"),
        pytest.param("A,A/person_a_1.jpg,one", "embedding-malformed", id="words"),
        pytest.param('A,A/person_a_1.jpg,"[[1], 2, 3]"', "embedding-malformed", id="a list in a list"),
        pytest.param("A,A/person_a_1.jpg," + "[" * 9000, "embedding-malformed", id="nested deep"),
        pytest.param("A,,1 2 3", "photograph-missing", id="no photograph"),
        pytest.param("A,A/nobody.jpg,1 2 3", "photograph-missing", id="a photograph that is not there"),
        pytest.param("A,A,1 2 3", "photograph-missing", id="a folder"),
        pytest.param(f"A,{'x' * 400}.jpg,1 2 3", "photograph-missing", id="a name that no disk takes"),
        pytest.param(",A/person_a_1.jpg,1 2 3", "subject-missing", id="nobody"),
        pytest.param("=HYPERLINK(1),A/person_a_1.jpg,1 2 3", "label-formula", id="a formula"),
        pytest.param("@SUM(1),A/person_a_1.jpg,1 2 3", "label-formula", id="another formula"),
        pytest.param("A\0B,A/person_a_1.jpg,1 2 3", "label-invalid", id="NUL in a name"),
        pytest.param("A,A/a\0.jpg,1 2 3", "reference-invalid", id="NUL in a path"),
        pytest.param("A,../d.txt,1 2 3", "member-outside", id="a way out"),
        pytest.param("A,A/../../d.txt,1 2 3", "member-outside", id="a longer way out"),
        pytest.param("A,/etc/passwd,1 2 3", "member-outside", id="a path from the root"),
        pytest.param("A,C:\\a.jpg,1 2 3", "member-outside", id="a drive"),
        pytest.param("A,http://example.org/a.jpg,1 2 3", "member-outside", id="http"),
        pytest.param("A,https://example.org/a.jpg,1 2 3", "member-outside", id="https"),
        pytest.param("A,//example.org/a.jpg,1 2 3", "member-outside", id="no scheme"),
        pytest.param("A,file:///etc/passwd,1 2 3", "member-outside", id="file"),
        pytest.param("A,link.jpg,1 2 3", "member-link", id="a link"),
        pytest.param("A,linked/person_b_1.jpg,1 2 3", "member-link", id="a linked folder"),
        pytest.param("A,B/person_b_1.jpg,1 2 3", "row-twice", id="a photograph of two people"),
    ],
)
def test_a_bad_row_is_named_and_the_others_go_on(tmp_path: Path, row: str, code: str) -> None:
    folder = tmp_path / "given"
    for name in ("A/person_a_1.jpg", "B/person_b_1.jpg", "D/biden.jpg"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"x")
    (folder / "link.jpg").symlink_to("B/person_b_1.jpg")
    (folder / "linked").symlink_to("B")
    rows = ("subject,path,embedding", "B,B/person_b_1.jpg,1 2 3", row, "D,D/biden.jpg,4 5 6")
    (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8", newline="")

    found = rehearsed(table_photographs(tmp_path / "t.csv", folder, home=tmp_path / "home"))

    assert (found.photographs, refusals(found)) == (2, [("line 3", code)])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"subject,embedding\nA,1\n", id="embeddings alone"),
        pytest.param(b"subject,path,path\nA,a,b\n", id="a column twice"),
        pytest.param(b"subject,path\nA,a,b\n", id="a field too many"),
        pytest.param(b"subject,path\nA\n", id="a field too few"),
        pytest.param(b"subject,path\n\xff\xfe,a\n", id="not UTF-8"),
        pytest.param(b"subject,path\nA," + b"x" * 200_000 + b"\n", id="a huge cell"),
        pytest.param(b'subject,path\nA,"open', id="an open quote"),
    ],
)
def test_a_table_that_cant_be_read_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    (tmp_path / "given").mkdir()

    with pytest.raises(InvalidInputError) as caught:
        rehearsed(table_photographs(tmp_path / "t.csv", tmp_path / "given", home=tmp_path / "home"))

    assert caught.value.code == "migration-malformed"


def test_the_homes_own_folder_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as caught:
        rehearsed(table_photographs(tmp_path / "t.csv", tmp_path, home=tmp_path / "home"))

    assert caught.value.code == "folder-overlaps-home"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param("", "migration-malformed", id="empty"),
        pytest.param("PGDMP\1\2", "migration-malformed", id="pg_dump's own format"),
        pytest.param("{SUBJECT}", "migration-malformed", id="no photographs' tables"),
        pytest.param(
            "{BOTH}COPY public.img (id, name) FROM stdin;\ni\tx\n\\.\n", "migration-malformed", id="other columns"
        ),
        pytest.param("{BOTH}{IMAGES}i\n\\.\n", "migration-malformed", id="a column too few"),
        pytest.param("{BOTH}{IMAGES}i\t\\\\xff", "migration-malformed", id="cut off in a row"),
        pytest.param("{BOTH}{IMAGES}i\t\\\\xff\n", "migration-malformed", id="cut off between rows"),
        pytest.param(
            "COPY public.subject (id, api_key, subject_name) FROM stdin;\n\\.\n",
            "migration-collection-unclear",
            id="nobody",
        ),
    ],
)
def test_a_dump_that_cant_be_read_is_one_line(tmp_path: Path, content: str, code: str) -> None:
    (tmp_path / "d.sql").write_text(filled(content), encoding="ascii")

    with pytest.raises(InvalidInputError) as caught:
        rehearsed(compreface_photographs(tmp_path / "d.sql", max_bytes=2000))

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("image", "code"),
    [
        pytest.param("\\\\xfff", "photograph-malformed", id="half a byte"),
        pytest.param("\\\\xzz", "photograph-malformed", id="no hex"),
        pytest.param("\\\\377\\\\330", "photograph-malformed", id="PostgreSQL's old way"),
        pytest.param("\\N", "photograph-malformed", id="NULL"),
        pytest.param("\\\\x" + "00" * 3000, "member-too-large", id="too large"),
    ],
)
def test_a_bad_row_of_a_dump_is_named(tmp_path: Path, image: str, code: str) -> None:
    written = filled("{BOTH}{IMAGES}") + f"i\t{image}\n\\.\n"
    (tmp_path / "d.sql").write_text(written, encoding="ascii")

    found = rehearsed(compreface_photographs(tmp_path / "d.sql", max_bytes=2000))

    assert (found.photographs, refusals(found)) == (0, [("i", code)])


def filled(content: str) -> str:
    """Put the tables in front that are as they should be."""
    subject = "COPY public.subject (id, api_key, subject_name) FROM stdin;\ns\tkey\tA\n\\.\n"
    embedding = (
        "COPY public.embedding (id, subject_id, embedding, calculator, img_id) FROM stdin;\ne\ts\t{1}\tf\ti\n\\.\n"
    )
    images = "COPY public.img (id, content) FROM stdin;\n"
    for name, text_ in {"BOTH": subject + embedding, "SUBJECT": subject, "IMAGES": images}.items():
        content = content.replace(f"{{{name}}}", text_)
    return content
