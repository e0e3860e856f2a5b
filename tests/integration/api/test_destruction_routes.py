"""Erasure and retention over REST, by the typed client against a real server."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from countenance.api.app import create_app
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.client.client import Client
from countenance.core.clock import utc_now
from countenance.core.errors import InvalidInputError, NotFoundError
from countenance.gallery.terms import Retention, RetentionRule
from tests import signed_up
from tests.integration.api.conftest import served
from tests.made_up_galleries import made_up_home

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

TODAY = utc_now().date()


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[OpenGallery]:
    """A gallery of made-up people."""
    with open_gallery(made_up_home(tmp_path / "home", {"one": 3, "two": 2})) as opened:
        yield opened


@pytest.fixture
def client(gallery: OpenGallery) -> Iterator[Client]:
    """A custodian's client."""
    key = signed_up.api_key(gallery)
    with served(create_app(gallery)) as url, Client(url, key) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["subject", "image", "face"])
def test_what_is_erased_is_gone_and_certified(gallery: OpenGallery, client: Client, kind: str) -> None:
    subject = gallery.records.subjects(source="one", limit=1)[0].subject_id
    [face] = gallery.records.faces_of(subject)
    target = {"subject": subject, "image": face.image_id, "face": face.face_id}[kind]

    extent = client.would_erase(kind, target)  # type: ignore[arg-type]
    still = client.subject(subject)
    certificate = client.erase(kind, target, reason="The person asked")  # type: ignore[arg-type]
    again = client.erase(kind, target, reason="The person asked")  # type: ignore[arg-type]

    assert (extent.source, extent.searches_that_returned_it) == ("one", 0)
    assert extent.would_erase == {"photographs": 1, "subjects": 1, "templates": 1, "photographs_staying": 0}
    assert still.subject.subject_id == subject
    statement = json.loads(certificate.statement)
    assert statement["erased"] == {"kind": f"{kind}-erased", "id": target}
    assert statement["reason"] == "The person asked"
    assert again == certificate
    assert len(gallery.records.subjects(source="one", limit=9)) == 2
    with pytest.raises(NotFoundError) as caught:
        client.subject(subject)
    assert caught.value.code == "subject-unknown"


def test_what_can_not_be_erased_is_said(gallery: OpenGallery, client: Client) -> None:
    subject = gallery.records.subjects(limit=1)[0].subject_id

    with pytest.raises(NotFoundError) as unknown:
        client.erase("face", subject, reason="r")
    with pytest.raises(InvalidInputError) as reasonless:
        client.erase("subject", subject, reason=" ")

    assert (unknown.value.code, reasonless.value.code) == ("face-unknown", "reason-invalid")
    assert client.subject(subject).subject.subject_id == subject


def test_clocks_are_planned_and_run(gallery: OpenGallery, client: Client) -> None:
    label = gallery.records.subjects(source="two", limit=1)[0].label or ""
    release = gallery.sources.add_release("two", label=label, document=b"c", ends_on=TODAY, by="Ada")
    gallery.retention.set("one", Retention(rule=RetentionRule.DATE, ends_on=TODAY + timedelta(days=9)))

    today, ahead = client.retention_plan(), client.retention_plan(on=TODAY + timedelta(days=10))
    nothing = client.run_retention()
    gallery.retention.set("one", Retention(rule=RetentionRule.DATE, ends_on=TODAY - timedelta(days=1)))
    gallery.sources.revoke_release("two", release.release_id)
    waiting, ran = client.retention_plan(), client.run_retention()

    assert [one.due for one in today.sources] == [False, False]
    assert (today.on, today.releases, today.answers.before) == (TODAY.isoformat(), (), None)
    assert {one.source: one.due for one in ahead.sources} == {"one": True, "two": False}
    assert [one.release_id for one in ahead.releases] == [release.release_id]
    assert nothing.destroyed == ()
    assert waiting.unfinished == 2
    assert [(one.kind, one.source) for one in ran.destroyed] == [("source-expired", "one"), ("subject-erased", "two")]
    assert (ran.cases, ran.requests, ran.log_keys) == ((), (), ())
    assert {one.certificate for one in ran.destroyed} == {one.destruction_id for one in gallery.sources.certificates()}


@pytest.mark.parametrize("day", ["soon", "0", "1764288000", "2026-02-30"])
def test_a_day_that_is_none_is_refused(gallery: OpenGallery, day: str) -> None:
    key = signed_up.api_key(gallery)
    with served(create_app(gallery)) as url:
        answer = httpx.get(
            f"{url}/v1/retention", params={"on": day}, headers={"Authorization": f"Bearer {key}"}, trust_env=False
        )

    assert (answer.status_code, answer.json()["code"]) == (422, "request-invalid")
