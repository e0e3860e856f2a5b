"""Signing in with an identity provider in a real browser: it comes back from another site."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from tests import signed_up
from tests.e2e.conftest import WATCH_POLICY, served
from tests.oidc_provider import CLIENT, SECRET, Provider, running


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as one:
        yield one


@pytest.fixture
def office(tmp_path: Path, provider: Provider) -> Iterator[OpenGallery]:
    """A gallery with an identity provider, and somebody who is bound there."""
    settings = Settings(
        home=tmp_path / "home",
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
        oidc_name="Harbour account",
    )
    initialise(settings)
    with open_gallery(settings) as opened:
        signed_up.person(opened)
        assert opened.provider is not None
        opened.provider.bind("examiner", "00u1", actor=signed_up.operators(opened)[0])
        yield opened


def test_the_button_leads_there_and_back_and_the_session_holds(browser: Browser, office: OpenGallery) -> None:
    with served(office) as address, browser.new_context() as context:
        context.set_default_timeout(15_000)
        context.add_init_script(WATCH_POLICY)
        page = context.new_page()
        # By name, while the provider goes by number: for the browser that is another site.
        page.goto(address.replace("127.0.0.1", "localhost"))

        page.get_by_role("button", name="Sign in with Harbour account").click()

        expect(page.locator("#own")).to_have_text("examiner")
        assert page.evaluate("window.violations") == []
        page.reload()
        expect(page.locator("#own")).to_have_text("examiner")
