"""Real enrolments by the real command in processes of their own, and what a gallery holds, ids aside."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import initialise, open_gallery
from countenance.gallery.model import LegalBasis

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


IMAGES = "SELECT sha256, media_type, size_bytes, width, height, outcome FROM image ORDER BY sha256"
FACES = """
    SELECT image.sha256, face.ordinal, face.facts, subject.label, template.vector
    FROM face JOIN image ON face.image = image.number
    LEFT JOIN subject ON face.subject = subject.number
    LEFT JOIN template ON template.face = face.number
    ORDER BY image.sha256, face.ordinal
"""


def held(home: Path) -> Held:
    """Read all that a home holds."""
    settings = Settings(home=home)
    engine = open_engine(sqlite_url(settings.database))
    with engine.connect() as connection:
        images = [tuple(row) for row in connection.execute(text(IMAGES))]
        faces = [tuple(row) for row in connection.execute(text(FACES))]
    engine.dispose()
    with open_gallery(settings) as gallery:
        snapshot = gallery.records.snapshot()
        source_id = gallery.records.source(SOURCE).source_id
    objects = {
        path.relative_to(settings.objects).as_posix().replace(source_id, "SOURCE"): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in settings.objects.rglob("*")
        if path.is_file()
    }
    counts = (snapshot.sources, snapshot.subjects, snapshot.images, snapshot.templates)
    return Held(counts=counts, images=images, faces=faces, objects=objects)
