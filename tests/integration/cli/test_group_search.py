"""`search-group`: everybody in one photograph, a search each."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image
from PIL.ImageFilter import GaussianBlur

from countenance.core.errors import NotPermittedError
from countenance.search.model import LEAD
from countenance.search.permission import SearchPermits
from tests.integration.cli.conftest import Command

ASKED = ("--case", "2026-114", "--purpose", "missing-person")
HEIGHT = 500
WIDTH = 400


@pytest.fixture
def group(portraits: Mapping[str, Path], tmp_path: Path) -> Path:
    """Three portraits side by side, and a fourth that is too blurred to be searched; two of them are enrolled."""
    people = Image.new("RGB", (3 * WIDTH + 160, HEIGHT))
    for at, name in enumerate(("obama3.jpg", "biden.jpg", "impostor_2.jpg")):
        people.paste(Image.open(portraits[name]).convert("RGB").resize((WIDTH, HEIGHT)), (WIDTH * at, 0))
    blurred = Image.open(portraits["person_a_1.jpg"]).convert("RGB").resize((160, 200)).filter(GaussianBlur(4))
    people.paste(blurred, (3 * WIDTH, 0))
    people.save(tmp_path / "group.png")
    return tmp_path / "group.png"


@pytest.mark.usefixtures("home")
class TestEverybody:
    def test_each_face_has_an_answer_of_its_own(self, command: Command, group: Path) -> None:
        ended = command("search-group", group, *ASKED, "--json")

        result = ended.json
        answers = result["answers"]
        firsts = [[found["subject"]["label"] for found in one["candidates"][:1]] for one in answers]
        assert ended.code == 0
        assert result["faces"] == 4
        assert [one["face"] for one in result["not_searched"]] == [4]
        assert result["not_searched"][0]["reasons"]
        assert sorted(firsts) == [[], ["C"], ["D"]]
        assert sorted(one["probe"]["used"] for one in answers) == [1, 2, 3]
        assert len({one["search_id"] for one in answers}) == 3
        assert len({one["receipt"]["proof"] for one in answers}) == 3

    def test_each_answer_is_that_of_a_search_for_the_face_alone(self, command: Command, group: Path) -> None:
        answers = command("search-group", group, *ASKED, "--threshold", "-1", "--json").json["answers"]

        for one in answers:
            face = str(one["probe"]["used"])
            alone = command("search", group, *ASKED, "--threshold", "-1", "--face", face, "--json").json
            for key in ("outcome", "message", "probe", "candidates", "certificate", "threshold", "scale"):
                assert one[key] == alone[key]

    def test_each_answer_can_be_verified(self, command: Command, group: Path) -> None:
        for one in command("search-group", group, *ASKED, "--json").json["answers"]:
            checked = command("verify-search", one["search_id"], "--probe", group, "--json")

            assert (checked.code, checked.json["holds"]) == (0, True)

    def test_people_see_a_line_a_face_and_a_report(self, command: Command, group: Path, tmp_path: Path) -> None:
        ended = command("search-group", group, *ASKED, "--report", tmp_path / "people.html")

        written = (tmp_path / "people.html").read_text(encoding="utf-8")
        assert ended.code == 0
        assert LEAD in ended.out
        assert ended.out.count("nobody") == 1
        assert all(f"group.png, face {number}" in written for number in (1, 2, 3))


@pytest.mark.usefixtures("home")
class TestOtherwise:
    def test_nobody_in_the_photograph_is_an_answer(self, command: Command, tmp_path: Path) -> None:
        Image.new("RGB", (320, 240), "grey").save(tmp_path / "wall.png")

        result = command("search-group", tmp_path / "wall.png", *ASKED, "--json").json

        [answer] = result["answers"]
        assert (result["faces"], result["not_searched"], result["error"]) == (0, [], None)
        assert (answer["outcome"], answer["candidates"]) == ("no-face", [])
        assert answer["receipt"]
        assert "No face was found" in command("search-group", tmp_path / "wall.png", *ASKED).out

    def test_faces_that_are_all_too_poor_are_one_answer(
        self, command: Command, portraits: Mapping[str, Path], tmp_path: Path
    ) -> None:
        blurred = Image.open(portraits["person_a_1.jpg"]).convert("RGB").resize((160, 200)).filter(GaussianBlur(4))
        blurred.save(tmp_path / "blurred.png")

        result = command("search-group", tmp_path / "blurred.png", *ASKED, "--json").json

        assert [answer["outcome"] for answer in result["answers"]] == ["face-refused"]
        assert [one["face"] for one in result["not_searched"]] == [1]

    def test_nobody_in_the_photograph_needs_a_case_as_well(self, command: Command, tmp_path: Path) -> None:
        Image.new("RGB", (320, 240), "grey").save(tmp_path / "wall.png")

        ended = command("search-group", tmp_path / "wall.png", "--case", "no-such-case", "--purpose", "missing-person")

        ended.refused(NotPermittedError.exit_code, "not-permitted")

    def test_a_refusal_in_the_middle_leaves_what_was_answered(
        self, command: Command, group: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        permit, asked = SearchPermits.permit, []

        def twice(*given: object) -> object:
            asked.append(given)
            if len(asked) > 2:
                raise NotPermittedError("enough for today", code="not-permitted")
            return permit(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(SearchPermits, "permit", twice)

        ended = command("search-group", group, *ASKED, "--json")

        result = json.loads(ended.out)
        assert ended.code == NotPermittedError.exit_code
        assert result["error"]["code"] == "not-permitted"
        assert [one["probe"]["used"] for one in result["answers"]] == [1, 2]
        for one in result["answers"]:
            assert command("verify-search", one["search_id"], "--probe", group, "--json").json["holds"] is True

    def test_a_case_that_is_not_open_answers_nobody(self, command: Command, group: Path) -> None:
        command("search-group", group, "--case", "no-such-case", "--purpose", "missing-person").refused(
            NotPermittedError.exit_code, "not-permitted"
        )

    def test_a_file_that_is_no_picture_is_refused(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "x.jpg").write_bytes(b"x" * 100)

        command("search-group", tmp_path / "x.jpg", *ASKED).refused(2, "image-unsupported-format")
