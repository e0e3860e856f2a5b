"""The theft test: after a day of use, whoever takes the disk without the key file finds nothing of anybody.

Everything that is in the home, whatever wrote it, is searched byte by byte; so are temporary files, the operators' log,
copies of the home that were made while it was in use, and the keyring with its backup.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from countenance.access.model import Application
from countenance.adapters.exact.bounds import quantised
from countenance.bootstrap.engines import rotation_file
from countenance.bootstrap.key_care import backup_keys
from countenance.bootstrap.keyring import key_files
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import model_pack
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.model import SourceState
from countenance.policy.model import Sector
from tests import signed_up
from tests.stripes import templates_of
from tests.unrecorded import unrecorded

COMMAND = (sys.executable, "-c", "from countenance.cli.main import main; main()")
WORDS = {
    "subject": "Wilhelmina Planted",
    "photograph": "holiday-planted",
    "owner": "Planted Archive of Eastmarch",
    "source": "eastmarch-planted",
    "contact": "planted@eastmarch.example",
    "organisation": "Eastmarch Constabulary Planted",
    "e-mail": "desk@constabulary-planted.example",
    "case": "EM-2026-4711",
    "note": "the archivist said so, planted",
    "document": "%PDF-1.7 planted agreement",
    "consent": "%PDF-1.7 planted consent",
}
PICTURES = {"JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF", "JFIF": b"JFIF\x00\x01", "Exif": b"Exif\x00\x00"}
"""Beginnings of pictures, long enough to be nowhere by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What a day of use leaves.

    Attributes:
        places: Everything that a thief may take, but the key file.
        secrets: What must not be found in it, by what it is.
    """

    places: list[Path]
    secrets: dict[str, bytes]


def run(day: Path, *words: str | Path) -> None:
    """Run one command, its log at its most talkative."""
    environment = os.environ | {
        "COUNTENANCE_HOME": str(day / "home"),
        "COUNTENANCE_LOG_LEVEL": "DEBUG",
        "COUNTENANCE_WORKERS": "1",
        "TMPDIR": str(day / "tmp"),
    }
    with (day / "log").open("ab") as log:
        subprocess.run((*COMMAND, *words), env=environment, stdout=subprocess.DEVNULL, stderr=log, check=True)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Day:
    """A day: a source with its owner, people enrolled, searched for, listed; an organisation; copies of the home."""
    folder = tmp_path_factory.mktemp("day")
    (folder / "tmp").mkdir()
    first, second = sorted(portraits)[:2]
    for label, name in ((WORDS["subject"], first), ("Somebody Else Planted", second)):
        (folder / "given" / label).mkdir(parents=True)
        shutil.copy(portraits[name], folder / "given" / label / f"{WORDS['photograph']}{Path(name).suffix}")
    (folder / "agreement.pdf").write_bytes(WORDS["document"].encode())
    run(folder, "init")
    signed_up.admitted_home(folder / "home", cases=[WORDS["case"]])
    registered = ("--owner", WORDS["owner"], "--legal-basis", "contract", "--contact", WORDS["contact"])
    run(folder, "source", "register", WORDS["source"], *registered, "--document", folder / "agreement.pdf")
    run(folder, "enrol", WORDS["source"], folder / "given")
    run(
        folder, "search", portraits[first], "--case", WORDS["case"], "--purpose", signed_up.PURPOSE, "--threshold", "-1"
    )
    run(folder, "subjects", "list")
    settings = Settings(home=folder / "home")
    with open_gallery(settings) as gallery:
        _more(gallery)
        # Copied while it is open: what is not in the database yet is in its write-ahead log.
        shutil.copytree(settings.home, folder / "copy of the open home")
        stored = templates_of(gallery.records, range(1, 9))
        gallery.rekey_templates()
        kept_rotation = rotation_file(settings, model_pack(settings), gallery.keyring).read()
        assert kept_rotation is not None
    shutil.copytree(settings.home, folder / "copy of the closed home")
    backup_keys(settings, folder / "backup of the keyring", record=unrecorded)
    keyring = key_files(settings)[1]
    kept = ("home", "tmp", "log", "backup of the keyring", "copy of the open home", "copy of the closed home")
    secrets = {name: word.encode() for name, word in WORDS.items()} | PICTURES
    rows = np.stack(list(stored.values()))
    turned = kept_rotation[1].turned(rows)
    return Day(
        places=[keyring, *(folder / name for name in kept)],
        secrets=secrets
        | _templates(rows)
        | {f"turned {name}": part for name, part in _templates(turned.astype(np.float32)).items()}
        | {"rotation": kept_rotation[1].matrix.tobytes()[:24], "turned float64": turned[0].tobytes()[:24]},
    )


def _more(gallery: OpenGallery) -> None:
    """Do what other people do in a day."""
    operator = gallery.accounts.acting(gallery.accounts.operators()[0])
    application = Application(
        name=WORDS["organisation"],
        sector=Sector("law-enforcement"),
        country="DE",
        region=None,
        contact=WORDS["e-mail"],
        documents=(("letter.pdf", WORDS["document"].encode()),),
    )
    gallery.accounts.apply_for(application, actor=operator)
    gallery.sources.add_release(
        WORDS["source"],
        label=WORDS["subject"],
        document=WORDS["consent"].encode(),
        ends_on=None,
        by="Ada Planted",
        actor=operator,
    )
    gallery.sources.change(WORDS["source"], SourceState.SUSPENDED, by="Ada Planted", reason=WORDS["note"])
    gallery.sources.change(WORDS["source"], SourceState.ACTIVE, by="Ada Planted", reason=WORDS["note"])


def _templates(rows: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> dict[str, bytes]:
    """Return 24 bytes of each template as they may stand in a file: float32, float16, int8 and the engine's codes."""
    codes, _ = quantised(rows)
    scaled = np.rint(rows / np.abs(rows).max(axis=1, keepdims=True) * 127).astype(np.int8)
    kinds = {"float32": rows, "float16": rows.astype(np.float16), "int8": scaled, "codes": codes}
    return {
        f"template {number} as {kind}": row.tobytes()[16:40]
        for kind, rows_ in kinds.items()
        for number, row in enumerate(rows_)
    }


def files(place: Path) -> Iterator[Path]:
    """Return the files of a place."""
    yield from (path for path in (place.rglob("*") if place.is_dir() else [place]) if path.is_file())


def test_nothing_is_found_without_the_key_file(day: Day) -> None:
    models = ("models",)

    found = [
        (name, path.name)
        for place in day.places
        for path in files(place)
        if not set(models) & set(path.parts)
        for data in [path.read_bytes()]
        for name, secret in day.secrets.items()
        if secret.lower() in data.lower()
    ]

    assert found == []


def test_no_file_or_folder_is_called_after_anybody(day: Day) -> None:
    names = [
        str(path.relative_to(place)).lower() for place in day.places if place.is_dir() for path in place.rglob("*")
    ]

    assert [name for name in names for word in WORDS.values() if word.lower() in name] == []


def test_the_same_search_finds_what_is_planted_in_the_clear(day: Day, tmp_path: Path) -> None:
    for number, secret in enumerate(day.secrets.values()):
        (tmp_path / str(number)).write_bytes(os.urandom(100) + secret + os.urandom(100))

    found = {name for path in files(tmp_path) for name, secret in day.secrets.items() if secret in path.read_bytes()}

    assert found == set(day.secrets)
