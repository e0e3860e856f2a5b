"""The audit log over HTTP: for auditors, each what they may see."""

from collections.abc import Iterator

import httpx
import pytest

from countenance.api.app import create_app
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.policy.model import Role
from tests import signed_up
from tests.integration.api.conftest import served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture(scope="module")
def own_gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGallery]:
    """A gallery with two organisations, an auditor in each."""
    settings = Settings(home=tmp_path_factory.mktemp("audited") / "home")
    initialise(settings)
    with open_gallery(settings) as opened:
        signed_up.person(opened, "ours", roles=[Role.AUDITOR])
        signed_up.person(opened, "theirs", roles=[Role.AUDITOR], org="Other bench")
        yield opened


def key(gallery: OpenGallery, login: str) -> dict[str, str]:
    """Return the header of an API key."""
    made = gallery.own.make_key(gallery.accounts.acting(login), name="k", actions=["read-log"], lasts=signed_up.A_DAY)
    return {"Authorization": f"Bearer {made[1]}"}


def test_an_auditor_sees_what_their_organisation_did_and_no_more(own_gallery: OpenGallery) -> None:
    ours = own_gallery.accounts.acting("ours").org_id
    with served(create_app(own_gallery)) as url, httpx.Client(base_url=url, trust_env=False) as browser:
        header = key(own_gallery, "ours")
        key(own_gallery, "theirs")
        first = browser.get("/v1/audit/entries", headers=header).json()
        again = browser.get("/v1/audit/entries?action=read-log&limit=1", headers=header).json()
        refused = browser.get("/v1/audit/entries?limit=0", headers=header)

    assert {one["organisation"] for one in first["entries"]} == {ours}
    assert {one["action"] for one in first["entries"]} == {"credential-added", "read-log"}
    assert [one["action"] for one in again["entries"]] == ["read-log"]
    assert again["size"] == first["size"] + 1
    assert first["checkpoint"].startswith("countenance.local/")
    assert refused.status_code == 422
