"""Registering, enrolling and searching in any order, against a dict that says what must be found."""

import json
import tempfile
from contextlib import ExitStack, nullcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from countenance.adapters.exact.stored import StoredExactIndex
from countenance.adapters.inline_reader import InlineReader
from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.objects import StoredObjects
from countenance.adapters.sealed_objects import SealedObjects
from countenance.adapters.sql.database import open_engine, sqlite_url, upgrade
from countenance.core.arrays import Templates, cosine
from countenance.core.errors import ConflictError
from countenance.gallery.enrolment import Enrolment
from countenance.gallery.indexing import IndexedGallery, originals_of
from countenance.gallery.model import LegalBasis
from countenance.gallery.plan import PlannedPhotograph
from countenance.gallery.sources import register_source
from countenance.policy.model import SYSTEM
from countenance.search.model import SearchRequest
from countenance.search.rendering import answer_json
from countenance.search.service import SearchService
from countenance.vision.decode import ImageLimits
from countenance.vision.fusion import fuse
from countenance.vision.quality import ENROL_GATE, SEARCH_GATE
from tests.audit_parts import sql_records
from tests.signed_up import PermitsAll
from tests.stripes import DIM, StripeAnalyser, stripes, template

LIMITS = ImageLimits(max_bytes=1_000_000, max_pixels=1_000_000)

people = st.tuples(st.integers(1, 6), st.integers(0, 3))
labels = st.none() | st.sampled_from("ABC")


class GalleryMachine(RuleBasedStateMachine):
    """A real database and a real folder against a dict: {source: {photograph: {label or face: templates}}}."""

    names = Bundle("names")

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self._stack = ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._engine = open_engine(sqlite_url(self._folder / "records.sqlite3"))
        keyring = memory_keyring()
        upgrade(self._engine, keyring)
        self._records = sql_records(self._engine, keyring)
        self._stack.callback(self._records.close)
        self._objects = SealedObjects(StoredObjects.in_folder(self._folder / "objects"), keyring)
        self._analyser = StripeAnalyser()
        self._open()
        self._model: dict[str, dict[bytes, list[tuple[tuple[str, str], tuple[int, int]]]]] = {}

    def teardown(self) -> None:
        """Close the database."""
        self._stack.close()

    def _open(self) -> None:
        """Start a search service with an index that has to be filled."""
        self._search = SearchService(
            permits=PermitsAll(self._records),
            records=self._records,
            gallery=IndexedGallery(self._records, self._empty_index),
            analyser=self._analyser,
            gate=SEARCH_GATE,
            limits=LIMITS,
            default_threshold=0.5,
        )

    def _empty_index(self) -> StoredExactIndex:
        """Return an index that holds nothing yet."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        index = StoredExactIndex(folder, DIM, originals=originals_of(self._records), keyring=memory_keyring())
        self._stack.callback(index.close)
        return index

    @rule(target=names, name=st.sampled_from(["one", "two", "three"]))
    def register(self, name: str) -> str:
        """Register a source, perhaps again."""
        taken = name in self._model
        with pytest.raises(ConflictError, match="already") if taken else nullcontext():
            register_source(
                self._records,
                self._objects,
                name=name,
                owner="o",
                legal_basis=LegalBasis.CONSENT,
                document=name.encode(),
                actor=SYSTEM,
            )
        self._model.setdefault(name, {})
        return name

    @rule(source=names, shown=st.lists(st.tuples(people, labels), max_size=4))
    def enrol(self, source: str, shown: list[tuple[tuple[int, int], str | None]]) -> None:
        """Enrol photographs of one face each; the same picture may come again, under another label too."""
        planned, expected = [], 0
        for number, (person, label) in enumerate(shown):
            data = stripes(person)
            path = self._folder / f"{number}.png"
            path.write_bytes(data)
            planned.append(PlannedPhotograph(path=path, reference=f"{number}.png", label=label))
            if data not in self._model[source]:
                subject = ("label", label) if label else ("unnamed", f"{source} {person}")
                self._model[source][data] = [(subject, person)]
                expected += 1
        enrolment = Enrolment(
            source,
            records=self._records,
            objects=self._objects,
            pack_digest=self._analyser.pack_digest,
            actor=SYSTEM,
            gate=ENROL_GATE,
            limits=LIMITS,
        )

        report = enrolment.run(planned, InlineReader(self._analyser, LIMITS))

        assert (report.read, report.enrolled, report.templates) == (len(shown), expected, expected)
        assert report.already + len(report.not_enrolled) == len(shown) - expected

    @rule(person=people, threshold=st.floats(-1, 1), limit=st.integers(1, 5))
    def search(self, person: tuple[int, int], threshold: float, limit: int) -> None:
        """Search, and compare with scoring everything that the model holds."""
        request = SearchRequest(
            image=stripes(person, note=9),
            filename=None,
            case="c",
            purpose="p",
            actor=SYSTEM,
            limit=limit,
            threshold=threshold,
        )

        answer = self._search.search(request)

        held: dict[tuple[str, ...], list[Templates]] = {}
        for source, photographs in self._model.items():
            for faces in photographs.values():
                for subject, enrolled in faces:
                    held.setdefault((source, *subject), []).append(template(*enrolled))
        scores = {whose: cosine(template(*person), fuse(np.stack(mine))[None])[0] for whose, mine in held.items()}
        expected = sorted((score for score in scores.values() if score >= threshold), reverse=True)[:limit]
        assert np.allclose([one.score for one in answer.candidates], expected, rtol=0, atol=1e-6)
        for one in answer.candidates:
            if one.face.label is not None:
                mine = (one.face.source, "label", one.face.label)
                assert one.templates == len(held[mine])
                assert abs(one.score - scores[mine]) < 1e-6
        given = answer_json(answer)
        assert json.loads(json.dumps(given, allow_nan=False)) == given
        assert self._records.search(answer.search_id) == given

    @rule()
    def restart(self) -> None:
        """Throw the index away."""
        self._open()

    @invariant()
    def counts_are_the_models(self) -> None:
        """Compare what the records count with the model."""
        snapshot = self._records.snapshot()
        images = sum(len(photographs) for photographs in self._model.values())
        subjects = {
            (source, *subject)
            for source, photographs in self._model.items()
            for faces in photographs.values()
            for subject, _ in faces
        }
        assert (snapshot.sources, snapshot.images, snapshot.templates) == (len(self._model), images, images)
        assert snapshot.subjects == len(subjects)


TestGallery = GalleryMachine.TestCase
TestGallery.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
