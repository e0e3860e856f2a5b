"""A search from request to answer, over records in memory and pictures of stripes."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from countenance.adapters.memory_index import MemoryIndex
from countenance.adapters.memory_objects import MemoryObjects
from countenance.adapters.memory_records import MemoryRecords
from countenance.audit.model import Entry, Receipt
from countenance.core.arrays import Templates, cosine
from countenance.core.errors import ConflictError, InvalidInputError, UnavailableError
from countenance.gallery.enrolment import Enrolment
from countenance.gallery.indexing import IndexedGallery
from countenance.gallery.model import LegalBasis
from countenance.gallery.sources import register_source
from countenance.index.model import Nearest
from countenance.index.ports import TemplateSearch
from countenance.policy.model import SYSTEM
from countenance.search.calibration import calibrate_people
from countenance.search.cohort import ReferenceCohort
from countenance.search.comparisons import Sample
from countenance.search.model import LEAD, SearchAnswer, SearchOutcome, SearchRequest
from countenance.search.permission import Permits, Permitted
from countenance.search.rendering import answer_json, coverage_line
from countenance.search.scale import ScoreScale
from countenance.search.service import SearchService
from countenance.search.strangers import Known
from countenance.vision.decode import ImageLimits
from countenance.vision.fusion import fuse
from countenance.vision.population import made_up_population
from countenance.vision.quality import ENROL_GATE, SEARCH_GATE
from tests.signed_up import PermitsAll
from tests.stripes import DIM, StripeAnalyser, stripes, template

LIMITS = ImageLimits(max_bytes=1_000_000, max_pixels=1_000_000)
ANALYSER = StripeAnalyser()
THRESHOLD = 0.6


class OtherPack(StripeAnalyser):
    """The same faces by another model pack."""

    pack_digest = "6" * 64


class FullRecords(MemoryRecords):
    """Records that keep no answer any more."""

    def put_search(self, search_id: str, answer: Mapping[str, object], *, entry: Entry) -> Receipt:  # noqa: ARG002 - the port
        raise UnavailableError("the disk is full", code="records-unavailable")


def filled(records: MemoryRecords) -> MemoryRecords:
    """Enrol three people with two photographs each, and one unnamed."""
    objects = MemoryObjects()
    register_source(
        records,
        objects,
        name="archive",
        owner="o",
        legal_basis=LegalBasis.CONSENT,
        document=b"a signed letter",
        actor=SYSTEM,
    )
    return enrolled(records, objects, ((1, "A"), (2, "B"), (3, "C"), (4, None)))


def enrolled(
    records: MemoryRecords, objects: MemoryObjects, people: Sequence[tuple[int, str | None]], source: str = "archive"
) -> MemoryRecords:
    """Enrol people with two photographs each, into the archive unless another source is named."""
    enrolment = Enrolment(
        source,
        records=records,
        objects=objects,
        pack_digest=ANALYSER.pack_digest,
        actor=SYSTEM,
        gate=ENROL_GATE,
        limits=LIMITS,
    )
    for who, label in people:
        for which in (0, 1):
            enrolment.enrol_bytes(stripes((who, which)), reference=f"{who}-{which}.png", label=label, analyser=ANALYSER)
    return records


def service(
    records: MemoryRecords,
    analyser: StripeAnalyser = ANALYSER,
    scale: Callable[[], ScoreScale | None] = lambda: None,
    *,
    permits: Permits | None = None,
    index: MemoryIndex | None = None,
) -> SearchService:
    """Open a service over records."""
    return SearchService(
        records=records,
        gallery=IndexedGallery(records, lambda: MemoryIndex(DIM) if index is None else index),
        analyser=analyser,
        permits=permits or PermitsAll(records),
        gate=SEARCH_GATE,
        limits=LIMITS,
        default_threshold=THRESHOLD,
        scale=scale,
    )


@pytest.fixture(scope="module")
def records() -> MemoryRecords:
    """Records with eight templates; searches change nothing of the gallery."""
    return filled(MemoryRecords())


def search(records: MemoryRecords, image: bytes, **more: object) -> SearchAnswer:
    """Search with a picture."""
    request = SearchRequest(image=image, filename=None, case="2026-114", purpose="find", actor=SYSTEM, **more)  # type: ignore[arg-type]
    return service(records).search(request)


def test_a_mate_comes_first_and_once(records: MemoryRecords) -> None:
    answer = search(records, stripes((2, 9)))

    assert answer.outcome is SearchOutcome.SEARCHED
    assert [(one.rank, one.face.label) for one in answer.candidates] == [(1, "B")]
    assert answer.candidates[0].score >= answer.threshold == THRESHOLD
    assert answer.message == "1 candidate among 5 subjects."
    assert answer.probe.used == 1


def test_each_subject_stands_there_once_best_first(records: MemoryRecords) -> None:
    answer = search(records, stripes((2, 0)), threshold=-1.0)

    scores = [one.score for one in answer.candidates]
    assert scores == sorted(scores, reverse=True)
    assert [one.rank for one in answer.candidates] == [1, 2, 3, 4, 5]
    assert len({one.face.subject_id for one in answer.candidates}) == 5
    assert answer.candidates[0].templates == 2


def test_templates_of_a_subject_count_together_and_the_most_alike_is_shown(records: MemoryRecords) -> None:
    answer = search(records, stripes((1, 1)), threshold=-1.0)

    first = answer.candidates[0]
    held = records.references([first.row])[first.row]
    assert first.templates == len(held.rows) > 1
    assert first.score == cosine(template(1, 1), fuse(held.templates)[None])[0]
    best = int(held.rows[np.argmax(cosine(template(1, 1), held.templates))])
    assert first.face == records.faces([best])[best]


def test_a_stranger_is_an_empty_list(records: MemoryRecords) -> None:
    answer = search(records, stripes((77, 0)))

    assert (answer.outcome, answer.candidates) == (SearchOutcome.SEARCHED, ())
    assert answer.message == "Nobody among 5 subjects reaches the threshold 0.600."


def test_a_source_that_is_not_permitted_is_left_out_before_the_scan() -> None:
    records = filled(MemoryRecords())
    scanned: list[object] = []

    class Watched(MemoryIndex):
        def pinned(self) -> TemplateSearch:
            search = super().pinned()

            def watched(probes: Templates, *, blocks: Collection[str], **more: object) -> list[Nearest]:
                scanned.append(list(blocks))
                return search(probes, blocks=blocks, **more)  # type: ignore[arg-type]

            return watched

    class BarsAll(PermitsAll):
        def permit(self, request: SearchRequest, search_id: str) -> Permitted:
            permitted = super().permit(request, search_id)
            return replace(permitted, sources=(), subjects=0, templates=0, barred=5)

    searching = service(records, permits=BarsAll(records), index=Watched(DIM))
    request = SearchRequest(image=stripes((2, 9)), filename=None, case="c", purpose="p", actor=SYSTEM)
    answer = searching.search(request)

    assert (scanned, answer.candidates) == ([[]], ())
    assert answer.message == "Nobody among 0 subjects reaches the threshold 0.600."
    assert answer.coverage is not None
    assert answer.coverage.left_out == {"source-not-active": 0, "not-permitted": 5}
    assert "5 left out (not-permitted)" in coverage_line(answer.coverage)


def test_a_threshold_of_0_is_a_threshold(records: MemoryRecords) -> None:
    assert search(records, stripes((2, 9)), threshold=0.0).threshold == 0.0


@pytest.mark.parametrize(
    ("image", "face", "outcome", "used"),
    [
        pytest.param(stripes(), None, SearchOutcome.NO_FACE, None, id="no face"),
        pytest.param(stripes((1, 0), (2, 0)), None, SearchOutcome.CHOOSE_FACE, None, id="two faces"),
        pytest.param(stripes((1, 0), (2, 0)), 2, SearchOutcome.SEARCHED, 2, id="the second of two"),
        pytest.param(stripes((1, 0), poor=True), None, SearchOutcome.FACE_REFUSED, None, id="a poor face"),
    ],
)
def test_how_a_search_can_end(
    records: MemoryRecords, image: bytes, face: int | None, outcome: SearchOutcome, used: int | None
) -> None:
    answer = search(records, image, face=face)

    assert (answer.outcome, answer.probe.used) == (outcome, used)
    assert answer.message.endswith(".")
    assert bool(answer.candidates) == (outcome is SearchOutcome.SEARCHED)


def test_an_answer_is_kept_as_it_is_given(records: MemoryRecords) -> None:
    answer = search(records, stripes((2, 9)))

    given = answer_json(answer)
    assert records.search(answer.search_id) == given == json.loads(json.dumps(given, allow_nan=False))
    assert given["lead"] == LEAD
    assert list(given["seconds"]) == ["decode", "detect", "encode", "index", "meaning", "scan", "records", "total"]


def test_an_answer_that_can_not_be_kept_is_not_given() -> None:
    with pytest.raises(UnavailableError) as caught:
        search(filled(FullRecords()), stripes((2, 9)))

    assert caught.value.code == "records-unavailable"


def test_templates_of_another_pack_are_never_compared(records: MemoryRecords) -> None:
    request = SearchRequest(image=stripes((2, 9)), filename=None, case="c", purpose="p", actor=SYSTEM)

    with pytest.raises(ConflictError) as caught:
        service(records, OtherPack()).search(request)

    assert caught.value.code == "pack-mismatch"


def test_a_search_writes_nothing_to_the_gallery(records: MemoryRecords) -> None:
    before = records.snapshot()

    search(records, stripes((50, 0)))

    assert records.snapshot() == before


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"case": ""}, "case-invalid", id="no case"),
        pytest.param({"case": "\t"}, "case-invalid", id="blank case"),
        pytest.param({"case": "a\nb"}, "case-invalid", id="case over two lines"),
        pytest.param({"case": "x" * 201}, "case-invalid", id="case too long"),
        pytest.param({"purpose": ""}, "purpose-invalid", id="no purpose"),
        pytest.param({"purpose": "\x1b[2J"}, "purpose-invalid", id="purpose that drives a terminal"),
        pytest.param({"limit": 0}, "limit-invalid", id="limit 0"),
        pytest.param({"limit": -1}, "limit-invalid", id="limit below 0"),
        pytest.param({"limit": 1001}, "limit-invalid", id="limit 1001"),
        pytest.param({"threshold": float("nan")}, "threshold-invalid", id="threshold nan"),
        pytest.param({"threshold": float("inf")}, "threshold-invalid", id="threshold infinite"),
        pytest.param({"threshold": 1.0000001}, "threshold-invalid", id="threshold above 1"),
        pytest.param({"threshold": -1.0000001}, "threshold-invalid", id="threshold below -1"),
        pytest.param({"face": 0}, "face-number-invalid", id="face 0"),
        pytest.param({"face": -1}, "face-number-invalid", id="face below 0"),
        pytest.param({"face": 2}, "face-number-invalid", id="face 2 of 1"),
        pytest.param({"image": b""}, "image-empty", id="empty probe"),
        pytest.param({"image": b"text"}, "image-unsupported-format", id="probe that is text"),
    ],
)
def test_a_bad_request_is_refused(records: MemoryRecords, changed: dict[str, object], code: str) -> None:
    request = {"image": stripes((1, 0)), "filename": None, "case": "c", "purpose": "p", "actor": SYSTEM} | changed
    before = dict(records._searches)

    with pytest.raises(InvalidInputError) as caught:
        service(records).search(SearchRequest(**request))  # type: ignore[arg-type]

    assert caught.value.code == code
    assert "\n" not in str(caught.value)
    assert records._searches == before


def test_the_index_is_up_to_date_after_warming() -> None:
    records = filled(MemoryRecords())

    assert service(records).warm() == records.snapshot()


class TestScale:
    """Searches where it is known what scores mean."""

    COHORT = ReferenceCohort(made_up_population(DIM))
    PEOPLE = made_up_population(DIM).draw(2400, seed=1, templates_per_subject=2)
    SCALE = ScoreScale(
        cohort=COHORT,
        calibration=calibrate_people(
            Sample(PEOPLE.templates, PEOPLE.subjects), COHORT, pack_digest=ANALYSER.pack_digest
        ),
    )

    def search(self, records: MemoryRecords, **more: object) -> SearchAnswer:
        searching = service(records, scale=lambda: self.SCALE)
        return searching.search(
            SearchRequest(image=stripes((2, 0)), filename=None, case="c", purpose="p", actor=SYSTEM, **more)  # type: ignore[arg-type]
        )

    def test_each_candidate_says_how_many_strangers_to_expect(self, records: MemoryRecords) -> None:
        answer = self.search(records, threshold=-1.0)

        assert answer.scale is not None
        assert answer.scale.people == 8
        assert sum(answer.scale.strip) == pytest.approx(1)
        expected = [one.strangers.expected for one in answer.candidates]
        assert expected == sorted(expected)  # type: ignore[type-var]
        for one in answer.candidates:
            assert one.normalised == one.score - answer.scale.offset

    def test_a_threshold_follows_from_the_fpir(self, records: MemoryRecords) -> None:
        strict, loose = (self.search(records, fpir=fpir) for fpir in (0.01, 0.5))

        assert strict.scale is not None
        assert strict.scale.fpir == 0.01
        assert strict.threshold > loose.threshold
        expected = self.SCALE.calibration.curve.rate(strict.threshold - strict.scale.offset) * 7
        assert expected == pytest.approx(0.01, rel=0.01)

    @pytest.mark.parametrize(("made_from", "people"), [("population", 4), ("gallery", 2)])
    def test_where_rules_bar_a_source_those_who_are_searched_count_and_the_gallery_is_held_against_the_calibration(
        self, made_from: str, people: int
    ) -> None:
        records, objects = filled(MemoryRecords()), MemoryObjects()
        small = register_source(
            records, objects, name="small", owner="o", legal_basis=LegalBasis.CONSENT, document=b"d", actor=SYSTEM
        )
        enrolled(records, objects, ((7, "G"), (8, "H")), source="small")
        calibration = self.SCALE.calibration.model_copy(update={"made_from": made_from, "subjects": 7})

        class BarsTheArchive(PermitsAll):
            def permit(self, request: SearchRequest, search_id: str) -> Permitted:
                permitted = super().permit(request, search_id)
                return replace(permitted, sources=(small.source_id,), subjects=2, templates=4, barred=5)

        searching = service(
            records,
            scale=lambda: ScoreScale(cohort=self.COHORT, calibration=calibration),
            permits=BarsTheArchive(records),
        )
        answer = searching.search(
            SearchRequest(image=stripes((7, 3)), filename=None, case="c", purpose="p", actor=SYSTEM, threshold=-1.0)
        )

        assert [one.face.label for one in answer.candidates] == ["G", "H"]
        assert answer.scale is not None
        assert (answer.scale.people, answer.scale.stale) == (people, False)

    def test_a_kept_answer_stays_whatever_becomes_of_the_gallery(self) -> None:
        records = filled(MemoryRecords())
        first = self.search(records, threshold=-1.0)
        kept = json.dumps(records.search(first.search_id))

        enrolled(records, MemoryObjects(), [(5, "E"), (6, "F")])
        second = self.search(records, threshold=-1.0)

        assert first.scale is not None
        assert second.scale is not None
        assert (first.scale.people, second.scale.people) == (8, 12)
        assert json.dumps(records.search(first.search_id)) == kept

    def test_an_fpir_out_of_reach_is_refused(self, records: MemoryRecords) -> None:
        with pytest.raises(InvalidInputError) as refused:
            self.search(records, fpir=1e-9)

        assert refused.value.code == "fpir-out-of-reach"

    @pytest.mark.parametrize(
        "asked",
        [
            pytest.param({"fpir": 0.0}, id="zero"),
            pytest.param({"fpir": 0.6}, id="too many"),
            pytest.param({"fpir": float("nan")}, id="not a number"),
            pytest.param({"fpir": 0.1, "threshold": 0.5}, id="a threshold too"),
        ],
    )
    def test_what_is_no_fpir_is_refused(self, records: MemoryRecords, asked: dict[str, float]) -> None:
        with pytest.raises(InvalidInputError) as refused:
            self.search(records, **asked)

        assert refused.value.code == "fpir-invalid"

    def test_without_a_scale_nothing_is_made_up(self, records: MemoryRecords) -> None:
        answer = search(records, stripes((2, 0)), threshold=-1.0)

        assert answer.scale is None
        assert {(one.strangers.known, one.strangers.expected, one.normalised) for one in answer.candidates} == {
            (Known.NOT_KNOWN, None, None)
        }
        with pytest.raises(InvalidInputError) as refused:
            search(records, stripes((2, 0)), fpir=0.1)
        assert refused.value.code == "fpir-not-known"
