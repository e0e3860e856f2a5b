"""Rekeying indexed templates: scores stay, the stored index changes, and it may be killed at any step."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from countenance.adapters.exact.blocks import BlockStore
from countenance.adapters.exact.rotation_file import RotationFile
from countenance.bootstrap.engines import rotation_file
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.vision import model_pack
from countenance.bootstrap.wiring import open_gallery
from countenance.cli.main import run
from countenance.core.errors import IntegrityError, UnavailableError
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased
from countenance.index.rotation import Rotation
from tests.made_up_galleries import fill, found, made_up_home, people

AS = ("--as", "operator-1")
COUNTS = {"archive": 300, "museum": 200}
KILLED_WHILE = (
    "from pathlib import Path; import sys\n"
    "from countenance.cli.main import run\n"
    "print('begins', flush=True)\n"
    "while True: run(['templates', 'rekey', '--json', '--as', 'operator-1', '--home', sys.argv[1]])\n"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a home with made-up people."""
    return made_up_home(tmp_path / "home", COUNTS)


def answers(settings: Settings) -> list[list[tuple[str, str | None, float]]]:
    with open_gallery(settings) as gallery:
        return found(gallery, np.concatenate([people(source, 5) for source in COUNTS]))


def stored(settings: Settings) -> list[Path]:
    return sorted(settings.index.glob("exact-*"))


def test_scores_stay_and_the_old_index_is_gone(settings: Settings) -> None:
    before, [old] = answers(settings), stored(settings)

    assert run(["templates", "rekey", *AS, "--home", str(settings.home)]) == 0
    once, [first] = answers(settings), stored(settings)
    assert run(["templates", "rekey", *AS, "--home", str(settings.home)]) == 0
    twice, [second] = answers(settings), stored(settings)

    assert before == once == twice
    assert len({old, first, second}) == 3
    with open_gallery(settings) as gallery:
        assert gallery.index.stored().rows == sum(COUNTS.values())
        assert gallery.indexed.compare().agree


def test_the_rotation_is_sealed_and_the_index_is_turned(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        gallery.rekey_templates()
        kept = rotation_file(settings, model_pack(settings), gallery.keyring)
        read = kept.read()
        assert read is not None
        matrix = read[1].matrix

    raw = kept.path.read_bytes()
    assert matrix[0, :4].tobytes() not in raw
    assert stored(settings)[0].name.endswith(read[0])
    assert not np.allclose(matrix, np.eye(len(matrix)), atol=0.5)


def test_a_damaged_rotation_is_said_and_made_again(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    before = answers(settings)
    run(["templates", "rekey", *AS, "--home", str(settings.home)])
    [path] = settings.index.glob(f"rotation-{'?' * 16}")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IntegrityError) as caught:
        answers(settings)
    assert caught.value.code == "rotation-damaged"

    assert run(["templates", "rekey", "--json", *AS, "--home", str(settings.home)]) == 0

    assert answers(settings) == before
    assert '"templates": 500' in capsys.readouterr().out


def test_a_lost_rotation_leaves_an_index_without_one(settings: Settings) -> None:
    before = answers(settings)
    run(["templates", "rekey", *AS, "--home", str(settings.home)])
    [path] = settings.index.glob(f"rotation-{'?' * 16}")
    path.unlink()

    assert answers(settings) == before
    [folder] = stored(settings)
    assert folder.name.count("-") == 1


def test_a_server_that_runs_on_certifies_nothing_and_stores_nothing(settings: Settings) -> None:
    with open_gallery(settings) as server:
        server.refresh()
        [gone, *_] = server.records.subjects(source="archive", limit=1)
        erased = Erased(DestructionKind.SUBJECT_ERASED, gone.subject_id)
        probes = people("archive", 5)
        before = found(server, probes)
        assert run(["templates", "rekey", *AS, "--home", str(settings.home)]) == 0
        [new] = stored(settings)

        beside = found(server, probes)
        refused = [refusal(server.index.settle)]
        refused += [refusal(lambda: server.sources.erase(erased, by="Ada", reason="they asked")) for _ in range(2)]
        fill(server, "late", 2)
        refused.append(refusal(lambda: found(server, probes)))
    left = stored(settings)
    with open_gallery(settings) as gallery:
        ended = gallery.sources.erase(erased, by="Ada", reason="they asked")
        _, segments = BlockStore(new, model_pack(settings).manifest.dimension, gallery.keyring).load()
        on_disk = {row for _, segment in segments for row in segment.rows.numbers().tolist()}
        on_record = {
            row for one in gallery.records.sources() for row in gallery.records.reference_rows(one.source.source_id)
        }

    assert beside == before
    assert refused == ["index-superseded"] * 4
    assert left == [new]
    assert ended.certificate
    assert len(on_disk) >= sum(COUNTS.values()) - 1
    assert on_disk <= on_record


def test_a_server_that_had_stored_nothing_yet_stores_nothing(settings: Settings) -> None:
    shutil.rmtree(settings.index)
    with open_gallery(settings) as server:
        server.refresh()
        assert run(["templates", "rekey", *AS, "--home", str(settings.home)]) == 0
        [new] = stored(settings)

    assert stored(settings) == [new]


def refusal(action: Callable[[], object]) -> str:
    """Return the code that something is refused with."""
    with pytest.raises(UnavailableError) as caught:
        action()
    return caught.value.code


def test_two_that_rekey_at_once_leave_one_rotation(settings: Settings) -> None:
    context = multiprocessing.get_context("fork")
    with open_gallery(settings) as gallery:
        kept = rotation_file(settings, model_pack(settings), gallery.keyring)
        rotation = Rotation.random(128)
        both = [context.Process(target=_replace, args=(kept, rotation, 60)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join()

        assert [one.exitcode for one in both] == [0, 0]
        assert kept.read() is not None


def _replace(kept: RotationFile, rotation: Rotation, turns: int) -> None:
    for _ in range(turns):
        kept.replace(rotation)


def test_killed_right_after_the_rotation_took_its_place(settings: Settings) -> None:
    before = answers(settings)
    with open_gallery(settings) as gallery:
        gallery.rekey_templates()
        kept = rotation_file(settings, model_pack(settings), gallery.keyring)
        read = kept.read()
        assert read is not None
        kept.replace(read[1])

    assert answers(settings) == before
    assert len(stored(settings)) == 1


def test_killed_again_and_again_nothing_is_lost(settings: Settings) -> None:
    before = answers(settings)
    for attempt in range(3):
        command = [sys.executable, "-c", KILLED_WHILE, str(settings.home)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.15 + 0.13 * attempt)
            os.kill(process.pid, signal.SIGKILL)

        assert answers(settings) == before
    assert len(stored(settings)) == 1
