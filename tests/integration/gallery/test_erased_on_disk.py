"""What was erased is in no file of the index once its certificate is signed, whichever process held or stored it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from countenance.adapters.exact.blocks import BlockStore
from countenance.bootstrap.engines import exact_folder
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import model_pack
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased
from countenance.gallery.model import NewFace
from countenance.policy.model import SYSTEM
from tests.made_up_galleries import enrol, made_up_home, people, photographs

COUNT = 12
LATE = "one person 12"
"""Who is enrolled after the index was stored."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose index is stored."""
    return made_up_home(tmp_path / "home", {"one": COUNT})


@pytest.fixture
def server(settings: Settings) -> Iterator[OpenGallery]:
    """A process that serves the gallery, and is idle."""
    with open_gallery(settings) as gallery:
        gallery.refresh()
        yield gallery


def on_disk(gallery: OpenGallery) -> list[int]:
    """Return the rows that are stored."""
    pack = model_pack(gallery.settings)
    folder = exact_folder(gallery.settings, pack, gallery.index.rotation())
    _, segments = BlockStore(folder, pack.manifest.dimension, gallery.keyring).load()
    return sorted(row for _, segment in segments for row in segment.rows.numbers().tolist())


def on_record(gallery: OpenGallery) -> list[int]:
    """Return the rows of all references."""
    return gallery.records.reference_rows(gallery.records.source("one").source_id).tolist()


def enrol_late(gallery: OpenGallery) -> None:
    """Put two more people on record."""
    source = gallery.records.source("one")
    enrol(gallery, source, photographs(gallery, source, COUNT + 2)[COUNT:])


def enrol_again(gallery: OpenGallery, label: str) -> None:
    """Put another photograph of somebody on record."""
    source = gallery.records.source("one")
    [image] = photographs(gallery, replace(source, name="another"), 1)
    [face] = image.faces
    enrol(gallery, source, [replace(image, faces=(NewFace(face=face.face, template=face.template, label=label),))])


def subject(gallery: OpenGallery, label: str) -> str:
    """Return somebody's id."""
    [found] = [one.subject_id for one in gallery.records.subjects(limit=100) if one.label == label]
    return found


def erase(gallery: OpenGallery, label: str) -> None:
    """Erase somebody; the certificate is signed when this returns."""
    erased = Erased(DestructionKind.SUBJECT_ERASED, subject(gallery, label))
    assert gallery.sources.erase(erased, by="Ada", reason="they asked").certificate


def test_what_another_process_stored(settings: Settings, server: OpenGallery) -> None:
    enrol_late(server)
    with open_gallery(settings) as other:
        other.refresh()
    stored = on_disk(server)

    erase(server, LATE)

    assert len(stored) == COUNT + 2
    assert on_disk(server) == on_record(server)
    assert len(on_record(server)) == COUNT + 1


def test_what_a_search_took_out_of_memory_before(server: OpenGallery) -> None:
    label = "one person 3"
    erased = Erased(DestructionKind.SUBJECT_ERASED, subject(server, label))
    blocks = server.records.active_sources()

    server.sources._eraser.records.begin(erased, by="Ada", reason="they asked", actor=SYSTEM)
    [nearest] = server.indexed.index.search(people("one", COUNT)[3:4], blocks=blocks, limit=3)
    server.sources.erase(erased, by="Ada", reason="they asked")

    assert len(nearest.neighbours) == 3
    assert on_disk(server) == on_record(server)
    assert len(on_record(server)) == COUNT - 1


@pytest.mark.parametrize("label", [pytest.param(LATE, id="not stored yet"), pytest.param("one person 3", id="stored")])
def test_what_a_process_that_is_behind_holds_as_it_ends(settings: Settings, server: OpenGallery, label: str) -> None:
    enrol_late(server)
    with open_gallery(settings) as behind:
        behind.refresh()

        erase(server, label)
        signed = on_disk(server)

    assert not set(signed) - set(on_record(server))
    assert on_disk(server) == on_record(server)


def test_what_held_an_erased_photograph_of_somebody_who_stays(settings: Settings, server: OpenGallery) -> None:
    label = "one person 3"
    enrol_again(server, label)
    with open_gallery(settings) as other:
        other.refresh()
        newest = max(on_record(server))
    photograph = server.records.faces_of(subject(server, label))[-1].image_id

    server.sources.erase(Erased(DestructionKind.IMAGE_ERASED, photograph), by="Ada", reason="they asked")
    stored = on_disk(server)
    with open_gallery(settings) as other:
        other.refresh()

    assert newest not in stored
    assert on_disk(server) == on_record(server)
    assert len(on_record(server)) == COUNT


def test_what_an_erasure_that_was_cut_short_took(settings: Settings, server: OpenGallery) -> None:
    enrol_late(server)
    with open_gallery(settings) as other:
        other.refresh()
    erased = Erased(DestructionKind.SUBJECT_ERASED, subject(server, LATE))
    server.sources._eraser.records.begin(erased, by="Ada", reason="they asked", actor=SYSTEM)
    gone = set(on_disk(server)) - set(on_record(server))

    # The process that was killed here told nobody; the one that finishes never held the row.
    [ended] = server.sources._eraser.finish_all()

    assert len(gone) == 1
    assert ended.certificate
    assert on_disk(server) == on_record(server)
