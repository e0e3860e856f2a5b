"""A whole gallery on a Milvus server; tests/contract/test_milvus_servers.py starts one and runs this."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.milvus.server import Filter, MilvusServer, NearRows, TemplateCollection
from countenance.adapters.milvus.shared import SharedMilvusIndex
from countenance.adapters.milvus.state import StateFile
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.cli.main import run
from countenance.core.arrays import Templates
from countenance.core.errors import IntegrityError, UnavailableError
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased
from countenance.gallery.model import Snapshot
from countenance.index.model import BlockRows, Nearest
from countenance.index.ports import RowNumbers, TemplateSearch
from countenance.index.rotation import Rotation
from countenance.policy.model import SYSTEM
from tests import signed_up
from tests.contract.fill_and_die import ADDED, LATE, ON_MILVUS
from tests.contract.search_until_told import COUNT, STAYS
from tests.index_engines import unit_rows
from tests.integration.gallery.conftest import start
from tests.made_up_galleries import fill, found, made_up_home, people
from tests.milvus_servers import PATIENCE
from tests.milvus_servers import answers as listens
from tests.milvus_servers import command as server_command

SERVER = os.environ["COUNTENANCE_TEST_MILVUS"]

ASKED = ("--case", signed_up.CASE, "--purpose", signed_up.PURPOSE, "--json")

OWN_PORT = 19631
"""Of a server that a test starts itself."""

COUNTS = {"archive": 30, "museum": 12}

VECTORS = unit_rows(seed=1, n=30)
"""Templates of rows 1 to 30, where there are no records."""

Answers = list[list[tuple[str, str | None, float]]]


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search with Milvus."""
    monkeypatch.setenv("COUNTENANCE_ENGINE", "milvus")
    monkeypatch.setenv("COUNTENANCE_MILVUS_ADDRESS", SERVER)


@pytest.fixture
def server() -> Iterator[MilvusServer]:
    """A connection of the tests' own; what galleries made is dropped in the end."""
    connected = MilvusServer(SERVER)
    yield connected
    for name in connected.collections("countenance_"):
        connected.drop(name)
    connected.close()


@pytest.fixture
def settings(tmp_path: Path, server: MilvusServer) -> Settings:
    """The settings of a home with made-up people."""
    assert not server.collections("countenance_")
    return made_up_home(tmp_path / "home", COUNTS)


def searched(gallery: OpenGallery) -> Answers:
    """Search with some people of each source."""
    return found(gallery, np.concatenate([people(source, 5) for source in COUNTS]))


def answers(settings: Settings) -> Answers:
    """Open a gallery and search."""
    with open_gallery(settings) as gallery:
        return searched(gallery)


def labels(gallery: OpenGallery, source: str, count: int) -> list[str | None]:
    """Return who comes first for each of a source's people."""
    return [answer[0][1] if answer else None for answer in found(gallery, people(source, count))]


def named(source: str, count: int) -> list[str]:
    return [f"{source} person {number}" for number in range(count)]


@pytest.mark.parametrize("moment", ["erased", "followed"])
def test_a_search_under_which_the_gallery_changes_is_made_again_of_the_next_snapshot(
    settings: Settings, moment: str
) -> None:
    tries: list[Snapshot] = []
    with open_gallery(settings) as gallery, open_gallery(settings) as beside:
        [first, *_] = gallery.records.subjects(source="archive", limit=1)

        def search(pinned: TemplateSearch, snapshot: Snapshot) -> list[Nearest]:
            tries.append(snapshot)
            if len(tries) == 1 and moment == "erased":
                erased = Erased(DestructionKind.SUBJECT_ERASED, first.subject_id)
                gallery.sources._eraser.records.begin(erased, by="Ada", reason="they asked", actor=SYSTEM)
            elif len(tries) == 1:
                fill(beside, "late", 3)
                beside.refresh()
            return pinned(people("archive", 1), blocks=gallery.records.active_sources(), limit=50)

        [nearest] = gallery.indexed.searched(search)
        now = gallery.records.snapshot()

    assert tries[1:] == [now]
    assert tries[0].revision < now.revision
    assert len(nearest.neighbours) == now.subjects == sum(COUNTS.values()) + (3 if moment == "followed" else -1)


def test_commands_enrol_search_and_withdraw_while_another_process_searches(
    tmp_path: Path, portraits: Mapping[str, Path], server: MilvusServer
) -> None:
    home, document = tmp_path / "home", tmp_path / "d.txt"
    document.write_text("given", encoding="utf-8")
    for person, name in {"A": "person_a_1.jpg", "B": "person_b_1.jpg"}.items():
        (tmp_path / "album" / person).mkdir(parents=True)
        shutil.copy(portraits[name], tmp_path / "album" / person)

    def call(*words: str | Path, code: int = 0) -> str:
        """Run a command in a process of its own."""
        process = start(*words, "--home", home)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, err
        return out if code == 0 else err

    def who() -> list[str]:
        """Search for A by the command."""
        found_now = json.loads(call("search", portraits["person_a_2.jpg"], *ASKED))
        return [one["subject"]["label"] for one in found_now["candidates"]]

    call("init")
    signed_up.admitted_home(home)
    call("source", "register", "album", "--owner", "Zoë", "--legal-basis", "contract", "--document", document)
    with open_gallery(Settings(home=home)) as beside:
        empty = len(beside.indexed.refresh()[0])
        call("enrol", "album", tmp_path / "album")
        enrolled = len(beside.indexed.refresh()[0])
        before = who()
        agree = json.loads(call("doctor", "--json"))
        status = json.loads(call("index", "status", "--json"))
        call("source", "withdraw", "album", "--reason", "the owner says stop")
        after = (len(beside.indexed.refresh()[0]), who())

    assert (empty, enrolled, before, after) == (0, 2, ["A"], (0, []))
    assert agree == {"subjects": 2, "agree": True}
    assert (status["subjects"], status["on_record"], status["whole"]) == (2, 2, True)
    assert status["place"].startswith(SERVER)
    assert [server.loaded(name).count() for name in server.collections("countenance_")] == [0]  # type: ignore[union-attr]


@pytest.mark.usefixtures("server")
def test_a_server_that_is_not_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up_home(tmp_path / "home", {})
    monkeypatch.setenv("COUNTENANCE_MILVUS_ADDRESS", "http://127.0.0.1:9")

    ended = start("doctor", "--home", tmp_path / "home")
    out, err = ended.communicate(timeout=60)

    first, hint = err.splitlines()
    assert (ended.returncode, out) == (6, "")
    assert first.startswith("countenance: the index server http://127.0.0.1:9 does not answer: ")
    assert first.endswith(" [index-unavailable]")
    assert "COUNTENANCE_MILVUS_ADDRESS" in hint


def test_answers_are_those_of_the_exact_engine_and_each_engine_takes_the_other_ones_index_away(
    settings: Settings, server: MilvusServer
) -> None:
    on_milvus = answers(settings)
    folders = [sorted(path.name.split("-")[0] for path in settings.index.iterdir() if path.is_dir())]

    exact = answers(Settings(home=settings.home, engine="exact"))
    folders.append(sorted(path.name.split("-")[0] for path in settings.index.iterdir() if path.is_dir()))
    left = server.collections("countenance_")
    again = answers(settings)
    folders.append(sorted(path.name.split("-")[0] for path in settings.index.iterdir() if path.is_dir()))

    assert on_milvus == exact == again
    assert folders == [["milvus"], ["exact"], ["milvus"]]
    assert left == []


def test_the_server_holds_no_template(settings: Settings, server: MilvusServer) -> None:
    with open_gallery(settings) as gallery:
        index, snapshot = gallery.indexed.refresh()
        rows = index.rows()
        references = gallery.records.references(rows.tolist())
    [name] = server.collections("countenance_")
    collection = server.loaded(name)
    assert collection is not None
    held = collection.held(rows)

    kept = np.stack([references[row].template for row in rows.tolist()])
    sent = np.stack([held[row].vector for row in rows.tolist()])
    assert len(held) == snapshot.subjects
    assert np.abs((kept * sent).sum(axis=1)).max() < 0.6
    assert np.allclose(kept @ kept.T, sent @ sent.T, atol=1e-5)
    assert settings.home.name not in name


def test_a_reader_sees_at_once_what_another_process_adds_withdraws_and_erases(settings: Settings) -> None:
    with open_gallery(settings) as reader, open_gallery(settings) as writer:
        searched(reader)
        fill(writer, "late", 5)
        writer.refresh()
        added = labels(reader, "late", 5)
        [gone, *_] = writer.records.subjects(source="archive", limit=1)
        writer.sources.erase(Erased(DestructionKind.SUBJECT_ERASED, gone.subject_id), by="Ada", reason="they asked")
        without = {label for answer in found(reader, people("archive", 5)) for _, label, _ in answer}
        ended = writer.sources.withdraw("late", by="Ada", reason="the owner says stop")
        sources = {source for answer in found(reader, people("late", 5)) for source, _, _ in answer}
        agree = reader.indexed.compare().agree
        facts = writer.sources.read_certificate(ended.certificate or b"")

    assert added == named("late", 5)
    assert gone.label not in without
    assert "late" not in sources
    assert agree
    assert "Milvus" in facts["not_reached"]


@pytest.fixture
def pair(tmp_path: Path, server: MilvusServer) -> tuple[SharedMilvusIndex, SharedMilvusIndex]:
    """Two processes' indexes over one collection, which holds row 1 of subject 1 in block a; see `VECTORS`."""
    keyring, rotation = memory_keyring(), Rotation.random(VECTORS.shape[1])
    one, other = (
        SharedMilvusIndex(
            StateFile(tmp_path, keyring),
            VECTORS.shape[1],
            server=server,
            prefix="countenance_",
            originals=lambda rows: {row: VECTORS[row - 1] for row in rows},
            rotation=rotation,
        )
        for _ in range(2)
    )
    one.add(rows_of("a", {1: 1}))
    return one, other


def rows_of(block: str, subjects: Mapping[int, int]) -> BlockRows:
    """Return rows with their subjects, and of `VECTORS` those that they number from 1."""
    rows = np.array(list(subjects))
    return BlockRows(block, rows=rows, subjects=np.array(list(subjects.values())), templates=VECTORS[rows - 1])


def near(index: SharedMilvusIndex, probes: int = 1) -> list[list[int]]:
    """Return who is near the first row, for each of some probes."""
    found_now = index.search(VECTORS[[0] * probes], blocks=["a", "b"], limit=9)
    return [sorted(one.row for one in answer.neighbours) for answer in found_now]


def test_what_the_server_shows_of_an_addition_under_way_is_in_no_answer(
    pair: tuple[SharedMilvusIndex, SharedMilvusIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = pair
    seen, insert = [], TemplateCollection.insert

    def one_by_one(collection: TemplateCollection, parts: Iterable[BlockRows]) -> None:
        """Do as a server does that takes a partition after the other, and look between."""
        for part in parts:
            insert(collection, [part])
            seen.append([near(writer), near(reader)])

    monkeypatch.setattr(TemplateCollection, "insert", one_by_one)

    writer.add(rows_of("a", {3: 3}), rows_of("b", {2: 2}))

    assert seen == [[[[1]], [[1]]]] * 2
    assert near(writer) == near(reader) == [[1, 2, 3]]


def test_who_has_one_more_photograph_is_found_while_it_is_added(
    pair: tuple[SharedMilvusIndex, SharedMilvusIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = pair
    nearest, photographs = TemplateCollection.nearest, iter([2, 3])

    def add_first(collection: TemplateCollection, vector: Templates, condition: str, limit: int) -> NearRows:
        """Let the writer put another row in the place of the subject's, before the server looks."""
        if row := next(photographs, None):
            writer.add(rows_of("a", {row: 1}))
            writer.remove([row - 1])
        return nearest(collection, vector, condition, limit)

    monkeypatch.setattr(TemplateCollection, "nearest", add_first)

    assert near(reader, probes=2) == [[3], [3]]


def test_a_search_that_others_overtake_each_time_says_so(
    pair: tuple[SharedMilvusIndex, SharedMilvusIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, reader = pair
    nearest, rows = TemplateCollection.nearest, iter(range(2, len(VECTORS) + 1))

    def add_first(collection: TemplateCollection, vector: Templates, condition: str, limit: int) -> NearRows:
        """Add somebody before the server looks."""
        writer.add(rows_of("a", {(row := next(rows)): row}))
        return nearest(collection, vector, condition, limit)

    monkeypatch.setattr(TemplateCollection, "nearest", add_first)

    with pytest.raises(UnavailableError) as caught:
        near(reader)

    assert caught.value.code == "index-behind"


def test_the_doctor_finds_no_fault_while_another_process_changes_the_index(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_gallery(settings) as gallery, open_gallery(settings) as other:
        searched(gallery)
        searched(other)
        differing, turns = SharedMilvusIndex.differing, iter(["archive"])

        def withdraw_first(index: SharedMilvusIndex, part: BlockRows) -> RowNumbers:
            """Let the other process take a source out of records and index, before the server is asked."""
            for source in turns:
                with pytest.raises(UnavailableError) as caught:  # no certificate while records are read as they were
                    other.sources.withdraw(source, by="Ada", reason="the owner says stop")
                assert caught.value.code == "records-being-read"
                searched(other)
            return differing(index, part)

        monkeypatch.setattr(SharedMilvusIndex, "differing", withdraw_first)
        difference = gallery.indexed.compare()

    assert difference.agree
    assert difference.compared == COUNTS["museum"]


@pytest.mark.parametrize("step", ON_MILVUS)
def test_a_writer_that_is_killed_is_made_up_for(settings: Settings, server: MilvusServer, step: str) -> None:
    program = [sys.executable, "-m", "tests.contract.fill_and_die", str(settings.home), step]

    with open_gallery(settings) as reader:
        searched(reader)
        before = server.collections("countenance_")
        killed = subprocess.run(program, capture_output=True, text=True, check=False)
        seen = [labels(reader, source, ADDED) for source in LATE]
    with open_gallery(settings) as gallery:
        after = [labels(gallery, source, ADDED) for source in LATE]
        agree = gallery.indexed.compare().agree

    assert killed.returncode == -9, killed.stderr
    assert seen == after == [named(source, ADDED) for source in LATE]
    assert agree
    # What is there was kept.
    assert server.collections("countenance_") == before


def test_readers_miss_nobody_while_a_writer_fills_withdraws_and_rebuilds(settings: Settings) -> None:
    with open_gallery(settings) as writer:
        fill(writer, STAYS, COUNT)
        program = [sys.executable, "-m", "tests.contract.search_until_told", str(settings.home)]
        readers = [
            subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        began = [reader.stdout.readline() for reader in readers if reader.stdout is not None]
        for turn in range(3):
            fill(writer, f"turn-{turn}", 40)
            writer.refresh()
            writer.sources.withdraw(f"turn-{turn}", by="Ada", reason="the owner says stop")
        ended = [reader.communicate("stop\n", timeout=60) for reader in readers]

    assert began == ["ready\n"] * 2, ended
    for out, err in ended:
        assert out, err
        told = json.loads(out)
        assert (told["answers"] > 1, told["lacking"]) == (True, [])


def test_a_collection_that_is_gone_is_made_again(settings: Settings, server: MilvusServer) -> None:
    with open_gallery(settings) as gallery:
        before = searched(gallery)
        for name in server.collections("countenance_"):
            server.drop(name)
        with pytest.raises(UnavailableError) as caught:
            searched(gallery)
        after = searched(gallery)

    assert caught.value.code == "index-unavailable"
    assert after == before
    assert len(server.collections("countenance_")) == 1


def test_rows_that_the_server_lost_are_added_again_by_whoever_opens_the_gallery(
    settings: Settings, server: MilvusServer
) -> None:
    before = answers(settings)
    [name] = server.collections("countenance_")
    collection = server.loaded(name)
    assert collection is not None
    collection.delete(Filter.of(low=3, high=5))

    after = answers(settings)

    assert after == before


def test_a_row_that_the_server_changed_stops_serving_until_the_index_is_rebuilt(
    settings: Settings, server: MilvusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ("--home", str(settings.home))
    with open_gallery(settings) as gallery:
        before = searched(gallery)
        [name] = server.collections("countenance_")
        collection = server.loaded(name)
        assert collection is not None
        [(row, held)] = collection.held(np.array([3])).items()
        collection.delete_rows([row])
        subjects = np.array([held.subject])
        collection.insert(
            [BlockRows(held.block, rows=np.array([row]), subjects=subjects, templates=-held.vector[None])]
        )

        doctor = run(["doctor", *home])
        with pytest.raises(IntegrityError) as caught:
            searched(gallery)
        said = capsys.readouterr().err
        rebuilt, agreed = run(["index", "rebuild", *home]), run(["doctor", *home])
        after = searched(gallery)

    assert doctor == 7
    assert "1 of 42 subjects differ" in said
    assert caught.value.code == "index-mismatch"
    assert (rebuilt, agreed) == (0, 0)
    assert after == before


def test_a_server_put_back_to_an_older_state_is_noticed(settings: Settings, server: MilvusServer) -> None:
    with open_gallery(settings) as gallery:
        fill(gallery, "late", 2)
        gallery.refresh()
        [gone, *_] = gallery.records.subjects(source="archive", limit=1)
        gallery.sources.erase(Erased(DestructionKind.SUBJECT_ERASED, gone.subject_id), by="Ada", reason="they asked")
        rows = gallery.records.reference_rows(gallery.records.source("late").source_id)
    [name] = server.collections("countenance_")
    collection = server.loaded(name)
    assert collection is not None
    # As many rows as there are on record, but not the same ones.
    collection.delete_rows(rows[-1:].tolist())
    one = np.array([1])
    collection.insert([BlockRows("other", rows=one, subjects=one, templates=people("other", 1))])

    with open_gallery(settings) as gallery:
        late, agree = labels(gallery, "late", 2), gallery.indexed.compare().agree

    assert late == named("late", 2)
    assert agree


def test_another_rotation_leaves_nothing_of_the_old_one(settings: Settings, server: MilvusServer) -> None:
    with open_gallery(settings) as beside:
        before, old = searched(beside), server.collections("countenance_")

        assert run(["templates", "rekey", "--as", "operator-1", "--home", str(settings.home)]) == 0

        with pytest.raises(UnavailableError) as caught:
            searched(beside)
    new = server.collections("countenance_")

    assert caught.value.code == "index-superseded"
    assert answers(settings) == before
    assert len(new) == 1
    assert set(new).isdisjoint(old)


@pytest.fixture
def start_own(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a server of the test's own over the same folder, to be killed."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        """Start it and wait until it answers."""
        with (tmp_path / "log").open("ab") as log:
            started.append(
                subprocess.Popen(server_command("lite", str(tmp_path / "data"), OWN_PORT), stdout=log, stderr=log)
            )
        until = time.monotonic() + PATIENCE
        while not listens(OWN_PORT):
            assert started[-1].poll() is None, (tmp_path / "log").read_text(errors="replace")
            assert time.monotonic() < until
            time.sleep(0.2)
        return started[-1]

    yield begin
    for one in started:
        one.kill()
        one.wait()


def test_a_server_that_dies_in_between_is_said_and_searched_again_once_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_own: Callable[[], subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setenv("COUNTENANCE_MILVUS_ADDRESS", f"http://127.0.0.1:{OWN_PORT}")
    own = start_own()
    with open_gallery(made_up_home(tmp_path / "home", COUNTS)) as gallery:
        before = searched(gallery)
        own.kill()
        own.wait()
        with pytest.raises(UnavailableError) as caught:
            searched(gallery)
        start_own()
        after = searched(gallery)

    assert caught.value.code == "index-unavailable"
    assert after == before
