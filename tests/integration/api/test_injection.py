"""SQL, templates, headers and paths put into every place that takes words: they stay words."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import create_engine, func, select, table, text

from countenance.adapters.sql.database import sqlite_url
from countenance.api.app import create_app
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.model import LegalBasis
from countenance.policy.model import Role
from countenance.web.page import page_router
from tests import signed_up
from tests.integration.api.conftest import served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

WORDS = {
    "SQL, a statement": "x'; DROP TABLE subject; --",
    "SQL, always true": "' OR '1'='1",
    "SQL, in a name": '" UNION SELECT body FROM audit_entry --',
    "a template": "{{7*7}}${7*7}<%= 7*7 %>{% raw %}",
    "markup": "<script>alert(1)</script>",
    "a header": "x\r\nX-Injected: 1\r\n\r\n<html>",
    "a path": "../../../../etc/passwd",
    "a path, backslashes": "..\\..\\..\\records.sqlite3",
    "a format": "%s%n{0.__class__}%(x)s",
    "a NUL": "x\x00y",
    "turned around": "x\u202ey",
}


@pytest.fixture(scope="module")
def own_gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGallery]:
    """A gallery with one source, to be attacked."""
    settings = Settings(home=tmp_path_factory.mktemp("attacked") / "home")
    initialise(settings)
    with open_gallery(settings) as opened:
        opened.sources.register(name="portraits", owner="o", legal_basis=LegalBasis.LICENCE, document=b"l")
        signed_up.person(opened, "everything", roles=signed_up.ROLES)
        signed_up.person(opened, "an-auditor", roles=[Role.AUDITOR])
        signed_up.admitted(opened)
        yield opened


@pytest.fixture(scope="module")
def url(own_gallery: OpenGallery) -> Iterator[str]:
    with served(create_app(own_gallery, pages=[page_router(max_image_bytes=1_000_000)])) as address:
        yield address


@pytest.fixture(scope="module")
def http(own_gallery: OpenGallery, url: str) -> Iterator[httpx.Client]:
    """Requests of somebody who may do everything that organisations do."""
    with httpx.Client(base_url=url, headers=key(own_gallery, "everything"), trust_env=False) as opened:
        yield opened


def key(gallery: OpenGallery, login: str) -> dict[str, str]:
    """Return the header of a new API key for everything that somebody may do."""
    actor = gallery.accounts.acting(login)
    made = gallery.own.make_key(actor, name="k", actions=signed_up.ACTIONS, lasts=signed_up.A_DAY)
    return {"Authorization": f"Bearer {made[1]}"}


def held(gallery: OpenGallery) -> Mapping[str, int]:
    """Count the rows of every table."""
    engine = create_engine(sqlite_url(gallery.settings.database))
    with engine.connect() as connection:
        names = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        found = {name: connection.scalar(select(func.count()).select_from(table(name))) or 0 for name in names}
    engine.dispose()
    return found


def places(words: str, photograph: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Put words everywhere: method, and what is sent."""
    shown, stated = {"photograph": (words, photograph)}, {"case": words, "purpose": words, "offence": words}
    yield "GET", {"url": "/v1/subjects", "params": {"source": words, "limit": words}}
    yield "GET", {"url": "/v1/subjects", "params": {"source": words}}
    for kind in ("cases", "sources", "subjects", "searches", "requests"):
        yield "GET", {"url": f"/v1/{kind}/{quote(words, safe='')}"}
    yield "POST", {"url": "/v1/searches", "data": stated, "files": shown}
    yield "POST", {"url": "/v1/searches", "data": {"case": "c", "purpose": "missing-person"}, "files": shown}
    yield "POST", {"url": "/v1/faces", "files": shown}
    yield "POST", {"url": "/v1/sources/portraits/photographs", "data": {"subject": words}, "files": shown}
    yield "POST", {"url": "/session", "json": {"login": words, "password": words, "code": words}}


@pytest.mark.parametrize("words", [pytest.param(words, id=name) for name, words in WORDS.items()])
def test_words_stay_words(own_gallery: OpenGallery, http: httpx.Client, words: str) -> None:
    before = held(own_gallery)

    answers = [http.request(method, **sent) for method, sent in places(words, b"\xff\xd8\xff no picture")]
    auditor = key(own_gallery, "an-auditor")
    answers.append(http.get("/v1/audit/entries", params={"action": words}, headers=auditor))

    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []
    assert not any("x-injected" in answer.headers or "root:x:0" in answer.text for answer in answers)
    assert not any("49" in answer.json().get("detail", "") for answer in answers if words.startswith("{{"))
    after = held(own_gallery)
    assert {name for name in before if after[name] < before[name]} == set()
    assert after.keys() == before.keys()
    assert http.get("/v1/audit/entries", headers=auditor).json()["size"] >= before["audit_entry"]


@pytest.mark.parametrize("words", [pytest.param(words, id=name) for name, words in WORDS.items()])
def test_what_is_kept_comes_back_as_it_was_given(http: httpx.Client, portraits: Mapping[str, Path], words: str) -> None:
    photograph = portraits["person_a_1.jpg"].read_bytes() + words.encode()
    enrolled = http.post(
        "/v1/sources/portraits/photographs",
        data={"subject": words},
        files={"photograph": ("a.jpg", photograph)},
    )
    opened = http.post("/v1/cases", files={"reference": (None, words)})

    labels = [one["label"] for one in http.get("/v1/subjects").json()["subjects"]]
    references = [one["reference"] for one in http.get("/v1/cases").json()["cases"]]
    assert (enrolled.status_code == 200 and enrolled.json()["enrolled"] == 1) == (words in labels), enrolled.text
    assert (opened.status_code == 201) == (words in references), opened.text
    assert enrolled.status_code in {200, 422}
    assert opened.status_code in {201, 422}


@pytest.mark.parametrize(
    "path",
    [
        "/static/../page.py",
        "/static/..%2f..%2fpage.py",
        "/static/%2e%2e/page.py",
        "/static//etc/passwd",
        "/static/%00main.js",
        "/static/main.js%00.css",
        "/..%5c..%5crecords.sqlite3",
    ],
)
def test_no_path_leads_to_a_file(http: httpx.Client, path: str) -> None:
    answer = http.get(httpx.URL(str(http.base_url)).copy_with(raw_path=path.encode()))

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
