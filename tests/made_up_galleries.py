"""Real homes filled with made-up people: records, objects and index as an enrolment leaves them, without networks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from countenance.adapters.sql.database import migrations, open_engine, sqlite_url
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import model_pack
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.arrays import Templates
from countenance.core.ids import new_id
from countenance.gallery.model import LegalBasis, NewFace, NewImage, Outcome, Source
from countenance.gallery.photographs import AnalysedFace, Photograph, PhotographTask
from countenance.gallery.ports import crop_key, image_key
from countenance.gallery.terms import SourceTerms
from countenance.policy.model import SYSTEM, Actor
from countenance.vision.population import made_up_population
from tests.audit_parts import entry
from tests.stripes import face

POPULATION = made_up_population(128, seed=5)
PICTURE = b"\xff\xd8\xff\xe0 a photograph of "


def people(source: str, count: int) -> Templates:
    """Return a source's templates, float32, shape (count, 128)."""
    return POPULATION.draw(count, seed=int.from_bytes(sha256(source.encode()).digest()[:4])).templates


def fill(
    gallery: OpenGallery, source: str, count: int, *, terms: SourceTerms | None = None, keeper: Actor = SYSTEM
) -> None:
    """Register a source and enrol made-up people into it, one photograph each."""
    made = registered(gallery, source, terms=terms, keeper=keeper)
    enrol(gallery, made, photographs(gallery, made, count))


def fill_in_turns(gallery: OpenGallery, sources: Sequence[str], count: int) -> None:
    """Register sources and enrol so many made-up people into each, one of every source after the other."""
    made = [registered(gallery, source) for source in sources]
    for turn in zip(*(photographs(gallery, one, count) for one in made), strict=True):
        for one, photograph in zip(made, turn, strict=True):
            enrol(gallery, one, [photograph])


def registered(
    gallery: OpenGallery, source: str, *, terms: SourceTerms | None = None, keeper: Actor = SYSTEM
) -> Source:
    """Register a source, which the actor's organisation keeps."""
    return gallery.sources.register(
        name=source,
        owner=f"Owner of {source}",
        legal_basis=LegalBasis.CONTRACT,
        document=b"d",
        terms=terms,
        actor=keeper,
    )


def photographs(gallery: OpenGallery, source: Source, count: int) -> list[NewImage]:
    """Keep a photograph of each of a source's people, to be enrolled."""
    images = []
    for number, vector in enumerate(people(source.name, count)):
        name = f"{source.name} person {number}"
        digest = sha256(name.encode()).hexdigest()
        gallery.objects.put(image_key(source.source_id, digest), PICTURE + name.encode())
        gallery.objects.put(crop_key(source.source_id, digest, 1), PICTURE + b"crop of " + name.encode())
        images.append(
            NewImage(
                sha256=digest,
                reference=f"{name}.jpg",
                media_type="image/jpeg",
                size_bytes=100,
                width=16,
                height=16,
                outcome=Outcome.ENROLLED,
                faces=(NewFace(face=face(1), template=vector, label=name),),
            )
        )
    return images


def enrol(gallery: OpenGallery, source: Source, images: Sequence[NewImage]) -> None:
    """Put photographs on record, in one transaction."""
    gallery.records.add_images(source.source_id, images, pack_digest=model_pack(gallery.settings).digest, actor=SYSTEM)


@dataclass(frozen=True)
class Reader:
    """Implements `PhotographReader` without networks: each photograph shows the faces that it is told."""

    shown: dict[str, Sequence[Templates]]

    def read(self, tasks: Iterable[PhotographTask]) -> Iterator[Photograph]:
        for task in tasks:
            faces = tuple(
                AnalysedFace(face=face(number), template=template, crop=b"crop of " + task.reference.encode())
                for number, template in enumerate(self.shown[task.reference], start=1)
            )
            data = task.data or b""
            yield Photograph(
                reference=task.reference,
                sha256=sha256(data).hexdigest(),
                media_type="image/jpeg",
                size_bytes=len(data),
                width=16,
                height=16,
                faces=faces,
                data=data,
            )


def made_up_home(home: Path, sources: Mapping[str, int]) -> Settings:
    """Make a home with some sources of so many people each, and its index."""
    settings = Settings(home=home)
    initialise(settings)
    with open_gallery(settings) as gallery:
        for source, count in sources.items():
            fill(gallery, source, count)
        gallery.refresh()
    return settings


def found(gallery: OpenGallery, probes: Templates) -> list[list[tuple[str, str | None, float]]]:
    """Search as a search does, over the sources that are eligible: source, label and score of each neighbour."""
    index, _ = gallery.indexed.refresh()
    answers = index.search(probes, blocks=gallery.records.active_sources(), limit=10)
    faces = gallery.records.faces([near.row for answer in answers for near in answer.neighbours])
    return [
        [(faces[near.row].source, faces[near.row].label, near.score) for near in answer.neighbours]
        for answer in answers
    ]


def kept_answer(gallery: OpenGallery, source: str, *, other: str) -> str:
    """Keep the answer of a search that returned somebody of a source, and somebody of another; returns its id."""
    candidates: list[dict[str, Any]] = []
    for rank, name in enumerate((source, other), start=1):
        [subject, *_] = gallery.records.subjects(source=name, limit=1)
        [one, *_] = gallery.records.faces_of(subject.subject_id)
        candidates.append(
            {
                "rank": rank,
                "subject": {"id": subject.subject_id, "label": subject.label},
                "score": 1.0 - rank / 10,
                "face": one.face_id,
                "image": {"id": one.image_id, "reference": one.reference},
                "source": name,
                "box": [1.0, 2.0, 3.0, 4.0],
            }
        )
    search_id = new_id()
    gallery.records.put_search(
        search_id, {"searched_at": "2026-04-17T12:30:15+00:00", "candidates": candidates}, entry=entry()
    )
    return search_id


def traces(home: Path, *planted: bytes) -> list[str]:
    """Return which planted bytes stand in which file of a home."""
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return [f"{bytes_!r} in {path.name}" for path, data in files.items() for bytes_ in planted if bytes_ in data]


def migrate_again(gallery: OpenGallery, revision: str) -> None:
    """Take one step of a SQLite home's migrations back, and make it again: what later ones seal is never unsealed."""
    engine = open_engine(sqlite_url(gallery.settings.database))
    config = migrations()
    config.attributes["keyring"] = gallery.keyring
    script = ScriptDirectory.from_config(config)
    step = script.get_revision(revision).module
    with engine.begin() as connection, EnvironmentContext(config, script) as surroundings:
        surroundings.configure(connection=connection)
        with Operations.context(surroundings.get_context()):
            step.downgrade()
            step.upgrade()
    engine.dispose()


def template_bytes(source: str, count: int) -> tuple[bytes, ...]:
    """Return a source's templates as they would stand in a file: float32, float16, int8."""
    rows = people(source, count)
    scaled = np.rint(rows / np.abs(rows).max(axis=1, keepdims=True) * 127).astype(np.int8)
    return tuple(row.tobytes() for kind in (rows, rows.astype(np.float16), scaled) for row in kind)
