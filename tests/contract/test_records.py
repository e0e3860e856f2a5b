"""The contract of `Records`: every adapter runs it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import URL

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_records import MemoryRecords
from countenance.adapters.sql.database import open_engine, sqlite_url, upgrade
from countenance.core.errors import ConflictError, NotFoundError
from countenance.core.ids import new_id
from countenance.gallery.model import (
    KnownImage,
    LegalBasis,
    NewFace,
    NewImage,
    Outcome,
    Source,
    SourceState,
    SourceSummary,
)
from countenance.gallery.ports import Records, crop_key, image_key
from countenance.policy.model import SYSTEM
from countenance.vision.fusion import fuse
from tests.audit_parts import entry, sql_records
from tests.postgresql import new_database
from tests.stripes import face, template, templates_of

PACK = "a" * 64
NO_ONE = "00000000-0000-4000-8000-000000000000"


def memory_records(request: pytest.FixtureRequest, stack: ExitStack) -> Records:  # noqa: ARG001 - one signature for all
    """Keep records in memory."""
    return MemoryRecords()


def sqlite_records(request: pytest.FixtureRequest, stack: ExitStack) -> Records:
    """Keep records in a SQLite file."""
    return records_in(sqlite_url(request.getfixturevalue("tmp_path") / "records.sqlite3"), stack)


def postgresql_records(request: pytest.FixtureRequest, stack: ExitStack) -> Records:
    """Keep records in PostgreSQL."""
    return records_in(new_database(request.getfixturevalue("postgresql")), stack)


def records_in(database: URL, stack: ExitStack) -> Records:
    """Keep records in an empty database."""
    engine, keyring = open_engine(database), memory_keyring()
    upgrade(engine, keyring)
    records = sql_records(engine, keyring)
    stack.callback(records.close)
    return records


Make = Callable[[pytest.FixtureRequest, ExitStack], Records]


@pytest.fixture(
    params=[
        pytest.param(memory_records, id="memory"),
        pytest.param(sqlite_records, id="sqlite"),
        pytest.param(postgresql_records, id="postgresql"),
    ]
)
def records(request: pytest.FixtureRequest) -> Iterator[Records]:
    """Empty records of one adapter."""
    make: Make = request.param
    with ExitStack() as stack:
        yield make(request, stack)


def source(name: str = "archive") -> Source:
    """Return a source that is on record nowhere yet."""
    return Source(
        source_id=new_id(),
        name=name,
        owner="Ärchive & Sons",
        legal_basis=LegalBasis.CONTRACT,
        document_sha256="d" * 64,
        state=SourceState.ACTIVE,
        registered_at=datetime(2026, 4, 17, 12, 30, 15, 123456, tzinfo=UTC),
    )


def image(digit: str, *labels: str | None, outcome: Outcome = Outcome.ENROLLED, poor: int = 0) -> NewImage:
    """Return a photograph with a face of each label, and some that the gate refused."""
    named = [
        NewFace(face=face(at), template=template(ord(digit), at), label=label) for at, label in enumerate(labels, 1)
    ]
    refused = [
        NewFace(face=face(len(labels) + at, refusals=("too dark",)), template=None, label=None)
        for at in range(1, poor + 1)
    ]
    return NewImage(
        sha256=digit * 64,
        reference=f"folder/{digit}.jpg",
        media_type="image/jpeg",
        size_bytes=3_000_000_000,
        width=640,
        height=480,
        outcome=outcome,
        faces=(*named, *refused),
    )


@pytest.fixture
def archive(records: Records) -> Source:
    """One registered source."""
    made = source()
    records.register_source(made, actor=SYSTEM)
    return made


class TestSources:
    def test_one_comes_back_as_it_was_registered(self, records: Records, archive: Source) -> None:
        assert records.source("archive") == archive
        assert records.sources() == (SourceSummary(source=archive, images=0, subjects=0, templates=0),)
        assert records.active_sources() == (archive.source_id,)

    def test_they_are_listed_by_name(self, records: Records) -> None:
        for name in ("b", "c", "a"):
            records.register_source(source(name), actor=SYSTEM)

        assert [one.source.name for one in records.sources()] == ["a", "b", "c"]
        assert len(records.active_sources()) == 3

    def test_a_name_is_given_once(self, records: Records, archive: Source) -> None:
        before = records.snapshot()

        with pytest.raises(ConflictError) as caught:
            records.register_source(source("archive"), actor=SYSTEM)

        assert caught.value.code == "source-exists"
        assert records.source("archive") == archive
        assert records.snapshot() == before

    @pytest.mark.usefixtures("archive")
    @pytest.mark.parametrize("name", ["other", "Archive", "archive ", "' OR 1=1 --", ""])
    def test_one_that_is_not_there_is_unknown(self, records: Records, name: str) -> None:
        with pytest.raises(NotFoundError) as caught:
            records.source(name)

        assert caught.value.code == "source-unknown"


class TestSnapshot:
    def test_it_is_empty_at_first(self, records: Records) -> None:
        snapshot = records.snapshot()

        assert (snapshot.revision, snapshot.pack_digest, snapshot.last_row) == (0, None, 0)
        assert (snapshot.sources, snapshot.subjects, snapshot.images, snapshot.templates) == (0, 0, 0, 0)

    def test_it_counts(self, records: Records, archive: Source) -> None:
        records.add_images(
            archive.source_id, [image("1", "A", None), image("2", "A", poor=2)], pack_digest=PACK, actor=SYSTEM
        )
        records.add_images(archive.source_id, [image("3", outcome=Outcome.NO_FACE)], pack_digest=PACK, actor=SYSTEM)

        snapshot = records.snapshot()

        assert (snapshot.sources, snapshot.subjects, snapshot.images, snapshot.templates) == (1, 2, 3, 3)
        assert (snapshot.pack_digest, snapshot.last_row) == (PACK, 3)
        [summary] = records.sources()
        assert (summary.images, summary.subjects, summary.templates) == (3, 2, 3)

    def test_the_revision_grows_by_one_with_each_change(self, records: Records, archive: Source) -> None:
        before = records.snapshot().revision

        records.add_images(archive.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)
        records.register_source(source("other"), actor=SYSTEM)

        assert records.snapshot().revision == before + 2

    def test_searches_change_no_gallery(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)
        before = records.snapshot()

        records.put_search(new_id(), {"searched_at": "2026-04-17T12:30:15+00:00"}, entry=entry())

        assert records.snapshot() == before


class TestImages:
    def test_the_same_content_is_one_image(self, records: Records, archive: Source) -> None:
        first = records.add_images(archive.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)
        second = records.add_images(
            archive.source_id, [image("1", "B"), image("2", "B")], pack_digest=PACK, actor=SYSTEM
        )

        assert first == {}
        assert second == {"1" * 64: KnownImage(outcome=Outcome.ENROLLED, labels=frozenset({"A"}))}
        assert records.snapshot().images == 2
        assert [one.label for one in records.subjects(limit=9)] == ["A", "B"]

    def test_the_same_content_in_two_sources_is_two_images(self, records: Records, archive: Source) -> None:
        other = source("other")
        records.register_source(other, actor=SYSTEM)

        for one in (archive, other):
            records.add_images(one.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)

        assert records.snapshot().images == 2
        assert [one.source for one in records.subjects(limit=9)] == ["archive", "other"]

    def test_what_is_known(self, records: Records, archive: Source) -> None:
        added = [image("1", "A", "B", None), image("2", outcome=Outcome.REFUSED_BY_GATE, poor=1)]
        records.add_images(archive.source_id, added, pack_digest=PACK, actor=SYSTEM)

        known = records.known_images(archive.source_id, [digit * 64 for digit in "123"])

        assert known == {
            "1" * 64: KnownImage(outcome=Outcome.ENROLLED, labels=frozenset({"A", "B"})),
            "2" * 64: KnownImage(outcome=Outcome.REFUSED_BY_GATE, labels=frozenset()),
        }
        assert records.known_images(NO_ONE, ["1" * 64]) == {}
        assert records.known_images(archive.source_id, []) == {}

    def test_thousands_are_looked_up_at_once(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)

        known = records.known_images(archive.source_id, [*(f"{n:064}" for n in range(40_000)), "1" * 64])

        assert list(known) == ["1" * 64]

    def test_a_model_pack_is_for_good(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)
        before = records.snapshot()

        with pytest.raises(ConflictError) as caught:
            records.add_images(archive.source_id, [image("2", "A")], pack_digest="b" * 64, actor=SYSTEM)

        assert caught.value.code == "pack-mismatch"
        assert records.snapshot() == before

    def test_an_unknown_source_takes_nothing(self, records: Records) -> None:
        with pytest.raises(NotFoundError) as caught:
            records.add_images(NO_ONE, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)

        assert caught.value.code == "source-unknown"
        assert records.snapshot().revision == 0
        assert records.snapshot().pack_digest is None

    def test_where_its_bytes_are(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)
        [enrolled] = records.faces([1]).values()

        assert records.image_location(enrolled.image_id) == ("image/jpeg", image_key(archive.source_id, "1" * 64))
        assert records.face_crop_key(enrolled.face_id) == crop_key(archive.source_id, "1" * 64, 1)

    @pytest.mark.usefixtures("archive")
    @pytest.mark.parametrize("name", [NO_ONE, "", "x\x00y", "ü"])
    def test_what_is_not_there_is_unknown(self, records: Records, name: str) -> None:
        codes = []
        for ask in (records.image_location, records.face_crop_key, records.subject, records.faces_of, records.search):
            with pytest.raises(NotFoundError) as caught:
                ask(name)
            codes.append(caught.value.code)

        assert codes == ["image-unknown", "face-unknown", "subject-unknown", "subject-unknown", "search-unknown"]


class TestSubjects:
    def test_one_label_of_a_source_is_one_subject(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A"), image("2", "B", "A")], pack_digest=PACK, actor=SYSTEM)
        records.add_images(archive.source_id, [image("3", "A")], pack_digest=PACK, actor=SYSTEM)

        assert [(one.label, one.templates) for one in records.subjects(limit=9)] == [("A", 3), ("B", 1)]

    def test_each_unnamed_face_is_its_own(self, records: Records, archive: Source) -> None:
        records.add_images(
            archive.source_id, [image("1", None, None), image("2", None)], pack_digest=PACK, actor=SYSTEM
        )

        assert [(one.label, one.templates) for one in records.subjects(limit=9)] == [(None, 1)] * 3

    def test_they_are_listed_by_source_in_the_order_of_their_enrolment(self, records: Records) -> None:
        for name in ("b", "a"):
            made = source(name)
            records.register_source(made, actor=SYSTEM)
            records.add_images(made.source_id, [image("1", None, "Z", "É", "a")], pack_digest=PACK, actor=SYSTEM)

        listed = [(one.source, one.label) for one in records.subjects(limit=9)]

        assert listed == [(name, label) for name in "ba" for label in (None, "Z", "É", "a")]
        assert [(one.source, one.label) for one in records.subjects(limit=3, offset=2)] == listed[2:5]
        assert {one.source for one in records.subjects(source="b", limit=9)} == {"b"}
        assert records.subjects(source="nobody", limit=9) == ()
        assert records.subjects(among=[records.source("a").source_id], limit=9, offset=1) == records.subjects(
            source="a", limit=9, offset=1
        )
        assert records.subjects(source="b", among=[records.source("a").source_id], limit=9) == ()
        assert records.subjects(among=(), limit=9) == ()
        assert records.subjects(limit=9, offset=8) == ()

    def test_one_by_its_id(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A"), image("2", "B")], pack_digest=PACK, actor=SYSTEM)
        listed = records.subjects(limit=9)

        assert [records.subject(one.subject_id) for one in listed] == list(listed)

    def test_its_faces_oldest_first(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("2", "B", "A", poor=1)], pack_digest=PACK, actor=SYSTEM)
        records.add_images(archive.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)
        [_, subject] = records.subjects(limit=9)

        faces = records.faces_of(subject.subject_id)

        assert [(one.reference, one.label, one.face) for one in faces] == [
            ("folder/2.jpg", "A", face(2)),
            ("folder/1.jpg", "A", face(1)),
        ]
        assert {one.subject_id for one in faces} == {subject.subject_id}


class TestTemplates:
    def test_faces_and_vectors_by_row(self, records: Records, archive: Source) -> None:
        records.add_images(
            archive.source_id, [image("1", "A", poor=1), image("2", None)], pack_digest=PACK, actor=SYSTEM
        )

        faces, vectors = records.faces([2, 1, 7]), templates_of(records, [2, 1, 7])

        assert sorted(faces) == sorted(vectors) == [1, 2]
        assert [faces[row].label for row in (1, 2)] == ["A", None]
        assert faces[1].face == face(1)
        assert (faces[2].source, faces[2].reference) == ("archive", "folder/2.jpg")
        assert np.array_equal(vectors[2], template(ord("2"), 1))
        assert vectors[2].dtype == np.float32

    def test_many_rows_at_once(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", *[None] * 30)], pack_digest=PACK, actor=SYSTEM)

        assert sorted(records.references(range(40_000))) == list(range(1, 31))
        assert sorted(records.faces(range(40_000))) == list(range(1, 31))

    def test_a_stream_of_templates_a_subject_and_a_source_at_a_time(self, records: Records) -> None:
        made = [source("a"), source("b")]
        for one in made:
            records.register_source(one, actor=SYSTEM)
        for digit, one in zip("1234", [*made, *made], strict=True):
            records.add_images(one.source_id, [image(digit, "A", "B", "A")], pack_digest=PACK, actor=SYSTEM)

        parts = {part.block: part for part in records.template_batches(last_row=10)}

        first, second = (parts[one.source_id] for one in made)
        assert (first.rows.tolist(), second.rows.tolist()) == ([1, 3, 7, 9, 2, 8], [4, 6, 10, 5])
        assert [len(set(first.subjects[:4].tolist())), len(set(first.subjects.tolist()))] == [1, 2]
        assert np.array_equal(first.templates[[4, 1]], [template(ord("1"), 2), template(ord("1"), 3)])
        assert np.array_equal(second.templates[2], template(ord("4"), 1))
        assert first.templates.dtype == np.float32
        assert list(records.template_batches(last_row=0)) == []

    @pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 100])
    def test_a_batch_has_all_templates_of_its_subjects(
        self, records: Records, monkeypatch: pytest.MonkeyPatch, most: int
    ) -> None:
        monkeypatch.setattr("countenance.adapters.sql.records.BATCH_ROWS", most)
        records.register_source(one := source("a"), actor=SYSTEM)
        for digit in "1234":
            records.add_images(one.source_id, [image(digit, "A", "B", "A")], pack_digest=PACK, actor=SYSTEM)

        batches = list(records.template_batches(last_row=11))

        assert [row for batch in batches for row in batch.rows.tolist()] == [1, 3, 4, 6, 7, 9, 10, 2, 5, 8, 11]
        subjects = [subject for batch in batches for subject in set(batch.subjects.tolist())]
        assert len(subjects) == 2

    def test_row_numbers_of_a_source(self, records: Records) -> None:
        made = [source(name) for name in ("one", "two")]
        for one in made:
            records.register_source(one, actor=SYSTEM)
            records.add_images(one.source_id, [image("1", "A", "B")], pack_digest=PACK, actor=SYSTEM)

        assert [records.reference_rows(one.source_id).tolist() for one in made] == [[1, 2], [3, 4]]
        assert records.reference_rows("unknown").tolist() == []
        assert records.reference_rows("unknown").dtype == np.int64

    def test_what_is_given_back_may_be_changed(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A")], pack_digest=PACK, actor=SYSTEM)

        records.references([1])[1].template[:] = 0

        assert np.array_equal(records.references([1])[1].template, template(ord("1"), 1))


class TestReferences:
    """The rows of an index: a subject's templates, under the number of the newest."""

    def test_a_subject_is_one_row_and_a_row_number_keeps_its_meaning(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A", "B", "A")], pack_digest=PACK, actor=SYSTEM)
        before = records.references([1, 3])

        records.add_images(archive.source_id, [image("2", "B", "A")], pack_digest=PACK, actor=SYSTEM)

        assert [one.rows.tolist() for one in before.values()] == [[1], [1, 3]]
        assert np.array_equal(before[3].template, fuse(before[3].templates))
        for row, one in records.references([1, 3]).items():
            assert np.array_equal(one.template, before[row].template)
        assert {row: one.rows.tolist() for row, one in records.references([4, 5]).items()} == {4: [2, 4], 5: [1, 3, 5]}
        assert records.reference_rows(archive.source_id).tolist() == [4, 5]

    def test_a_stream_passes_over_what_came_after_and_says_what_it_supersedes(
        self, records: Records, archive: Source
    ) -> None:
        for digit, labels in (("1", ["A", "B", "A"]), ("2", ["B", "A", None])):
            records.add_images(archive.source_id, [image(digit, *labels)], pack_digest=PACK, actor=SYSTEM)

        [(then, before), (since, superseded), (whole, _)] = [
            (one.parts[0], one.superseded.tolist())
            for after_row, last_row in ((0, 3), (3, 6), (0, 6))
            for one in records.reference_batches(after_row=after_row, last_row=last_row)
        ]

        assert (then.rows.tolist(), before) == ([2, 3], [1])
        assert (since.rows.tolist(), sorted(superseded)) == ([4, 5, 6], [1, 2, 3])
        assert whole.rows.tolist() == [4, 5, 6]
        assert len(set(whole.subjects.tolist())) == 3
        assert then.subjects.tolist() == whole.subjects[:2].tolist() == since.subjects[:2].tolist()
        assert np.array_equal(whole.templates[1], records.references([5])[5].template)
        assert list(records.reference_batches(after_row=6, last_row=6)) == []

    def test_a_batch_has_the_rows_of_every_source_that_lie_between(self, records: Records) -> None:
        made = [source("a"), source("b"), source("c")]
        for one in made:
            records.register_source(one, actor=SYSTEM)
        for digit, one in zip("123456789", made * 3, strict=True):
            records.add_images(one.source_id, [image(digit, "A", digit)], pack_digest=PACK, actor=SYSTEM)

        batches = list(records.reference_batches(after_row=6, last_row=18))

        rows = [sorted(row for part in batch.parts for row in part.rows.tolist()) for batch in batches]
        assert [row for part in rows for row in part] == [8, 10, 12, *range(13, 19)]
        assert [len(batch) for batch in batches] == [len(part) for part in rows]
        for batch in batches:
            assert len({part.block for part in batch.parts}) == len(batch.parts)
            for part in batch.parts:
                assert part.rows.tolist() == sorted(part.rows.tolist())
                held = records.references(part.rows.tolist())
                assert {held[row].source_id for row in held} == {part.block}
                assert np.array_equal(part.templates, np.stack([held[row].template for row in part.rows.tolist()]))
        assert sorted(row for batch in batches for row in batch.superseded.tolist()) == [1, 3, 5, 7, 9, 11]


class TestSearches:
    def test_an_answer_comes_back_as_it_was_put(self, records: Records) -> None:
        answer = {
            "searched_at": "2026-04-17T12:30:15.123456+02:00",
            "nested": {"scores": [0.1, 1 / 3, -1.0, 1e-300], "none": None, "true": True, "text": "Ünï\u2028\x00☃"},
        }

        receipt = records.put_search("5f0c", answer, entry=entry())

        assert records.search("5f0c") == {**answer, "receipt": receipt.to_json()}

    def test_those_that_show_a_face_or_its_photograph_are_found(self, records: Records, archive: Source) -> None:
        records.add_images(archive.source_id, [image("1", "A"), image("2", "A", "B")], pack_digest=PACK, actor=SYSTEM)
        subjects = records.subjects(limit=9)
        shown, beside = records.faces_of(subjects[0].subject_id)
        [other] = records.faces_of(subjects[1].subject_id)
        candidate = {
            "rank": 1,
            "subject": {"id": subjects[0].subject_id},
            "face": shown.face_id,
            "image": {"id": shown.image_id},
            "source": "archive",
        }
        for search_id, candidates in (("one", [candidate]), ("none", []), ("two", [candidate])):
            answer = {"searched_at": "2026-04-17T12:30:15+00:00", "candidates": candidates}
            records.put_search(search_id, answer, entry=entry())

        assert records.answers_showing(shown.face_id) == ("two", "one")
        assert records.answers_showing(shown.image_id) == ("two", "one")
        for target in (beside.face_id, beside.image_id, other.face_id, new_id()):
            assert records.answers_showing(target) == ()


def test_writers_wait_for_each_other_and_none_is_lost(records: Records, archive: Source) -> None:
    def enrol(number: int) -> None:
        """Add photographs of a subject that the other threads add too, and of one that they don't."""
        for digit in "123456":
            new = image(digit, "shared", f"own-{number}")
            records.add_images(archive.source_id, [new], pack_digest=PACK, actor=SYSTEM)
            records.snapshot()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(enrol, number) for number in range(4)]:
            done.result()

    snapshot = records.snapshot()
    assert (snapshot.images, snapshot.templates, snapshot.revision) == (6, 12, 25)
    [shared] = [one for one in records.subjects(limit=99) if one.label == "shared"]
    assert shared.templates == 6
    assert sum(one.templates for one in records.subjects(limit=99)) == 12
