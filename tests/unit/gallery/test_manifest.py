"""What a source's manifest says of its photographs, and what is refused of it."""

import json
from pathlib import Path

import pytest

from countenance.core.errors import CountenanceError
from countenance.gallery.manifest import read_manifest, with_provenance
from countenance.gallery.model import Provenance
from countenance.gallery.plan import PlannedPhotograph


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("m.csv", "path,original,licence,captured\na/1.jpg, Inv. 7 ,CC0-1.0,1987-04\n", id="csv"),
        pytest.param("m.csv", "\ufeffcaptured,path,licence,original\n1987-04,./a/1.jpg,CC0-1.0,Inv. 7\n", id="bom"),
        pytest.param(
            "m.jsonl",
            '{"path":"a/1.jpg","original":"Inv. 7","licence":"CC0-1.0","captured":"1987-04"}\n\n',
            id="json lines",
        ),
    ],
)
def test_what_it_says_is_taken_as_given(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")

    found = read_manifest(tmp_path / name)

    assert found == {"a/1.jpg": Provenance(original="Inv. 7", licence="CC0-1.0", captured="1987-04")}


HEAD = "path,original,licence,captured\n"
DEEP = "[" * 200_000


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        pytest.param("m.csv", b"original\nx\n", "manifest-malformed", id="no path column"),
        pytest.param("m.csv", b"path,url\na.jpg,x\n", "manifest-malformed", id="an unknown column"),
        pytest.param("m.csv", b"path,path\na.jpg,b.jpg\n", "manifest-malformed", id="a column twice"),
        pytest.param("m.csv", b"path,licence\na.jpg\n", "manifest-malformed", id="too few fields"),
        pytest.param("m.csv", b"path\na.jpg,b\n", "manifest-malformed", id="too many fields"),
        pytest.param("m.csv", b'path\n"a.jpg\n', "manifest-malformed", id="an open quote"),
        pytest.param("m.csv", b"path\n\xff.jpg\n", "manifest-malformed", id="no UTF-8"),
        pytest.param("m.csv", b"path\n/etc/passwd\n", "manifest-path-outside", id="absolute"),
        pytest.param("m.csv", b"path\n../a.jpg\n", "manifest-path-outside", id="parent"),
        pytest.param("m.csv", b"path\na/../../b.jpg\n", "manifest-path-outside", id="parent in the middle"),
        pytest.param("m.csv", b"path\n..\\a.jpg\n", "manifest-path-outside", id="backslash"),
        pytest.param("m.csv", b"path,licence\n,CC0\n", "manifest-path-outside", id="empty path"),
        pytest.param("m.csv", b"path\na.jpg\n./a.jpg\n", "manifest-path-twice", id="the same path twice"),
        pytest.param("m.csv", b"path,captured\na.jpg,1987-13\n", "manifest-malformed", id="no such month"),
        pytest.param("m.csv", b"path,captured\na.jpg,1987-02-30\n", "manifest-malformed", id="no such day"),
        pytest.param("m.csv", b"path,captured\na.jpg,summer\n", "manifest-malformed", id="no date"),
        pytest.param("m.csv", b"path,licence\na.jpg,\x1b[2J\n", "manifest-malformed", id="drives a terminal"),
        pytest.param("m.csv", HEAD.encode() + b"a.jpg," + b"x" * 1001 + b",,\n", "manifest-malformed", id="too long"),
        pytest.param("m.csv", b"path\n" + b"x" * 200_000 + b"\n", "manifest-malformed", id="a field without end"),
        pytest.param("m.jsonl", b"{\n", "manifest-malformed", id="half an object"),
        pytest.param("m.jsonl", b"[]\n", "manifest-malformed", id="a list"),
        pytest.param("m.jsonl", b'{"path":7}\n', "manifest-malformed", id="a number as path"),
        pytest.param("m.jsonl", b'{"path":"a","path":"b"}\n', "manifest-malformed", id="a name twice"),
        pytest.param("m.jsonl", DEEP.encode(), "manifest-malformed", id="nested without end"),
        pytest.param("m.jsonl", b'{"path":"a.jpg","licence":null}\n', "manifest-malformed", id="null"),
        pytest.param("m.jsonl", b'{"path":"a\\u0000.jpg"}\n', "manifest-malformed", id="a zero byte"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(CountenanceError) as caught:
        read_manifest(tmp_path / name)

    assert caught.value.code == code


def test_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(CountenanceError) as caught:
        read_manifest(tmp_path / "m.csv")

    assert caught.value.code == "manifest-not-found"


def test_a_huge_one_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "m.csv").open("wb") as file:
        file.truncate(257 * 1024 * 1024)

    with pytest.raises(CountenanceError) as caught:
        read_manifest(tmp_path / "m.csv")

    assert caught.value.code == "manifest-too-large"


def planned(tmp_path: Path, *names: str) -> tuple[PlannedPhotograph, ...]:
    return tuple(PlannedPhotograph(path=tmp_path / name, reference=name, label=None) for name in names)


def test_it_is_joined_by_path_and_may_leave_some_out(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text(json.dumps({"path": "b.jpg", "licence": "CC0"}), encoding="utf-8")

    first, second = with_provenance(planned(tmp_path, "a.jpg", "b.jpg"), tmp_path / "m.jsonl")

    assert (first.provenance, second.provenance) == (None, Provenance(licence="CC0"))


def test_a_photograph_that_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path\nc.jpg\n", encoding="utf-8")

    with pytest.raises(CountenanceError) as caught:
        with_provenance(planned(tmp_path, "a.jpg"), tmp_path / "m.csv")

    assert caught.value.code == "manifest-path-missing"
