"""Enrolments that meet a fault: a clear error, nothing lost, and the next run ends as if there had been none."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event

import pytest
from sqlalchemy import text

from countenance.adapters.inline_reader import InlineReader
from countenance.adapters.memory_index import MemoryIndex
from countenance.adapters.sealed_objects import SealedObjects
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import CountenanceError, IntegrityError, NotFoundError, UnavailableError
from countenance.gallery.enrolment import Enrolment, EnrolmentReport
from countenance.gallery.indexing import IndexedGallery
from countenance.gallery.model import LegalBasis
from countenance.gallery.photographs import Photograph, PhotographTask, RefusedPhotograph
from countenance.gallery.plan import PlannedPhotograph, Subjects, plan
from countenance.gallery.ports import PhotographReader
from countenance.policy.model import SYSTEM
from countenance.search.model import SearchRequest
from countenance.search.service import SearchService
from countenance.vision.decode import ImageLimits
from countenance.vision.quality import ENROL_GATE, SEARCH_GATE
from tests.signed_up import PermitsAll
from tests.stripes import DIM, StripeAnalyser, stripes

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)
ANALYSER = StripeAnalyser()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 6 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    made = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], check=False, capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["/bin/umount", folder], check=True)


def remount(disk: Path, option: str) -> None:
    """Change a disk."""
    subprocess.run(["/bin/mount", "-o", f"remount,{option}", disk], check=True)


def made(home: Path) -> Settings:
    """Make a gallery with two sources."""
    settings = Settings(home=home)
    initialise(settings)
    with open_gallery(settings) as gallery:
        for name in ("one", "two"):
            gallery.sources.register(name=name, owner="o", legal_basis=LegalBasis.CONSENT, document=b"d")
    return settings


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[OpenGallery]:
    """An open gallery with two sources."""
    with open_gallery(made(tmp_path / "home")) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eighty photographs of 72 kB of forty people."""
    return filled(tmp_path / "photographs", range(1, 41))


def filled(folder: Path, people: Iterable[int]) -> Path:
    """Write two photographs of each person."""
    for who in people:
        (folder / f"P{who}").mkdir(parents=True)
        for which in (0, 1):
            (folder / f"P{who}" / f"{which}.png").write_bytes(stripes((who, which), noise=1500, note=who + which))
    return folder


def enrolled(
    gallery: OpenGallery,
    planned: Iterable[PlannedPhotograph],
    *,
    source: str = "one",
    reader: PhotographReader | None = None,
) -> EnrolmentReport:
    """Enrol with the analyser of stripes."""
    enrolment = Enrolment(
        source,
        records=gallery.records,
        objects=gallery.objects,
        pack_digest=ANALYSER.pack_digest,
        actor=SYSTEM,
        gate=ENROL_GATE,
        limits=LIMITS,
    )
    return enrolment.run(planned, reader or InlineReader(ANALYSER, LIMITS))


def service(gallery: OpenGallery) -> SearchService:
    """Open a search service with the analyser of stripes."""
    return SearchService(
        records=gallery.records,
        gallery=IndexedGallery(gallery.records, lambda: MemoryIndex(DIM)),
        analyser=ANALYSER,
        gate=SEARCH_GATE,
        limits=LIMITS,
        default_threshold=0.7,
        permits=PermitsAll(gallery.records),
    )


def request(who: int) -> SearchRequest:
    """Ask for a person."""
    return SearchRequest(image=stripes((who, 9)), filename=None, case="c", purpose="p", actor=SYSTEM)


def assert_whole(gallery: OpenGallery, count: int, *, source: str = "one") -> None:
    """Assert that a source holds so many photographs, each with its bytes, and that the index agrees."""
    [summary] = [one for one in gallery.records.sources() if one.source.name == source]
    assert (summary.images, summary.templates) == (count, count)
    for subject in gallery.records.subjects(source=source, limit=1000):
        for face in gallery.records.faces_of(subject.subject_id):
            assert gallery.crops([face.face_id])
            assert gallery.photograph(face.image_id)[1]
    IndexedGallery(gallery.records, lambda: MemoryIndex(DIM)).refresh()


class TestDisk:
    def test_a_full_disk_loses_nothing_that_was_committed(self, disk: Path, folder: Path) -> None:
        planned = plan(folder, Subjects.FOLDERS)
        with open_gallery(made(disk / "home")) as gallery:
            with pytest.raises(UnavailableError) as caught:
                enrolled(gallery, planned)
            committed = gallery.records.snapshot()
            remount(disk, "size=40m")
            report = enrolled(gallery, planned)

            assert caught.value.code in {"objects-unavailable", "records-unavailable", "audit-unwritable"}
            assert re.search("full|no space left", str(caught.value))
            assert 0 < committed.images < 80
            assert report.enrolled == 80 - committed.images
            assert_whole(gallery, 80)

    def test_a_read_only_home_is_said_to_be(self, disk: Path, folder: Path) -> None:
        settings = made(disk / "home")
        remount(disk, "ro")

        with pytest.raises(UnavailableError) as opening, open_gallery(settings) as gallery:
            enrolled(gallery, plan(folder, Subjects.FOLDERS))
        with pytest.raises(UnavailableError) as making:
            initialise(Settings(home=disk / "other"))
        remount(disk, "rw")
        with open_gallery(settings) as gallery:
            enrolled(gallery, plan(folder, Subjects.FOLDERS)[:4])
            assert_whole(gallery, 4)

        assert (opening.value.code, making.value.code) == ("records-unavailable", "home-unwritable")


class TestTwoAtOnce:
    def test_two_enrolments_of_the_same_folder(self, gallery: OpenGallery, folder: Path) -> None:
        planned = plan(folder, Subjects.FOLDERS)
        barrier = Barrier(2)

        class Waiting(InlineReader):
            """Begins when both have hashed their first photographs."""

            def read(self, tasks: Iterable[PhotographTask]) -> Iterator[Photograph | RefusedPhotograph]:
                """See the port."""
                coming = iter(tasks)
                first = next(coming)
                barrier.wait(timeout=60)
                yield from super().read([first])
                yield from super().read(coming)

        with ThreadPoolExecutor(2) as pool:
            runs = [pool.submit(enrolled, gallery, planned, reader=Waiting(ANALYSER, LIMITS)) for _ in range(2)]
            reports = [run.result() for run in runs]

        assert sum(report.enrolled for report in reports) == 80
        assert sum(report.templates for report in reports) == 80
        assert [report.read for report in reports] == [80, 80]
        assert [report.not_enrolled for report in reports] == [[], []]
        assert_whole(gallery, 80)

    def test_two_enrolments_of_different_folders(self, gallery: OpenGallery, folder: Path, tmp_path: Path) -> None:
        other = filled(tmp_path / "others", range(30, 70))

        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(enrolled, gallery, plan(folder, Subjects.FOLDERS), source="one")
            second = pool.submit(enrolled, gallery, plan(other, Subjects.FOLDERS), source="two")

            assert (first.result().enrolled, second.result().enrolled) == (80, 80)
        assert_whole(gallery, 80, source="one")
        assert_whole(gallery, 80, source="two")

    def test_searching_while_enrolling(self, gallery: OpenGallery, folder: Path) -> None:
        planned = plan(folder, Subjects.FOLDERS)
        enrolled(gallery, planned[:2])
        searching, done = service(gallery), Event()

        def search() -> list[int]:
            """Search for a person who is there until all are."""
            counts = []
            while not done.is_set():
                answer = searching.search(request(1))
                assert [one.face.label for one in answer.candidates] == ["P1"]
                counts.append(answer.gallery.templates)
            return counts

        with ThreadPoolExecutor(2) as pool:
            searches = pool.submit(search)
            try:
                enrolled(gallery, planned)
            finally:
                done.set()

            assert searches.result() == sorted(searches.result())
        assert searching.search(request(40)).gallery.templates == 80


class TestFiles:
    def test_a_photograph_that_changes_between_hashing_and_reading(self, gallery: OpenGallery, folder: Path) -> None:
        class Late(InlineReader):
            """Reads what the file holds by then."""

            def read(self, tasks: Iterable[PhotographTask]) -> Iterator[Photograph | RefusedPhotograph]:
                """See the port."""
                for task in tasks:
                    task.path.write_bytes(stripes((99, 0), note=5))
                    yield from super().read([task])

        report = enrolled(gallery, plan(folder, Subjects.FOLDERS)[:1], reader=Late(ANALYSER, LIMITS))

        assert report.enrolled == 1
        [face] = gallery.records.faces([1]).values()
        assert gallery.photograph(face.image_id)[1] == stripes((99, 0), note=5)
        assert service(gallery).search(request(99)).candidates[0].face.face_id == face.face_id

    def test_a_photograph_that_is_gone_when_it_is_read(self, gallery: OpenGallery, folder: Path) -> None:
        planned = plan(folder, Subjects.FOLDERS)[:3]
        planned[1].path.unlink()

        report = enrolled(gallery, planned)

        assert (report.enrolled, [one.code for one in report.not_enrolled]) == (2, ["image-not-found"])

    def test_the_same_file_under_two_subjects(self, gallery: OpenGallery, tmp_path: Path) -> None:
        for name in ("A", "B"):
            (tmp_path / "twice" / name).mkdir(parents=True)
            (tmp_path / "twice" / name / "x.png").write_bytes(stripes((1, 0)))
        planned = plan(tmp_path / "twice", Subjects.FOLDERS)

        reports = [enrolled(gallery, planned), enrolled(gallery, planned)]

        for report in reports:
            [refused] = report.not_enrolled
            assert (refused.reference, refused.code) == ("B/x.png", "photograph-of-another-subject")
            assert "enrolled as A" in refused.message
        assert [(report.enrolled, report.already) for report in reports] == [(1, 0), (0, 1)]
        assert_whole(gallery, 1)


class TestDamage:
    def test_a_deleted_object_is_named_and_searches_go_on(self, gallery: OpenGallery, folder: Path) -> None:
        enrolled(gallery, plan(folder, Subjects.FOLDERS)[:4])
        [face] = gallery.records.faces([1]).values()
        digest = gallery.photograph(face.image_id) and gallery.records.image_location(face.image_id)[1]
        assert isinstance(gallery.objects, SealedObjects)
        (gallery.settings.objects / gallery.objects.stored_key(digest)).unlink()

        with pytest.raises(NotFoundError) as caught:
            gallery.photograph(face.image_id)

        assert caught.value.code == "object-unknown"
        assert service(gallery).search(request(1)).candidates

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param("zeroblob(64)", id="zeros"),
            pytest.param("substr(vector, 1, length(vector) - 1)", id="cut off"),
            pytest.param("(SELECT vector FROM template WHERE number = 4)", id="another's"),
            pytest.param("CAST(vector || x'00' AS BLOB)", id="longer"),
        ],
    )
    def test_a_damaged_template_stops_searches(self, gallery: OpenGallery, folder: Path, changed: str) -> None:
        enrolled(gallery, plan(folder, Subjects.FOLDERS)[:4])
        with gallery.records._engine.begin() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql(f"UPDATE template SET vector = {changed} WHERE number = 2")  # noqa: S608 - a test's own

        with pytest.raises(IntegrityError) as caught:
            service(gallery).search(request(1))

        assert caught.value.code == "sealed-damaged"

    def test_a_template_that_changes_under_the_index_stops_searches(self, gallery: OpenGallery, folder: Path) -> None:
        enrolled(gallery, plan(folder, Subjects.FOLDERS)[:4])
        searching = service(gallery)
        searching.search(request(1))
        with gallery.records._engine.begin() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("UPDATE template SET vector = (SELECT vector FROM template WHERE number = 4)")

        with pytest.raises(CountenanceError) as caught:
            searching.search(request(1))

        assert caught.value.code == "sealed-damaged"

    @pytest.mark.parametrize("filled", [pytest.param(True, id="full index"), pytest.param(False, id="empty index")])
    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            pytest.param("substr(counts, 1, length(counts) - 1)", "sealed-damaged", id="cut off"),
            pytest.param("(SELECT counts FROM source WHERE number = 2)", "sealed-damaged", id="another's"),
            pytest.param("x''", "index-mismatch", id="emptied"),
            pytest.param(":earlier", "index-mismatch", id="an earlier one"),
        ],
    )
    def test_counts_that_are_not_the_source_s_own_stop_searches(
        self, gallery: OpenGallery, folder: Path, changed: str, code: str, *, filled: bool
    ) -> None:
        planned, searching = plan(folder, Subjects.FOLDERS), service(gallery)
        engine = gallery.records._engine  # type: ignore[attr-defined]
        enrolled(gallery, planned[:2])
        with engine.connect() as connection:
            earlier = connection.scalar(text("SELECT counts FROM source WHERE counts <> x''"))
        enrolled(gallery, planned[2:4])
        enrolled(gallery, planned[4:6], source="two")
        if filled:
            searching.search(request(1))
        with engine.begin() as connection:
            statement = f"UPDATE source SET counts = {changed} WHERE number = 1"  # noqa: S608 - a test's own
            connection.execute(text(statement), {"earlier": earlier} if "earlier" in changed else {})
            connection.execute(text("UPDATE gallery SET revision = revision + 1"))

        with pytest.raises(IntegrityError) as caught:
            searching.search(request(1))

        assert caught.value.code == code

    def test_a_template_that_goes_behind_the_counts_back_stops_searches(
        self, gallery: OpenGallery, folder: Path
    ) -> None:
        enrolled(gallery, plan(folder, Subjects.FOLDERS)[:4])
        with gallery.records._engine.begin() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql("DELETE FROM template WHERE number = 3")

        with pytest.raises(IntegrityError) as caught:
            service(gallery).search(request(1))

        assert caught.value.code == "index-mismatch"
