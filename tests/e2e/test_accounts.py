"""Accounts in a real browser: one-time codes, passkeys on Chromium's virtual authenticator, reviews by two."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from countenance.access.credentials import CredentialKind
from countenance.access.passkeys import SignedApproval, approval_holds
from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import NotPermittedError
from countenance.policy.model import Role
from countenance.search.model import SearchRequest
from tests import signed_up
from tests.e2e.conftest import WATCH_POLICY, served

SIGN = """
async (options) => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return (await navigator.credentials.get({ publicKey })).toJSON();
}
"""

MAKE_KEY = """
async () => {
  const body = JSON.stringify({ name: "k", actions: ["search"], days: 366 });
  const answer = await fetch("/own/keys", { method: "POST", body, headers: { "Content-Type": "application/json" } });
  return (await answer.json()).code;
}
"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGallery]:
    """A gallery with accounts and nobody's face."""
    settings = Settings(home=tmp_path_factory.mktemp("office") / "home")
    initialise(settings)
    with open_gallery(settings) as opened:
        signed_up.person(opened)
        yield opened


@pytest.fixture(scope="module")
def site(office: OpenGallery) -> Iterator[str]:
    """Its address, by name: passkeys belong to names."""
    with served(office) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Page]]:
    """Opens pages of browsers of their own, with a virtual authenticator each."""
    contexts, errors = [], []

    def open_page(path: str, cookie: str | None = None) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        context.set_default_timeout(15_000)
        context.add_init_script(WATCH_POLICY)
        contexts.append(context)
        if cookie is not None:
            context.add_cookies([{"name": SESSION_COOKIE, "value": cookie, "url": site}])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        devices = context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        device = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})
        page.goto(f"{site}{path}")
        return page

    yield open_page
    violations = [page.evaluate("window.violations") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert errors == []
    assert all(found == [] for found in violations)


def begin_with_code(page: Page, login: str, code: str) -> None:
    page.get_by_label("Login").fill(login)
    page.get_by_label("One-time code").fill(code)
    page.get_by_role("button", name="Go on").click()


def add_passkey(page: Page, name: str) -> None:
    page.get_by_label("What you call it").fill(name)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#held")).to_contain_text(name)


def test_from_a_one_time_code_to_a_passkey_and_an_approval(
    visit: Callable[..., Page], office: OpenGallery, site: str
) -> None:
    code = office.sign_in.invite("examiner", actor=signed_up.operators(office)[0])
    page = visit("/own")

    begin_with_code(page, "examiner", "guess")
    expect(page.locator("#first-time-problem")).to_contain_text("did not sign anybody in")
    begin_with_code(page, "examiner", code)
    expect(page.locator("#setting-up")).to_be_visible()
    add_passkey(page, "Duty desk")
    page.get_by_role("button", name="Done: sign in with it").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.locator("#own")).to_have_text("examiner")

    user = office.accounts.user("examiner", actor=signed_up.operators(office)[0])[0]
    request, other = b'{"case":"2026-114"}', b'{"case":"2026-115"}'
    options = office.passkeys.approval_options(user.user_id, request, origin=site)
    signature: dict[str, Any] = page.evaluate(SIGN, options)
    approval = office.passkeys.approve(user.user_id, request, signature, origin=site)

    kept = SignedApproval(
        credential_id=approval.credential_id,
        public_key=approval.public_key,
        assertion=json.loads(json.dumps(approval.assertion)),
    )
    assert approval_holds(kept, request, origin=site)
    assert not approval_holds(kept, other, origin=site)
    assert not approval_holds(kept, request, origin="http://localhost:1")
    for who, what, where in (
        (user.user_id, other, site),
        ("somebody else", request, site),
        (user.user_id, request, "http://evil.example"),
        (user.user_id, request, site),  # the counter of that signature was seen
    ):
        with pytest.raises(NotPermittedError) as raised:
            office.passkeys.approve(who, what, signature, origin=where)
        assert raised.value.code == "approval-invalid"


def test_a_supervisor_approves_on_the_page_with_a_passkey(
    visit: Callable[..., Page], office: OpenGallery, site: str
) -> None:
    examiner = signed_up.admitted(office)
    signed_up.person(office, "s.visor", roles=[Role.SUPERVISOR])
    asked = {"case": signed_up.CASE, "purpose": "witness", "offence": "robbery", "actor": examiner}
    with pytest.raises(NotPermittedError, match="supervisor's approval"):
        office.search(SearchRequest(image=b"x", filename=None, **asked))
    page = visit("/own", signed_up.cookie(office, "s.visor"))
    add_passkey(page, "Supervisor's desk")
    page.goto(site)

    expect(page.locator("#approvals-list")).to_contain_text("2026-114: witness, robbery")
    page.get_by_label("Your reason").fill("the prosecutor asked")
    page.get_by_role("button", name="Approve").click()

    expect(page.locator("#approvals")).to_be_hidden()
    [one] = office.approvals.all(actor=examiner)
    assert (one.state.value, one.reason) == ("granted", "the prosecutor asked")
    assert one.signature is not None
    kept = SignedApproval(
        credential_id=one.signature["credential"],
        public_key=one.signature["key"],
        assertion=one.signature["assertion"],
    )
    assert approval_holds(kept, one.request_hash.encode(), origin=site)
    assert not approval_holds(kept, b"another", origin=site)


def test_who_has_a_passkey_does_not_approve_without_it(
    visit: Callable[..., Page], office: OpenGallery, site: str
) -> None:
    examiner = signed_up.admitted(office)
    signed_up.person(office, "t.visor", roles=[Role.SUPERVISOR])
    supervisor = office.accounts.acting("t.visor")
    asked = {"case": signed_up.CASE, "purpose": "witness", "offence": "theft", "actor": examiner}
    with pytest.raises(NotPermittedError):
        office.search(SearchRequest(image=b"y", filename=None, **asked))
    [newest, *_] = office.approvals.all(actor=supervisor)
    add_passkey(visit("/own", signed_up.cookie(office, "t.visor")), "Second desk")

    with pytest.raises(NotPermittedError) as unsigned:
        office.approvals.decide_signed(
            newest.approval_id, grant=True, reason="r", signature=None, actor=supervisor, origin=site
        )

    assert unsigned.value.code == "approval-unsigned"


def test_a_passkeys_answer_signs_in_once(visit: Callable[..., Page], office: OpenGallery, site: str) -> None:
    page = visit("/own", signed_up.cookie(office))
    add_passkey(page, "Key of the safe")
    signature = page.evaluate(SIGN, dict(office.passkeys.sign_in_options(origin=site)))

    begun = office.passkeys.sign_in(signature, origin=site, browser="b")

    assert office.sign_in.visitor(begun.cookie) is not None
    with pytest.raises(NotPermittedError) as raised:
        office.passkeys.sign_in(signature, origin=site, browser="b")
    assert raised.value.code == "sign-in-refused"


def test_a_code_may_only_set_up(visit: Callable[..., Page], office: OpenGallery, site: str) -> None:
    page = visit("/own")
    begin_with_code(page, "examiner", office.sign_in.invite("examiner", actor=signed_up.operators(office)[0]))
    expect(page.locator("#yours")).to_be_visible()

    answered = page.evaluate("async () => { const r = await fetch('/v1/gallery'); return (await r.json()).code; }")
    made = page.evaluate(MAKE_KEY)
    page.goto(site)

    assert (answered, made) == ("setting-up", "setting-up")
    expect(page).to_have_url(f"{site}/own")
    expect(page.locator("#key-form")).to_be_hidden()
    expect(page.get_by_role("button", name="Remove")).to_have_count(0)


def test_from_a_one_time_code_to_a_password_and_an_authenticator(
    visit: Callable[..., Page], office: OpenGallery
) -> None:
    signed_up.person(office, "p.word")
    page = visit("/own")
    begin_with_code(page, "p.word", office.sign_in.invite("p.word", actor=signed_up.operators(office)[0]))

    page.get_by_label("New password").fill(signed_up.PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.locator("#held")).to_contain_text("Password")
    page.get_by_role("button", name="Make a new secret").click()
    secret = page.locator("#authenticator-secret")
    expect(secret).not_to_be_empty()
    authenticator = pyotp.TOTP(secret.inner_text().replace(" ", ""))
    page.get_by_label("The code that it shows now").fill(authenticator.now())
    page.get_by_role("button", name="Let it count").click()
    expect(page.locator("#held")).to_contain_text("Authenticator")
    page.get_by_role("button", name="Done: sign in with it").click()

    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    user = office.accounts.user("p.word", actor=signed_up.operators(office)[0])[0]
    assert office.own.sessions(user.user_id) == ()
    kinds = {one.kind for one in office.own.credentials(user.user_id)}
    assert kinds == {CredentialKind.PASSWORD, CredentialKind.TOTP}


def test_two_operators_review_on_the_page(visit: Callable[..., Page], office: OpenGallery, tmp_path: Path) -> None:
    charter = tmp_path / "charter.pdf"
    charter.write_bytes(b"charter")
    first = visit("/organisations", signed_up.operator_cookie(office, 0))
    name = "<img src=x onerror=alert(1)> Harbour"

    first.get_by_label("Name", exact=True).first.fill(name)
    first.get_by_label("Country").fill("NL")
    first.get_by_label("How to reach it").fill("duty desk")
    first.get_by_label("What shows").set_input_files(charter)
    first.get_by_role("button", name="Put it on record").click()
    expect(first.locator("#one-heading")).to_contain_text(name)
    first.get_by_label("Your reason").fill("charter seen")
    first.get_by_role("button", name="Admit").click()
    expect(first.locator("#one-waits")).to_contain_text("waits for another operator")
    expect(first.get_by_role("button", name="Admit")).to_have_count(0)

    second = visit("/organisations", signed_up.operator_cookie(office, 1))
    second.get_by_role("button", name=name).click()
    second.get_by_label("Your reason").fill("called back")
    second.get_by_role("button", name="Admit").click()
    expect(second.locator("#one-heading .state")).to_have_text("active")

    second.get_by_label("Login").fill("h.examiner")
    second.locator("#person-name").fill("Hedy")
    second.get_by_label("Examiner").check()
    second.get_by_role("button", name="Add this person").click()
    expect(second.locator("#people")).to_contain_text("h.examiner")
    second.get_by_role("button", name="One-time code").click()
    expect(second.locator("#code")).to_contain_text("signs in once with")
    second.get_by_label("Your reason").fill("dissolved")
    second.get_by_role("button", name="Cancel for good").click()
    expect(second.locator("#one-heading .state")).to_have_text("cancelled")


def test_nobody_but_operators_sees_organisations(visit: Callable[..., Page], office: OpenGallery) -> None:
    page = visit("/organisations", signed_up.cookie(office))

    expect(page.locator("#problem")).to_contain_text("This is for operators of the installation")
    expect(page.locator("#list")).to_be_empty()
