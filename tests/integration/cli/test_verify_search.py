"""`verify-search`: an answer that holds, and every way in which one does not."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copy, copytree
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.adapters.sql.destruction_models import SearchCandidateRow
from countenance.adapters.sql.models import SearchRow, SourceRow, TemplateRow
from countenance.adapters.sql.sealing import CANDIDATE, RowSeals
from countenance.adapters.sql.searches import candidate_record, sealed_answer
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.model import LegalBasis
from countenance.gallery.plan import Subjects, plan
from tests import signed_up
from tests.integration.cli.conftest import Command
from tests.stripes import templates_of

ASKED = ("--case", "2026-114", "--purpose", "missing-person", "--json")


@pytest.fixture
def own_home(filled_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the filled gallery, to be changed, by somebody whom no search was counted for yet."""
    home = copytree(filled_home, tmp_path / "home")
    with open_gallery(Settings(home=home)) as gallery:
        signed_up.admitted(gallery, "verifier")
    monkeypatch.setenv("COUNTENANCE_USER", "verifier")
    return home


@pytest.fixture
def probe(portraits: Mapping[str, Path]) -> Path:
    """A photograph of somebody who is enrolled."""
    return portraits["obama3.jpg"]


@pytest.fixture
def home_of_three(own_home: Path, portraits: Mapping[str, Path], tmp_path: Path) -> Path:
    """That copy with a second source, `club`: one person by three photographs, the last of somebody else."""
    (tmp_path / "club" / "E").mkdir(parents=True)
    for name in ("obama.jpg", "obama2.jpg", "person_b_1.jpg"):
        copy(portraits[name], tmp_path / "club" / "E")
    with open_gallery(Settings(home=own_home, workers=1)) as gallery:
        gallery.sources.register(name="club", owner="Club", legal_basis=LegalBasis.LICENCE, document=b"licence")
        gallery.enrol("club", plan(tmp_path / "club", Subjects.FOLDERS))
    return own_home


def photographs_of_three(home: Path) -> list[str]:
    """Return the ids of the photographs of that person, in order."""
    with open_gallery(Settings(home=home)) as gallery:
        [person] = gallery.records.subjects(source="club", limit=2)
        return [one.image_id for one in gallery.records.faces_of(person.subject_id)]


def kept(command: Command, home: Path, probe: Path, *more: str) -> dict[str, Any]:
    """Search, and return the answer."""
    return command("search", probe, *ASKED, *more, "--home", home).json


@contextmanager
def behind(home: Path) -> Iterator[tuple[Session, RowSeals, OpenGallery]]:
    """Open the records as somebody does who has the keys too."""
    engine = open_engine(sqlite_url(Settings(home=home).database))
    with open_gallery(Settings(home=home)) as gallery, Session(engine) as session, session.begin():
        yield session, RowSeals(gallery.keyring), gallery
    engine.dispose()


def tamper(home: Path, search_id: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a kept answer behind Countenance's back, and seal it again."""
    with behind(home) as (session, seals, gallery):
        answer = dict(gallery.records.search(search_id))
        change(answer)
        row = session.scalars(select(SearchRow).where(SearchRow.search_id == search_id)).one()
        row.entry = sealed_answer(seals, search_id, answer)
        source_id = session.scalars(select(SourceRow.source_id)).one()
        for told in answer["candidates"]:
            chosen = (SearchCandidateRow.search == row.number, SearchCandidateRow.rank == told["rank"])
            candidate = session.scalars(select(SearchCandidateRow).where(*chosen)).one()
            record = candidate_record(search_id, told["rank"])
            candidate.entry = seals.entry(source_id, record, told, column=CANDIDATE)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param((), id="the pack's threshold"),
        pytest.param(("--threshold", "-1"), id="everybody"),
        pytest.param(("--threshold", "-1", "--limit", "2"), id="the best two"),
        pytest.param(("--threshold", "0.99"), id="nobody"),
    ],
)
def test_an_answer_holds(command: Command, own_home: Path, probe: Path, more: tuple[str, ...]) -> None:
    answer = kept(command, own_home, probe, *more)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--json", "--home", own_home)

    assert ended.json == {
        "search_id": answer["search_id"],
        "candidates": len(answer["candidates"]),
        "templates": 4,
        "erased_since": 0,
        "holds": True,
    }


def test_it_is_said_in_words(command: Command, own_home: Path, probe: Path) -> None:
    answer = kept(command, own_home, probe)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", own_home)

    assert (ended.code, ended.err) == (0, "")
    assert "The answer holds: 4 subjects scored again, 1 candidates agree" in ended.out.replace("\n", " ")


@pytest.mark.parametrize("threshold", [pytest.param("-1", id="everybody"), pytest.param("0.99", id="nobody")])
def test_it_holds_after_a_photograph_that_it_did_not_show_was_erased(
    command: Command, home_of_three: Path, probe: Path, threshold: str
) -> None:
    answer = kept(command, home_of_three, probe, "--threshold", threshold)
    [*_, wrong] = photographs_of_three(home_of_three)
    command("erase", "image", wrong, "--reason", "somebody else", "--home", home_of_three)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--json", "--home", home_of_three)

    shown = len(answer["candidates"])
    assert shown == (5 if threshold == "-1" else 0)
    assert ended.json == {
        "search_id": answer["search_id"],
        "candidates": max(shown - 1, 0),
        "templates": 4,
        "erased_since": 1,
        "holds": True,
    }


@pytest.mark.parametrize("which", range(3))
def test_whichever_of_several_photographs_was_erased_an_answer_without_them_holds(
    command: Command, home_of_three: Path, probe: Path, which: int
) -> None:
    answer = kept(command, home_of_three, probe, "--threshold", "0.99")
    image = photographs_of_three(home_of_three)[which]
    command("erase", "image", image, "--reason", "they asked", "--home", home_of_three)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", home_of_three)

    assert (ended.code, ended.err) == (0, "")
    assert "1 of those searched were erased since, or lost a photograph" in ended.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param(lambda answer: answer["candidates"].pop(0), "is missing", id="a candidate taken out"),
        pytest.param(lambda answer: answer["candidates"].reverse(), "not in order", id="another order"),
        pytest.param(
            lambda answer: answer["candidates"][0].update(score=answer["candidates"][0]["score"] + 1e-9),
            "has the score",
            id="a score changed in the ninth place",
        ),
        pytest.param(lambda answer: answer.update(threshold=0.5), "below the threshold", id="another threshold"),
        pytest.param(lambda answer: answer["certificate"].update(templates=3), "3 rows", id="fewer templates searched"),
        pytest.param(
            lambda answer: answer["certificate"].update(bound=0.0, cut=0.1, scored=1), "above the bound", id="a bound"
        ),
        pytest.param(lambda answer: answer["certificate"].update(bound=0.5, cut=0.4), "could have", id="bound and cut"),
    ],
)
def test_a_changed_answer_does_not(
    command: Command, own_home: Path, probe: Path, change: Callable[[dict[str, Any]], object], why: str
) -> None:
    answer = kept(command, own_home, probe, "--threshold", "-1", "--limit", "3")
    tamper(own_home, answer["search_id"], change)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", own_home)

    ended.refused(7, "search-not-verified")
    assert why in ended.err


def test_nor_one_whose_template_changed_on_record(command: Command, own_home: Path, probe: Path) -> None:
    answer = kept(command, own_home, probe)
    number = answer["candidates"][0]["template"]
    with behind(own_home) as (session, seals, gallery):
        changed = templates_of(gallery.records, [number])[number]
        changed[0] = -changed[0]
        row = session.scalars(select(TemplateRow).where(TemplateRow.number == number)).one()
        row.vector = seals.template(session.scalars(select(SourceRow.source_id)).one(), row.face, changed)

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", own_home)

    ended.refused(7, "search-not-verified")


def test_another_file_is_refused(command: Command, own_home: Path, probe: Path, portraits: Mapping[str, Path]) -> None:
    answer = kept(command, own_home, probe)

    ended = command("verify-search", answer["search_id"], "--probe", portraits["biden.jpg"], "--home", own_home)

    ended.refused(2, "probe-differs")


def test_an_answer_without_a_search_is_refused(command: Command, own_home: Path, probe: Path) -> None:
    answer = kept(command, own_home, probe)
    tamper(own_home, answer["search_id"], lambda answer: answer.update(certificate=None))

    ended = command("verify-search", answer["search_id"], "--probe", probe, "--home", own_home)

    ended.refused(5, "search-not-certified")


def test_an_unknown_search_is_refused(command: Command, own_home: Path, probe: Path) -> None:
    ended = command("verify-search", "no-such-search", "--probe", probe, "--home", own_home)

    ended.refused(4, "search-unknown")
