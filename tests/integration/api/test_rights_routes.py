"""The rights desk over REST."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from countenance.api.app import create_app
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from tests import signed_up
from tests.integration.api.conftest import served
from tests.made_up_galleries import made_up_home

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

RECEIVED = {"kind": "erasure", "name": "Person A", "contact": "a@example.org", "received": "2026-01-31"}


def form(**fields: object) -> dict[str, tuple[None, str]]:
    """Return fields as multipart."""
    return {name: (None, str(value)) for name, value in fields.items()}


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[OpenGallery]:
    """A gallery of made-up people."""
    with open_gallery(made_up_home(tmp_path / "home", {"one": 3})) as opened:
        yield opened


@pytest.fixture
def desk(gallery: OpenGallery) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Two people at the desk."""
    keys = [signed_up.api_key(gallery, login) for login in ("examiner", "second")]
    with served(create_app(gallery)) as url:
        first, second = (
            httpx.Client(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {key}"}, trust_env=False)
            for key in keys
        )
        with first, second:
            yield first, second


def test_from_its_arrival_to_the_letter(gallery: OpenGallery, desk: tuple[httpx.Client, httpx.Client]) -> None:
    first, second = desk
    subject = gallery.records.subjects(limit=1)[0].subject_id

    received = first.post("/requests", files=form(**RECEIVED))
    place = received.headers["Location"].removeprefix("/v1")
    first.post(f"{place}/identity", files=form(how="passport seen"))
    unusable = first.post(f"{place}/look", files={"photograph": b"no picture"})
    decided = first.post(f"{place}/decision", files=form(granted=True, reason="r", subjects=f"{subject}, "))
    same = first.post(f"{place}/release")
    early = first.get(f"{place}/letter")
    released = second.post(f"{place}/release")
    letter = first.get(f"{place}/letter")
    closed = first.post(f"{place}/closing", files=form(reason="letter sent"))

    assert (received.status_code, received.json()["due_on"]) == (201, "2026-02-28")
    assert (unusable.status_code, unusable.json()["code"]) == (422, "image-unsupported-format")
    assert decided.json()["decision"]["subjects"] == [subject]
    assert (same.status_code, same.json()["code"]) == (403, "request-same-person")
    assert (early.status_code, early.json()["code"]) == (409, "request-not-released")
    assert (released.json()["state"], len(released.json()["certificates"])) == ("released", 1)
    assert (letter.headers["content-type"], letter.content[:5]) == ("application/pdf", b"%PDF-")
    assert closed.json()["state"] == "closed"
    assert first.get("/requests").json() == {"requests": []}
    [line] = first.get("/requests", params={"closed": True}).json()["requests"]
    assert "name" not in line
    assert first.get(place).json() == closed.json()
    assert subject not in [one.subject_id for one in gallery.records.subjects(limit=9)]


def test_a_decision_is_sent_back(desk: tuple[httpx.Client, httpx.Client]) -> None:
    first, second = desk
    place = first.post("/requests", files=form(**RECEIVED)).headers["Location"].removeprefix("/v1")
    first.post(f"{place}/identity", files=form(how="passport seen"))
    first.post(f"{place}/decision", files=form(granted=False, reason="r"))

    back = second.post(f"{place}/return", files=form(reason="look again")).json()

    assert (back["state"], back["decision"]) == ("identified", None)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"received": "2999-01-01"}, "request-date-invalid", id="ahead"),
        pytest.param({"name": " "}, "request-words-invalid", id="nobody"),
        pytest.param({"kind": "magic"}, "request-invalid", id="another kind"),
    ],
)
def test_what_can_not_be_is_said(desk: tuple[httpx.Client, httpx.Client], changed: dict[str, str], code: str) -> None:
    refused = desk[0].post("/requests", files=form(**{**RECEIVED, **changed}))

    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert desk[0].get("/requests/5f0c").json()["code"] == "request-unknown"


def test_somebody_stays_out_and_takes_it_back(
    gallery: OpenGallery, desk: tuple[httpx.Client, httpx.Client], portraits: Mapping[str, Path]
) -> None:
    first, second = desk
    place = first.post("/requests", files=form(**{**RECEIVED, "kind": "stay-out"})).headers["Location"][3:]
    first.post(f"{place}/identity", files=form(how="passport seen"))
    sent = [("photograph", portraits[name].read_bytes()) for name in ("obama.jpg", "obama2.jpg")]
    sent += [("document", b"signed"), ("until", (None, "2999-12-31"))]  # type: ignore[list-item]

    early = first.post(f"{place}/consent", files=[*sent[:3], ("until", (None, "2020-01-01"))])  # type: ignore[list-item]
    consented = first.post(f"{place}/consent", files=sent).json()
    [waiting] = first.get("/stay-out").json()["entries"]
    first.post(f"{place}/decision", files=form(granted=True, reason="their wish"))
    second.post(f"{place}/release")
    [entry] = first.get("/stay-out").json()["entries"]
    enrolling = {"photograph": ("o.jpg", portraits["obama3.jpg"].read_bytes()), "subject": (None, "C")}
    refused = first.post("/sources/one/photographs", files=enrolling).json()
    ended = first.delete(f"/stay-out/{entry['entry_id']}")
    again = first.delete(f"/stay-out/{entry['entry_id']}")
    enrolled = first.post("/sources/one/photographs", files=enrolling).json()

    assert (early.status_code, early.json()["code"]) == (422, "consent-end-invalid")
    assert consented["consent"]["entry_id"] == waiting["entry_id"] == entry["entry_id"]
    assert (waiting["since"], entry["since"] is None) == (None, False)
    assert ([one["code"] for one in refused["not_enrolled"]], refused["stay_out"]) == (["stay-out"], 1)
    assert (ended.status_code, again.status_code, again.json()["code"]) == (204, 404, "stay-out-unknown")
    assert enrolled["enrolled"] == 1
    assert gallery.rights.stay_out.entries.entries() == ()
