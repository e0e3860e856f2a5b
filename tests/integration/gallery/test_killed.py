"""`kill -9` at any point of an enrolment, then the same command again: it ends as if it had never been killed."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from tests.integration.gallery.conftest import PHOTOGRAPHS, Held, enrol_command, files_of_sources, held, new_home, start

KILLS = 10
"""Points at which the run is killed."""


def group_members(group: int) -> list[int]:
    """Return the processes of a group that still run."""
    members = []
    for path in Path("/proc").iterdir():
        try:
            state, _, of_group = (path / "stat").read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(of_group) == group and state not in {"Z", "X"}:
            members.append(int(path.name))
    return members


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something is so, or the process ends."""
    while process.poll() is None and not reached():
        time.sleep(0.002)


def searchable_faces(home: Path) -> int:
    """Count the subjects that a search could return, and check that each is there whole: photograph, crop, template."""
    with open_gallery(Settings(home=home)) as gallery:
        index, _ = gallery.indexed.refresh()
        rows = [row for block in index.blocks() for row in index.rows(block).tolist()]
        faces = gallery.records.faces(rows)
        for face in faces.values():
            gallery.crops([face.face_id])
            gallery.photograph(face.image_id)
        assert len(faces) == len(rows)
        assert gallery.indexed.compare().agree
    return len(rows)


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory: pytest.TempPathFactory, photographs: Path) -> Held:
    """What a run that was left alone holds."""
    home = new_home(tmp_path_factory.mktemp("whole") / "home")
    out, err = start(*enrol_command(home, photographs)).communicate()
    assert (json.loads(out)["photographs"], err) == (PHOTOGRAPHS, "")
    return held(home)


@pytest.mark.timeout(900)
def test_a_run_killed_ten_times_ends_as_if_never_killed(tmp_path: Path, photographs: Path, never_killed: Held) -> None:
    home = new_home(tmp_path / "home")
    chance = np.random.default_rng(2026)
    stored = sorted(chance.choice(range(1, len(never_killed.objects)), KILLS, replace=False).tolist())

    endings, searchable = [], []
    for count in stored:
        process = start(*enrol_command(home, photographs))
        wait_until(lambda: files_of_sources(home) >= count, process)  # noqa: B023 - called at once
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        process.communicate()
        endings.append(process.returncode)
        deadline = time.monotonic() + 10
        while group_members(process.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert group_members(process.pid) == [], "workers stayed behind"
        searchable.append(searchable_faces(home))
    out, err = start(*enrol_command(home, photographs)).communicate()

    assert searchable == sorted(searchable)
    assert searchable[-1] > 0
    assert endings == [-signal.SIGKILL] * KILLS
    assert (json.loads(out)["photographs"], err) == (PHOTOGRAPHS, "")
    assert held(home) == never_killed
