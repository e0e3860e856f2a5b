"""One source of ten goes: its key, its documents, its backups, and nothing of the other nine."""

import base64
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.bootstrap.keyring import audit_key_file, erasure_list_file, key_files
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.errors import CountenanceError
from countenance.gallery.sources import document_key, release_key
from countenance.keys.model import source_scope
from tests.made_up_galleries import found, made_up_home, people, template_bytes, traces

EACH = 60
SOURCES = {f"source-{number}": EACH for number in range(9)} | {"stops": 3 * EACH}
STAYING = {name: count for name, count in SOURCES.items() if name != "stops"}
RELEASE = b"%PDF the consent of stops person 7"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home with ten sources, one of them with a person's release; a backup of it lies beside it."""
    settings = made_up_home(tmp_path / "home", SOURCES)
    with open_gallery(settings) as gallery:
        gallery.sources.add_release(
            "stops", label="stops person 7", document=RELEASE, ends_on=date(2031, 12, 31), by="custodian"
        )
    shutil.copytree(settings.home, tmp_path / "backup")
    return settings


def withdraw(settings: Settings) -> str:
    """Withdraw the source; returns its id."""
    with open_gallery(settings) as gallery:
        gallery.sources.withdraw("stops", by="custodian", reason="the owner says stop")
        return gallery.records.source("stops").source_id


def test_no_key_that_is_left_opens_anything_of_it(settings: Settings, tmp_path: Path) -> None:
    kek, keyring = key_files(settings)
    store = FileKeyringStore(keyring)
    with open_gallery(settings) as gallery:
        source = gallery.records.source("stops")
        [release] = gallery.sources.releases("stops")
    raw = store.read().entries[source_scope(source.source_id)].wrapped
    wrapped = base64.b64encode(raw)
    before = keyring.read_bytes()
    keys = (
        document_key(source.source_id, source.document_sha256),
        release_key(source.source_id, release.document_sha256),
    )

    withdraw(settings)
    left = [path for kind in ("images", "crops", "releases", "documents")
            for path in (settings.objects / kind / source.source_id).rglob("*") if path.is_file()]  # fmt: skip
    shutil.rmtree(settings.objects)
    shutil.copytree(tmp_path / "backup" / "objects", settings.objects)

    assert wrapped in before
    assert wrapped not in keyring.read_bytes()
    assert traces(settings.home, raw, wrapped, RELEASE, *template_bytes("stops", EACH)) == []
    assert traces(kek.parent, raw, wrapped) == []
    assert left == []
    with open_gallery(settings) as gallery:
        assert gallery.objects.get(document_key(*_other(settings)))
        for key in keys:
            with pytest.raises(CountenanceError) as caught:
                gallery.objects.get(key)
            assert caught.value.code == "key-destroyed"
    store.close()


def _other(settings: Settings) -> tuple[str, str]:
    """Return the id of a source that stays, and its document's hash."""
    with open_gallery(settings) as gallery:
        source = gallery.records.source("source-0")
        return source.source_id, source.document_sha256


def test_the_old_backup_on_another_machine_shows_none_of_it(settings: Settings, tmp_path: Path) -> None:
    withdraw(settings)
    there = tmp_path / "another machine"
    (there / "keys").mkdir(parents=True)
    shutil.copytree(tmp_path / "backup", there / "home")
    kek, keyring = key_files(settings)
    kept = {"key_file": kek, "keyring": keyring, "audit_key": audit_key_file(settings)}
    moved = {name: Path(shutil.copy(path, there / "keys" / name)) for name, path in kept.items()}
    listed = erasure_list_file(settings)
    if listed.exists():
        shutil.copy(listed, there / "keys" / "erased")
    restored = Settings(home=there / "home", erasure_list=there / "keys" / "erased", **moved)  # type: ignore[arg-type]

    with open_gallery(restored) as gallery:
        returned = {name for answer in found(gallery, people("stops", 3 * EACH)) for name, _, _ in answer}
        gallery.sources.withdraw("stops", by="custodian", reason="it came back")

    assert returned <= set(STAYING)
    assert returned
    assert traces(restored.home, RELEASE, b"stops person", *template_bytes("stops", EACH)) == []


def test_the_other_nine_answer_as_if_it_had_never_been(settings: Settings, tmp_path: Path) -> None:
    never = made_up_home(tmp_path / "never", STAYING)
    probes = np.concatenate([people(name, 5) for name in SOURCES])

    withdraw(settings)

    with open_gallery(settings) as gallery, open_gallery(never) as expected:
        assert found(gallery, probes) == found(expected, probes)
