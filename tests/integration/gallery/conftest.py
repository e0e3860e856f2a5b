"""Real enrolments by the real command in processes of their own, and what a gallery holds, ids aside."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.adapters.sql.sealing import FACE, IMAGE, RowSeals, Sealed
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import NotFoundError
from countenance.gallery.model import LegalBasis
from countenance.gallery.ports import crop_key, image_key
from countenance.gallery.sources import document_key
from tests import signed_up

SOURCE = "archive"

PHOTOGRAPHS = 56
"""Enough for two transactions of an enrolment, few enough for a minute of tests."""

COMMAND = (sys.executable, "-c", "from countenance.cli.main import main; main()")


@pytest.fixture(scope="session")
def photographs(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Path:
    """A folder with a folder a person: the portraits, each cropped, resized and encoded in several ways."""
    folder = tmp_path_factory.mktemp("photographs")
    random = np.random.default_rng(7)
    names = sorted(portraits)
    for number in range(PHOTOGRAPHS):
        name = names[number % len(names)]
        picture = Image.open(portraits[name]).convert("RGB")
        left, top, right, bottom = (int(share * picture.width / 16) for share in random.random(4))
        picture = picture.crop((left, top, picture.width - right, picture.height - bottom))
        picture.thumbnail((480, int(random.integers(320, 480))))
        (folder / name.split(".")[0]).mkdir(exist_ok=True)
        picture.save(folder / name.split(".")[0] / f"{number:02}.jpg", quality=int(random.integers(70, 95)))
    return folder


def new_home(home: Path) -> Path:
    """Make a home with one registered source."""
    settings = Settings(home=home)
    initialise(settings)
    with open_gallery(settings) as gallery:
        gallery.sources.register(name=SOURCE, owner="Archive", legal_basis=LegalBasis.CONTRACT, document=b"letter")
        signed_up.admitted(gallery)
    return home


def start(*arguments: str | Path, **variables: str) -> subprocess.Popen[str]:
    """Start a command line in a process group of its own."""
    return subprocess.Popen(
        [*COMMAND, *(str(argument) for argument in arguments)],
        env=os.environ | {"COUNTENANCE_WORKERS": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def enrol_command(home: Path, folder: Path) -> tuple[str | Path, ...]:
    """Return the command line of an enrolment."""
    return ("enrol", SOURCE, folder, "--json", "--home", home)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """All that a gallery holds, without what differs from run to run: ids, row numbers, times."""

    counts: tuple[int, ...]
    images: list[tuple[Any, ...]]
    faces: list[tuple[Any, ...]]
    objects: dict[str, str]


def files_of_sources(home: Path) -> int:
    """Count the object store's files but those of organisations."""
    found = (home / "objects").rglob("*")
    return sum(path.is_file() and "organisations" not in path.parts for path in found)


def _objects(gallery: OpenGallery, photographs: Iterable[str]) -> dict[str, str]:
    """Return the hashes of all objects, and how many files there are."""
    source = gallery.records.source(SOURCE)
    keys = [document_key(source.source_id, source.document_sha256)]
    for sha256 in photographs:
        keys += [image_key(source.source_id, sha256), *(crop_key(source.source_id, sha256, at) for at in range(1, 9))]
    found = {}
    for key in keys:
        with suppress(NotFoundError):
            found[key.replace(source.source_id, "SOURCE")] = hashlib.sha256(gallery.objects.get(key)).hexdigest()
    files = files_of_sources(gallery.settings.home)
    assert files == len(found)
    return found


IMAGES = "SELECT source_id, image_id, image.entry, outcome FROM image JOIN source ON image.source = source.number"
FACES = """
    SELECT source_id, image_id, face_id, face.number, ordinal, face.entry, subject_id, label, template.vector
    FROM face JOIN image ON face.image = image.number
    JOIN source ON image.source = source.number
    LEFT JOIN subject ON face.subject = subject.number
    LEFT JOIN template ON template.face = face.number
"""


def held(home: Path) -> Held:
    """Read all that a home holds."""
    settings = Settings(home=home)
    engine = open_engine(sqlite_url(settings.database))
    with engine.connect() as connection:
        image_rows = connection.execute(text(IMAGES)).all()
        face_rows = connection.execute(text(FACES)).all()
    engine.dispose()
    with open_gallery(settings) as gallery:
        seals = RowSeals(gallery.keyring)
        facts = {
            row.image_id: seals.open_entry(row.source_id, row.image_id, row.entry, column=IMAGE) for row in image_rows
        }
        images = sorted((facts[row.image_id]["sha256"], *_told(facts[row.image_id]), row.outcome) for row in image_rows)
        faces = sorted((facts[row.image_id]["sha256"], row.ordinal, *_opened(seals, row)) for row in face_rows)
        snapshot = gallery.records.snapshot()
        objects = _objects(gallery, [sha256 for sha256, *_ in images])
    counts = (snapshot.sources, snapshot.subjects, snapshot.images, snapshot.templates)
    return Held(counts=counts, images=images, faces=faces, objects=objects)


def _told(facts: dict[str, Any]) -> tuple[Any, ...]:
    """Return what is told of a photograph but where it lay."""
    return tuple(facts[name] for name in ("media_type", "size_bytes", "width", "height"))


def _opened(seals: RowSeals, row: Any) -> tuple[Any, ...]:
    """Return what is sealed of a face."""
    face = seals.open_entry(row.source_id, row.face_id, row.entry, column=FACE)
    label = seals.open_label(row.source_id, row.subject_id, row.label)
    vector = row.vector and seals.open_templates([Sealed(row.source_id, str(row.number), row.vector)]).tobytes()
    return (json.dumps(face, sort_keys=True), label or "", vector or b"")
