"""No importer fetches anything: a server listens for it, and web addresses stand wherever one can stand."""

import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.cli.conftest import PEOPLE, Command

pytestmark = pytest.mark.usefixtures("archive_home")

LISTEN = """
import socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
while True:
    connection, _ = listening.accept()
    open(sys.argv[1], "ab").write(b"called\\n")
    connection.close()
"""
CALL = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1]))).recv(1)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A server that only says whether it was called."""

    port: int
    log: Path

    @property
    def called(self) -> bool:
        """Whether anybody connected."""
        return self.log.exists()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Ways to write an address of it."""
        at = f"127.0.0.1:{self.port}/a.jpg"
        return (
            f"http://{at}",
            f"https://{at}",
            f"HTTP://{at}",
            f"//{at}",
            f"ftp://{at}",
            f"http:/{at}",
            f"file://{at}",
        )


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """A server in a process of its own, since this one may open no socket."""
    log = tmp_path / "called"
    with subprocess.Popen((sys.executable, "-c", LISTEN, log), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Listener(port=int(process.stdout.readline()), log=log)
        process.kill()


def test_the_listener_hears_a_call(listener: Listener) -> None:
    subprocess.run((sys.executable, "-c", CALL, str(listener.port)), check=True)

    assert listener.called


def test_no_command_takes_an_address(command: Command, listener: Listener, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "a.jpg").write_bytes(b"x")
    for address in listener.addresses:
        (tmp_path / "t.csv").write_text(f"path,subject\n{address},A\n", encoding="utf-8")
        for words in (
            ("import", "archive", address),
            ("enrol", "archive", address),
            ("enrol", "archive", "given", "t.csv", "--subjects", "csv"),
            ("enrol", "archive", "given", "--subjects", "none", "--manifest", address),
            ("migrate", "deepface", "archive", address),
            ("migrate", "compreface", "archive", address),
            ("migrate", "csv", "archive", address, "given"),
            ("migrate", "csv", "archive", "t.csv", address),
            ("search", address, "--case", "2026-114", "--purpose", "missing-person"),
            ("faces", address),
        ):
            assert command(*words).code in {2, 4}, words

        [refused] = command("migrate", "csv", "archive", "t.csv", "given", "--json").json["not_enrolled"]
        assert refused["code"] == "member-outside"
    assert not listener.called


def test_addresses_inside_what_is_handed_over_are_text(
    command: Command, listener: Listener, photographs: Path, tmp_path: Path
) -> None:
    picture = (photographs / "D" / PEOPLE["D"][0]).read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, tarfile.open(tmp_path / "a.tar", "w") as shard:
        for number, address in enumerate(listener.addresses):
            archive.writestr(address, picture)
            _add(shard, f"{number}.json", json.dumps({"subject": address, "original": address}).encode())
            _add(shard, f"{number}.jpg", picture + bytes(number))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo(f"link-{kind!r}.jpg")
            link.type, link.linkname = kind, listener.addresses[0]
            shard.addfile(link)
    rows = [{"image": picture, "path": address, "original": address} for address in listener.addresses]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "a.jpg").write_bytes(picture)
    (tmp_path / "m.csv").write_text(f"path,original\na.jpg,{listener.addresses[0]}\n", encoding="utf-8")

    zipped = command("import", "archive", "a.zip", "--subjects", "none", "--json").json
    shards = command("import", "archive", "a.tar", "--subjects", "samples", "--json").json
    table = command("import", "archive", "a.parquet", "--json").json
    folder = command("enrol", "archive", "given", "--subjects", "none", "--manifest", "m.csv", "--json").json

    assert {one["code"] for one in (*zipped["not_enrolled"], *table["not_enrolled"])} == {"member-outside"}
    assert (zipped["enrolled"], table["enrolled"]) == (0, 0)
    assert shards["enrolled"] >= 1
    assert folder["enrolled"] + folder["already"] + len(folder["not_enrolled"]) == 1
    assert not listener.called


def _add(shard: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file to a tar."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    shard.addfile(member, BytesIO(data))
