"""`init`, `source`, `enrol`, `subjects`, `status`: what each prints, and how each refuses."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import signed_up
from tests.integration.cli.conftest import PEOPLE, SOURCE, Command

SOURCE_KEYS = [
    "source_id",
    "name",
    "owner",
    "legal_basis",
    "document_sha256",
    "state",
    "keeper",
    "registered_at",
    "contact",
    "sectors",
    "purposes",
    "excluded",
    "releases_required",
    "retention",
    "images",
    "subjects",
    "templates",
]


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> Path:
    """A gallery with one source and nobody in it."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTENANCE_WORKERS", "1")
    (tmp_path / "licence.txt").write_text("given", encoding="utf-8")
    command("init")
    signed_up.admitted_home(tmp_path / "home")
    register(command, SOURCE)
    return tmp_path / "home"


def register(command: Command, name: str) -> None:
    document = Path("licence.txt")
    command("source", "register", name, "--owner", "City", "--legal-basis", "contract", "--document", document)


class TestInit:
    def test_the_commands_that_it_prints_can_be_run(
        self, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
        (tmp_path / "FILE").write_bytes(b"a charter")
        shown = command("init").out
        given = {"SECTOR": "government", "CODE": "NL"}

        printed = re.findall(r"countenance (.+)", shown)
        ended = [command(*(given.get(word, word) for word in words.split())) for words in printed]

        assert [words.split()[:2] for words in printed] == [["user", "invite"], ["org", "apply"]]
        assert [(one.code, one.err) for one in ended] == [(0, "")] * 2

    def test_it_makes_a_home_that_only_its_owner_reads(self, command: Command, tmp_path: Path) -> None:
        made = command("init", "--home", tmp_path / "home", "--json").json

        keys = {name: Path(made.pop(name)) for name in ("key_file", "keyring")}
        assert made.pop("key") == f"file {keys['key_file']}"
        assert made.pop("kek").startswith("file:")
        operators = ["operator-1", "operator-2"]
        assert made == {"home": str(tmp_path / "home"), "new": True, "operators": operators}
        assert all(path.is_file() and path.stat().st_mode & 0o077 == 0 for path in keys.values())
        assert (tmp_path / "home").stat().st_mode & 0o077 == 0

    def test_again_it_changes_nothing(self, command: Command, tmp_path: Path) -> None:
        command("init", "--home", tmp_path / "home")
        people = command("user", "list", "--home", tmp_path / "home", "--as", "operator-1", "--json").json

        again = command("init", "--home", tmp_path / "home", "--json").json

        assert not again["new"]
        still = command("user", "list", "--home", tmp_path / "home", "--as", "operator-1", "--json").json
        assert still == people

    def test_a_place_that_takes_nothing_is_said(self, command: Command) -> None:
        command("init", "--home", "/proc/home").refused(6, "home-unwritable")

    def test_a_place_whose_name_is_too_long_is_said(self, command: Command, tmp_path: Path) -> None:
        home = tmp_path / ("a" * 300)

        command("init", "--home", home).refused(6, "home-unwritable")
        command("status", "--home", home).refused(6, "home-unreadable")

    def test_a_file_in_the_homes_place_is_said(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "home").write_text("", encoding="utf-8")

        command("init", "--home", tmp_path / "home").refused(2, "usage")


@pytest.mark.usefixtures("empty_home")
class TestSource:
    def test_register_list_and_show_agree(self, command: Command) -> None:
        [listed] = command("source", "list", "--json").json["sources"]
        shown = command("source", "show", SOURCE, "--json").json

        assert list(shown) == [*SOURCE_KEYS, "history"]
        [registered] = shown.pop("history")
        assert listed == shown
        assert (registered["before"], registered["after"]) == (None, "active")
        assert (shown["owner"], shown["legal_basis"], shown["state"]) == ("City", "contract", "active")

    def test_markup_in_an_owners_name_is_text(self, command: Command) -> None:
        by = ("--legal-basis", "contract", "--document", "licence.txt")
        command("source", "register", "other", "--owner", "[/x] :smile: [bold]", *by)

        listed = command("source", "list")

        assert listed.code == 0
        assert "[/x] :smile: [bold]" in listed.out

    @pytest.mark.parametrize(
        ("arguments", "refusal"),
        [
            pytest.param((SOURCE, "--owner", "o"), (5, "source-exists"), id="a name that is taken"),
            pytest.param(("Über", "--owner", "o"), (2, "source-name-invalid"), id="a name with capitals"),
            pytest.param(("new", "--owner", " "), (2, "source-owner-invalid"), id="no owner"),
        ],
    )
    def test_what_can_not_be_registered(
        self, command: Command, arguments: tuple[str, ...], refusal: tuple[int, str]
    ) -> None:
        by = ("--legal-basis", "contract", "--document", "licence.txt")

        command("source", "register", *arguments, *by).refused(*refusal)

        assert len(command("source", "list", "--json").json["sources"]) == 1

    @pytest.mark.parametrize(
        ("document", "basis", "refusal"),
        [
            pytest.param("nowhere", "contract", (4, "document-unreadable"), id="no document"),
            pytest.param(".", "contract", (4, "document-unreadable"), id="a folder for a document"),
            pytest.param("empty.txt", "contract", (2, "source-document-empty"), id="an empty document"),
            pytest.param("licence.txt", "rumour", (2, "usage"), id="no legal basis"),
        ],
    )
    def test_what_it_rests_on_must_be_there(
        self, command: Command, document: str, basis: str, refusal: tuple[int, str]
    ) -> None:
        Path("empty.txt").touch()
        by = ("--owner", "o", "--legal-basis", basis, "--document", document)

        command("source", "register", "new", *by).refused(*refusal)

    def test_an_unknown_one_is_not_found(self, command: Command) -> None:
        command("source", "show", "nobody").refused(4, "source-unknown")


class TestEnrol:
    def test_a_folder_a_person(self, command: Command, empty_home: Path, photographs: Path) -> None:
        report = command("enrol", SOURCE, photographs, "--json").json

        assert empty_home.is_dir()
        assert list(report) == [
            "source",
            "photographs",
            "enrolled",
            "templates",
            "stay_out",
            "already",
            "not_enrolled",
            "seconds",
        ]
        assert (report["photographs"], report["enrolled"], report["templates"]) == (5, 5, 5)

    def test_again_it_doubles_nothing(self, command: Command, empty_home: Path, photographs: Path) -> None:
        command("enrol", SOURCE, photographs)

        again = command("enrol", SOURCE, photographs)

        assert empty_home.is_dir()
        assert "0 enrolled with 0 templates, 5 on record already" in again.out
        assert command("status", "--json").json["gallery"]["templates"] == 5

    def test_a_table_says_who(self, command: Command, empty_home: Path, photographs: Path) -> None:
        Path("people.csv").write_text("path,subject\nA/person_a_1.jpg,Zoë\n", encoding="utf-8")

        report = command("enrol", SOURCE, photographs, "people.csv", "--subjects", "csv", "--json").json

        assert empty_home.is_dir()
        assert report["enrolled"] == 1
        assert [one["label"] for one in command("subjects", "list", "--json").json["subjects"]] == ["Zoë"]

    def test_nobody_is_named(self, command: Command, empty_home: Path, photographs: Path) -> None:
        command("enrol", SOURCE, photographs / "C", "--subjects", "none")

        subjects = command("subjects", "list", "--json").json["subjects"]
        assert empty_home.is_dir()
        assert [one["label"] for one in subjects] == [None, None]

    def test_what_is_no_picture_is_reported_and_the_rest_enrolled(
        self, command: Command, empty_home: Path, portraits: Mapping[str, Path], tmp_path: Path
    ) -> None:
        folder = tmp_path / "photographs" / "A [bold]"
        folder.mkdir(parents=True)
        (folder / "text.jpg").write_text("no picture", encoding="utf-8")
        (folder / "a.jpg").write_bytes(portraits["person_a_1.jpg"].read_bytes())

        ended = command("enrol", SOURCE, folder.parent)

        assert empty_home.is_dir()
        assert ended.code == 0
        assert "1 enrolled with 1 templates" in ended.out
        assert "A [bold]/text.jpg: " in ended.out
        assert "[image-unsupported-format]" in ended.out

    @pytest.mark.usefixtures("empty_home")
    @pytest.mark.parametrize(
        ("arguments", "refusal"),
        [
            pytest.param((SOURCE, "nowhere"), (4, "folder-not-found"), id="no such folder"),
            pytest.param((SOURCE, "licence.txt"), (4, "folder-not-found"), id="a file for a folder"),
            pytest.param((SOURCE, "empty"), (2, "nothing-to-enrol"), id="an empty folder"),
            pytest.param((SOURCE, "flat"), (2, "subject-missing"), id="photographs in no person's folder"),
            pytest.param((SOURCE, "."), (2, "folder-overlaps-home"), id="the home in the photographs"),
            pytest.param((SOURCE, "home/objects"), (2, "folder-overlaps-home"), id="the photographs in the home"),
            pytest.param(("nobody", "flat"), (4, "source-unknown"), id="an unknown source"),
            pytest.param((SOURCE, "flat", "--subjects", "csv"), (2, "table-malformed"), id="csv without a table"),
            pytest.param((SOURCE, "flat", "no.csv", "--subjects", "csv"), (4, "table-not-found"), id="no such table"),
            pytest.param((SOURCE, "flat", "--subjects", "some"), (2, "usage"), id="an unknown way"),
        ],
    )
    def test_what_can_not_be_enrolled(
        self, command: Command, arguments: tuple[str, ...], refusal: tuple[int, str]
    ) -> None:
        Path("empty").mkdir()
        Path("flat").mkdir()
        Path("flat/a.jpg").write_bytes(b"x")

        command("enrol", *arguments).refused(*refusal)

        assert command("status", "--json").json["gallery"]["images"] == 0

    @pytest.mark.usefixtures("empty_home")
    def test_a_folder_that_can_not_be_read_enrols_nobody(
        self, command: Command, portraits: Mapping[str, Path], tmp_path: Path
    ) -> None:
        (tmp_path / "photographs" / "A").mkdir(parents=True)
        (tmp_path / "photographs" / "A" / "a.jpg").write_bytes(portraits["person_a_1.jpg"].read_bytes())
        nest(tmp_path / "photographs" / "A", depth=20)

        command("enrol", SOURCE, "photographs").refused(2, "folder-unreadable")

        assert command("status", "--json").json["gallery"]["images"] == 0


def nest(folder: Path, *, depth: int) -> None:
    """Make folders in folders, further down than a path can reach: not even root can list the last ones."""
    here = os.open(folder, os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_DIRECTORY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


@pytest.mark.usefixtures("home")
class TestSubjects:
    def test_all_are_listed(self, command: Command) -> None:
        subjects = command("subjects", "list", "--source", SOURCE, "--json").json["subjects"]

        assert [list(one) for one in subjects] == [["subject_id", "source", "label", "templates"]] * 4
        assert {one["label"]: one["templates"] for one in subjects} == {
            name: len(photographs) for name, photographs in PEOPLE.items()
        }

    def test_page_by_page(self, command: Command) -> None:
        pages = [
            command("subjects", "list", "--limit", "3", "--offset", str(offset), "--json").json["subjects"]
            for offset in (0, 3, 6)
        ]

        assert [len(page) for page in pages] == [3, 1, 0]
        assert len({one["subject_id"] for page in pages for one in page}) == 4

    def test_one_is_shown_with_all_faces(self, command: Command) -> None:
        [wanted] = [one for one in command("subjects", "list", "--json").json["subjects"] if one["label"] == "C"]

        shown = command("subjects", "show", wanted["subject_id"], "--json").json
        listed = command("subjects", "show", wanted["subject_id"])

        assert [face["reference"] for face in shown["faces"]] == ["C/obama.jpg", "C/obama2.jpg"]
        assert "C/obama2.jpg" in listed.out

    def test_an_unknown_one_is_not_found(self, command: Command) -> None:
        command("subjects", "show", "nobody").refused(4, "subject-unknown")

    def test_of_an_unknown_source_is_not_found(self, command: Command) -> None:
        command("subjects", "list", "--source", "nobody").refused(4, "source-unknown")


def test_status_counts(command: Command, home: Path) -> None:
    status = command("status", "--json").json

    assert status["home"] == str(home)
    assert status["model_pack"]["in_use"]
    assert status["gallery"]["snapshot"] > 0
    assert {name: status["gallery"][name] for name in ("sources", "subjects", "images", "templates")} == {
        "sources": 1,
        "subjects": 4,
        "images": 5,
        "templates": 5,
    }


@pytest.mark.parametrize("columns", [pytest.param("80", id="80"), pytest.param("120", id="120")])
def test_tables_lose_nothing_on_a_narrow_terminal(
    command: Command, home: Path, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)

    printed = [command(*words).out for words in (("source", "list"), ("subjects", "list"), ("models", "list"))]

    assert home.is_dir()
    assert max(len(line) for text in printed for line in text.splitlines()) <= int(columns)
    assert not any("…" in text for text in printed)
