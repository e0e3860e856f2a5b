"""Looking after keys: rotation, backups, and that what was destroyed stays destroyed."""

import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from countenance.adapters.keys.file_kek import FileKek
from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.key_care import backup_keys, keys_status, restore_keys, rotate_keys
from countenance.bootstrap.keyring import key_files, open_keyring
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.errors import CountenanceError
from countenance.gallery.model import SourceState
from countenance.keys.care import rewrapped
from countenance.keys.model import HOME, KeyState, org_scope, source_scope
from tests.made_up_galleries import found, made_up_home, people
from tests.unrecorded import unrecorded

SOURCE, ORG = source_scope("5f0c"), org_scope("0b5e")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of an initialised home."""
    made = Settings(home=tmp_path / "home")
    initialise(made)
    return made


def sealed_in(settings: Settings, *scopes: str) -> dict[str, bytes]:
    """Seal something under scopes."""
    with open_gallery(settings) as gallery:
        return {scope: gallery.keyring.seal(scope, b"Ada", record="1", column="label") for scope in scopes}


def opened_in(settings: Settings, sealed: dict[str, bytes]) -> dict[str, bytes]:
    """Open what was sealed."""
    with open_gallery(settings) as gallery:
        return {scope: gallery.keyring.open(scope, one, record="1", column="label") for scope, one in sealed.items()}


def answers(settings: Settings) -> list[list[tuple[str, str | None, float]]]:
    """Search for some of the made-up people."""
    with open_gallery(settings) as gallery:
        return found(gallery, people("archive", 3))


def reason_of(settings: Settings, scope: str) -> str | None:
    """Return why a key was destroyed."""
    [reason] = [one["reason"] for one in keys_status(settings)["scopes"] if one["scope"] == scope]
    return None if reason is None else str(reason)


def code_of(call: Callable[[], object]) -> str:
    """Return the code that a call is refused with."""
    with pytest.raises(CountenanceError) as caught:
        call()
    return caught.value.code


class TestRotation:
    def test_everything_opens_and_the_old_key_file_is_of_no_use(self, settings: Settings, tmp_path: Path) -> None:
        sealed = sealed_in(settings, HOME, SOURCE, ORG)
        before = key_files(settings)[0].read_bytes()

        rotate_keys(settings, record=unrecorded)

        assert opened_in(settings, sealed) == dict.fromkeys(sealed, b"Ada")
        (tmp_path / "old").write_bytes(before)
        shutil.copy(tmp_path / "old", key_files(settings)[0])
        assert code_of(lambda: opened_in(settings, sealed)) == "key-wrong"

    def test_a_server_goes_on(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            sealed = gallery.keyring.seal(SOURCE, b"Ada", record="1", column="label")

            rotate_keys(settings, record=unrecorded)

            assert gallery.keyring.open(SOURCE, sealed, record="1", column="label") == b"Ada"
            assert gallery.keyring.seal(ORG, b"new", record="1", column="label")

    def test_marks_stay(self, settings: Settings) -> None:
        with open_gallery(settings) as gallery:
            gallery.keyring.destroy(SOURCE, reason="withdrawn")

        rotate_keys(settings, record=unrecorded)

        [mark] = [one for one in keys_status(settings)["scopes"] if one["scope"] == SOURCE]
        assert mark["destroyed_at"]
        assert mark["reason"] == "withdrawn"

    @pytest.mark.parametrize("done", ["key written", "keyring replaced", "old key overwritten"])
    def test_cut_short_after_any_step_nothing_is_lost(self, settings: Settings, done: str) -> None:
        sealed = sealed_in(settings, HOME, SOURCE)
        key_file, path = key_files(settings)
        kek, store = FileKek(key_file), FileKeyringStore(path)
        old, new = kek.load(store.read().kek_id), kek.make_next()
        if done != "key written":
            store.change(lambda content: rewrapped(content, old, new))
        if done == "old key overwritten":
            key_file.write_bytes(bytes(64))

        assert opened_in(settings, sealed) == dict.fromkeys(sealed, b"Ada")
        rotate_keys(settings, record=unrecorded)
        assert opened_in(settings, sealed) == dict.fromkeys(sealed, b"Ada")
        beside = sorted(one.name for one in key_file.parent.glob(f"{key_file.name}*"))
        assert beside == [key_file.name, f"{key_file.name}.lock"]

    @pytest.mark.parametrize("left", [b"", b"countenance-kek-1 AAAA"])
    def test_a_new_key_that_was_cut_short_is_in_nobody_s_way(self, settings: Settings, left: bytes) -> None:
        sealed = sealed_in(settings, HOME, SOURCE)
        key_file = key_files(settings)[0]
        key_file.with_name(f"{key_file.name}.next").write_bytes(left)

        assert opened_in(settings, sealed) == dict.fromkeys(sealed, b"Ada")
        rotate_keys(settings, record=unrecorded)
        assert opened_in(settings, sealed) == dict.fromkeys(sealed, b"Ada")

    def test_killed_again_and_again_nothing_is_lost_and_searches_answer_as_before(self, tmp_path: Path) -> None:
        settings = made_up_home(tmp_path / "made up", {"archive": 20})
        sealed, before = sealed_in(settings, HOME, SOURCE), answers(settings)
        context = multiprocessing.get_context("fork")

        for attempt in range(15):
            process = context.Process(target=_rotate_for_ever, args=(settings,))
            process.start()
            time.sleep(0.02 + attempt * 0.007)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()

            assert answers(settings) == before
        assert opened_in(settings, sealed) == dict.fromkeys(sealed, b"Ada")

    def test_rotations_at_once_beside_servers_with_traffic_lose_nothing(self, settings: Settings) -> None:
        sealed = sealed_in(settings, HOME, SOURCE)
        context = multiprocessing.get_context("fork")
        over = context.Event()
        servers = [context.Process(target=_open_until, args=(over, settings, sealed)) for _ in range(2)]
        rotations = [context.Process(target=_rotate, args=(settings, 8)) for _ in range(2)]

        for process in (*servers, *rotations):
            process.start()
        for process in rotations:
            process.join()
        over.set()
        for process in servers:
            process.join()

        assert [process.exitcode for process in (*servers, *rotations)] == [0, 0, 0, 0]
        assert opened_in(settings, sealed) == dict.fromkeys(sealed, b"Ada")

    def test_a_new_key_that_is_not_in_its_place_is_no_success_and_the_old_one_stays(self, settings: Settings) -> None:
        key_file = key_files(settings)[0]
        before = key_file.read_bytes()

        def lose(**_: object) -> None:
            key_file.with_name(f"{key_file.name}.next").unlink()

        assert code_of(lambda: rotate_keys(settings, record=lose)) == "key-wrong"
        assert key_file.read_bytes() == before


def _rotate_for_ever(settings: Settings) -> None:
    while True:
        rotate_keys(settings, record=unrecorded)


def _rotate(settings: Settings, turns: int) -> None:
    for _ in range(turns):
        rotate_keys(settings, record=unrecorded)


def _open_until(over: Event, settings: Settings, sealed: dict[str, bytes]) -> None:
    while not over.is_set():
        with open_keyring(settings) as keyring:
            for scope, one in sealed.items():
                keyring.open(scope, one, record="1", column="label")


class TestBackups:
    def test_a_lost_keyring_comes_back(self, settings: Settings, tmp_path: Path) -> None:
        sealed = sealed_in(settings, HOME, SOURCE)
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        key_files(settings)[1].unlink()
        assert code_of(lambda: opened_in(settings, sealed)) == "keyring-missing"

        restore_keys(settings, tmp_path / "backup", record=unrecorded)

        assert opened_in(settings, sealed) == dict.fromkeys(sealed, b"Ada")

    def test_a_damaged_keyring_comes_back(self, settings: Settings, tmp_path: Path) -> None:
        sealed = sealed_in(settings, HOME)
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        key_files(settings)[1].write_bytes(b"{}")

        restore_keys(settings, tmp_path / "backup", record=unrecorded)

        assert opened_in(settings, sealed) == {HOME: b"Ada"}

    def test_a_key_destroyed_since_stays_destroyed(self, settings: Settings, tmp_path: Path) -> None:
        sealed_in(settings, SOURCE)
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        with open_gallery(settings) as gallery:
            gallery.keyring.destroy(SOURCE, reason="withdrawn")

        _, dark = restore_keys(settings, tmp_path / "backup", record=unrecorded)

        assert dark == {SOURCE}
        with open_gallery(settings) as gallery:
            assert gallery.keyring.state(SOURCE) is KeyState.DESTROYED

    def test_the_records_know_too_what_was_destroyed(self, settings: Settings, tmp_path: Path) -> None:
        sealed = sealed_in(settings, SOURCE, ORG)
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        with open_gallery(settings) as gallery:
            gallery.keyring.destroy(SOURCE, reason="withdrawn")
        with open_gallery(settings):
            pass
        key_files(settings)[1].unlink()

        restore_keys(settings, tmp_path / "backup", record=unrecorded)

        with open_gallery(settings) as gallery:
            assert gallery.keyring.state(SOURCE) is KeyState.DESTROYED
            assert gallery.keyring.open(ORG, sealed[ORG], record="1", column="label") == b"Ada"

    @pytest.mark.parametrize("known_by", ["a note", "its state"])
    def test_the_key_of_a_source_that_was_just_withdrawn_does_not_come_back(
        self, tmp_path: Path, known_by: str
    ) -> None:
        settings = made_up_home(tmp_path / "made up", {"stops": 3})
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        shutil.copytree(settings.home, tmp_path / "old data")
        with open_gallery(settings) as server:
            scope = source_scope(server.records.source("stops").source_id)
            server.sources.withdraw("stops", by="Ada", reason="the owner says stop")
            # It runs on: nobody has opened the gallery since.
            key_files(settings)[1].unlink()
            restore_keys(settings, tmp_path / "backup", record=unrecorded)
        if known_by == "its state":
            # An earlier version noted it at the next opening only.
            with closing(sqlite3.connect(settings.database)) as records, records:
                records.execute("DELETE FROM destroyed_key")

        with open_gallery(settings) as gallery:
            state, reason = gallery.keyring.state(scope), reason_of(settings, scope)
        shutil.rmtree(settings.home)
        (tmp_path / "old data").rename(settings.home)
        with open_gallery(settings) as gallery:
            enrolled, source = gallery.records.subjects(limit=9), gallery.records.source("stops")

        assert state is KeyState.DESTROYED
        assert reason == {"a note": "the records say that it was destroyed", "its state": "source-withdrawn"}[known_by]
        assert (enrolled, source.state) == ((), SourceState.WITHDRAWN)

    def test_one_whose_destruction_was_cut_short_before_its_key_goes_as_it_is_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = made_up_home(tmp_path / "made up", {"stops": 3})
        with open_gallery(settings) as gallery:
            scope = source_scope(gallery.records.source("stops").source_id)
            with monkeypatch.context() as patch:
                patch.setattr(type(gallery.keyring), "destroy", lambda *_, **__: 1 / 0)
                with pytest.raises(ZeroDivisionError):
                    gallery.sources.withdraw("stops", by="Ada", reason="the owner says stop")
            before = gallery.keyring.state(scope)

        with open_gallery(settings) as gallery:
            after = gallery.keyring.state(scope)
            ended = gallery.sources.withdraw("stops", by="Ada", reason="the owner says stop")

        assert (before, after) == (KeyState.ACTIVE, KeyState.DESTROYED)
        assert ended.certificate is not None

    def test_a_key_made_since_stays(self, settings: Settings, tmp_path: Path) -> None:
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        sealed = sealed_in(settings, SOURCE)

        restore_keys(settings, tmp_path / "backup", record=unrecorded)

        assert opened_in(settings, sealed) == {SOURCE: b"Ada"}

    def test_what_is_refused(self, settings: Settings, tmp_path: Path) -> None:
        other = Settings(home=tmp_path / "other")
        initialise(other)
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        (tmp_path / "damaged").write_bytes((tmp_path / "backup").read_bytes()[:-9])

        codes = [
            code_of(lambda: backup_keys(settings, tmp_path / "backup", record=unrecorded)),
            code_of(lambda: backup_keys(settings, settings.home / "backup", record=unrecorded)),
            code_of(lambda: backup_keys(settings, tmp_path / "no" / "folder", record=unrecorded)),
            code_of(lambda: restore_keys(settings, tmp_path / "nothing", record=unrecorded)),
            code_of(lambda: restore_keys(settings, tmp_path / "damaged", record=unrecorded)),
            code_of(lambda: restore_keys(other, tmp_path / "backup", record=unrecorded)),
        ]

        assert codes == [
            "backup-exists",
            "key-inside-home",
            "backup-unwritable",
            "backup-unreadable",
            "backup-damaged",
            "key-wrong",
        ]


def test_where_there_is_no_gallery_it_is_said(tmp_path: Path) -> None:
    nowhere = Settings(home=tmp_path / "nowhere")

    assert code_of(lambda: keys_status(nowhere)) == "home-not-initialised"
    assert code_of(lambda: rotate_keys(nowhere, record=unrecorded)) == "home-not-initialised"
    assert code_of(lambda: backup_keys(nowhere, tmp_path / "backup", record=unrecorded)) == "home-not-initialised"
    assert not (tmp_path / "backup").exists()


def test_a_process_that_holds_keys_leaves_no_core(settings: Settings) -> None:
    with open_gallery(settings):
        limits = resource.getrlimit(resource.RLIMIT_CORE)

    assert limits == (0, 0)
