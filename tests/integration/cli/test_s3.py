"""A real S3 server: pictures come out of a bucket, and a home keeps its own in one; each fault is one line."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store

from countenance.adapters.objects import StoredObjects
from countenance.core.errors import UnavailableError
from tests import signed_up
from tests.integration.cli.conftest import PEOPLE, Command
from tests.s3_server import READER, S3Server

ALL = sum(len(names) for names in PEOPLE.values())
REGISTER = ("source", "register", "archive", "--owner", "Zoë", "--legal-basis", "contract", "--document", "d.txt")
COMMAND = (sys.executable, "-c", "from countenance.cli.main import main; main()")


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """An empty bucket, and the variables that lead to its server."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return s3.bucket()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a home is to be made, and the document of a source."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTENANCE_WORKERS", "1")
    (tmp_path / "d.txt").write_text("given", encoding="utf-8")
    return tmp_path / "home"


def made(command: Command) -> None:
    """Make the home, with a source that whoever acts may manage."""
    command("init")
    signed_up.admitted_home(Path(os.environ["COUNTENANCE_HOME"]))
    assert command(*REGISTER).code == 0


def place(bucket: S3Store, prefix: str = "") -> str:
    """Return a bucket's place."""
    return f"s3://{bucket.config['bucket']}/{prefix}"


def held(bucket: S3Store) -> dict[str, bytes]:
    """Return all that a bucket holds."""
    names = [one["path"] for listed in obstore.list(bucket) for one in listed]
    return {name: bytes(obstore.get(bucket, name).bytes()) for name in names}


@pytest.mark.usefixtures("home")
def test_a_bucket_is_enrolled_like_the_folder_that_it_was(command: Command, bucket: S3Store, photographs: Path) -> None:
    made(command)
    for path in photographs.rglob("*.jpg"):
        obstore.put(bucket, f"1987/{path.relative_to(photographs)}", path)
    for name, content in {"1987/loose.jpg": b"x", "1987/C:/x.jpg": b"x", "1988/A/other.jpg": b"x"}.items():
        obstore.put(bucket, name, content)
    obstore.put(bucket, "1987/A/huge.jpg", bytes(2_000_001))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTENANCE_MAX_IMAGE_BYTES", "2000000")
        report = command("import", "archive", place(bucket, "1987/"), "--json").json
        again = command("import", "archive", place(bucket, "1987"), "--json").json
    subjects = command("subjects", "list", "--json").json["subjects"]

    assert (report["enrolled"], again["enrolled"], again["already"]) == (ALL, 0, ALL)
    assert sorted(one["code"] for one in report["not_enrolled"]) == [
        "member-outside",
        "member-too-large",
        "subject-missing",
    ]
    assert [one["label"] for one in subjects] == sorted(PEOPLE)


def test_a_home_keeps_its_objects_sealed_in_a_bucket_until_the_source_goes(
    command: Command, bucket: S3Store, photographs: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTENANCE_OBJECTS_BUCKET", place(bucket, "faces"))
    made(command)
    command("enrol", "archive", photographs)
    full = held(bucket)
    asked = ("--case", "2026-114", "--purpose", "missing-person", "--report", "r.html")
    answer = command("search", photographs / "D/biden.jpg", *asked, "--json").json
    report = Path("r.html").read_bytes()

    command("source", "withdraw", "archive", "--reason", "the owner says stop")

    kinds = [name.split("/")[1] for name in full]
    assert {name.split("/")[0] for name in full} == {"faces"}
    assert (kinds.count("images"), kinds.count("crops"), kinds.count("documents")) == (ALL, ALL, 1)
    assert not [name for name, data in full.items() if b"JFIF" in data or b"given" in data]
    assert not [path for path in (home / "objects").rglob("*") if path.is_file()]
    assert answer["candidates"][0]["subject"]["label"] == "D"
    assert report.count(b"data:image/jpeg") >= 2
    assert not [name for name in held(bucket) if "/images/" in name or "/crops/" in name]


def test_killed_while_it_enrols_into_a_bucket_it_goes_on(
    command: Command, bucket: S3Store, photographs: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTENANCE_OBJECTS_BUCKET", place(bucket))
    made(command)
    words = (*COMMAND, "enrol", "archive", str(photographs), "--home", str(home))
    running = subprocess.Popen(words, env=os.environ, start_new_session=True)
    until = time.monotonic() + 60
    while not [name for name in held(bucket) if name.startswith("images/")]:
        assert time.monotonic() < until
        time.sleep(0.05)

    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    report = command("enrol", "archive", photographs, "--json").json

    assert report["enrolled"] + report["already"] == ALL
    kinds = [name.split("/")[0] for name in held(bucket)]
    assert (kinds.count("images"), kinds.count("crops")) == (ALL, ALL)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("changed", "exit_code", "code"),
    [
        pytest.param({"AWS_SECRET_ACCESS_KEY": "wrong"}, 6, "bucket-refused", id="a wrong secret"),
        pytest.param({"AWS_ACCESS_KEY_ID": "nobody"}, 6, "bucket-refused", id="an unknown key"),
        pytest.param({"AWS_ACCESS_KEY_ID": ""}, 2, "bucket-credentials-missing", id="no key"),
        pytest.param({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, 6, "bucket-unavailable", id="nobody there"),
    ],
)
def test_a_fault_of_the_bucket_is_one_line(
    command: Command, bucket: S3Store, changed: dict[str, str], exit_code: int, code: str
) -> None:
    made(command)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in changed.items():
            patch.setenv(name, value)
        ended = command("import", "archive", place(bucket))

    ended.refused(exit_code, code)
    assert "secret" not in ended.err.replace("AWS_SECRET_ACCESS_KEY", "").lower()


@pytest.mark.usefixtures("home", "bucket")
def test_a_bucket_that_is_not_there_is_said(command: Command) -> None:
    made(command)

    command("import", "archive", "s3://no-such-bucket/x").refused(6, "bucket-unknown")


class TestStore:
    """The home's own object store, when its server does what servers do."""

    KEY = "images/5f0c/a"

    def assert_unavailable(self, objects: StoredObjects, said: str) -> None:
        """Assert that each call says why it could not be done."""
        calls = (lambda: objects.put(self.KEY, b"x"), lambda: objects.get(self.KEY), lambda: objects.delete_all("a/"))
        for call in calls:
            with pytest.raises(UnavailableError, match=said) as caught:
                call()
            assert caught.value.code == "objects-unavailable"
            assert "127.0.0.1" not in str(caught.value)

    def test_a_server_that_hangs_is_not_waited_for(self, s3: S3Server, bucket: S3Store) -> None:
        objects = StoredObjects.in_bucket(place(bucket), timeout=timedelta(seconds=1))
        objects.put(self.KEY, b"whole")

        with s3.stuck():
            started = time.monotonic()
            self.assert_unavailable(objects, "does not answer")
            took = time.monotonic() - started

        assert took < 15
        assert objects.get(self.KEY) in {b"whole", b"x"}

    def test_wrong_credentials_are_said(self, bucket: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

        self.assert_unavailable(StoredObjects.in_bucket(place(bucket)), "refuses the credentials")

    def test_credentials_that_may_only_read_write_nothing(
        self, s3: S3Server, bucket: S3Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        StoredObjects.in_bucket(place(bucket)).put(self.KEY, b"whole")
        for name, value in s3.environment(READER).items():
            monkeypatch.setenv(name, value)
        objects = StoredObjects.in_bucket(place(bucket))

        with pytest.raises(UnavailableError, match="may not do that"):
            objects.put(self.KEY, b"other")

        assert objects.get(self.KEY) == b"whole"

    @pytest.mark.usefixtures("bucket")
    def test_a_missing_bucket_is_no_missing_picture(self) -> None:
        objects = StoredObjects.in_bucket("s3://no-such-bucket")

        with pytest.raises(UnavailableError, match="bucket that does not exist"):
            objects.get(self.KEY)

    def test_objects_that_are_elsewhere_are_not_looked_for_here(
        self, command: Command, bucket: S3Store, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COUNTENANCE_OBJECTS_BUCKET", place(bucket, "a"))
        made(command)

        monkeypatch.setenv("COUNTENANCE_OBJECTS_BUCKET", place(bucket, "b"))
        command("source", "withdraw", "archive", "--reason", "stop").refused(5, "objects-elsewhere")
        monkeypatch.delenv("COUNTENANCE_OBJECTS_BUCKET")
        command("source", "withdraw", "archive", "--reason", "stop").refused(5, "objects-elsewhere")
        (home / "objects-place").unlink()
        monkeypatch.setenv("COUNTENANCE_OBJECTS_BUCKET", place(bucket, "a/"))

        assert command("source", "show", "archive").code == 0

    def test_a_home_with_objects_in_its_folder_is_not_opened_with_a_bucket(
        self, command: Command, bucket: S3Store, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made(command)
        monkeypatch.setenv("COUNTENANCE_OBJECTS_BUCKET", place(bucket))
        command("status").refused(5, "objects-elsewhere")

        (home / "objects-place").unlink()

        command("status").refused(5, "objects-elsewhere")
