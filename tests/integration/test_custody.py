"""Who looks after a source: custodians of the organisation that keeps it, those of the house, and nobody else."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from countenance.access.permission import Asks
from countenance.api.app import create_app
from countenance.api.permitted import ROUTES
from countenance.bootstrap.custody import MANAGE_SOURCE, Custody
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.cli.acting import COMMANDS
from countenance.cli.main import run
from countenance.core.errors import NotPermittedError
from countenance.gallery.model import SourceState
from countenance.policy.decision import Decision, Rule
from countenance.policy.model import HOUSE, Actor, Role
from countenance.policy.request import Action, Request, SourceFacts
from countenance.policy.service import Policy
from tests import signed_up
from tests.integration.api.conftest import served
from tests.made_up_galleries import fill

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CUSTODIANS_WORK = {Action.ENROL, Action.MANAGE_SOURCE}
KEEPER, HOUSE_KEEPER, STRANGER = "keeper", "house-keeper", "stranger"
NOTHING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGallery]:
    """A gallery with a source that one organisation keeps, one that nobody does, and custodians."""
    settings = Settings(home=tmp_path_factory.mktemp("custody") / "home")
    initialise(settings)
    with open_gallery(settings) as opened:
        for login, org in ((KEEPER, "Harbour Police"), (STRANGER, "Quay Police")):
            signed_up.organisation(opened, org)
            signed_up.person(opened, login, org=org, roles=[Role.CUSTODIAN])
        signed_up.of_the_house(opened, HOUSE_KEEPER, role=Role.CUSTODIAN)
        fill(opened, "kept", 2, keeper=opened.accounts.acting(KEEPER))
        fill(opened, "open", 2)
        opened.refresh()
        yield opened


@dataclass(frozen=True)
class Asking:
    """Requests of one custodian after another, with API keys for everything."""

    browser: httpx.Client
    keys: Mapping[str, str]

    def send(self, method: str, path: str, login: str, **fields: str) -> httpx.Response:
        """Send a form where it is a POST."""
        parts = [(name, (None, value)) for name, value in fields.items()]
        headers = {"Authorization": f"Bearer {self.keys[login]}"}
        return self.browser.request(method, path, headers=headers, files=parts if method == "POST" else None)


@pytest.fixture(scope="module")
def asking(gallery: OpenGallery) -> Iterator[Asking]:
    """Requests to a real server."""
    keys = {}
    for login in (KEEPER, HOUSE_KEEPER, STRANGER):
        actor = gallery.accounts.acting(login)
        keys[login] = gallery.own.make_key(actor, name="custody", actions=signed_up.ACTIONS, lasts=signed_up.A_DAY)[1]
    with served(create_app(gallery)) as url, httpx.Client(base_url=url, trust_env=False) as browser:
        yield Asking(browser, keys)


def targets(gallery: OpenGallery, source: str) -> dict[str, str]:
    """Return the ids of a subject, a photograph and a face of a source."""
    [subject, *_] = gallery.records.subjects(source=source, limit=1)
    [face, *_] = gallery.records.faces_of(subject.subject_id)
    return {"subjects": subject.subject_id, "images": face.image_id, "faces": face.face_id}


def held(gallery: OpenGallery, source: str) -> tuple[Any, ...]:
    """Return all that somebody might have changed of a source."""
    return gallery.sources.summary(source), gallery.sources.releases(source), gallery.sources.history(source)


def entries(gallery: OpenGallery, since: int) -> list[dict[str, Any]]:
    return [json.loads(one) for one in gallery.audit.entries(since, gallery.audit.head().size)]


ASKING = [
    (method, path) for (method, path), row in ROUTES.items() if isinstance(row, Asks) and row.action in CUSTODIANS_WORK
]
OF_A_SOURCE = [(method, path) for method, path in ASKING if "{name}" in path or "{target}" in path]


def test_what_names_no_source_is_the_rest() -> None:
    rest = {path for method, path in ASKING if (method, path) not in OF_A_SOURCE}

    assert {path for path in rest if not path.startswith(("/v1/requests", "/v1/stay-out"))} == {
        "/v1/sources",
        "/v1/retention/run",
    }
    assert len(OF_A_SOURCE) == 12


BARRED = Rule(rule_id="ours-barred", pack="ours", says="barred", cites="us", needs="another rule")


class HomeBarred:
    """Stands for permission and policy where a rule of one's own bars managing sources, but no single one."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def require(self, asks: Asks, *, source: SourceFacts | None = None, **_: Actor) -> None:
        if asks.action is Action.MANAGE_SOURCE and source is None:
            raise NotPermittedError("barred", code="not-permitted", hint="")

    def decide_all(self, requests: Sequence[Request]) -> list[Decision]:
        decided = self._policy.decide_all(requests)
        return [
            replace(one, allowed=False, reasons=(BARRED,)) if request.source is None else one
            for request, one in zip(requests, decided, strict=True)
        ]


def test_who_may_manage_no_source_at_all_manages_not_this_one_either(gallery: OpenGallery) -> None:
    barred: Any = HomeBarred(gallery.policy)
    custody = Custody(lambda: barred, barred, gallery.records, gallery.custody._erasures)
    keeper, subject = gallery.accounts.acting(KEEPER), targets(gallery, "kept")["subjects"]

    with pytest.raises(NotPermittedError):
        custody.require(MANAGE_SOURCE, actor=keeper, about="kept")
    with pytest.raises(NotPermittedError):
        custody.require_subjects([subject], actor=keeper)

    assert custody.looked_after(keeper) == frozenset()
    assert gallery.custody.looked_after(keeper)


class TestRoutes:
    def place(self, gallery: OpenGallery, path: str, source: str) -> str:
        found = targets(gallery, source)
        filled = path.replace("{name}", source).replace("{release_id}", NOTHING)
        return filled.replace("{target}", found.get(path.split("/")[2], ""))

    @pytest.mark.parametrize(("method", "path"), OF_A_SOURCE)
    def test_another_organisation_s_custodian_is_refused(
        self, gallery: OpenGallery, asking: Asking, method: str, path: str
    ) -> None:
        before, size = held(gallery, "kept"), gallery.audit.head().size
        form = {"reason": "mine", "after": "suspended", "subject": "A"}

        reply = asking.send(method, self.place(gallery, path, "kept"), STRANGER, **form)

        assert (reply.status_code, reply.json()["code"]) == (403, "not-permitted")
        assert [one["rule"] for one in reply.json()["reasons"]] == ["core-keeper"]
        assert held(gallery, "kept") == before
        [entry] = entries(gallery, size)
        assert (entry["outcome"], entry["facts"]["source"]) == ("refused", before[0].source.source_id)

    @pytest.mark.parametrize(
        ("login", "source"), [(KEEPER, "kept"), (HOUSE_KEEPER, "kept"), (HOUSE_KEEPER, "open"), (STRANGER, "open")]
    )
    def test_who_may_look_after_it_is_let_through(
        self, gallery: OpenGallery, asking: Asking, login: str, source: str
    ) -> None:
        for method, path in OF_A_SOURCE:
            reply = asking.send(method, self.place(gallery, path, source), login, x="x")

            assert reply.status_code in ({200, 404} if method in {"GET", "DELETE"} else {422}), path

    def test_what_is_not_there_is_said_to_custodians(self, asking: Asking) -> None:
        paths = {"sources/nothing/releases": "source-unknown", f"faces/{NOTHING}/erasure": "face-unknown"}

        for path, code in paths.items():
            assert asking.send("GET", f"/v1/{path}", STRANGER).json()["code"] == code

    def test_an_erasure_that_is_done_is_shown_to_those_who_keep_the_source(
        self, gallery: OpenGallery, asking: Asking
    ) -> None:
        fill(gallery, "thinned", 2, keeper=gallery.accounts.acting(KEEPER))
        place = f"/v1/subjects/{targets(gallery, 'thinned')['subjects']}/erasure"

        made, again, refused = (
            asking.send("POST", place, login, reason="asked for") for login in (KEEPER, HOUSE_KEEPER, STRANGER)
        )

        assert (made.status_code, again.json()) == (200, made.json())
        assert [one["rule"] for one in refused.json()["reasons"]] == ["core-keeper"]

    def test_who_keeps_a_source_is_shown(self, gallery: OpenGallery, asking: Asking) -> None:
        listed = asking.send("GET", "/v1/sources", STRANGER).json()["sources"]

        shown = {one["name"]: one["keeper"] for one in listed}
        assert (shown["kept"], shown["open"]) == (gallery.accounts.acting(KEEPER).org_id, None)


ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "enrol": ("SOURCE", "."),
    "erase face": ("FACES", "--reason", "mine"),
    "erase image": ("IMAGES", "--reason", "mine"),
    "erase subject": ("SUBJECTS", "--reason", "mine"),
    "import": ("SOURCE", "."),
    "migrate compreface": ("SOURCE", "nowhere.sql"),
    "migrate csv": ("SOURCE", "nowhere.csv", "."),
    "migrate deepface": ("SOURCE", "nowhere"),
    "retention set": ("SOURCE", "--rule", "date", "--until", "2999-12-31"),
    "source activate": ("SOURCE",),
    "source releases add": ("SOURCE", "A", "--document", "x.jpg"),
    "source releases list": ("SOURCE",),
    "source releases revoke": ("SOURCE", NOTHING),
    "source resume": ("SOURCE",),
    "source suspend": ("SOURCE", "--reason", "mine"),
    "source withdraw": ("SOURCE", "--reason", "mine"),
}
"""Every command about a source or something in one; what is in capitals stands for it."""


class TestCommands:
    def run(self, gallery: OpenGallery, command: str, source: str, login: str) -> int:
        names = {"SOURCE": source} | {kind.upper(): one for kind, one in targets(gallery, source).items()}
        return run([*command.split(), *(names.get(one, one) for one in ARGUMENTS[command]), "--as", login, "--json"])

    @pytest.fixture(autouse=True)
    def at_home(self, gallery: OpenGallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A folder with a picture, and the home in the environment."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COUNTENANCE_HOME", str(gallery.settings.home))
        Path("x.jpg").write_bytes(b"x")

    def test_each_command_about_a_source_is_tried(self) -> None:
        asking = {name for name, row in COMMANDS.items() if isinstance(row, Asks) and row.action in CUSTODIANS_WORK}

        assert {name for name in asking if not name.startswith("rights ")} - {"source register"} == set(ARGUMENTS)

    @pytest.mark.parametrize("command", ARGUMENTS)
    def test_another_organisation_s_custodian_is_refused(
        self, gallery: OpenGallery, command: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = held(gallery, "kept")

        code = self.run(gallery, command, "kept", STRANGER)

        said = json.loads(capsys.readouterr().out)
        assert (code, [one["rule"] for one in said["error"]["reasons"]]) == (3, ["core-keeper"])
        assert held(gallery, "kept") == before

    @pytest.mark.parametrize("login", [KEEPER, HOUSE_KEEPER])
    @pytest.mark.parametrize("command", ARGUMENTS)
    def test_who_may_look_after_it_is_let_through(
        self, gallery: OpenGallery, command: str, login: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        source = f"{command.replace(' ', '-')}-{login}"
        fill(gallery, source, 1, keeper=gallery.accounts.acting(KEEPER))

        code = self.run(gallery, command, source, login)

        assert code != 3
        assert "not-permitted" not in capsys.readouterr().out

    def test_a_source_of_nobody_is_every_custodian_s(self, gallery: OpenGallery) -> None:
        fill(gallery, "nobody-s", 1)

        code = self.run(gallery, "source withdraw", "nobody-s", STRANGER)

        assert (code, gallery.records.source("nobody-s").state) == (0, SourceState.WITHDRAWN)


class TestSettingTheKeeper:
    def set(self, gallery: OpenGallery, source: str, org: str, login: str) -> int:
        home = str(gallery.settings.home)
        return run(["source", "keeper", source, "--org", org, "--as", login, "--home", home, "--json"])

    def test_the_house_gives_a_source_into_somebody_s_keeping(self, gallery: OpenGallery) -> None:
        fill(gallery, "given", 1)
        size, source_id = gallery.audit.head().size, gallery.records.source("given").source_id

        code = self.set(gallery, "given", "Quay Police", HOUSE_KEEPER)

        org_id = gallery.accounts.acting(STRANGER).org_id
        assert (code, gallery.records.source("given").keeper) == (0, org_id)
        facts = {"source": source_id, "before": None, "after": org_id}
        assert [one["facts"] for one in entries(gallery, size) if one["action"] == "source-keeper"] == [facts]
        assert source_id not in (gallery.custody.looked_after(gallery.accounts.acting(KEEPER)) or ())

    @pytest.mark.parametrize("login", [KEEPER, STRANGER, "operator-1"])
    def test_nobody_else_does(self, gallery: OpenGallery, login: str) -> None:
        code = self.set(gallery, "open", "Quay Police", login)

        assert (code, gallery.records.source("open").keeper) == (3, None)

    @pytest.mark.parametrize(("source", "org", "code"), [("nothing", HOUSE, 4), ("open", "Nobody at all", 4)])
    def test_what_is_not_there_is_said(self, gallery: OpenGallery, source: str, org: str, code: int) -> None:
        assert self.set(gallery, source, org, HOUSE_KEEPER) == code

    def test_an_organisation_that_is_not_active_keeps_nothing(
        self, gallery: OpenGallery, capsys: pytest.CaptureFixture[str]
    ) -> None:
        signed_up.organisation(gallery, "Left Police")
        gallery.accounts.suspend("Left Police", reason="left", actor=signed_up.operators(gallery)[0])

        code = self.set(gallery, "open", "Left Police", HOUSE_KEEPER)

        assert (code, json.loads(capsys.readouterr().out)["error"]["code"]) == (5, "organisation-not-active")
        assert gallery.records.source("open").keeper is None

    def test_it_is_said_who_keeps_what(self, gallery: OpenGallery, capsys: pytest.CaptureFixture[str]) -> None:
        org_id, said = gallery.accounts.acting(KEEPER).org_id, {}
        for login, source in ((KEEPER, "kept"), (STRANGER, "kept"), (STRANGER, "open")):
            run(["source", "show", source, "--as", login, "--home", str(gallery.settings.home)])
            said[login, source] = "".join(capsys.readouterr().out.split())

        assert f"keeperus({org_id})" in said[KEEPER, "kept"]
        assert f"keeperothers({org_id})" in said[STRANGER, "kept"]
        assert "keeperall" in said[STRANGER, "open"]


def test_an_organisation_keeps_what_its_custodian_registers(gallery: OpenGallery) -> None:
    def registered(name: str, **more: Actor) -> str | None:
        fill(gallery, name, 0, **more)
        return gallery.records.source(name).keeper

    keeper = gallery.accounts.acting(KEEPER)

    assert registered("of-a-customer", keeper=keeper) == keeper.org_id
    assert registered("of-the-house", keeper=gallery.accounts.acting(HOUSE_KEEPER)) == HOUSE
    assert registered("of-the-installation") is None
