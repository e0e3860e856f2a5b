"""The authorisation matrix: every route and every command has a row, and does what the row says."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from fastapi import FastAPI

from countenance.access.permission import Asks, Exempt
from countenance.api.app import create_app
from countenance.api.permitted import ROUTES
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.cli.acting import COMMANDS
from countenance.cli.main import app as command_line
from countenance.cli.main import run
from countenance.gallery.model import LegalBasis
from countenance.policy.model import Role
from countenance.policy.request import ON_A_SOURCE, Action
from countenance.rights.model import RequestKind
from countenance.web.page import page_router
from tests import signed_up
from tests.integration.api.conftest import served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

MAY: Mapping[Action, frozenset[Role]] = {
    Action.SEARCH: frozenset({Role.EXAMINER}),
    Action.EXAMINE_PROBE: frozenset({Role.EXAMINER}),
    Action.VIEW_ANSWER: frozenset({Role.EXAMINER, Role.SUPERVISOR}),
    Action.VIEW_SUBJECT: frozenset({Role.EXAMINER, Role.SUPERVISOR, Role.CUSTODIAN}),
    Action.VIEW_SOURCE: frozenset(Role),
    Action.ENROL: frozenset({Role.CUSTODIAN}),
    Action.MANAGE_SOURCE: frozenset({Role.CUSTODIAN}),
    Action.SET_KEEPER: frozenset(),
    Action.OPEN_CASE: frozenset({Role.EXAMINER, Role.SUPERVISOR}),
    Action.CLOSE_CASE: frozenset({Role.EXAMINER, Role.SUPERVISOR}),
    Action.VIEW_CASE: frozenset({Role.EXAMINER, Role.SUPERVISOR}),
    Action.APPROVE: frozenset({Role.SUPERVISOR}),
    Action.MANAGE_ORGANISATION: frozenset({Role.OPERATOR}),
    Action.MANAGE_USER: frozenset({Role.OPERATOR}),
    Action.READ_POLICY: frozenset(Role),
    Action.MAINTAIN: frozenset({Role.OPERATOR}),
    Action.READ_LOG: frozenset({Role.AUDITOR}),
    Action.READ_WHOLE_LOG: frozenset({Role.AUDITOR}),
}
"""Who may do what, as the guide has it: written out here, so that a rule that changes is seen. The operator and the
auditor are of the house; who keeps a source is for its custodians, and tried in test_custody.py."""

PEOPLE = {role: f"only-{role}" for role in Role if role is not Role.OPERATOR} | {Role.OPERATOR: "operator-1"}

NOTHING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGallery]:
    """A gallery with one source, and a person of each role."""
    with open_gallery(peopled(tmp_path_factory.mktemp("matrix") / "home")) as opened:
        yield opened


def peopled(home: Path) -> Settings:
    """Make a gallery with one source, and a person of each role."""
    settings = Settings(home=home)
    initialise(settings)
    with open_gallery(settings) as opened:
        opened.sources.register(name="archive", owner="o", legal_basis=LegalBasis.CONTRACT, document=b"d")
        signed_up.house_auditor(opened, PEOPLE[Role.AUDITOR])
        for role in signed_up.ROLES:
            signed_up.person(opened, PEOPLE[role], roles=[role])
    return settings


@pytest.fixture(scope="module")
def application(gallery: OpenGallery) -> FastAPI:
    """The application with its pages."""
    return create_app(gallery, pages=[page_router(max_image_bytes=1000)])


@pytest.fixture(scope="module")
def browser(application: FastAPI) -> Iterator[httpx.Client]:
    """Requests to a real server."""
    with served(application) as url, httpx.Client(base_url=url, trust_env=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def keys(gallery: OpenGallery) -> Mapping[Role, str]:
    """An API key for everything of a person of each role."""
    found = {}
    for role, login in PEOPLE.items():
        actor = gallery.accounts.acting(login)
        made = gallery.own.make_key(actor, name="matrix", actions=signed_up.ACTIONS, lasts=signed_up.A_DAY)
        found[role] = made[1]
    return found


@pytest.fixture
def as_home(gallery: OpenGallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands run on that gallery, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTENANCE_HOME", str(gallery.settings.home))


def routes(app: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Return every route of the application, as method and path."""
    for route in app.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner, prefix + route.include_context.prefix)
        else:
            yield from ((method, prefix + route.path) for method in route.methods - {"HEAD"})


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Return every command, by its whole name."""
    children = getattr(command, "commands", None)
    if children is None:
        yield " ".join(path)
        return
    for name, child in children.items():
        yield from commands(child, (*path, name))


def test_every_route_has_a_row(application: FastAPI) -> None:
    found = set(routes(application))

    assert found == set(ROUTES)
    assert len(found) > 50


def test_every_command_has_a_row() -> None:
    found = set(commands(typer.main.get_command(command_line)))

    assert found == set(COMMANDS)


def test_each_exemption_is_of_a_kind_that_its_place_knows() -> None:
    assert {row for row in ROUTES.values() if isinstance(row, Exempt)} == {Exempt.PUBLIC, Exempt.OWN, Exempt.SEARCH}
    assert {row for row in COMMANDS.values() if isinstance(row, Exempt)} == set(Exempt)
    assert [path for (method, path), row in ROUTES.items() if row is Exempt.SEARCH] == ["/v1/searches"]


ASKING = [(method, path) for (method, path), row in ROUTES.items() if isinstance(row, Asks)]


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize(("method", "path"), ASKING)
def test_a_route_answers_those_of_its_roles_alone(
    browser: httpx.Client, keys: Mapping[Role, str], method: str, path: str, role: Role
) -> None:
    row = ROUTES[method, path]
    assert isinstance(row, Asks)
    place = path.replace("{name}", "archive" if row.action in ON_A_SOURCE else "nothing")
    place = "/".join(NOTHING if part.startswith("{") else part for part in place.split("/"))
    sent: dict[str, Any] = {"files": {"x": b"x"}} if method == "POST" and not path.startswith("/operator") else {}

    response = browser.request(method, place, headers={"Authorization": f"Bearer {keys[role]}"}, **sent)

    refused = response.status_code == 403 and response.json()["code"] == "not-permitted"
    assert refused == (role not in MAY[row.action])
    if refused:
        assert response.json()["reasons"][0]["rule"].startswith("core-")
    else:
        assert response.status_code < 500


@pytest.mark.parametrize(("method", "path"), [*ASKING, ("POST", "/v1/searches")])
def test_a_key_for_something_else_opens_no_route(
    gallery: OpenGallery, browser: httpx.Client, method: str, path: str
) -> None:
    row = ROUTES[method, path]
    action = row.action if isinstance(row, Asks) else Action.SEARCH
    role = min(MAY[action])
    other = Action.READ_POLICY if action is not Action.READ_POLICY else Action.VIEW_SOURCE
    actor = gallery.accounts.acting(PEOPLE[role])
    key = gallery.own.make_key(actor, name="narrow", actions=[other], lasts=signed_up.A_DAY)[1]
    place = "/".join("archive" if part.startswith("{") else part for part in path.split("/"))
    form = {"data": {"case": "c", "purpose": "missing-person"}, "files": {"photograph": b"x"}}
    sent: dict[str, Any] = form if method == "POST" else {}

    response = browser.request(method, place, headers={"Authorization": f"Bearer {key}"}, **sent)

    assert (response.status_code, response.json()["code"]) == (403, "not-permitted")
    assert "core-key" in [reason["rule"] for reason in response.json()["reasons"]]


ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "approval grant": (NOTHING, "--reason", "r"),
    "approval refuse": (NOTHING, "--reason", "r"),
    "audit export": ("log",),
    "audit prove": ("0",),
    "case close": ("c",),
    "case open": ("c",),
    "case show": ("c",),
    "enrol": ("archive", "."),
    "erase face": (NOTHING, "--reason", "r"),
    "erase image": (NOTHING, "--reason", "r"),
    "erase subject": (NOTHING, "--reason", "r"),
    "faces": ("x.jpg",),
    "import": ("archive", "."),
    "keys backup": ("nowhere/backup",),
    "keys escrow": ("nowhere/escrow",),
    "keys restore": ("nowhere/backup",),
    "keys rotate": ("--to", "pkcs11"),
    "migrate compreface": ("archive", "nowhere.sql"),
    "migrate csv": ("archive", "nowhere.csv", "."),
    "migrate deepface": ("archive", "nowhere"),
    "org apply": ("O", "--sector", "archive", "--country", "NL", "--contact", "c", "--document", "x.jpg"),
    "org cancel": ("O", "--reason", "r"),
    "org review": ("O", "--admit", "--reason", "r"),
    "org show": ("O",),
    "org suspend": ("O", "--reason", "r"),
    "retention set": ("nothing", "--rule", "none"),
    "rights close": (NOTHING, "--reason", "r"),
    "rights consent": (NOTHING, "x.jpg", "--document", "x.jpg", "--until", "2999-01-01"),
    "rights decide": (NOTHING, "--refuse", "--reason", "r"),
    "rights find": (NOTHING, "x.jpg"),
    "rights identify": (NOTHING, "--how", "h"),
    "rights letter": (NOTHING, "--to", "l.pdf"),
    "rights receive": ("--kind", "access", "--name", "N", "--contact", "c"),
    "rights release": (NOTHING,),
    "report transparency": ("--year", "2026"),
    "rights return": (NOTHING, "--reason", "r"),
    "rights show": (NOTHING,),
    "rights stay-out end": (NOTHING,),
    "source activate": ("nothing",),
    "source keeper": ("nothing", "--org", "O"),
    "source register": ("new", "--owner", "o", "--legal-basis", "contract", "--document", "x.jpg"),
    "source releases add": ("nothing", "A", "--document", "x.jpg"),
    "source releases list": ("nothing",),
    "source releases revoke": ("nothing", NOTHING),
    "source resume": ("nothing",),
    "source show": ("nothing",),
    "source suspend": ("nothing", "--reason", "r"),
    "source withdraw": ("nothing", "--reason", "r"),
    "subjects show": (NOTHING,),
    "user add": ("new", "--name", "N", "--org", "O", "--role", "examiner"),
    "user bind": ("new", "sub"),
    "user confirm": ("new",),
    "user deactivate": ("new", "--reason", "r"),
    "user invite": ("new",),
    "user roles": ("new", "--role", "examiner", "--reason", "r"),
    "user show": ("new",),
    "user train": ("new", "--name", "n", "--until", "2030-01-01"),
    "verify-search": (NOTHING, "--probe", "x.jpg"),
}
"""What a command needs to get as far as asking; nearly all of it leads nowhere."""


@pytest.mark.parametrize(
    ("command", "place"),
    [
        pytest.param(("source", "releases", "list", "archive"), "/v1/sources/archive/releases", id="releases"),
        pytest.param(("rights", "show", "{request}"), "/v1/requests/{request}", id="a request"),
        pytest.param(
            ("rights", "letter", "{request}", "--to", "l.pdf"), "/v1/requests/{request}/letter", id="a letter"
        ),
    ],
)
@pytest.mark.usefixtures("as_home")
def test_whoever_reads_who_somebody_is_leaves_an_entry(
    gallery: OpenGallery,
    browser: httpx.Client,
    keys: Mapping[Role, str],
    command: tuple[str, ...],
    place: str,
) -> None:
    custodian = gallery.accounts.acting(PEOPLE[Role.CUSTODIAN])
    request = gallery.rights.receive(RequestKind.ACCESS, name="N", contact="c", actor=custodian).request_id
    before = gallery.audit.head().size

    run([*(word.replace("{request}", request) for word in command), "--as", PEOPLE[Role.CUSTODIAN], "--json"])
    browser.get(place.replace("{request}", request), headers={"Authorization": f"Bearer {keys[Role.CUSTODIAN]}"})

    entries = [json.loads(one) for one in gallery.audit.entries(before, gallery.audit.head().size)]
    assert [(one["action"], one["outcome"], one["actor"]["user"]) for one in entries] == [
        ("manage-source", "done", custodian.user_id)
    ] * 2


SPOILS = frozenset({"audit rotate-key"})
"""Commands after which a gallery that is open has to be opened again: these get one of their own."""


@pytest.mark.parametrize("command", [name for name, row in COMMANDS.items() if isinstance(row, Asks)])
def test_a_command_obeys_those_of_its_roles_alone(
    gallery: OpenGallery,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = COMMANDS[command]
    assert isinstance(row, Asks)
    monkeypatch.chdir(tmp_path)
    home = peopled(tmp_path / "home").home if command in SPOILS else gallery.settings.home
    monkeypatch.setenv("COUNTENANCE_HOME", str(home))
    Path("x.jpg").write_bytes(b"x")

    refused = set()
    for role, login in PEOPLE.items():
        capsys.readouterr()
        code = run([*command.split(), *ARGUMENTS.get(command, ()), "--as", login, "--json"])
        said = capsys.readouterr().out
        assert '"usage"' not in said
        if code == 3 and '"not-permitted"' in said:
            refused.add(role)

    assert refused == set(Role) - MAY[row.action]


ASKING_NOBODY = frozenset({Exempt.HOST, Exempt.PUBLIC})


@pytest.mark.parametrize("command", [name for name, row in COMMANDS.items() if row not in ASKING_NOBODY])
def test_a_command_of_somebody_wants_to_know_who(
    gallery: OpenGallery,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTENANCE_HOME", str(gallery.settings.home))
    monkeypatch.delenv("COUNTENANCE_USER")
    Path("x.jpg").write_bytes(b"x")
    more = {
        "search": ("x.jpg", "--case", "c", "--purpose", "missing-person"),
        "search-group": ("x.jpg", "--case", "c", "--purpose", "missing-person"),
        "api-key make": ("n", "--action", "search"),
        "api-key revoke": (NOTHING,),
    }

    code = run([*command.split(), *ARGUMENTS.get(command, more.get(command, ())), "--json"])

    assert code == 3
    assert '"actor-missing"' in capsys.readouterr().out


def test_what_was_refused_is_in_the_log(gallery: OpenGallery, browser: httpx.Client, keys: Mapping[Role, str]) -> None:
    before = gallery.audit.head().size

    browser.get("/v1/subjects", headers={"Authorization": f"Bearer {keys[Role.AUDITOR]}"})

    [entry] = gallery.audit.entries(before, gallery.audit.head().size)
    assert b'"action":"view-subject"' in entry
    assert b'"outcome":"refused"' in entry
    assert b'"rules":["core-face-work"]' in entry


@pytest.mark.parametrize("command", ["audit export", "audit prove", "oversight alerts", "oversight run"])
def test_the_whole_log_is_for_auditors_of_the_house(
    gallery: OpenGallery,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    signed_up.person(gallery, "bench-auditor", roles=[Role.AUDITOR])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COUNTENANCE_HOME", str(gallery.settings.home))

    code = run([*command.split(), *ARGUMENTS.get(command, ()), "--as", "bench-auditor", "--json"])

    assert code == 3
    assert '"rule":"core-house"' in capsys.readouterr().out.replace(" ", "")
