"""Nothing in an answer, nor how long it takes, tells whether a case, a search, a person or an organisation exists."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from countenance.api.app import create_app
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.model import LegalBasis
from countenance.policy.model import Role
from countenance.search.model import SearchRequest
from tests import signed_up
from tests.integration.api.conftest import served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NOTHING = "00000000-0000-4000-8000-000000000000"
RIVAL = "Rival bench"


@pytest.fixture(scope="module")
def own_gallery(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Iterator[OpenGallery]:
    """A gallery with one subject, that two organisations search."""
    settings = Settings(home=tmp_path_factory.mktemp("told") / "home")
    initialise(settings)
    with open_gallery(settings) as opened:
        opened.sources.register(name="portraits", owner="o", legal_basis=LegalBasis.LICENCE, document=b"l")
        opened.enrol_photograph("portraits", portraits["obama.jpg"].read_bytes(), filename="o.jpg", subject="C")
        signed_up.admitted(opened)
        signed_up.person(opened, "rival", org=RIVAL)
        yield opened


@pytest.fixture(scope="module")
def theirs(own_gallery: OpenGallery, portraits: Mapping[str, Path]) -> Mapping[str, str]:
    """Ids of what another organisation has."""
    rival = own_gallery.accounts.acting("rival")
    case = own_gallery.cases.open("theirs-1", actor=rival)
    asked = SearchRequest(
        image=portraits["obama3.jpg"].read_bytes(),
        filename=None,
        case="theirs-1",
        purpose="witness",
        offence="robbery",
        emergency=True,
        actor=rival,
    )
    search_id = own_gallery.search(asked).search_id
    [approval] = own_gallery.approvals.all(actor=rival)
    return {"case": case.case_id, "search": search_id, "approval": approval.approval_id, "org": rival.org_id}


@pytest.fixture(scope="module")
def http(own_gallery: OpenGallery) -> Iterator[httpx.Client]:
    """Requests of somebody of the first organisation, to a real server."""
    header = {"Authorization": f"Bearer {signed_up.api_key(own_gallery)}"}
    with (
        served(create_app(own_gallery)) as url,
        httpx.Client(base_url=url, headers=header, trust_env=False, timeout=30) as opened,
    ):
        yield opened


def said(response: httpx.Response) -> tuple[int, object, frozenset[str]]:
    """Return all that an answer says: status, body, headers."""
    return response.status_code, response.json(), frozenset(response.headers) - {"date"}


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("GET", "/v1/cases/{}", "case"),
        ("POST", "/v1/cases/{}/closing", "case"),
        ("GET", "/v1/searches/{}", "search"),
        ("POST", "/v1/approvals/{}/options", "approval"),
        ("GET", "/operator/organisations/{}", "org"),
    ],
)
def test_what_is_another_organisations_is_answered_like_nothing(
    http: httpx.Client, theirs: Mapping[str, str], method: str, path: str, what: str
) -> None:
    real, none = (http.request(method, path.format(one)) for one in (theirs[what], NOTHING))

    assert said(real) == said(none)
    assert real.status_code in {403, 404}


def test_another_organisations_case_is_refused_like_none(
    http: httpx.Client, theirs: Mapping[str, str], portraits: Mapping[str, Path]
) -> None:
    photograph = {"photograph": ("p.jpg", portraits["obama3.jpg"].read_bytes())}

    answers = [
        said(http.post("/v1/searches", data={"case": case, "purpose": "missing-person"}, files=photograph))
        for case in ("theirs-1", theirs["case"], "no-such-case", NOTHING)
    ]

    assert answers == [answers[0]] * 4
    assert answers[0][0] == 403


def test_a_reference_that_another_organisation_has_is_free(http: httpx.Client, theirs: Mapping[str, str]) -> None:
    opened = http.post("/v1/cases", files={"reference": (None, "theirs-1")})

    assert opened.status_code == 201
    assert opened.json()["case_id"] != theirs["case"]


SIGN_INS = 5


def test_signing_in_costs_as_much_for_nobody_as_for_somebody(own_gallery: OpenGallery, http: httpx.Client) -> None:
    signed_up.with_password(own_gallery, "has-a-password")
    signed_up.person(own_gallery, "has-none", roles=[Role.EXAMINER])
    logins = ("has-a-password", "has-none", "nobody", "x" * 256)

    # Of processor time, the server's included: other work on the machine does not count in it.
    took: dict[str, list[float]] = {login: [] for login in logins}
    with httpx.Client(base_url=http.base_url, headers={"Sec-Fetch-Site": "same-origin"}, trust_env=False) as door:
        for login in logins * SIGN_INS:
            began = time.process_time()
            answer = door.post("/session", json={"login": login, "password": "guess", "code": "000000"}, timeout=60)
            took[login].append(time.process_time() - began)
            assert answer.json()["code"] == "sign-in-refused"

    least = {login: min(times) for login, times in took.items()}
    assert max(least.values()) < 1.5 * min(least.values()), least
    assert min(least.values()) > 0.02
