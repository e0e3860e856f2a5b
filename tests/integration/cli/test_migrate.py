"""`countenance migrate`: photographs of another system's database are enrolled anew, and each refused row is named."""

import json
import os
import pickle
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, text

from tests.integration.cli.conftest import PEOPLE, Command
from tests.postgresql import new_database, programs

ALL = sum(len(names) for names in PEOPLE.values())
KEY, OTHER_KEY = "4f0c9a52-0000-4000-8000-000000000001", "77aa0000-0000-4000-8000-000000000002"


def refusals(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what was refused, and why."""
    return [(one["reference"], one["code"]) for one in report["not_enrolled"]]


class TestDeepFace:
    @pytest.fixture
    def folder(self, photographs: Path, tmp_path: Path) -> Path:
        """A database folder with stored representations that run a program when they are opened."""
        copied = shutil.copytree(photographs, tmp_path / "db")

        class Opened:
            def __reduce__(self) -> tuple[Any, ...]:
                return os.system, (f"touch {tmp_path}/opened",)

        for name in ("representations_vgg_face.pkl", "ds_model_sface_detector_opencv_aligned.pkl", "A/hidden.PKL"):
            (copied / name).write_bytes(pickle.dumps(Opened()))
        (copied / "loose.jpg").write_bytes(b"x")
        (copied / "=cmd()").mkdir()
        (copied / "=cmd()" / "a.jpg").write_bytes(b"x")
        (copied / "A" / "link.jpg").symlink_to("/etc/passwd")
        (copied / "elsewhere").symlink_to(photographs)
        (copied / "A" / "page.jpg").write_bytes(b"<html>")
        return copied

    @pytest.mark.usefixtures("archive_home")
    def test_photographs_are_enrolled_and_pickles_never_opened(
        self, command: Command, folder: Path, tmp_path: Path
    ) -> None:
        rehearsal = command("migrate", "deepface", "archive", folder, "--dry-run", "--json").json
        before = command("subjects", "list", "--json").json["subjects"]
        report = command("migrate", "deepface", "archive", folder, "--json").json
        again = command("migrate", "deepface", "archive", folder, "--json").json
        subjects = command("subjects", "list", "--json").json["subjects"]

        expected = [
            ("elsewhere", "member-link"),
            ("loose.jpg", "subject-missing"),
            ("=cmd()/a.jpg", "label-formula"),
            ("A/link.jpg", "member-link"),
        ]
        assert before == []
        assert (rehearsal["photographs"], rehearsal["subjects"], refusals(rehearsal)) == (
            ALL + 1,
            len(PEOPLE),
            expected,
        )
        assert (report["enrolled"], again["enrolled"], again["already"]) == (ALL, 0, ALL)
        assert refusals(report) == [*expected, ("A/page.jpg", "image-unsupported-format")]
        assert [one["label"] for one in subjects] == sorted(PEOPLE)
        assert not (tmp_path / "opened").exists()

    def test_no_folder_and_the_homes_own_are_refused(self, command: Command, archive_home: Path) -> None:
        command("migrate", "deepface", "archive", "nowhere").refused(4, "migration-not-found")
        command("migrate", "deepface", "archive", "https://example.org/db").refused(4, "migration-not-found")
        command("migrate", "deepface", "archive", archive_home).refused(2, "folder-overlaps-home")


class TestTable:
    @pytest.fixture
    def table(self, photographs: Path, tmp_path: Path) -> Path:
        """A table of every photograph with a made-up embedding."""
        rows = [
            f'{path.parent.name},{path.relative_to(photographs)},"[0.1, -2e-3, {number}]"'
            for number, path in enumerate(sorted(photographs.rglob("*.jpg")))
        ]
        written = tmp_path / "t.csv"
        written.write_text("\ufeffsubject,path,embedding,note\n" + "".join(f"{row},=1+1\n" for row in rows), "utf-8")
        return written

    @pytest.mark.usefixtures("archive_home")
    def test_photographs_are_enrolled_anew(self, command: Command, table: Path, photographs: Path) -> None:
        refused = command("migrate", "csv", "archive", "d.txt", photographs)
        report = command("migrate", "csv", "archive", table, photographs, "--json").json
        again = command("migrate", "csv", "archive", table, photographs, "--json").json

        refused.refused(2, "migration-malformed")
        assert (report["enrolled"], report["not_enrolled"], again["already"]) == (ALL, [], ALL)


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory, postgresql: URL, photographs: Path) -> Path:
    """What PostgreSQL's own program writes of a database with CompreFace's tables."""
    url = new_database(postgresql)
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in TABLES:
            connection.execute(text(statement))
        for name in PEOPLE:
            subject = connection.scalar(ADD_SUBJECT, {"key": KEY, "name": f"Person\t{name}" if name == "D" else name})
            for path in (photographs / name).iterdir():
                image = connection.scalar(ADD_IMAGE, {"content": path.read_bytes()})
                connection.execute(ADD_EMBEDDING, {"subject": subject, "image": image})
        gone = connection.scalar(ADD_SUBJECT, {"key": KEY, "name": "Embedding alone"})
        connection.execute(ADD_EMBEDDING, {"subject": gone, "image": None})
        connection.scalar(ADD_IMAGE, {"content": b"nobody's"})
        other = connection.scalar(ADD_SUBJECT, {"key": OTHER_KEY, "name": "A"})
        image = connection.scalar(ADD_IMAGE, {"content": b"of another collection"})
        connection.execute(ADD_EMBEDDING, {"subject": other, "image": image})
    engine.dispose()
    written = tmp_path_factory.mktemp("compreface") / "dump.sql"
    words = ("-h", url.query["host"], "-U", url.username, "-d", url.database, "-f", written)
    subprocess.run([programs() / "pg_dump", *map(str, words)], check=True, capture_output=True)
    return written


class TestCompreFace:
    @pytest.mark.usefixtures("archive_home")
    def test_one_collection_is_enrolled_anew(self, command: Command, dump: Path) -> None:
        refused = command("migrate", "compreface", "archive", dump)
        words = ("migrate", "compreface", "archive", dump, "--collection", KEY[:4], "--json")
        rehearsal = command(*words, "--dry-run").json
        report = command(*words).json
        again = command(*words).json
        subjects = command("subjects", "list", "--json").json["subjects"]

        refused.refused(2, "migration-collection-unclear")
        assert KEY[:8] in refused.err
        assert KEY not in refused.err
        codes = ["label-invalid", "photograph-missing", "subject-missing"]
        assert sorted(code for _, code in refusals(report)) == codes
        assert sorted(code for _, code in refusals(rehearsal)) == codes
        assert (rehearsal["photographs"], report["enrolled"], again["already"]) == (ALL - 1, ALL - 1, ALL - 1)
        assert [one["label"] for one in subjects] == ["A", "B", "C"]

    @pytest.mark.usefixtures("archive_home")
    def test_a_source_is_needed(self, command: Command, dump: Path) -> None:
        command("migrate", "compreface", "nobody", dump).refused(4, "source-unknown")
        command("source", "suspend", "archive", "--reason", "pause")

        command("migrate", "compreface", "archive", dump, "--dry-run").refused(3, "not-permitted")
        command("source", "resume", "archive")
        command("migrate", "compreface", "archive", "nowhere.sql").refused(4, "migration-not-found")
        refused = command("migrate", "compreface", "archive", "nowhere.sql", "--json")
        assert json.loads(refused.out)["error"]["code"] == "migration-not-found"


TABLES = (
    "CREATE TABLE subject (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), api_key text, subject_name text)",
    "CREATE TABLE img (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), content bytea NOT NULL)",
    "CREATE TABLE embedding (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), subject_id uuid, embedding float8[])",
    "ALTER TABLE embedding ADD calculator varchar(255) NOT NULL, ADD img_id uuid REFERENCES img",
    "CREATE TABLE model (id bigint, name varchar(50))",
)
ADD_SUBJECT = text("INSERT INTO subject (api_key, subject_name) VALUES (:key, :name) RETURNING id")
ADD_IMAGE = text("INSERT INTO img (content) VALUES (:content) RETURNING id")
ADD_EMBEDDING = text(
    "INSERT INTO embedding (subject_id, embedding, calculator, img_id) VALUES (:subject, '{0.5,NaN}', 'f', :image)"
)
