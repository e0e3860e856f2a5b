"""Clients that are slow on purpose, on a real server: each is cut off in bounded time, and others are served."""

import json
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI, Response

from countenance.api import patience
from countenance.bootstrap.wiring import OpenGallery
from tests import signed_up
from tests.integration.api.conftest import response_on

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

HEAD_S, GRACE_S = 1.0, 1.5
SLACK_S = 3.0
"""What a busy machine may add."""

MANY = 200
Connect = Callable[[], socket.socket]

BOUNDARY = b'--b\r\nContent-Disposition: form-data; name="photograph"; filename="a.jpg"\r\n\r\n'


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for less than the product does."""
    monkeypatch.setattr(patience, "HEAD_S", HEAD_S)
    monkeypatch.setattr(patience, "GRACE_S", GRACE_S)


@pytest.fixture
def connect(address: str) -> Iterator[Connect]:
    """Opens raw connections to the server."""
    target = urlsplit(address)
    with ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection((target.hostname, target.port), timeout=30))


def head(key: str, length: int) -> bytes:
    """Return the head of an upload."""
    lines = (
        "POST /v1/faces HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {key}",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {length}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def ended(raw: socket.socket, began: float) -> float:
    """Read until the server ends the connection, and return how long that took, s."""
    with suppress(ConnectionResetError):
        while raw.recv(65536):
            pass
    return time.monotonic() - began


def test_heads_that_never_end_are_cut_off_and_others_are_served(address: str, connect: Connect) -> None:
    began = time.monotonic()
    slow = [connect() for _ in range(MANY)]
    for raw in slow:
        raw.sendall(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")

    answered = [httpx.get(f"{address}/v1/health", trust_env=False).status_code for _ in range(5)]
    took = time.monotonic() - began
    for raw in slow[:: MANY // 10]:
        # A byte now and then buys nothing.
        raw.sendall(b"a")

    assert answered == [200] * 5
    assert took < HEAD_S + SLACK_S
    assert max(ended(raw, began) for raw in slow) < took + HEAD_S + SLACK_S


def test_a_connection_that_says_nothing_is_closed(connect: Connect) -> None:
    began = time.monotonic()

    assert ended(connect(), began) < HEAD_S + SLACK_S


def test_a_second_head_on_one_connection_is_waited_for_no_longer(connect: Connect) -> None:
    raw = connect()
    raw.sendall(b"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    first = raw.recv(65536)
    raw.sendall(b"GET /v1/health")
    began = time.monotonic()

    assert first.startswith(b"HTTP/1.1 200")
    assert ended(raw, began) < HEAD_S + SLACK_S


def test_a_body_that_trickles_is_refused_with_its_code(address: str, connect: Connect, gallery: OpenGallery) -> None:
    raw, key = connect(), signed_up.api_key(gallery)
    raw.sendall(head(key, 100_000) + BOUNDARY)
    began = time.monotonic()
    while not select.select([raw], [], [], 0.1)[0] and time.monotonic() - began < GRACE_S + SLACK_S:
        raw.sendall(b"x")
    took, (status, body) = time.monotonic() - began, response_on(raw)

    assert GRACE_S * 0.9 < took < GRACE_S + SLACK_S
    assert (status, json.loads(body)["code"]) == (408, "request-too-slow")
    assert httpx.get(f"{address}/v1/health", trust_env=False).status_code == 200


def test_a_body_that_goes_on_is_waited_for(connect: Connect, gallery: OpenGallery) -> None:
    key, end = signed_up.api_key(gallery), b"\r\n--b--\r\n"
    pieces, piece = 30, b"x" * 2000
    raw = connect()
    raw.sendall(head(key, len(BOUNDARY) + pieces * len(piece) + len(end)) + BOUNDARY)
    began = time.monotonic()
    for _ in range(pieces):
        raw.sendall(piece)
        time.sleep(0.1)
    raw.sendall(end)

    status, body = response_on(raw)

    assert time.monotonic() - began > GRACE_S * 1.5
    assert (status, json.loads(body)["code"][:6]) == (422, "image-")


def test_a_refused_body_that_trickles_holds_nothing_either(connect: Connect) -> None:
    raw = connect()
    raw.sendall(head("nobody's", 100_000) + BOUNDARY)
    began = time.monotonic()

    status, _ = response_on(raw)

    assert time.monotonic() - began < GRACE_S + SLACK_S
    assert status == 401


def test_an_answer_that_nobody_takes_is_given_up(serve: Callable[[FastAPI], str]) -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: Response(bytes(32_000_000)))
    target = urlsplit(serve(app))

    with socket.create_connection((target.hostname, target.port), timeout=30) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(GRACE_S + SLACK_S)
        received = 0
        with suppress(ConnectionResetError):
            while piece := raw.recv(1 << 20):
                received += len(piece)

    assert received < 32_000_000
