"""Whoever came with a one-time code sets what they sign in with, and nothing else: held against every route."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from countenance.access.permission import Asks, Exempt
from countenance.api.app import create_app
from countenance.api.guard import PUBLIC, SETTING_UP
from countenance.api.permitted import ROUTES
from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.wiring import OpenGallery
from countenance.core.errors import NotPermittedError
from countenance.policy.request import ON_A_SOURCE, Action
from countenance.search.permission import source_facts
from countenance.web.page import page_router
from tests import signed_up
from tests.integration.api.conftest import SOURCE, served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

OPEN = {
    ("GET", "/own/security"),
    ("PUT", "/own/password"),
    ("POST", "/own/authenticator"),
    ("PUT", "/own/authenticator"),
    ("POST", "/own/passkeys/options"),
    ("POST", "/own/passkeys"),
    ("POST", "/own/ready"),
}
"""What is answered besides what everybody is answered: written out here, so that a route that joins them is seen."""

NOTHING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def browser(gallery: OpenGallery) -> Iterator[httpx.Client]:
    """Requests of our own page to a real server with its pages."""
    app = create_app(gallery, pages=[page_router(max_image_bytes=1000)])
    with served(app) as url, httpx.Client(base_url=url, trust_env=False) as opened:
        opened.headers["Sec-Fetch-Site"] = "same-origin"
        yield opened


def examiner(gallery: OpenGallery) -> str:
    """Return the cookie of somebody with every role that customers have."""
    return signed_up.cookie(gallery, setting_up=True)


def operator(gallery: OpenGallery) -> str:
    """Return the cookie of an operator."""
    return signed_up.operator_cookie(gallery, 0, setting_up=True)


Cookie = Callable[[OpenGallery], str]


def test_what_is_open_is_about_whoever_asks() -> None:
    assert SETTING_UP == OPEN
    assert {ROUTES[route] for route in SETTING_UP} == {Exempt.OWN}


@pytest.mark.parametrize("cookie", [examiner, operator])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_other_route_is_open(
    gallery: OpenGallery, browser: httpx.Client, method: str, path: str, cookie: Cookie
) -> None:
    place = "/".join(NOTHING if part.startswith("{") else part for part in path.split("/"))

    response = browser.request(method, place, headers={"Cookie": f"{SESSION_COOKIE}={cookie(gallery)}"})

    is_problem = response.headers.get("content-type") == "application/problem+json"
    refused = is_problem and (response.status_code, response.json()["code"]) == (403, "setting-up")
    answered = path in PUBLIC or path.startswith("/static/") or (method, path) in OPEN
    assert refused == (not answered)
    assert response.status_code < 500


@pytest.mark.parametrize("cookie", [examiner, operator])
@pytest.mark.parametrize("action", sorted({row.action for row in ROUTES.values() if isinstance(row, Asks)}))
def test_behind_the_guard_they_may_do_nothing_either(gallery: OpenGallery, action: Action, cookie: Cookie) -> None:
    visitor = gallery.sign_in.visitor(cookie(gallery))
    assert visitor is not None
    source = source_facts(gallery.records.source(SOURCE)) if action in ON_A_SOURCE else None

    with pytest.raises(NotPermittedError) as raised:
        gallery.permission.require(Asks(action), actor=visitor.actor(), source=source)

    assert "core-key" in [reason["rule"] for reason in raised.value.reasons]
