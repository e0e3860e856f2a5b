"""A home as an earlier version left it: records, pictures and index in the clear."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from alembic import command

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.sql.database import migrations, open_engine, sqlite_url
from countenance.bootstrap.settings import Settings

SOURCE_ID = "5f0c0000-0000-4000-8000-000000000001"
DIM = 128
PEOPLE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class OldHome:
    """An earlier version's home, and everything in it that must not be found in the clear again."""

    settings: Settings
    planted: list[bytes]
    templates: np.ndarray[tuple[int, int], np.dtype[np.float32]]


def jpeg(number: int) -> bytes:
    """Return something that begins as a JPEG does."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + f"picture of person {number}".encode() * 20


def digest(number: int) -> str:
    """Return a picture's hash."""
    return hashlib.sha256(jpeg(number)).hexdigest()


@pytest.fixture
def old_home(tmp_path: Path) -> OldHome:
    """A home of the first version with 300 people."""
    settings = Settings(home=tmp_path / "old")
    settings.objects.mkdir(parents=True)
    rows = np.random.default_rng(3).normal(size=(PEOPLE, DIM))
    templates = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    engine = open_engine(sqlite_url(settings.database))
    config = migrations()
    with engine.begin() as connection:
        config.attributes.update(connection=connection, keyring=memory_keyring())
        command.upgrade(config, "0001")
    with engine.begin() as connection:
        fill(connection, templates)
    engine.dispose()
    for number in range(1, PEOPLE + 1):
        for key in (f"images/{SOURCE_ID}/{digest(number)}", f"crops/{SOURCE_ID}/{digest(number)}/1.jpg"):
            path = settings.objects / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg(number))
    (settings.objects / "documents").mkdir()
    (settings.objects / "documents" / ("d" * 64)).write_bytes(b"%PDF signed by Lady Planted")
    (settings.index / "exact-abc").mkdir(parents=True)
    (settings.index / "exact-abc" / "1.segment").write_bytes(templates.astype(np.float16).tobytes())
    (settings.index / "exact-abc" / "manifest.json").write_bytes(b'{"planted": "Planted Archive"}')
    planted = [b"Planted", b"planted-archive", b"JFIF", b"picture of person", digest(7).encode(), b"case-4711"]
    planted += [templates[at].tobytes() for at in (0, 7, PEOPLE - 1)]
    return OldHome(settings=settings, planted=planted, templates=templates)


def fill(connection: sa.Connection, templates: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> None:
    """Write the first version's rows."""
    at = datetime(2026, 1, 2, tzinfo=UTC).isoformat(" ")
    face = {
        "box": [1, 2, 3, 4],
        "landmarks": [[1, 2]] * 5,
        "refusals": [],
        "quality": dict.fromkeys(
            ("eye_distance", "sharpness", "brightness", "clipped", "yaw", "pitch", "roll", "detector_score"), 0.5
        ),
    }

    def insert(table: str, **values: object) -> None:
        """Insert one row."""
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({places})"), values)  # noqa: S608 - a test's own

    connection.execute(sa.text("UPDATE gallery SET revision = 5, pack_digest = 'p'"))
    insert(
        "source",
        number=1,
        source_id=SOURCE_ID,
        name="planted-archive",
        owner="Planted Archive",
        legal_basis="contract",
        document_sha256="d" * 64,
        state="active",
        registered_at=at,
        images=PEOPLE,
        subjects=PEOPLE,
        templates=PEOPLE,
    )
    for number in range(1, PEOPLE + 1):
        insert("subject", number=number, subject_id=f"s-{number}", source=1, label=f"Planted Person {number}")
        insert(
            "image",
            number=number,
            image_id=f"i-{number}",
            source=1,
            sha256=digest(number),
            reference=f"Planted/{number}.jpg",
            media_type="image/jpeg",
            size_bytes=len(jpeg(number)),
            width=64,
            height=64,
            outcome="enrolled",
            enrolled_at=at,
        )
        insert(
            "face",
            number=number,
            face_id=f"f-{number}",
            image=number,
            subject=number,
            ordinal=1,
            facts=json.dumps(face),
        )
        vector = templates[number - 1].tobytes()
        insert("template", number=number, face=number, source=1, subject=number, vector=vector)
    candidate = {
        "rank": 1,
        "subject": {"id": "s-7", "label": "Planted Person 7"},
        "score": 0.9,
        "image": {"id": "i-7", "reference": "Planted/7.jpg"},
        "source": "planted-archive",
        "box": [1, 2, 3, 4],
    }
    answer = {"search_id": "q", "searched_at": at, "case": "case-4711", "candidates": [candidate]}
    insert("search", search_id="q", searched_at=at, answer=json.dumps(answer))
