"""What every request passes and every response carries: hosts, tokens, sessions, origins, sizes, headers."""

import http.client
import logging
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI

from countenance.api.app import create_app
from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery
from countenance.core.errors import IntegrityError, InvalidInputError, UnavailableError
from countenance.policy.model import SYSTEM
from tests import signed_up

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(address: str) -> Iterator[httpx.Client]:
    """Something that keeps cookies and has no token."""
    with httpx.Client(base_url=address, trust_env=False) as opened:
        yield opened


def sign_in(browser: httpx.Client, gallery: OpenGallery) -> None:
    browser.cookies.set(SESSION_COOKIE, signed_up.cookie(gallery))


@pytest.mark.parametrize("url", ["/v1/version", "/v1/gallery", "/v1/nothing", "/nothing", "/v1/searches/x"])
def test_without_a_token_nothing_is_said(browser: httpx.Client, url: str) -> None:
    response = browser.get(url)

    assert (response.status_code, response.json()["code"]) == (401, "token-missing")
    assert response.headers["www-authenticate"] == 'Bearer realm="countenance"'


@pytest.mark.parametrize("url", ["/v1/health", "/v1/openapi.json", "/session"])
def test_public_paths_need_none(browser: httpx.Client, url: str) -> None:
    assert browser.get(url).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8000", "[::1]", "[::1]:8000", "LOCALHOST"])
def test_this_machines_names_are_answered(browser: httpx.Client, host: str) -> None:
    assert browser.get("/v1/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["[::2]", "localhost.", "a:b@127.0.0.1", "127.0.0.1, evil.example", ""])
def test_other_names_are_refused(browser: httpx.Client, host: str) -> None:
    response = browser.get("/v1/health", headers={"Host": host})

    assert response.status_code in {400, 403}  # 400 where the HTTP parser refuses it first


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("url", ["/v1/health", "/v1/sources", "/nothing", "/session"])
def test_every_response_carries_the_security_headers(browser: httpx.Client, method: str, url: str) -> None:
    headers = browser.request(method, url).headers

    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="says nothing"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="another port"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="typed by hand"),
        pytest.param({"Origin": "http://evil.example"}, id="another origin"),
        pytest.param({"Origin": "null"}, id="no origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site", "Origin": "{address}"}, id="fetch metadata wins"),
    ],
)
@pytest.mark.parametrize("url", ["/v1/sources", "/v1/searches", "/session"])
def test_a_cookie_changes_nothing_for_another_page(
    browser: httpx.Client, gallery: OpenGallery, address: str, headers: dict[str, str], url: str
) -> None:
    sign_in(browser, gallery)
    sent = {name: value.replace("{address}", address) for name, value in headers.items()}

    response = browser.post(url, headers=sent)

    assert (response.status_code, response.json()["code"]) == (403, "cross-origin")


def test_a_browser_without_fetch_metadata_is_known_by_its_origin(
    browser: httpx.Client, gallery: OpenGallery, address: str
) -> None:
    sign_in(browser, gallery)

    response = browser.post("/v1/sources", headers={"Origin": address})

    assert response.json()["code"] == "body-unreadable"


def chunks(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * 65536


def test_a_streamed_body_is_stopped_at_the_limit(browser: httpx.Client, api_key: str) -> None:
    headers = {
        "Authorization": f"Bearer {api_key}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    head = b'--b\r\nContent-Disposition: form-data; name="photograph"; filename="a.jpg"\r\n\r\n'

    response = browser.post("/v1/faces", headers=headers, content=iter([head, *chunks(40)]))

    assert (response.status_code, response.json()["code"]) == (413, "request-too-large")


def test_without_a_token_even_a_small_file_is_too_much(browser: httpx.Client) -> None:
    sent = httpx.Request("POST", browser.base_url.join("/session"), headers=SAME_ORIGIN, content=b"x" * 5000)

    response = browser.send(sent)

    assert (response.status_code, response.json()["code"]) == (413, "request-too-large")


def test_a_length_that_is_no_number_is_refused(address: str) -> None:
    target = urlsplit(address)
    connection = http.client.HTTPConnection(target.hostname or "", target.port)
    connection.putrequest("POST", "/session")
    connection.putheader("Content-Length", "-1")
    connection.endheaders()

    response = connection.getresponse()
    response.read()
    connection.close()

    assert response.status in {400, 413}


def test_a_request_that_is_no_http_does_not_stop_the_server(address: str, browser: httpx.Client) -> None:
    target = urlsplit(address)

    with socket.create_connection((target.hostname, target.port), timeout=5) as raw:
        raw.sendall(b"\x16\x03\x01\x00\xff nonsense\r\n\r\n")
        raw.recv(1000)

    assert browser.get("/v1/health").status_code == 200


def raising(error: Exception) -> Callable[..., NoReturn]:
    def fail(*_args: Any, **_more: Any) -> NoReturn:
        raise error

    return fail


def broken_app(error: Exception, tmp_path: Any) -> FastAPI:
    """An application whose records and index fail."""
    fail = raising(error)
    records, settings = SimpleNamespace(sources=fail), Settings(home=tmp_path)
    return app_over(records=records, refresh=fail, settings=settings, limits=None)


def app_over(**parts: Any) -> FastAPI:
    """An application over parts, where every key is somebody's."""
    known = SimpleNamespace(key_holder=lambda _: SYSTEM, visitor=lambda _: None)
    custody = SimpleNamespace(require=lambda *_args, **_more: None)
    people = {"sign_in": known, "own": None, "passkeys": None, "provider": None}
    return create_app(SimpleNamespace(**parts, **people, custody=custody))  # type: ignore[arg-type]


def test_what_nobody_foresaw_says_and_logs_nothing_personal(
    serve: Callable[[FastAPI], str], tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    url = serve(broken_app(RuntimeError("Jane Doe's template"), tmp_path))

    with caplog.at_level(logging.DEBUG, "countenance"):
        response = httpx.get(f"{url}/v1/sources", headers={"Authorization": "Bearer t"}, trust_env=False)

    assert (response.status_code, response.json()["code"]) == (500, "internal-error")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "RuntimeError" in caplog.text
    assert "Jane" not in response.text + caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(UnavailableError("down", code="records-unavailable", hint="wait"), 503, id="unavailable"),
        pytest.param(IntegrityError("apart", code="index-mismatch"), 500, id="integrity"),
    ],
)
def test_kinds_of_error_have_their_status(
    serve: Callable[[FastAPI], str], tmp_path: Any, error: UnavailableError | IntegrityError, status: int
) -> None:
    url = serve(broken_app(error, tmp_path))

    response = httpx.get(f"{url}/v1/sources", headers={"Authorization": "Bearer t"}, trust_env=False)
    health = httpx.get(f"{url}/v1/health", trust_env=False)

    assert (response.status_code, response.json()["code"]) == (status, error.code)
    assert (health.status_code, health.json()) == (503, {"status": "unavailable"})


def test_an_upload_is_never_written_to_a_temporary_file(
    serve: Callable[[FastAPI], str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faces(data: bytes, **_more: Any) -> NoReturn:
        raise InvalidInputError("counted", code=f"bytes-{len(data)}")

    settings = Settings(home=tmp_path, max_image_bytes=4_000_000)
    url = serve(app_over(faces=faces, settings=settings, limits=None))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))

    response = httpx.post(
        f"{url}/v1/faces",
        headers={"Authorization": "Bearer t"},
        files={"photograph": ("a.jpg", bytes(3_000_000))},
        trust_env=False,
    )

    assert response.json()["code"] == "bytes-3000000"
