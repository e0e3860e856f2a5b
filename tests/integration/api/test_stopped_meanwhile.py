"""Whoever is stopped while a request arrives or an answer leaves is stopped there."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from countenance.api.guard import RECHECK_S, Guard
from countenance.policy.model import SYSTEM

LATER = RECHECK_S + 0.1


def request(app: Any, known: dict[str, Any], body: list[Message]) -> list[Message]:
    """Send one request with a key through the guard, and return what came back."""
    sent: list[Message] = []
    sign_in = SimpleNamespace(key_holder=lambda _: known["actor"], visitor=lambda _: None)
    guard = Guard(app, sign_in=sign_in, permit=lambda *_: None, max_body_bytes=100)  # type: ignore[arg-type]
    headers = [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer k"), (b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/v1/searches", "headers": headers}

    async def receive() -> Message:
        return body.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    # In a thread of its own: the browser's tests leave their event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(guard(scope, receive, send))).result()
    return sent


def chunk(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


@pytest.mark.parametrize("stopped", [False, True])
def test_an_open_answer(stopped: bool) -> None:
    known: dict[str, Any] = {"actor": SYSTEM}
    left: list[bytes] = []

    async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send(chunk(b"first", more=True))
        left.append(b"first")
        known["actor"] = None if stopped else SYSTEM
        await asyncio.sleep(LATER)
        await send(chunk(b"second", more=False))
        left.append(b"second")

    if stopped:
        with pytest.raises(ConnectionAbortedError):
            request(stream, known, [])
    else:
        request(stream, known, [])

    assert left == ([b"first"] if stopped else [b"first", b"second"])


@pytest.mark.parametrize("stopped", [False, True])
def test_a_slow_upload(stopped: bool) -> None:
    known: dict[str, Any] = {"actor": SYSTEM}
    arrived: list[bytes] = []

    async def upload(_scope: Scope, receive: Receive, _send: Send) -> None:
        arrived.append((await receive())["body"])
        known["actor"] = None if stopped else SYSTEM
        await asyncio.sleep(LATER)
        arrived.append((await receive())["body"])

    body = [{"type": "http.request", "body": part, "more_body": True} for part in (b"first", b"second")]
    if stopped:
        with pytest.raises(HTTPException) as raised:
            request(upload, known, body)
        assert raised.value.status_code == 401
    else:
        request(upload, known, body)

    assert arrived == ([b"first"] if stopped else [b"first", b"second"])
