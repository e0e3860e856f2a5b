"""Who may look at who is enrolled: nobody who is not served, and of each source those alone whom its terms admit."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from countenance.access.eligibility import barred
from countenance.access.permission import Asks, Exempt
from countenance.api.app import create_app
from countenance.api.permitted import ROUTES
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.policy import open_policy
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.cli.acting import COMMANDS
from countenance.cli.main import run
from countenance.core.clock import utc_now
from countenance.core.errors import NotFoundError, NotPermittedError
from countenance.gallery.model import EnrolledFace, SourceState, face_unknown
from countenance.gallery.ports import source_of_key
from countenance.gallery.terms import SourceTerms
from countenance.policy.model import HOUSE, Actor, Channel, OrganisationFacts, OrganisationState, Role, Sector
from countenance.policy.request import Action, Request
from countenance.policy.vectors import SOME_DAY
from countenance.search.viewing import Viewing
from tests import signed_up
from tests.integration.api.conftest import served
from tests.made_up_galleries import fill, kept_answer

if TYPE_CHECKING:
    from countenance.access.model import Organisation

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

TERMS = {
    "open": SourceTerms(),
    "open-too": SourceTerms(),
    "for-archives": SourceTerms(sectors=("archive",)),
    "not-here": SourceTerms(excluded=("NL",)),
    "for-art": SourceTerms(purposes=("art",)),
    "paused": SourceTerms(),
}
COUNT = 2
CUSTOMERS = (Role.EXAMINER, Role.SUPERVISOR, Role.CUSTODIAN)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGallery]:
    """A gallery under the default pack: a source of every kind of terms, and one that is suspended."""
    settings = Settings(home=tmp_path_factory.mktemp("viewing") / "home")
    initialise(settings)
    with open_gallery(settings) as opened:
        for name, terms in TERMS.items():
            fill(opened, name, COUNT, terms=terms)
        opened.sources.change("paused", SourceState.SUSPENDED, by="b", reason="a pause")
        first, second = signed_up.operators(opened)
        opened.accounts.add_user("keeper", organisation=HOUSE, name="k", roles=[Role.CUSTODIAN], actor=first)
        opened.accounts.confirm_user("keeper", actor=second)
        for role in CUSTOMERS:
            signed_up.person(opened, f"only-{role}", roles=[role])
        signed_up.organisation(opened, "Shop", sector=Sector.COMPANY)
        signed_up.person(opened, "shop", org="Shop")
        signed_up.organisation(opened, "Illinois", place=("US", "US-IL"))
        signed_up.person(opened, "illinois", org="Illinois")
        yield opened


@dataclass(frozen=True)
class Asking:
    """Requests of one person after another."""

    gallery: OpenGallery
    browser: httpx.Client

    def get(self, path: str, login: str, **query: Any) -> httpx.Response:
        return self.browser.get(path, headers=self.key(login), params=query)

    def key(self, login: str) -> dict[str, str]:
        actor = self.gallery.accounts.acting(login)
        made = self.gallery.own.make_key(actor, name="v", actions=signed_up.ACTIONS, lasts=signed_up.A_DAY)
        return {"Authorization": f"Bearer {made[1]}"}

    def listed(self, login: str) -> set[str]:
        reply = self.get("/v1/subjects", login, limit=100)
        assert reply.status_code == 200
        return {one["source"] for one in reply.json()["subjects"]}

    def pictures(self, login: str, source: str) -> list[tuple[int, str]]:
        """Return how each way to somebody of a source is answered: status, and code of what was not there."""
        one = self.face(source)
        paths = (f"subjects/{one.subject_id}", f"faces/{one.face_id}/crop", f"images/{one.image_id}/content")
        replies = [self.get(f"/v1/{path}", login) for path in paths]
        return [(one.status_code, one.json()["code"] if one.status_code >= 400 else "") for one in replies]

    def face(self, source: str) -> EnrolledFace:
        [subject, *_] = self.gallery.records.subjects(source=source, limit=1)
        return self.gallery.records.faces_of(subject.subject_id)[0]

    def entries(self, since: int) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self.gallery.audit.entries(since, self.gallery.audit.head().size)]


@pytest.fixture(scope="module")
def asking(gallery: OpenGallery) -> Iterator[Asking]:
    """Requests to a real server."""
    with served(create_app(gallery)) as url, httpx.Client(base_url=url, trust_env=False) as browser:
        yield Asking(gallery, browser)


UNKNOWN = [(404, "subject-unknown"), (404, "face-unknown"), (404, "image-unknown")]
SHOWN = [(200, "")] * 3


class TestWhoIsNotServed:
    @pytest.mark.parametrize(("login", "rule"), [("shop", "default-sector"), ("illinois", "default-us-il")])
    def test_sees_nobody(self, asking: Asking, login: str, rule: str) -> None:
        replies = [asking.get("/v1/subjects", login)]

        assert asking.pictures(login, "open") == [(403, "not-permitted")] * 3
        assert [reply.status_code for reply in replies] == [403]
        assert [one["rule"] for one in replies[0].json()["reasons"]] == [rule]

    @pytest.mark.parametrize("route", ["look", "consent"])
    def test_finds_nobody_at_the_rights_desk(self, asking: Asking, route: str) -> None:
        path = f"/v1/requests/00000000-0000-4000-8000-000000000000/{route}"

        def asked(login: str) -> httpx.Response:
            return asking.browser.post(path, headers=asking.key(login), files={"photograph": b"x"})

        assert [one["rule"] for one in asked("illinois").json()["reasons"]] == ["default-us-il"]
        assert asked("only-examiner").json()["reasons"][0]["rule"] == "core-custodian"
        assert asked("keeper").status_code in {404, 422}

    def test_is_told_so_on_the_command_line(
        self, gallery: OpenGallery, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("COUNTENANCE_HOME", str(gallery.settings.home))

        code = run(["subjects", "list", "--as", "illinois", "--json"])

        assert code == 3
        assert '"default-us-il"' in capsys.readouterr().out


class TestTermsOfSources:
    def test_only_people_of_sources_that_admit_the_organisation_are_listed(self, asking: Asking) -> None:
        assert asking.listed("only-examiner") == {"open", "open-too"}
        assert asking.listed("only-supervisor") == {"open", "open-too"}

    def test_pages_have_no_gaps(self, asking: Asking) -> None:
        first = asking.get("/v1/subjects", "only-examiner", limit=3).json()
        second = asking.get("/v1/subjects", "only-examiner", limit=3, offset=first["next_offset"]).json()

        assert [len(first["subjects"]), len(second["subjects"]), second["next_offset"]] == [3, 1, None]

    @pytest.mark.parametrize("source", ["for-archives", "not-here", "for-art", "paused"])
    def test_who_is_not_shown_is_unknown(self, asking: Asking, source: str) -> None:
        since = asking.gallery.audit.head().size

        assert asking.pictures("only-examiner", source) == UNKNOWN
        assert asking.get("/v1/subjects", "only-examiner", source=source).json()["subjects"] == []
        refused = [one for one in asking.entries(since) if one["outcome"] == "refused"]
        assert [(one["action"], one["facts"]["source"]) for one in refused] == [
            ("view-subject", asking.gallery.records.source(source).source_id)
        ] * 3

    def test_who_is_shown_is_shown(self, asking: Asking) -> None:
        assert asking.pictures("only-examiner", "open") == SHOWN
        assert asking.get("/v1/subjects", "only-examiner", source="nothing").json()["code"] == "source-unknown"

    def test_a_custodian_sees_what_is_suspended_too(self, asking: Asking) -> None:
        assert asking.listed("only-custodian") == {"open", "open-too", "paused"}
        assert asking.pictures("only-custodian", "paused") == SHOWN
        assert asking.pictures("only-custodian", "not-here") == UNKNOWN

    @pytest.mark.parametrize("source", TERMS)
    def test_the_house_s_custodian_sees_what_they_keep(self, asking: Asking, source: str) -> None:
        assert source in asking.listed("keeper")
        assert asking.pictures("keeper", source) == SHOWN

    def test_the_command_line_shows_the_same(
        self, asking: Asking, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("COUNTENANCE_HOME", str(asking.gallery.settings.home))
        hidden, shown = (str(asking.face(name).subject_id) for name in ("not-here", "open"))

        codes = [run(["subjects", "show", one, "--as", "only-examiner", "--json"]) for one in (hidden, shown)]
        capsys.readouterr()
        run(["subjects", "list", "--as", "only-examiner", "--json"])

        listed = json.loads(capsys.readouterr().out)["subjects"]
        assert codes == [4, 0]
        assert {one["source"] for one in listed} == {"open", "open-too"}


class TestAnswers:
    """A candidate of an answer stays in sight of those who may read it, whatever became of the source."""

    @pytest.fixture
    def candidate(self, asking: Asking) -> Iterator[EnrolledFace]:
        """A candidate of an answer of the test bench, whose source was suspended since."""
        gallery = asking.gallery
        actor = signed_up.admitted(gallery)
        search_id = kept_answer(gallery, "open", other="open-too")
        case = gallery.cases.case(signed_up.CASE, actor=actor)
        with gallery.ledger.deciding() as change:
            change.reserve(search_id, actor=actor, case_id=case.case_id, at=utc_now())
        gallery.sources.change("open", SourceState.SUSPENDED, by="b", reason="a pause")
        yield asking.face("open")
        gallery.sources.change("open", SourceState.ACTIVE, by="b")

    def statuses(self, asking: Asking, login: str, face: EnrolledFace) -> list[int]:
        paths = (f"/v1/faces/{face.face_id}/crop", f"/v1/images/{face.image_id}/content")
        return [asking.get(path, login).status_code for path in paths]

    @pytest.mark.parametrize("login", ["only-examiner", "only-supervisor"])
    def test_a_candidate_is_shown_to_those_who_may_read_the_answer(
        self, asking: Asking, candidate: EnrolledFace, login: str
    ) -> None:
        assert self.statuses(asking, login, candidate) == [200, 200]

    def test_nobody_else_is_shown(self, asking: Asking, candidate: EnrolledFace) -> None:
        signed_up.person(asking.gallery, "elsewhere", roles=[Role.EXAMINER], org="Elsewhere")
        [_, other] = asking.gallery.records.subjects(source="open", limit=2)
        [beside] = asking.gallery.records.faces_of(other.subject_id)

        assert self.statuses(asking, "elsewhere", candidate) == [404, 404]
        assert self.statuses(asking, "only-examiner", beside) == [404, 404]
        assert self.statuses(asking, "illinois", candidate) == [403, 403]

    def test_an_emergency_s_answer_that_is_out_of_sight_shows_nobody(
        self, asking: Asking, candidate: EnrolledFace
    ) -> None:
        gallery, actor = asking.gallery, asking.gallery.accounts.acting("only-examiner")
        source_id = source_of_key(gallery.records.face_crop_key(candidate.face_id))

        def hidden(_: str) -> None:
            raise NotPermittedError("out of sight", code="search-quarantined")

        def viewing(require_shown: Any) -> Viewing:
            parts = (lambda: gallery.policy, gallery.records, gallery.ledger, gallery.audit)
            return Viewing(*parts, require_shown=require_shown)

        viewing(lambda _: None).require(candidate.face_id, source_id, actor=actor, unknown=face_unknown)
        with pytest.raises(NotFoundError):
            viewing(hidden).require(candidate.face_id, source_id, actor=actor, unknown=face_unknown)


def reached(node: Any, schemas: Mapping[str, Any], seen: set[str]) -> Iterator[Mapping[str, Any]]:
    """Return the properties of every schema that a part of an OpenAPI document leads to."""
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    if isinstance(node, dict) and "properties" in node:
        yield node["properties"]
    name = node.get("$ref", "").rpartition("/")[2] if isinstance(node, dict) else ""
    if name and name not in seen:
        seen.add(name)
        yield from reached(schemas[name], schemas, seen)
    for child in children:
        yield from reached(child, schemas, seen)


def gives_somebody(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    """Say whether a route answers with enrolled people: pictures, names, candidates, whom a photograph is like."""
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    if any("image/" in media for answer in answers for media in answer.get("content", {})):
        return True
    told = [frozenset(properties) for properties in reached(answers, schemas, set())]
    uploads = "contentMediaType" in json.dumps(list(reached(operation.get("requestBody", {}), schemas, set())))
    return any(
        {"face_id"} <= one
        or {"candidates", "lead"} <= one
        or {"subject_id", "label"} <= one
        or (uploads and {"subject_id", "score"} <= one)
        for one in told
    )


@pytest.fixture(scope="module")
def giving(gallery: OpenGallery) -> Mapping[str, tuple[Action, ...]]:
    """What each route asks that answers with enrolled people, as the API's own description has it."""
    document = create_app(gallery).openapi()
    found: dict[str, tuple[Action, ...]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if gives_somebody(operation, document["components"]["schemas"]):
                row = ROUTES[method.upper(), path]
                assert isinstance(row, Asks) or row is Exempt.SEARCH
                found[f"{method} {path}"] = row.actions if isinstance(row, Asks) else (Action.SEARCH,)
    return found


def test_these_routes_answer_with_enrolled_people(giving: Mapping[str, tuple[Action, ...]]) -> None:
    assert set(giving) == {
        "post /v1/previews",
        "post /v1/searches",
        "get /v1/searches/{search_id}",
        "post /v1/requests/{request_id}/look",
        "post /v1/requests/{request_id}/consent",
        "get /v1/subjects",
        "get /v1/subjects/{subject_id}",
        "get /v1/faces/{face_id}/crop",
        "get /v1/images/{image_id}/content",
    }


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("subjects list", ("GET", "/v1/subjects")),
        ("subjects show", ("GET", "/v1/subjects/{subject_id}")),
        ("rights find", ("POST", "/v1/requests/{request_id}/look")),
        ("rights consent", ("POST", "/v1/requests/{request_id}/consent")),
        ("verify-search", ("GET", "/v1/searches/{search_id}")),
    ],
)
def test_a_command_asks_what_its_route_asks(command: str, path: tuple[str, str]) -> None:
    asked, row = ROUTES[path], COMMANDS[command]

    assert isinstance(asked, Asks)
    assert isinstance(row, Asks)
    assert row.actions == asked.actions


PLACES = (("US", "US-CA"), ("US", "US-IL"), ("US", "US-TX"), ("BE", None))
LAWS = "us-il-bipa,us-md-cp-2-501,us-mi-detroit-307.5,us-tx-cubi,us-wa-rcw-43.386,eu-ai-act"


@pytest.mark.parametrize("packs", ["default", "archive", f"default,{LAWS}", f"archive,{LAWS}"])
@pytest.mark.parametrize("sector", [one for one in Sector if one is not Sector.HOUSE])
@pytest.mark.parametrize("place", PLACES)
def test_whoever_may_not_search_gets_nobody_out_of_the_gallery(
    gallery: OpenGallery,
    giving: Mapping[str, tuple[Action, ...]],
    packs: str,
    sector: Sector,
    place: tuple[str, str | None],
) -> None:
    policy = open_policy(gallery.settings.model_copy(update={"policy_packs": packs}))
    active = OrganisationState.ACTIVE
    [known, *_] = gallery.accounts.organisations(actor=signed_up.operators(gallery)[0])
    organisation: Organisation = replace(known, sector=sector, country=place[0], region=place[1], state=active)
    reasons = {rule.rule_id for one in barred(policy, [organisation], at=SOME_DAY) for rule in one.rules}
    facts = OrganisationFacts(org_id="o", sector=sector, country=place[0], region=place[1], state=active)
    # All roles that a customer can have, and no key that narrows them: nothing but the organisation speaks against it.
    actor = Actor(user_id="u", organisation=facts, roles=frozenset(CUSTOMERS), qualifications=(), channel=Channel.PAGE)

    for route, actions in giving.items():
        if actions == (Action.SEARCH,):
            continue
        decided = policy.decide_all([Request(action=action, actor=actor, at=SOME_DAY) for action in actions])
        against = {reason.rule_id for decision in decided for reason in decision.reasons}
        assert bool(against) == bool(reasons), route
        if packs in {"default", "archive"}:
            assert against == reasons, route
