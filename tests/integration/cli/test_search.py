"""`search`: candidates, and the answers that are none."""

import html
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.search.model import LEAD
from tests import signed_up
from tests.integration.cli.conftest import Command

ASKED = ("--case", "2026-114", "--purpose", "missing-person")


@pytest.fixture(scope="module")
def searcher(filled_home: Path) -> str:
    """Somebody whose searches of a day are counted for these tests alone."""
    with open_gallery(Settings(home=filled_home)) as gallery:
        return signed_up.admitted(gallery, "searcher").user_id


@pytest.fixture(autouse=True)
def _searching(searcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Search as them."""
    assert searcher
    monkeypatch.setenv("COUNTENANCE_USER", "searcher")


@pytest.fixture
def two_people(portraits: Mapping[str, Path], tmp_path: Path) -> Path:
    """Two portraits side by side."""
    pictures = [Image.open(portraits[name]).convert("RGB").resize((400, 500)) for name in ("obama3.jpg", "biden.jpg")]
    group = Image.new("RGB", (800, 500))
    for at, picture in enumerate(pictures):
        group.paste(picture, (400 * at, 0))
    group.save(tmp_path / "two.png")
    return tmp_path / "two.png"


@pytest.mark.usefixtures("home")
class TestJson:
    def test_a_mate_is_the_first_candidate(self, command: Command, portraits: Mapping[str, Path]) -> None:
        ended = command("search", portraits["obama3.jpg"], *ASKED, "--json")

        answer = ended.json
        assert ended.code == 0
        assert list(answer) == [
            "search_id",
            "searched_at",
            "case",
            "purpose",
            "offence",
            "kind",
            "outcome",
            "message",
            "probe",
            "further",
            "gallery",
            "threshold",
            "limit",
            "candidates",
            "certificate",
            "scale",
            "seconds",
            "approve_by",
            "lead",
            "marks",
            "receipt",
        ]
        assert (answer["outcome"], answer["case"], answer["purpose"]) == ("searched", "2026-114", "missing-person")
        assert answer["gallery"]["subjects"] == 4
        assert answer["gallery"]["templates"] == 5
        [candidate] = answer["candidates"]
        assert candidate["rank"] == 1
        assert candidate["subject"]["label"] == "C"
        assert candidate["source"] == "portraits"
        assert candidate["image"]["reference"] == "C/obama.jpg"
        assert candidate["score"] >= answer["threshold"]

    def test_limit_and_threshold_are_kept(self, command: Command, portraits: Mapping[str, Path]) -> None:
        answer = command("search", portraits["obama3.jpg"], *ASKED, "--json", "--limit", "3", "--threshold", "-1").json

        assert [candidate["rank"] for candidate in answer["candidates"]] == [1, 2, 3]
        assert len({candidate["subject"]["id"] for candidate in answer["candidates"]}) == 3
        assert (answer["threshold"], answer["limit"]) == (-1, 3)

    def test_a_stranger_has_no_candidate(self, command: Command, portraits: Mapping[str, Path]) -> None:
        ended = command("search", portraits["impostor_2.jpg"], *ASKED, "--json")

        assert ended.code == 0
        assert ended.json["candidates"] == []
        assert ended.json["message"].startswith("Nobody among 4 subjects reaches the threshold")

    def test_several_faces_are_asked_about(self, command: Command, two_people: Path) -> None:
        ended = command("search", two_people, *ASKED, "--json")

        assert ended.code == 0
        assert ended.json["outcome"] == "choose-face"
        assert [face["face"] for face in ended.json["probe"]["faces"]] == [1, 2]

    @pytest.mark.parametrize("face", [1, 2])
    def test_the_chosen_face_is_searched(self, command: Command, two_people: Path, face: int) -> None:
        answer = command("search", two_people, *ASKED, "--json", "--face", str(face)).json

        left = answer["probe"]["faces"][face - 1]["box"][0] < 400
        assert answer["probe"]["used"] == face
        assert [candidate["subject"]["label"] for candidate in answer["candidates"]] == ["C" if left else "D"]

    def test_no_face_is_an_answer(self, command: Command, tmp_path: Path) -> None:
        Image.new("RGB", (300, 200), (90, 120, 90)).save(tmp_path / "meadow.png")

        ended = command("search", tmp_path / "meadow.png", *ASKED, "--json")

        assert ended.code == 0
        assert ended.json["outcome"] == "no-face"

    def test_a_poor_face_is_refused_with_reasons(
        self, command: Command, portraits: Mapping[str, Path], tmp_path: Path
    ) -> None:
        Image.open(portraits["biden.jpg"]).point(lambda level: level // 10).save(tmp_path / "night.png")

        ended = command("search", tmp_path / "night.png", *ASKED, "--json")

        assert ended.code == 0
        assert ended.json["outcome"] == "face-refused"
        assert "too dark" in ended.json["message"]


@pytest.mark.usefixtures("home")
class TestForPeople:
    def test_a_table_and_what_it_is(self, command: Command, portraits: Mapping[str, Path]) -> None:
        ended = command("search", portraits["obama3.jpg"], *ASKED)

        assert (ended.code, ended.err) == (0, "")
        for words in ("rank", "subject", "score", "source", "photograph", "C/obama.jpg", "1 candidate among 4", LEAD):
            assert words in ended.out

    def test_each_candidate_has_its_interval_and_its_place_among_strangers(
        self, command: Command, portraits: Mapping[str, Path]
    ) -> None:
        asked = (portraits["obama3.jpg"], *ASKED, "--threshold", "-1", "--limit", "3")
        second = command("search", *asked, "--json").json["candidates"][1]["strangers"]

        ended = command("search", *asked)

        assert second["known"] == "estimated"
        assert f"({second['low']:.2g} to {second['high']:.2g})" in ended.out
        lines = ended.out.splitlines()
        [at] = [number for number, line in enumerate(lines) if "█" in line]
        assert lines[at + 1].endswith("1")
        assert lines[at].index("█") < lines[at + 1].index("1")

    def test_faces_to_choose_from(self, command: Command, two_people: Path) -> None:
        ended = command("search", two_people, *ASKED)

        assert "2 faces were found" in ended.out
        assert "--face NUMBER" in ended.out
        assert ended.out.count(" px ") == 2
        assert LEAD not in ended.out


@pytest.mark.usefixtures("home")
class TestReport:
    def test_it_shows_probe_and_candidate(self, command: Command, portraits: Mapping[str, Path]) -> None:
        ended = command("search", portraits["obama3.jpg"], *ASKED, "--report", "answer.html")

        report = Path("answer.html").read_text(encoding="utf-8")
        assert ended.code == 0
        assert "Report: answer.html" in ended.out
        assert report.count("data:image/jpeg;base64,") == 3
        assert LEAD in report

    def test_no_candidate_is_reported_too(self, command: Command, tmp_path: Path) -> None:
        Image.new("RGB", (300, 200), (90, 120, 90)).save(tmp_path / "meadow.png")

        command("search", tmp_path / "meadow.png", *ASKED, "--report", "answer.html")

        assert "No face was found" in Path("answer.html").read_text(encoding="utf-8")

    def test_what_is_there_stays(self, command: Command, portraits: Mapping[str, Path]) -> None:
        Path("answer.html").write_text("mine", encoding="utf-8")

        ended = command("search", portraits["obama3.jpg"], *ASKED, "--report", "answer.html")

        ended.refused(5, "output-exists")
        assert Path("answer.html").read_text(encoding="utf-8") == "mine"

    def test_force_replaces_it(self, command: Command, portraits: Mapping[str, Path]) -> None:
        Path("answer.html").write_text("mine", encoding="utf-8")

        ended = command("search", portraits["obama3.jpg"], *ASKED, "--report", "answer.html", "--force")

        assert ended.code == 0
        assert "<html" in Path("answer.html").read_text(encoding="utf-8")

    def test_the_probe_is_never_written_over(self, command: Command, portraits: Mapping[str, Path]) -> None:
        Path("probe.jpg").write_bytes(portraits["obama3.jpg"].read_bytes())

        ended = command("search", "probe.jpg", *ASKED, "--report", "./probe.jpg", "--force")

        ended.refused(2, "output-is-input")
        assert Path("probe.jpg").read_bytes() == portraits["obama3.jpg"].read_bytes()

    def test_the_command_that_it_prints_checks_its_receipt(
        self, command: Command, portraits: Mapping[str, Path], home: Path
    ) -> None:
        command("search", portraits["obama3.jpg"], *ASKED, "--report", "answer.html")
        text = Path("answer.html").read_text(encoding="utf-8")
        _, receipt = text.split('<details class="receipt">')
        [printed] = re.findall(r"<code>countenance (.+?)</code>", receipt)
        [line] = re.findall(r"<pre>(.+?)</pre>", receipt, re.DOTALL)
        Path("receipt").write_text(html.unescape(line), encoding="utf-8")
        Path("key").write_bytes((home / "audit-vkeys").read_bytes())
        words = ["receipt" if word == "FILE" else "key" if word == "KEYFILE" else word for word in printed.split()]

        ended = command(*words)

        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith("Entry ")

    def test_no_probe_is_ever_written_over(self, command: Command, portraits: Mapping[str, Path]) -> None:
        first, second = (portraits[name].read_bytes() for name in ("obama.jpg", "obama3.jpg"))
        Path("a.jpg").write_bytes(first)
        Path("b.jpg").write_bytes(second)

        ended = command("search", "a.jpg", "b.jpg", *ASKED, "--report", "b.jpg", "--force")

        ended.refused(2, "output-is-input")
        assert (Path("a.jpg").read_bytes(), Path("b.jpg").read_bytes()) == (first, second)

    def test_a_photograph_may_be_called_what_no_encoding_has(
        self, command: Command, portraits: Mapping[str, Path]
    ) -> None:
        odd = Path(os.fsdecode(b"prob\xff.jpg"))
        odd.write_bytes(portraits["obama3.jpg"].read_bytes())
        report = Path(os.fsdecode(b"repor\xff.html"))

        ended = command("search", odd, *ASKED, "--report", report, "--json")

        assert (ended.code, ended.json["outcome"]) == (0, "searched")
        assert "prob\\udcff.jpg" in report.read_text(encoding="utf-8")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        pytest.param(("--case", " ", "--purpose", "missing-person"), 2, "case-invalid", id="blank case"),
        pytest.param(("--case", "c", "--purpose", "missing-person" * 201), 2, "purpose-invalid", id="long purpose"),
        pytest.param(("--case", "c"), 2, "usage", id="no purpose"),
        pytest.param((*ASKED, "--limit", "0"), 2, "limit-invalid", id="limit 0"),
        pytest.param((*ASKED, "--limit", "1001"), 2, "limit-invalid", id="limit 1001"),
        pytest.param((*ASKED, "--limit", "many"), 2, "usage", id="limit in words"),
        pytest.param((*ASKED, "--threshold", "1.5"), 2, "threshold-invalid", id="threshold 1.5"),
        pytest.param((*ASKED, "--threshold", "nan"), 2, "threshold-invalid", id="threshold nan"),
        pytest.param((*ASKED, "--face", "0"), 2, "face-number-invalid", id="face 0"),
        pytest.param((*ASKED, "--face", "2"), 2, "face-number-invalid", id="face 2 of 1"),
        pytest.param((*ASKED, "--faces"), 2, "usage", id="unknown flag"),
        pytest.param((*ASKED, "--report", "."), 2, "output-invalid", id="report in a folder's place"),
        pytest.param((*ASKED, "--report", "none/r.html"), 2, "output-invalid", id="report in no folder"),
        pytest.param((*ASKED, "--report", "r" * 300), 6, "output-unwritable", id="report with an endless name"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    command: Command, portraits: Mapping[str, Path], arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    ended = command("search", portraits["obama3.jpg"], *arguments)

    ended.refused(exit_code, code)


@pytest.mark.usefixtures("home")
class TestSeveralPhotographs:
    def test_they_are_searched_together(self, command: Command, portraits: Mapping[str, Path]) -> None:
        files = [portraits["obama3.jpg"], portraits["obama.jpg"]]

        answer = command("search", *files, *ASKED, "--json").json

        assert [one["subject"]["label"] for one in answer["candidates"]] == ["C"]
        assert (answer["probe"]["used"], [one["used"] for one in answer["further"]]) == (1, [1])

    def test_one_with_several_faces_is_asked_about(
        self, command: Command, portraits: Mapping[str, Path], two_people: Path
    ) -> None:
        files = [portraits["obama3.jpg"], two_people]

        asked = command("search", *files, *ASKED, "--json").json
        chosen = command("search", *files, *ASKED, "--face", "1", "--face", "1", "--json").json

        assert (asked["outcome"], asked["candidates"]) == ("choose-face", [])
        assert asked["message"].startswith("Photograph 2: 2 faces were found")
        assert chosen["outcome"] == "searched"

    def test_faces_are_named_for_all_or_none(self, command: Command, portraits: Mapping[str, Path]) -> None:
        ended = command("search", portraits["obama3.jpg"], portraits["obama.jpg"], *ASKED, "--face", "1")

        ended.refused(2, "face-number-invalid")

    def test_too_many_are_refused(self, command: Command, portraits: Mapping[str, Path]) -> None:
        command("search", *[portraits["obama3.jpg"]] * 9, *ASKED).refused(2, "too-many-photographs")

    def test_their_answer_is_verified_with_all_of_them_in_any_order(
        self, command: Command, portraits: Mapping[str, Path], two_people: Path
    ) -> None:
        files = [portraits["obama3.jpg"], two_people]
        answer = command("search", *files, *ASKED, "--face", "1", "--face", "2", "--json").json
        again = [word for file in reversed(files) for word in ("--probe", file)]

        holds = command("verify-search", answer["search_id"], *again, "--json").json

        assert holds["holds"] is True
        assert holds["candidates"] == len(answer["candidates"])

    def test_their_answer_is_not_verified_with_others(self, command: Command, portraits: Mapping[str, Path]) -> None:
        first, second = portraits["obama3.jpg"], portraits["obama.jpg"]
        answer = command("search", first, second, *ASKED, "--json").json

        for others in ([first], [first, first], [first, second, second]):
            probes = [word for file in others for word in ("--probe", file)]
            command("verify-search", answer["search_id"], *probes).refused(2, "probe-differs")
