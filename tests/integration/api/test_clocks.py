"""The clocks of a gallery that is served: emergencies go out of sight and then for good, though nobody searches."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.api.app import create_app
from countenance.bootstrap.clocks import clocks_running
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.clock import utc_now
from countenance.core.errors import UnavailableError
from countenance.gallery.model import LegalBasis
from countenance.policy.model import Role
from tests import signed_up
from tests.integration.api.conftest import served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

WITNESS = {"case": signed_up.CASE, "purpose": "witness", "offence": "robbery", "emergency": "true"}
OFTEN = 0.05
LONGEST = 20.0


@pytest.fixture
def own_gallery(tmp_path: Path, portraits: Mapping[str, Path]) -> Iterator[OpenGallery]:
    """A gallery with one subject."""
    settings = Settings(home=tmp_path / "home")
    initialise(settings)
    with open_gallery(settings) as opened:
        opened.sources.register(name="portraits", owner="o", legal_basis=LegalBasis.LICENCE, document=b"l")
        opened.enrol_photograph("portraits", portraits["obama.jpg"].read_bytes(), filename="o.jpg", subject="C")
        signed_up.admitted(opened)
        signed_up.person(opened, "s.visor", roles=[Role.SUPERVISOR])
        yield opened


def later(gallery: OpenGallery, by: timedelta) -> None:
    """Let time go by for every emergency that waits."""
    engine = open_engine(sqlite_url(gallery.settings.database))
    with engine.begin() as connection:
        connection.execute(text("UPDATE approval SET due_at = :due"), {"due": f"{utc_now() - by:%Y-%m-%d %H:%M:%S.%f}"})
    engine.dispose()


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that has to happen."""
    ends = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < ends
        time.sleep(OFTEN)


def entries(gallery: OpenGallery, action: str) -> int:
    """Count the log's entries of an action."""
    log = b"\n".join(gallery.audit.entries(0, gallery.audit.head().size))
    return log.count(f'"action":"{action}"'.encode())


def test_an_emergency_goes_out_of_sight_and_then_for_good_while_nobody_searches(
    own_gallery: OpenGallery, portraits: Mapping[str, Path]
) -> None:
    header = {"Authorization": f"Bearer {signed_up.api_key(own_gallery)}"}
    photograph = {"photograph": ("o.jpg", portraits["obama3.jpg"].read_bytes())}
    with (
        clocks_running(own_gallery, every=OFTEN),
        served(create_app(own_gallery)) as url,
        httpx.Client(base_url=url, headers=header, trust_env=False, timeout=30) as browser,
    ):
        made = browser.post("/v1/searches", data=WITNESS, files=photograph).json()
        address = f"/v1/searches/{made['search_id']}"
        shown = browser.get(address)

        later(own_gallery, timedelta(seconds=1))
        until(lambda: entries(own_gallery, "emergency-quarantine") == 1)
        hidden = browser.get(address)
        later(own_gallery, timedelta(days=8))
        until(lambda: entries(own_gallery, "emergency-delete") == 1)
        gone = browser.get(address)

    assert made["candidates"]
    assert shown.json()["search_id"] == made["search_id"]
    assert (hidden.status_code, hidden.json()["code"]) == (403, "search-quarantined")
    assert (gone.status_code, gone.json()["code"]) == (404, "search-unknown")
    assert entries(own_gallery, "emergency-quarantine") == entries(own_gallery, "emergency-delete") == 1


def test_what_fails_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    looks: list[int] = []

    class Failing:
        """A gallery whose clocks fail."""

        def heed_clocks(self) -> None:
            """Fail, otherwise each time."""
            looks.append(1)
            raise UnavailableError("down", code="records-unavailable") if len(looks) % 2 else ValueError("Jane Doe")

    with clocks_running(Failing(), every=0.01):  # type: ignore[arg-type]
        until(lambda: len(looks) > 3)

    assert {record.message for record in caplog.records} == {"clocks: records-unavailable", "clocks: ValueError"}
