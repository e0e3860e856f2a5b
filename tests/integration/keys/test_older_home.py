"""An older home is sealed when it is opened, whatever cuts that off."""

import multiprocessing
import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from tests.integration.keys.conftest import PEOPLE, SOURCE_ID, OldHome, digest, jpeg
from tests.stripes import templates_of


def found(folder: Path, planted: list[bytes]) -> set[tuple[str, bytes]]:
    """Return which planted bytes stand in which file of a folder."""
    return {
        (path.name, needle[:20])
        for path in folder.rglob("*")
        if path.is_file()
        for needle in planted
        if needle in path.read_bytes()
    }


def assert_all_there(home: OldHome) -> None:
    """Check that a home holds what it held before."""
    with open_gallery(home.settings) as gallery:
        snapshot = gallery.records.snapshot()
        assert (snapshot.revision, snapshot.subjects, snapshot.images, snapshot.templates) == (5, *[PEOPLE] * 3)
        source = gallery.records.source("planted-archive")
        assert (source.owner, source.source_id) == ("Planted Archive", SOURCE_ID)
        subjects = gallery.records.subjects(limit=PEOPLE + 1)
        assert [one.label for one in subjects] == [f"Planted Person {at}" for at in range(1, PEOPLE + 1)]
        stored = templates_of(gallery.records, range(1, PEOPLE + 1))
        assert np.array_equal(np.stack([stored[row] for row in sorted(stored)]), home.templates)
        assert gallery.records.faces([7])[7].reference == "Planted/7.jpg"
        assert gallery.photograph("i-7") == ("image/jpeg", jpeg(7))
        assert gallery.objects.get(gallery.records.face_crop_key("f-9")) == jpeg(9)
        assert list(gallery.records.known_images(SOURCE_ID, [digest(7)])) == [digest(7)]
        answer = gallery.records.search("q")
        assert answer["case"] == "case-4711"
        assert answer["candidates"][0]["subject"]["label"] == "Planted Person 7"  # type: ignore[index]


def test_what_stood_in_the_clear_is_sealed_and_gone(old_home: OldHome) -> None:
    before = {needle for _, needle in found(old_home.settings.home, old_home.planted)}
    assert before == {needle[:20] for needle in old_home.planted}

    with open_gallery(old_home.settings):
        pass

    assert found(old_home.settings.home, old_home.planted) == set()
    assert_all_there(old_home)


def _open(settings: Settings) -> None:
    with open_gallery(settings):
        pass


@pytest.mark.timeout(600)
def test_killed_again_and_again_it_ends_as_if_never_killed(old_home: OldHome) -> None:
    chance = np.random.default_rng(11)
    context = multiprocessing.get_context("spawn")
    killed = 0

    for _ in range(12):
        process = context.Process(target=_open, args=(old_home.settings,))
        process.start()
        # From the moment that the keys are there, which is the beginning of the work.
        deadline = time.monotonic() + 60
        while not old_home.settings.home_id.exists() and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.4))
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.join()
    _open(old_home.settings)

    assert killed > 3
    assert found(old_home.settings.home, old_home.planted) == set()
    assert_all_there(old_home)


def test_an_index_that_is_sealed_already_is_kept(old_home: OldHome) -> None:
    with open_gallery(old_home.settings) as gallery:
        gallery.indexed.refresh()
    before = {path.name: path.read_bytes() for path in old_home.settings.index.rglob("*.segment")}
    with closing(sqlite3.connect(old_home.settings.database)) as database:
        database.execute("PRAGMA user_version = 1")

    with open_gallery(old_home.settings):
        pass

    assert before
    assert {path.name: path.read_bytes() for path in old_home.settings.index.rglob("*.segment")} == before
    with closing(sqlite3.connect(old_home.settings.database)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (0,)
