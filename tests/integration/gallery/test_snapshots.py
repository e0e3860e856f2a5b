"""Searches beside enrolment and erasure: each is of the gallery at one moment, and its answer says of which."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from countenance.adapters.exact.stored import StoredExactIndex
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import IntegrityError, UnavailableError
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.enrolment import Enrolment
from countenance.gallery.erasure import Erased
from countenance.gallery.indexing import SEARCHES, IndexedGallery, originals_of
from countenance.gallery.model import LegalBasis
from countenance.gallery.references import ReferenceBatch
from countenance.policy.model import SYSTEM
from countenance.search.model import ProbePhotograph, SearchAnswer, SearchRequest
from countenance.search.service import SearchService
from countenance.vision.decode import ImageLimits
from countenance.vision.quality import ENROL_GATE, SEARCH_GATE
from tests.index_engines import unit_rows
from tests.signed_up import PermitsAll
from tests.stripes import DIM, StripeAnalyser, stripes

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)
ANALYSER = StripeAnalyser()
PEOPLE = range(1, 13)
PROBE = stripes((1, 99))

BEFORE_THE_SCAN, AFTER_THE_SCAN = "active_sources", "references"
"""What a search reads of the records at either moment."""


class Hooked:
    """Records that change as they are asked for one thing, so many times."""

    def __init__(self, records: Any, name: str, change: Callable[[], object], *, times: int = 1) -> None:
        self._records = records
        self._name = name
        self._change = change
        self.left = times

    def __getattr__(self, name: str) -> Any:
        if name == self._name and self.left:
            self.left -= 1
            self._change()
        return getattr(self._records, name)


class Watched(StoredExactIndex):
    """A stored index that counts how often it was cleared."""

    cleared = 0

    def clear(self) -> None:
        self.cleared += 1
        super().clear()


class Running:
    """A real gallery of people in stripes, the first with three photographs, and its stored index."""

    def __init__(self, gallery: OpenGallery, folder: Path) -> None:
        self.gallery = gallery
        self.records = gallery.records
        self.index = Watched(folder, DIM, originals=originals_of(self.records), keyring=gallery.keyring)
        self.indexed = IndexedGallery(self.records, lambda: self.index)
        for who in PEOPLE:
            self.enrol(who, 1)
        for which in (2, 3):
            self.enrol(1, which)
        self.indexed.refresh()
        self.index.save()

    def enrol(self, who: int, which: int, label: str | None = None) -> None:
        """Put a photograph of somebody on record, as another process does."""
        enrolment = Enrolment(
            "one",
            records=self.records,
            objects=self.gallery.objects,
            pack_digest=ANALYSER.pack_digest,
            actor=SYSTEM,
            gate=ENROL_GATE,
            limits=LIMITS,
        )
        enrolment.enrol_bytes(
            stripes((who, which), note=which), reference="a.png", label=label or f"P{who}", analyser=ANALYSER
        )

    def erase(self, who: int, kind: DestructionKind = DestructionKind.SUBJECT_ERASED) -> None:
        """Commit the erasure of somebody, or of the last one's newest photograph; nothing else of it is done yet."""
        [subject] = [one.subject_id for one in self.records.subjects(limit=100) if one.label == f"P{who}"]
        whole = kind is DestructionKind.SUBJECT_ERASED
        target = subject if whole else self.records.faces_of(subject)[-1].image_id
        self.gallery.sources._eraser.records.begin(Erased(kind, target), by="Ada", reason="they asked", actor=SYSTEM)

    def erase_photograph(self) -> None:
        """Commit the erasure of the first person's newest photograph."""
        self.erase(1, DestructionKind.IMAGE_ERASED)

    def search(self, moment: str, change: Callable[[], object], *, times: int = 1) -> SearchAnswer:
        """Search for the first person while something changes."""
        searching = self.service(Hooked(self.records, moment, change, times=times))
        request = SearchRequest(image=PROBE, filename=None, case="c", purpose="p", actor=SYSTEM, threshold=0.7)
        return searching.search(request)

    def service(self, records: Any) -> SearchService:
        return SearchService(
            records=records,
            gallery=self.indexed,
            analyser=ANALYSER,
            gate=SEARCH_GATE,
            limits=LIMITS,
            default_threshold=0.7,
            permits=PermitsAll(self.records),
        )

    def assert_verified(self, answer: SearchAnswer) -> None:
        """Assert that an answer holds by all templates on record at the moment that it names."""
        assert answer.coverage is not None
        assert all(one.row <= answer.coverage.last_template for one in answer.candidates)
        photographs = [ProbePhotograph(image=PROBE, filename=None, face=None)]
        assert self.service(self.records).verify(answer.search_id, photographs)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A gallery that is served."""
    settings = Settings(home=tmp_path / "home")
    initialise(settings)
    with open_gallery(settings) as gallery:
        gallery.sources.register(name="one", owner="o", legal_basis=LegalBasis.CONSENT, document=b"d")
        made = Running(gallery, tmp_path / "index")
        yield made
        made.index.close()


def labels(answer: SearchAnswer) -> list[str | None]:
    return [one.face.label for one in answer.candidates]


@pytest.mark.parametrize("label", [pytest.param("P1", id="the same person"), pytest.param("P99", id="another one")])
def test_what_another_thread_takes_in_before_the_scan_is_not_half_in_the_answer(running: Running, label: str) -> None:
    def enrolled_and_followed() -> None:
        running.enrol(1, 4, label)
        running.indexed.refresh()

    answer = running.search(BEFORE_THE_SCAN, enrolled_and_followed)

    assert labels(answer)[0] == "P1"
    running.assert_verified(answer)


def test_who_is_new_does_not_make_a_search_begin_again(running: Running) -> None:
    before = running.records.snapshot()
    scans = Hooked(running.records, BEFORE_THE_SCAN, lambda: (running.enrol(50, 1), running.indexed.refresh()), times=9)

    answer = running.service(scans).search(
        SearchRequest(image=PROBE, filename=None, case="c", purpose="p", actor=SYSTEM, threshold=0.7)
    )

    assert scans.left == 8
    assert answer.gallery == before
    assert len(running.index) == before.subjects + 1


@pytest.mark.parametrize("moment", [BEFORE_THE_SCAN, AFTER_THE_SCAN])
def test_who_loses_a_photograph_under_a_search_stays_in_the_answer(running: Running, moment: str) -> None:
    answer = running.search(moment, running.erase_photograph)

    assert [(one.face.label, one.templates) for one in answer.candidates] == [("P1", 2)]
    assert answer.gallery == running.records.snapshot()
    running.assert_verified(answer)


@pytest.mark.parametrize("moment", [BEFORE_THE_SCAN, AFTER_THE_SCAN])
def test_who_is_erased_under_a_search_is_not_in_the_answer(running: Running, moment: str) -> None:
    answer = running.search(moment, lambda: running.erase(1))

    assert labels(answer) == []
    running.assert_verified(answer)


def test_a_search_under_which_its_answer_never_holds_still_is_to_be_made_again(running: Running) -> None:
    running.enrol(1, 4)

    with pytest.raises(UnavailableError) as caught:
        running.search(BEFORE_THE_SCAN, running.erase_photograph, times=SEARCHES)
    after = running.search(BEFORE_THE_SCAN, lambda: None)

    assert caught.value.code == "index-behind"
    assert [(one.face.label, one.templates) for one in after.candidates] == [("P1", 1)]
    running.assert_verified(after)


def test_others_are_erased_and_a_search_goes_on(running: Running) -> None:
    gone = iter(PEOPLE[1:])

    answer = running.search(BEFORE_THE_SCAN, lambda: running.erase(next(gone)), times=SEARCHES)

    assert labels(answer) == ["P1"]
    assert next(gone) == 3


def test_an_index_that_is_made_anew_under_a_search_gives_no_empty_answer(running: Running) -> None:
    answer = running.search(BEFORE_THE_SCAN, running.index.clear)

    assert labels(answer) == ["P1"]
    running.assert_verified(answer)


def test_somebody_who_is_in_the_index_alone_stops_serving(running: Running) -> None:
    running.index._index._originals = lambda _: {}

    with pytest.raises(IntegrityError) as caught:
        running.search(BEFORE_THE_SCAN, lambda: None)

    assert caught.value.code == "index-mismatch"


def test_erasures_one_right_after_the_other_take_out_two_rows_and_not_all(running: Running) -> None:
    read: list[int] = []

    class Counting(Hooked):
        def reference_batches(self, **between: int) -> Iterator[ReferenceBatch]:
            for batch in self._records.reference_batches(**between):
                read.append(len(batch))
                yield batch

    # The second erasure is committed after the counts of the first were read, before the rows are compared.
    indexed = IndexedGallery(Counting(running.records, "sources", lambda: running.erase(3)), lambda: running.index)
    _, snapshot = indexed.refresh()
    search = running.index.pinned()
    running.erase(2)

    index, after = indexed.refresh()

    assert (running.index.cleared, read) == (0, [])
    assert len(index) == after.subjects == snapshot.subjects - 2
    index.settle()
    assert running.index.state().rows == after.subjects
    with pytest.raises(UnavailableError, match="faster"):
        search(unit_rows(seed=1, n=1, dim=DIM), blocks=running.records.active_sources(), limit=3)


def test_an_index_that_lacks_somebody_is_made_anew(running: Running) -> None:
    lacking = running.index.rows()[-2:]
    running.index.remove(lacking)
    running.erase(2)

    index, snapshot = running.indexed.refresh()

    assert running.index.cleared == 1
    assert len(index) == snapshot.subjects
