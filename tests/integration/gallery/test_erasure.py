"""One person who says no: gone for the next search, everywhere, provably, after any interruption and any old backup."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.adapters.sql.sealing import IMAGE, RowSeals
from countenance.bootstrap.keyring import erasure_list_file
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import model_pack
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import ConflictError, IntegrityError, InvalidInputError, NotFoundError, UnavailableError
from countenance.gallery.destruction import Destruction, DestructionKind
from countenance.gallery.erasure import Erased
from countenance.gallery.model import KnownImage, NewFace, NewImage, Outcome
from countenance.gallery.plan import PlannedPhotograph
from countenance.gallery.ports import crop_key, image_key
from countenance.policy.model import SYSTEM
from tests.audit_parts import entry
from tests.integration.gallery.erase_and_die import STEPS
from tests.made_up_galleries import (
    PICTURE,
    Reader,
    fill,
    found,
    kept_answer,
    made_up_home,
    migrate_again,
    people,
    template_bytes,
    traces,
)
from tests.stripes import face

COUNT = 12
FIRST = "one person 0"
"""Who is erased: the first of the first source."""

TABLES = ("template", "face", "image", "subject")


def first_of(gallery: OpenGallery, source: str = "one") -> str:
    """Return the id of a source's first subject."""
    return gallery.records.subjects(source=source, limit=1)[0].subject_id


def erase(gallery: OpenGallery, target: str, kind: DestructionKind = DestructionKind.SUBJECT_ERASED) -> Destruction:
    return gallery.sources.erase(Erased(kind, target), by="Ada", reason="they asked")


def rows_of(settings: Settings) -> dict[str, int]:
    """Count the rows of each table."""
    engine = open_engine(sqlite_url(settings.database))
    with engine.connect() as connection:
        counts = {table: connection.scalar(text(f"SELECT count(*) FROM {table}")) for table in TABLES}  # noqa: S608
    engine.dispose()
    return {table: count or 0 for table, count in counts.items()}


def pictures(settings: Settings) -> int:
    """Count the pictures in the object store."""
    return sum(path.is_file() for kind in ("images", "crops") for path in (settings.objects / kind).rglob("*"))


def labels(gallery: OpenGallery) -> set[str | None]:
    """Return whom searches with everybody of the first source return."""
    return {label for answer in found(gallery, people("one", COUNT)) for _, label, _ in answer}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with two sources."""
    return made_up_home(tmp_path / "home", {"one": COUNT, "two": 5})


def assert_gone(settings: Settings, ended: Destruction, search_id: str) -> None:
    """Assert that nothing of the first person is there, and that the certificate says so."""
    with open_gallery(settings) as gallery:
        facts = gallery.sources.read_certificate(ended.certificate or b"")
        kept = gallery.records.search(search_id)
        returned, agree = labels(gallery), gallery.indexed.compare().agree
        [summary, _] = gallery.records.sources()
        with pytest.raises(NotFoundError):
            gallery.records.subject(ended.target or "")
    assert (FIRST in returned, len(returned) > 5, agree) == (False, True, True)
    assert (summary.subjects, summary.images, summary.templates) == (COUNT - 1,) * 3
    assert rows_of(settings) == dict.fromkeys(TABLES, COUNT + 5 - 1)
    assert pictures(settings) == 2 * (COUNT + 5 - 1)
    assert facts["destroyed"] == {"photographs": 1, "subjects": 1, "templates": 1}
    assert facts["erased"] == {"kind": "subject-erased", "id": ended.target}
    assert [(one["search"], one["candidates"]) for one in facts["handed_out_before"]] == [(search_id, 1)]
    assert [one["subject"]["label"] for one in kept["candidates"]] == [None, "two person 0"]  # type: ignore[attr-defined]
    assert [mark["why"] for mark in kept["marks"]] == ["subject-erased"]  # type: ignore[attr-defined]
    assert traces(settings.home, FIRST.encode(), *template_bytes("one", 1)) == []


def test_it_is_gone_for_the_next_search_and_everywhere(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        search_id = kept_answer(gallery, "one", other="two")
        before = labels(gallery)

        ended = erase(gallery, first_of(gallery))
        actions = [json.loads(body)["action"] for body in gallery.audit.entries(0, 100)]

    assert FIRST in before
    assert actions[-2:] == ["erase", "destruction-finish"]
    assert_gone(settings, ended, search_id)


def test_a_server_that_runs_meanwhile_returns_them_no_more(settings: Settings) -> None:
    with open_gallery(settings) as serving, open_gallery(settings) as gallery:
        before = labels(serving)
        erase(gallery, first_of(gallery))

        assert (FIRST in before, FIRST in labels(serving)) == (True, False)


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_any_step_it_is_finished_by_running_it_again(settings: Settings, step: str) -> None:
    with open_gallery(settings) as gallery:
        search_id, subject = kept_answer(gallery, "one", other="two"), first_of(gallery)
    script = (sys.executable, "-m", "tests.integration.gallery.erase_and_die", settings.home, subject, step)

    killed = subprocess.run(script, capture_output=True, check=False, env=os.environ)
    with open_gallery(settings) as gallery:
        meanwhile, left = labels(gallery), pictures(settings)
        if step == "index":
            [ended] = gallery.sources.finish_erasures()
        else:
            ended = erase(gallery, subject)

    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, b"")
    assert FIRST not in meanwhile
    assert left == 2 * (COUNT + 5) - {"objects": 1, "settle": 2, "certificate": 2}.get(step, 0)
    assert_gone(settings, ended, search_id)


def test_while_somebody_reads_what_went_there_is_no_certificate(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countenance.adapters.sql.database.BUSY_MS", 50)
    with open_gallery(settings) as gallery:
        subject, search_id = first_of(gallery), kept_answer(gallery, "one", other="two")
        reader = sqlite3.connect(settings.database, isolation_level=None)
        reader.execute("BEGIN")
        [(vector,)] = reader.execute("SELECT vector FROM template ORDER BY number LIMIT 1").fetchall()

        with pytest.raises(UnavailableError) as caught:
            erase(gallery, subject)
        meanwhile, certificates, left = labels(gallery), gallery.sources.certificates(), traces(settings.home, vector)
        reader.close()
        ended = erase(gallery, subject)

        assert caught.value.code == "records-being-read"
        assert (FIRST in meanwhile, certificates, bool(left)) == (False, (), True)
        assert traces(settings.home, vector) == []
    assert_gone(settings, ended, search_id)


def test_a_search_that_is_under_way_gives_no_answer(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        subject = first_of(gallery)
        [one] = gallery.records.faces_of(subject)
        answer = {
            "searched_at": "2026-04-17T12:30:15+00:00",
            "candidates": [{"rank": 1, "source": "one", "subject": {"id": subject}, "face": one.face_id}],
        }
        erase(gallery, subject)

        with pytest.raises(ConflictError) as caught:
            gallery.records.put_search("s", answer, entry=entry())
        with pytest.raises(NotFoundError):
            gallery.records.search("s")

    assert caught.value.code == "candidate-gone-meanwhile"


class TestOldBackups:
    def restore_an_old_backup(self, settings: Settings, tmp_path: Path) -> str:
        """Copy the home, erase somebody, put the copy back; returns the search that had returned them."""
        with open_gallery(settings) as gallery:
            search_id = kept_answer(gallery, "one", other="two")
        shutil.copytree(settings.home, tmp_path / "backup")
        with open_gallery(settings) as gallery:
            erase(gallery, first_of(gallery))
        shutil.rmtree(settings.home)
        (tmp_path / "backup").rename(settings.home)
        return search_id

    def test_they_are_erased_again_as_it_is_opened(self, settings: Settings, tmp_path: Path) -> None:
        search_id = self.restore_an_old_backup(settings, tmp_path)

        with open_gallery(settings) as gallery:
            returned = labels(gallery)
            [ended] = gallery.sources.finish_erasures()

        assert FIRST not in returned
        assert (ended.by, ended.reason) == ("Countenance", "it came back with an old backup; it was erased before")
        assert_gone(settings, ended, search_id)

    def test_without_the_list_they_come_back(self, settings: Settings, tmp_path: Path) -> None:
        # What the guide says: the list has to be kept as the keyring is.
        self.restore_an_old_backup(settings, tmp_path)
        erasure_list_file(settings).unlink()

        with open_gallery(settings) as gallery:
            assert FIRST in labels(gallery)

    def test_a_list_that_was_lost_is_made_again_from_the_records(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            erase(gallery, first_of(gallery))
        before = erasure_list_file(settings).read_bytes()
        erasure_list_file(settings).unlink()

        with open_gallery(settings):
            pass

        assert erasure_list_file(settings).read_bytes() == before

    def test_a_last_line_that_was_cut_short_is_written_over(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            erase(gallery, first_of(gallery))
            before = erasure_list_file(settings).read_bytes()
            erasure_list_file(settings).write_bytes(before + b"subject-erased 5f0")

            erase(gallery, first_of(gallery))

        after = erasure_list_file(settings).read_bytes()
        assert after.startswith(before)
        assert after.count(b"\n") == 2

    @pytest.mark.parametrize(
        "line",
        [
            pytest.param(b"subject-erased 5f0c 00\n", id="a wrong fingerprint"),
            pytest.param(b"source-withdrawn 5f0c 00\n", id="another kind"),
            pytest.param(b"\n", id="empty"),
            pytest.param(b"\xff\xfe\n", id="no text"),
        ],
    )
    def test_a_line_that_is_not_this_homes_stops_everything(self, settings: Settings, line: bytes) -> None:
        erasure_list_file(settings).write_bytes(line)

        with pytest.raises(IntegrityError) as caught, open_gallery(settings):
            pass

        assert caught.value.code == "erasure-list-damaged"


def test_the_others_answer_as_a_gallery_that_never_had_them(settings: Settings, tmp_path: Path) -> None:
    never = made_up_home(tmp_path / "never", {"two": 5})

    with open_gallery(settings) as gallery:
        for subject in gallery.records.subjects(source="one", limit=COUNT):
            erase(gallery, subject.subject_id)
        after = found(gallery, people("two", 5))
        index, _ = gallery.indexed.refresh()
        [answer] = index.search(people("two", 1), blocks=gallery.records.active_sources(), limit=5, threshold=0.1)
    with open_gallery(never) as gallery:
        expected = found(gallery, people("two", 5))
        index, _ = gallery.indexed.refresh()
        [alike] = index.search(people("two", 1), blocks=gallery.records.active_sources(), limit=5, threshold=0.1)

    assert (after, answer.certificate) == (expected, alike.certificate)


def indexed_rows(gallery: OpenGallery) -> list[int]:
    """Return the rows of the index."""
    index, _ = gallery.indexed.refresh()
    return [row for block in index.blocks() for row in index.rows(block).tolist()]


class TestGroups:
    """Two people in one photograph, and one of them in a second."""

    @pytest.fixture
    def gallery(self, tmp_path: Path) -> Iterator[OpenGallery]:
        """A source with a photograph of A and B, and one of A alone."""
        settings = made_up_home(tmp_path / "groups", {})
        with open_gallery(settings) as gallery:
            fill(gallery, "club", 0)
            source_id = gallery.records.source("club").source_id
            self.add(gallery, source_id, "both", "A", "B")
            self.add(gallery, source_id, "alone", "A")
            yield gallery

    def add(self, gallery: OpenGallery, source_id: str, name: str, *who: str) -> None:
        """Enrol one photograph."""
        digest = sha256(name.encode()).hexdigest()
        gallery.objects.put(image_key(source_id, digest), PICTURE)
        for number in range(1, len(who) + 1):
            gallery.objects.put(crop_key(source_id, digest, number), PICTURE)
        faces = tuple(
            NewFace(face=face(number), template=people(f"{label} in {name}", 1)[0], label=label)
            for number, label in enumerate(who, start=1)
        )
        new = NewImage(
            sha256=digest,
            reference=f"{name}.jpg",
            media_type="image/jpeg",
            size_bytes=100,
            width=16,
            height=16,
            outcome=Outcome.ENROLLED,
            faces=faces,
        )
        pack = model_pack(gallery.settings).digest
        gallery.records.add_images(source_id, [new], pack_digest=pack, actor=SYSTEM)

    def held(self, gallery: OpenGallery) -> dict[str | None, list[str]]:
        """Return whose face is enrolled from which photograph."""
        subjects = gallery.records.subjects(limit=9)
        return {one.label: [face.reference for face in gallery.records.faces_of(one.subject_id)] for one in subjects}

    def one(self, gallery: OpenGallery, label: str) -> str:
        """Return a subject's id."""
        [found_] = [one.subject_id for one in gallery.records.subjects(limit=9) if one.label == label]
        return found_

    def counts(self, gallery: OpenGallery) -> tuple[int, ...]:
        """Return photographs, subjects, templates, subjects in the index, pictures in the object store."""
        index, snapshot = gallery.indexed.refresh()
        return (snapshot.images, snapshot.subjects, snapshot.templates, len(index), pictures(gallery.settings))

    def test_a_subject_leaves_the_photograph_to_the_others(self, gallery: OpenGallery) -> None:
        ended = erase(gallery, self.one(gallery, "A"))

        assert self.held(gallery) == {"B": ["both.jpg"]}
        assert self.counts(gallery) == (1, 1, 1, 1, 2)
        assert (ended.destroyed.images, ended.destroyed.staying) == (1, 1)

    def test_whose_only_photograph_is_shared_leaves_it_whole(self, gallery: OpenGallery) -> None:
        erase(gallery, self.one(gallery, "B"))

        assert self.held(gallery) == {"A": ["both.jpg", "alone.jpg"]}
        assert self.counts(gallery) == (2, 1, 2, 1, 4)

    def test_a_photograph_goes_with_all_its_faces(self, gallery: OpenGallery) -> None:
        [one] = gallery.records.faces_of(self.one(gallery, "B"))

        ended = erase(gallery, one.image_id, DestructionKind.IMAGE_ERASED)

        assert self.held(gallery) == {"A": ["alone.jpg"]}
        assert self.counts(gallery) == (1, 1, 1, 1, 2)
        assert (ended.destroyed.subjects, ended.destroyed.templates) == (1, 2)

    def test_one_erased_before_a_photograph_that_showed_them_is_erased_again_at_the_first_opening(
        self, gallery: OpenGallery, tmp_path: Path
    ) -> None:
        [both] = gallery.records.faces_of(self.one(gallery, "B"))
        shutil.copytree(gallery.settings.home, tmp_path / "backup")
        erase(gallery, self.one(gallery, "B"))
        erase(gallery, both.image_id, DestructionKind.IMAGE_ERASED)

        with open_gallery(gallery.settings.model_copy(update={"home": tmp_path / "backup"})) as again:
            held = self.held(again)

        assert held == {"A": ["alone.jpg"]}

    def test_a_face_goes_alone(self, gallery: OpenGallery) -> None:
        [both, alone] = gallery.records.faces_of(self.one(gallery, "A"))

        erase(gallery, both.face_id, DestructionKind.FACE_ERASED)
        held, counts = self.held(gallery), self.counts(gallery)
        erase(gallery, alone.face_id, DestructionKind.FACE_ERASED)

        assert held == {"A": ["alone.jpg"], "B": ["both.jpg"]}
        assert counts == (2, 2, 2, 2, 4)
        assert self.held(gallery) == {"B": ["both.jpg"]}
        assert self.counts(gallery) == (1, 1, 1, 1, 2)

    def test_who_loses_a_face_is_compared_by_the_others_of_theirs(self, gallery: OpenGallery) -> None:
        [both, alone] = gallery.records.faces_of(self.one(gallery, "A"))
        before = indexed_rows(gallery)

        erase(gallery, both.face_id, DestructionKind.FACE_ERASED)

        held = gallery.records.references(indexed_rows(gallery))
        assert gallery.indexed.compare().agree
        [row] = set(held) - set(before)
        assert gallery.records.faces([row])[row].face_id == alone.face_id
        assert np.array_equal(held[row].template, people("A in alone", 1)[0])

    def test_all_that_stay_of_theirs_get_new_numbers_and_a_process_that_runs_meanwhile_follows(
        self, gallery: OpenGallery
    ) -> None:
        self.add(gallery, gallery.records.source("club").source_id, "third", "A")
        [both, *staying] = gallery.records.faces_of(self.one(gallery, "A"))
        with open_gallery(gallery.settings) as serving:
            _, before = serving.indexed.refresh()

            erase(gallery, both.face_id, DestructionKind.FACE_ERASED)

            held = serving.records.references(indexed_rows(serving))
            agree = (serving.indexed.compare().agree, gallery.indexed.compare().agree)
        [rows] = [one.rows.tolist() for one in held.values() if len(one.rows) > 1]
        faces = gallery.records.faces(rows)
        assert agree == (True, True)
        assert min(rows) > before.last_row
        assert [faces[row].face_id for row in rows] == [one.face_id for one in staying]

    def test_an_answer_forgets_the_face_that_went_and_no_other(self, gallery: OpenGallery) -> None:
        subject = self.one(gallery, "A")
        [both, alone] = gallery.records.faces_of(subject)
        candidates = [
            {
                "rank": rank,
                "subject": {"id": subject, "label": "A"},
                "face": one.face_id,
                "image": {"id": one.image_id, "reference": one.reference},
                "source": "club",
                "box": [1.0, 2.0, 3.0, 4.0],
            }
            for rank, one in enumerate((both, alone), start=1)
        ]
        answer = {"searched_at": "2026-04-17T12:30:15+00:00", "candidates": candidates}
        gallery.records.put_search("s", answer, entry=entry())

        erase(gallery, both.face_id, DestructionKind.FACE_ERASED)

        kept = gallery.records.search("s")["candidates"]
        assert [one["image"]["reference"] for one in kept] == ["", "alone.jpg"]  # type: ignore[attr-defined]


class TestRefused:
    """Photographs that nobody was enrolled from, under the name of somebody who is."""

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Settings:
        """A source with a photograph of A, and refused ones of A and of B, who is not enrolled."""
        settings = made_up_home(tmp_path / "refused", {})
        with open_gallery(settings) as gallery:
            fill(gallery, "club", 0)
            fill(gallery, "other", 0)
            self.add(gallery, "club", "A/good.jpg", enrolled=True)
            for reference in ("A/blurred.jpg", "A/1987/noface.jpg", "B/blurred.jpg", "noface.jpg"):
                self.add(gallery, "club", reference)
            self.add(gallery, "other", "A/blurred.jpg")
        return settings

    def add(self, gallery: OpenGallery, source: str, reference: str, *, enrolled: bool = False) -> None:
        """Put a photograph on record; its folder says whose it is."""
        folder, _, below = reference.partition("/")
        label = folder if below else None
        poor = NewFace(face=face(1, refusals=("too dark",)), template=None, label=None)
        good = NewFace(face=face(1), template=people(reference, 1)[0], label=label)
        outcome = Outcome.NO_FACE if reference.endswith("noface.jpg") else Outcome.REFUSED_BY_GATE
        new = NewImage(
            sha256=sha256(f"{source} {reference}".encode()).hexdigest(),
            reference=reference,
            media_type="image/jpeg",
            size_bytes=100,
            width=16,
            height=16,
            outcome=Outcome.ENROLLED if enrolled else outcome,
            faces=(good,) if enrolled else () if outcome is Outcome.NO_FACE else (poor,),
            label=label,
        )
        pack, source_id = model_pack(gallery.settings).digest, gallery.records.source(source).source_id
        gallery.records.add_images(source_id, [new], pack_digest=pack, actor=SYSTEM)

    def on_record(self, gallery: OpenGallery) -> set[str]:
        """Return the photographs that are on record, by source and reference."""
        seals, engine = RowSeals(gallery.keyring), open_engine(sqlite_url(gallery.settings.database))
        with engine.connect() as connection:
            rows = connection.execute(
                text("SELECT source_id, image_id, image.entry FROM image JOIN source ON image.source = source.number")
            ).all()
        engine.dispose()
        name_of = {one.source.source_id: one.source.name for one in gallery.records.sources()}
        return {
            f"{name_of[row.source_id]} {facts['reference']}"
            for row in rows
            for facts in [seals.open_entry(row.source_id, row.image_id, row.entry, column=IMAGE)]
        }

    @pytest.mark.parametrize("kind", [DestructionKind.SUBJECT_ERASED, DestructionKind.IMAGE_ERASED])
    def test_they_go_with_whom_the_source_says_they_show(self, settings: Settings, kind: DestructionKind) -> None:
        with open_gallery(settings) as gallery:
            photograph = PlannedPhotograph(path=Path("1"), reference="1.jpg", label="A", data=b"named by a table")
            gallery._enrolment("club", SYSTEM, lambda _: None).run([photograph], Reader({"1.jpg": []}))
            subject = first_of(gallery, "club")
            [one] = gallery.records.faces_of(subject)
            planned = gallery.sources.extent(Erased(DestructionKind.SUBJECT_ERASED, subject)).destroyed

            ended = erase(gallery, subject if kind is DestructionKind.SUBJECT_ERASED else one.image_id, kind)
            left, summary = self.on_record(gallery), gallery.sources.summary("club")

        assert left == {"club B/blurred.jpg", "club noface.jpg", "other A/blurred.jpg"}
        assert planned.images == ended.destroyed.images == 4
        assert (summary.images, summary.subjects, summary.templates) == (2, 0, 0)
        assert rows_of(settings)["face"] == 2

    def test_they_are_not_taken_in_again(self, settings: Settings) -> None:
        digest = sha256(b"club A/blurred.jpg").hexdigest()
        with open_gallery(settings) as gallery:
            erase(gallery, first_of(gallery, "club"))

            known = gallery.records.known_images(gallery.records.source("club").source_id, [digest])

        assert known == {digest: KnownImage(outcome=Outcome.ERASED, labels=frozenset())}

    def test_whoever_keeps_a_face_keeps_them(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            self.add(gallery, "club", "A/second.jpg", enrolled=True)
            [first, _] = gallery.records.faces_of(first_of(gallery, "club"))

            erase(gallery, first.face_id, DestructionKind.FACE_ERASED)

            assert self.on_record(gallery) >= {"club A/second.jpg", "club A/blurred.jpg", "club A/1987/noface.jpg"}

    def test_those_from_before_the_column_go_where_a_folder_says_whose_they_are(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            migrate_again(gallery, "0016")

        with open_gallery(settings) as gallery:
            erase(gallery, first_of(gallery, "club"))
            assert self.on_record(gallery) == {"club B/blurred.jpg", "club noface.jpg", "other A/blurred.jpg"}

    def test_they_are_looked_up_in_an_index(self, settings: Settings) -> None:
        seen: list[tuple[str, Any]] = []
        with open_gallery(settings) as gallery:
            engine = gallery.records._engine  # type: ignore[attr-defined]
            event.listen(engine, "before_cursor_execute", lambda *given: seen.append((given[2], given[3])))
            gallery.sources.extent(Erased(DestructionKind.SUBJECT_ERASED, first_of(gallery, "club")))
            [(statement, values)] = [one for one in seen if "image.label_print" in one[0]]
            with engine.connect() as connection:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

        assert any("ix_image_source_label_print" in row.detail for row in plan)


class TestTakenInAgain:
    def test_an_erased_photograph_is_refused(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            source_id = gallery.records.source("one").source_id
            erase(gallery, first_of(gallery))
            digest = sha256(FIRST.encode()).hexdigest()

            known = gallery.records.known_images(source_id, [digest])
            elsewhere = gallery.records.known_images(gallery.records.source("two").source_id, [digest])

        assert known == {digest: KnownImage(outcome=Outcome.ERASED, labels=frozenset())}
        assert elsewhere == {}

    def test_it_goes_with_its_source(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            erase(gallery, first_of(gallery))
            gallery.sources.withdraw("one", by="Ada", reason="the owner says stop")
        engine = open_engine(sqlite_url(settings.database))
        with engine.connect() as connection:
            left = connection.scalar(text("SELECT count(*) FROM erased_photograph"))
        engine.dispose()

        assert left == 0


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (DestructionKind.SUBJECT_ERASED, "subject-unknown"),
        (DestructionKind.IMAGE_ERASED, "image-unknown"),
        (DestructionKind.FACE_ERASED, "face-unknown"),
    ],
)
def test_what_is_not_on_record_is_said(settings: Settings, kind: DestructionKind, code: str) -> None:
    with open_gallery(settings) as gallery, pytest.raises(NotFoundError) as caught:
        erase(gallery, "5f0c", kind)

    assert caught.value.code == code


def test_a_reason_is_needed(settings: Settings) -> None:
    with open_gallery(settings) as gallery, pytest.raises(InvalidInputError) as caught:
        gallery.sources.erase(Erased(DestructionKind.SUBJECT_ERASED, first_of(gallery)), by="Ada", reason=" ")

    assert caught.value.code == "reason-invalid"


def test_asked_again_the_same_certificate_is_shown(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        subject = first_of(gallery)

        assert erase(gallery, subject).certificate == erase(gallery, subject).certificate
        assert [one.target for one in gallery.sources.certificates()] == [subject]
