"""Sessions in the wrong hands, over HTTP: planted, stolen, replayed, run out; and whose organisation was cancelled."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest

from countenance.access.credentials import SESSION_IDLE, SESSION_LONGEST
from countenance.access.passwords import Passwords
from countenance.access.sign_in import SignIn
from countenance.api.app import create_app
from countenance.api.guard import RECHECK_S
from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.clock import utc_now
from tests import signed_up
from tests.integration.api.conftest import response_on, served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
OVER = (401, "session-ended")


class Clock:
    """A clock that is set forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def own_gallery(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[OpenGallery]:
    """A gallery with accounts and nobody's face, whose sessions go by that clock."""
    settings = Settings(home=tmp_path_factory.mktemp("sessions") / "home")
    initialise(settings)
    with open_gallery(settings) as opened:
        opened.sign_in = SignIn(opened.accounts.directory, Passwords(), clock=clock)
        yield opened


@pytest.fixture(scope="module")
def url(own_gallery: OpenGallery) -> Iterator[str]:
    with served(create_app(own_gallery)) as address:
        yield address


@pytest.fixture
def browsers(url: str) -> Iterator[Callable[[], httpx.Client]]:
    """Opens browsers, each with cookies of its own."""
    opened: list[httpx.Client] = []

    def browser(cookie: str | None = None) -> httpx.Client:
        opened.append(httpx.Client(base_url=url, headers=SAME_ORIGIN, trust_env=False))
        if cookie is not None:
            opened[-1].cookies.set(SESSION_COOKIE, cookie)
        return opened[-1]

    yield browser
    for one in opened:
        one.close()


def answered(browser: httpx.Client) -> tuple[int, str]:
    """Return how a request of whoever is signed in is answered, and with which code."""
    response = browser.get("/v1/cases")
    return response.status_code, response.json().get("code", "")


def given(login: str, authenticator: pyotp.TOTP, at: datetime) -> dict[str, str]:
    """Return what somebody of the test bench enters."""
    return {"login": login, "password": signed_up.PASSWORD, "code": authenticator.at(int(at.timestamp()))}


Browsers = Callable[..., httpx.Client]


def test_a_session_that_was_planted_is_not_the_one_that_begins(own_gallery: OpenGallery, browsers: Browsers) -> None:
    authenticator = signed_up.with_password(own_gallery, "planted-on")
    for planted in ("made-up", signed_up.cookie(own_gallery, "planter")):
        victim, planter = browsers(planted), browsers(planted)

        entered = victim.post("/session", json=given("planted-on", authenticator, utc_now()))
        authenticator = signed_up.with_password(own_gallery, "planted-on")

        assert entered.status_code == 204
        assert entered.cookies[SESSION_COOKIE] != planted
        assert planter.get("/session").json()["login"] in {None, "planter"}


def test_the_cookie_is_for_no_script_and_no_other_site(own_gallery: OpenGallery, browsers: Browsers) -> None:
    authenticator = signed_up.with_password(own_gallery, "cookie-reader")

    entered = browsers().post("/session", json=given("cookie-reader", authenticator, utc_now()))

    for cookie in entered.headers.get_list("set-cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Domain" not in cookie


def test_a_stolen_session_ends_for_the_thief_with_its_owners(own_gallery: OpenGallery, browsers: Browsers) -> None:
    cookie = signed_up.cookie(own_gallery, "robbed")
    owner, thief = browsers(cookie), browsers(cookie)
    assert answered(thief)[0] == 200

    owner.delete("/session")

    assert answered(thief) == answered(owner) == OVER
    assert thief.get("/own/security").json()["code"] == "session-ended"


def test_a_stolen_session_is_ended_from_another_one(own_gallery: OpenGallery, browsers: Browsers) -> None:
    thief, owner = (browsers(signed_up.cookie(own_gallery, "robbed-too")) for _ in range(2))
    [stolen] = [one for one in owner.get("/own/security").json()["sessions"] if not one["current"]]

    ended = owner.delete(f"/own/sessions/{stolen['session_id']}")

    assert ended.status_code == 204
    assert answered(thief) == OVER
    assert answered(owner)[0] == 200


def test_nobody_ends_or_sees_somebody_elses(own_gallery: OpenGallery, browsers: Browsers) -> None:
    owner, other = browsers(signed_up.cookie(own_gallery, "owner")), browsers(signed_up.cookie(own_gallery, "other"))
    [mine] = owner.get("/own/security").json()["sessions"]

    other.delete(f"/own/sessions/{mine['session_id']}")

    assert answered(owner)[0] == 200
    assert mine["session_id"] not in other.get("/own/security").text


def test_what_was_entered_once_is_entered_again_for_nothing(own_gallery: OpenGallery, browsers: Browsers) -> None:
    entered = given("recorded", signed_up.with_password(own_gallery, "recorded"), utc_now())
    first = browsers().post("/session", json=entered)

    replayed = [browsers().post("/session", json=entered) for _ in range(2)]

    assert first.status_code == 204
    assert [(one.status_code, one.json()["code"]) for one in replayed] == [(401, "sign-in-refused")] * 2
    assert all("set-cookie" not in one.headers for one in replayed)


def test_what_is_said_of_an_api_key_signs_nobody_in(own_gallery: OpenGallery, browsers: Browsers) -> None:
    key = signed_up.api_key(own_gallery, "key-owner", actions=["read-policy"])
    entered = {"login": "key-owner", "code": key.split("_")[1]}

    refused = browsers().post("/session/invitation", json=entered)
    after = browsers().get("/v1/policy", headers={"Authorization": f"Bearer {key}"})

    assert (refused.status_code, refused.json()["code"]) == (401, "sign-in-refused")
    assert "set-cookie" not in refused.headers
    assert after.status_code == 200


def test_sessions_run_out_and_stay_so(own_gallery: OpenGallery, browsers: Browsers, clock: Clock) -> None:
    idle, busy = (browsers(signed_up.cookie(own_gallery, "shift")) for _ in range(2))
    try:
        while clock.ahead < SESSION_LONGEST - SESSION_IDLE:
            clock.ahead += SESSION_IDLE - timedelta(minutes=1)
            assert answered(busy)[0] == 200
        at_the_end = answered(idle)
        clock.ahead = SESSION_LONGEST
        after = answered(busy)
    finally:
        clock.ahead = timedelta()

    assert at_the_end == after == OVER
    assert browsers("x" * 43).get("/v1/cases").json()["code"] == "session-ended"


def test_an_upload_is_cut_off_when_its_organisation_is_cancelled(own_gallery: OpenGallery, url: str) -> None:
    signed_up.person(own_gallery, "going", org="Going bench")
    actor = own_gallery.accounts.acting("going")
    key = own_gallery.own.make_key(actor, name="k", actions=signed_up.ACTIONS, lasts=signed_up.A_DAY)[1]
    target, piece = urlsplit(url), b"x" * 1000
    head = (
        "POST /v1/faces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: 900000\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="photograph"; filename="a.jpg"\r\n\r\n'
    )
    with socket.create_connection((target.hostname, target.port), timeout=20) as raw:
        raw.sendall(head.encode())
        time.sleep(RECHECK_S + 0.2)
        raw.sendall(piece)
        operator = signed_up.operators(own_gallery)[0]
        own_gallery.accounts.cancel("Going bench", reason="not eligible", actor=operator)
        time.sleep(RECHECK_S + 0.2)
        raw.sendall(piece)
        answer = response_on(raw)
        after = httpx.get(f"{url}/v1/cases", headers={"Authorization": f"Bearer {key}"}, trust_env=False)

    assert (answer[0], json.loads(answer[1])["code"]) == (401, "access-ended")
    assert (after.status_code, after.json()["code"]) == (401, "token-wrong")
