"""Signing in with an identity provider over HTTP: to a real provider on loopback, and back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from countenance.api.app import create_app
from countenance.api.provider_routes import PROVIDER_COOKIE
from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import InvalidInputError
from tests import signed_up
from tests.oidc_provider import CLIENT, SECRET, Provider, running

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as one:
        yield one


@pytest.fixture
def own_gallery(tmp_path: Path, provider: Provider) -> Iterator[OpenGallery]:
    """A gallery of its own, with an identity provider."""
    settings = Settings(
        home=tmp_path / "home", oidc_issuer=provider.issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET
    )
    initialise(settings)
    with open_gallery(settings) as opened:
        yield opened


@pytest.fixture
def browser(own_gallery: OpenGallery, serve: Callable[[FastAPI], str]) -> Iterator[httpx.Client]:
    """A browser on our page."""
    address = serve(create_app(own_gallery))
    with httpx.Client(base_url=address, headers={"Sec-Fetch-Site": "same-origin"}, trust_env=False) as client:
        yield client


def test_there_and_back(browser: httpx.Client, own_gallery: OpenGallery) -> None:
    signed_up.person(own_gallery)
    assert own_gallery.provider is not None
    own_gallery.provider.bind("examiner", "00u1", actor=signed_up.operators(own_gallery)[0])

    started = browser.post("/session/provider")
    back = httpx.get(started.json()["address"], trust_env=False).headers["location"]
    finished = browser.get(back, headers={"Sec-Fetch-Site": "cross-site"})

    assert back.startswith(f"{browser.base_url}/session/provider/callback?")
    cookies = {line.split("=")[0]: line for line in finished.headers.get_list("set-cookie")}
    assert "HttpOnly" in cookies[SESSION_COOKIE]
    assert "samesite=strict" in cookies[SESSION_COOKIE].lower()
    assert "Max-Age=0" in cookies[PROVIDER_COOKIE]
    assert (finished.status_code, finished.headers["refresh"]) == (200, "0; url=/")
    assert browser.get("/session").json()["login"] == "examiner"


def test_whoever_is_not_on_record_is_told_nothing(browser: httpx.Client) -> None:
    started = browser.post("/session/provider")
    back = httpx.get(started.json()["address"], trust_env=False).headers["location"]

    finished = browser.get(back)

    assert (finished.status_code, "sign-in-refused" in finished.text) == (403, True)
    assert not browser.get("/session").json()["signed_in"]


@pytest.mark.parametrize(
    "query", ["", "?state=a&code=b", "?state=a&state=b&code=c", "?code=<script>alert(1)</script>&state=%00"]
)
def test_an_answer_to_nothing_is_refused_and_not_repeated(browser: httpx.Client, query: str) -> None:
    finished = browser.get(f"/session/provider/callback{query}")

    assert (finished.status_code, "script" in finished.text) == (403, False)


def test_another_page_can_t_begin(browser: httpx.Client) -> None:
    assert browser.post("/session/provider", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_without_a_provider_there_is_none(address: str) -> None:
    assert httpx.get(f"{address}/session/provider").json() == {"name": None}
    begun = httpx.post(f"{address}/session/provider", headers={"Sec-Fetch-Site": "same-origin"})
    assert (begun.status_code, begun.json()["code"]) == (404, "provider-missing")


@pytest.mark.parametrize("differently", [{"oidc_client_id": ""}, {"oidc_issuer": "http://provider.example"}])
def test_settings_that_can_t_be_meant_are_refused(own_gallery: OpenGallery, differently: dict[str, str]) -> None:
    own_gallery.settings = own_gallery.settings.model_copy(update=differently)

    with pytest.raises(InvalidInputError) as raised:
        _ = own_gallery.provider
    assert raised.value.code == "provider-invalid"
