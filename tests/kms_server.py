"""A key service that tests start: moto's server, on 127.0.0.1 alone, with signatures and rights checked.

What moto lets pass and AWS does not (a key that is disabled, too many requests) is answered in front of it, in the
words of AWS's API reference. `make kms-server` installs moto, into an environment of its own.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest

from countenance.adapters.keys.aws_signature import AwsCredentials, signed_headers
from countenance.bootstrap.settings import Settings
from countenance.core.clock import utc_now
from countenance.core.ids import new_id

PROGRAM = Path(__file__).parent.parent / ".venv-kms" / "bin" / "moto_server"
PATIENCE = 60
"""Seconds that it may take to start."""

REGION = "eu-central-1"
FREE_PORT = "import socket; print(socket.create_server(('127.0.0.1', 0)).getsockname()[1])"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the service says instead of doing something.

    Attributes:
        after_s: How long it takes to say it.
    """

    name: str
    says: str
    status: int
    after_s: float

    def body(self) -> bytes:
        return json.dumps({"__type": self.name, "message": self.says}).encode()


@dataclass(slots=True)
class Front:
    """What stands in front of moto.

    Attributes:
        refusals: What the next requests are answered with.
        asked: The actions that were asked, those that were refused too.
    """

    moto: str
    refusals: list[Refusal] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Answer one request."""
        self.asked.append(headers.get("x-amz-target", "").rpartition(".")[2])
        if self.refusals:
            refusal = self.refusals.pop(0)
            time.sleep(refusal.after_s)
            return refusal.status, refusal.body()
        connection = HTTPConnection(urlsplit(self.moto).netloc, timeout=30)
        try:
            connection.request("POST", "/", body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsServer:
    """A key service that runs.

    Attributes:
        user: May use every key.
        stranger: May do nothing.
    """

    address: str
    front: Front
    user: AwsCredentials
    stranger: AwsCredentials

    def places(self, key: str) -> dict[str, object]:
        """Return the settings that lead to a key of it."""
        return {
            "kms_key": key,
            "kms_endpoint": self.address,
            "kms_access_key_id": self.user.access_key_id,
            "kms_secret_access_key": self.user.secret_access_key,
        }

    def settings(self, home: Path, key: str, **others: object) -> Settings:
        """Return the settings of a home whose keys a key of the service wraps."""
        return Settings.model_validate({"home": home, "key_kind": "kms", **self.places(key), **others})

    def do(self, action: str, *, region: str = REGION, **message: object) -> Any:
        """Do something that the service's owner does."""
        body = json.dumps(message).encode()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "host": urlsplit(self.address).netloc,
            "x-amz-target": f"TrentService.{action}",
        }
        signed = signed_headers(headers, body, credentials=self.user, region=region, service="kms", at=utc_now())
        return httpx.post(self.address, content=body, headers=signed, trust_env=False).raise_for_status().json()

    def new_key(self, **options: object) -> str:
        """Make a key, and return its ARN."""
        return str(self.do("CreateKey", **options)["KeyMetadata"]["Arn"])

    def new_alias(self, key: str) -> str:
        """Give a key another name."""
        name = f"alias/{new_id()}"
        self.do("CreateAlias", AliasName=name, TargetKeyId=key)
        return name

    @contextmanager
    def refusing(
        self, name: str, says: str = "", *, status: int = 400, times: int = 100, after_s: float = 0
    ) -> Iterator[None]:
        """Refuse the next requests."""
        self.front.refusals[:] = [Refusal(name, says, status, after_s)] * times
        self.front.asked.clear()
        try:
            yield
        finally:
            self.front.refusals.clear()


@contextmanager
def kms_server() -> Iterator[KmsServer]:
    """Start a server, and stop it; where it is not installed tests are skipped, and fail where CI is set."""
    if not PROGRAM.is_file():
        missing = "moto is not installed: make kms-server"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    port = subprocess.run((sys.executable, "-c", FREE_PORT), check=True, capture_output=True, text=True).stdout.strip()
    with TemporaryFile() as log:
        started = subprocess.Popen((str(PROGRAM), "-H", "127.0.0.1", "-p", port), stdout=log, stderr=log)
        try:
            moto = f"http://127.0.0.1:{port}"
            _wait_for(moto, started)
            user, stranger = _person(moto, "kms:*"), _person(moto, "s3:*")
            # From here on each request has to be signed by somebody who may.
            httpx.post(f"{moto}/moto-api/reset-auth", content=b"0", trust_env=False).raise_for_status()
            with _front(Front(moto)) as (address, front):
                yield KmsServer(address=address, front=front, user=user, stranger=stranger)
        finally:
            started.kill()
            started.wait()


@contextmanager
def _front(front: Front) -> Iterator[tuple[str, Front]]:
    """Serve what stands in front of moto."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = front.answer({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of who was killed while they asked."""

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", front
        server.shutdown()


def _person(moto: str, action: str) -> AwsCredentials:
    """Make somebody who may do something with everything."""
    name = new_id()
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    _iam(moto, "CreateUser", UserName=name)
    _iam(moto, "PutUserPolicy", UserName=name, PolicyName="all", PolicyDocument=policy)
    made = _iam(moto, "CreateAccessKey", UserName=name)
    key_id, secret = (re.search(f"<{part}>([^<]+)<", made) for part in ("AccessKeyId", "SecretAccessKey"))
    assert key_id is not None
    assert secret is not None
    return AwsCredentials(access_key_id=key_id[1], secret_access_key=secret[1])


def _iam(moto: str, action: str, **parameters: str) -> str:
    """Ask the service that knows people."""
    body = urlencode({"Action": action, "Version": "2010-05-08", **parameters}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded", "host": urlsplit(moto).netloc}
    nobody = AwsCredentials(access_key_id="nobody", secret_access_key="none")
    signed = signed_headers(headers, body, credentials=nobody, region="us-east-1", service="iam", at=utc_now())
    return httpx.post(moto, content=body, headers=signed, trust_env=False).raise_for_status().text


def _wait_for(moto: str, started: subprocess.Popen[bytes]) -> None:
    """Wait until it answers."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(f"{moto}/moto-api/data.json", trust_env=False)
        except httpx.TransportError:
            if started.poll() is not None or time.monotonic() > until:
                pytest.fail("moto did not start")
            time.sleep(0.2)
        else:
            return
