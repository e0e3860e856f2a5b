"""An S3 server that tests start: SeaweedFS, on 127.0.0.1 alone, with signatures checked."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from countenance.core.ids import new_id

PROGRAM = Path(sys.executable).parent / "weed"
PATIENCE = 60
"""Seconds that it may take to start."""

OWNER, READER = ("owner", "owner-secret"), ("reader", "reader-secret")
"""Who may do all, and who may read only."""

SERVICES = ("master", "volume", "filer", "s3")
FREE_PORTS = """
import socket, sys
opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in opened))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A server that runs."""

    address: str
    process: subprocess.Popen[bytes]

    def environment(self, who: tuple[str, str] = OWNER) -> dict[str, str]:
        """Return the variables that lead to it."""
        key, secret = who
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
        }

    def bucket(self) -> S3Store:
        """Return a new bucket."""
        store = self.opened(f"test-{new_id()}")
        obstore.put(store, "made", b"")
        obstore.delete(store, "made")
        return store

    def opened(self, name: str) -> S3Store:
        """Return a bucket; it is made when something is put into it."""
        key, secret = OWNER
        return S3Store(
            name,
            endpoint=self.address,
            region="us-east-1",
            access_key_id=key,
            secret_access_key=secret,
            client_options={"allow_http": True},
        )

    @contextmanager
    def stuck(self) -> Iterator[None]:
        """Let it hang: connections are taken, and nothing is answered."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start a server, and stop it."""
    if not PROGRAM.is_file():
        missing = "SeaweedFS is not installed: see requirements/dev.txt"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    counted = (sys.executable, "-c", FREE_PORTS, str(2 * len(SERVICES)))
    ports = subprocess.run(counted, check=True, capture_output=True, text=True).stdout.split()
    options = [
        f"-{service}.port{kind}={ports[2 * number + (kind != '')]}"
        for number, service in enumerate(SERVICES)
        for kind in ("", ".grpc")
    ]
    with TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        (Path(folder) / "people.json").write_text(json.dumps(_people()), encoding="utf-8")
        (Path(folder) / "data").mkdir()
        words = [
            *(str(PROGRAM), "server", f"-dir={folder}/data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *options),
            *("-s3", f"-s3.config={folder}/people.json", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            *("-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=1000"),
        ]
        process = subprocess.Popen(words, stdout=log, stderr=log)
        server = S3Server(address=f"http://127.0.0.1:{ports[2 * SERVICES.index('s3')]}", process=process)
        try:
            _wait_for(server, Path(folder) / "log")
            yield server
        finally:
            # It says that it stops, and does not.
            process.kill()
            process.wait()


def _people() -> dict[str, object]:
    """Return who may do what."""
    rights = {OWNER: ["Admin", "Read", "Write", "List"], READER: ["Read", "List"]}
    return {
        "identities": [
            {"name": key, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
            for (key, secret), actions in rights.items()
        ]
    }


def _wait_for(server: S3Server, log: Path) -> None:
    """Wait until something can be written."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            obstore.put(server.opened("test-ready"), "ready", b"")
        except (BaseError, OSError):
            if server.process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"SeaweedFS did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.2)
        else:
            return
