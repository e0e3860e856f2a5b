"""Keys in files: what happens when they are missing, damaged, changed by another process, or cut off by a crash."""

import fcntl
import multiprocessing
import os
import signal
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from countenance.adapters.keys.file_kek import FileKek
from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.signing import SealedSigner
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keyring import key_files
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.errors import CountenanceError, InvalidInputError, NotFoundError
from countenance.keys.model import HOME, source_scope
from countenance.keys.ports import Keyring
from countenance.keys.service import WrappedKeyring, new_content

SOURCE = source_scope("5f0c")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a key file and a keyring."""
    FileKeyringStore(tmp_path / "keyring").create(new_content(FileKek(tmp_path / "kek").make()))
    return tmp_path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of an initialised home."""
    made = Settings(home=tmp_path / "home")
    initialise(made)
    return made


def opened(folder: Path) -> Keyring:
    """Open the keyring of a folder."""
    return WrappedKeyring(FileKeyringStore(folder / "keyring"), FileKek(folder / "kek").load)


def code_of_opening(settings: Settings) -> str:
    """Open a gallery and return the code that it is refused with."""
    with pytest.raises(CountenanceError) as caught, open_gallery(settings):
        pass
    return caught.value.code


def _destroy(folder: Path) -> None:
    opened(folder).destroy(SOURCE, reason="withdrawn")


def _seal(folder: Path, at: int) -> bytes:
    return opened(folder).seal(SOURCE, b"Ada", record=str(at), column="label")


def _load_together(barrier: Barrier, path: Path, kek_id: str) -> None:
    barrier.wait()
    FileKek(path).load(kek_id)


def _load_and_die(path: Path, kek_id: str, owner: object, name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, _deadly(getattr(owner, name)))
        FileKek(path).load(kek_id)


def _deadly(call: Callable[..., Any]) -> Callable[..., None]:
    """Return a call that works as it should, and kills the process when it is done."""

    def called(*args: Any) -> None:
        call(*args)
        os.kill(os.getpid(), signal.SIGKILL)

    return called


class TestNextKey:
    """A rotation has written a new key and named it in the keyring; whoever loads it next puts it in its place."""

    def test_two_processes_that_promote_it_at_once_leave_it(self, tmp_path: Path) -> None:
        context = multiprocessing.get_context("fork")
        for turn in range(20):
            kek = FileKek(tmp_path / str(turn))
            kek.make()
            new = kek.make_next()
            barrier = context.Barrier(2)
            both = [context.Process(target=_load_together, args=(barrier, kek.path, new.kek_id)) for _ in range(2)]

            for one in both:
                one.start()
            for one in both:
                one.join()

            assert [one.exitcode for one in both] == [0, 0]
            assert FileKek(kek.path).load(new.kek_id).kek_id == new.kek_id

    def test_one_that_is_overtaken_while_it_overwrites_the_old_key_leaves_the_new_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kek = FileKek(tmp_path / "kek")
        kek.make()
        new = kek.make_next()
        reached, go, fsync = Event(), Event(), os.fsync

        def paused(descriptor: int) -> None:
            fsync(descriptor)
            if not reached.is_set():
                reached.set()
                go.wait(10)

        monkeypatch.setattr(os, "fsync", paused)
        with ThreadPoolExecutor(2) as pool:
            slow = pool.submit(FileKek(kek.path).load, new.kek_id)
            assert reached.wait(10)
            quick = pool.submit(FileKek(kek.path).load, new.kek_id)
            wait([quick], timeout=0.5)
            go.set()

        assert {slow.result().kek_id, quick.result().kek_id} == {new.kek_id}
        assert FileKek(kek.path).load(new.kek_id).kek_id == new.kek_id

    def test_one_that_was_promoted_and_followed_by_another_meanwhile_moves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kek = FileKek(tmp_path / "kek")
        kek.make()
        second = kek.make_next()
        waits, third = FileKek._waits, [""]

        def overtaken(self: FileKek, kek_id: str) -> bool:
            seen = waits(self, kek_id)
            monkeypatch.undo()
            FileKek(kek.path).load(second.kek_id)
            third[0] = kek.make_next().kek_id
            return seen

        monkeypatch.setattr(FileKek, "_waits", overtaken)

        assert kek.load(second.kek_id).kek_id == second.kek_id
        assert kek.load(third[0]).kek_id == third[0]

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            pytest.param(fcntl, "flock", id="the lock is held"),
            pytest.param(os, "pwrite", id="the old key is overwritten"),
            pytest.param(os, "fsync", id="that is on disk"),
            pytest.param(Path, "replace", id="the new key has its place"),
        ],
    )
    def test_killed_after_any_step_it_is_found_and_the_old_one_is_gone(
        self, tmp_path: Path, owner: object, name: str
    ) -> None:
        kek = FileKek(tmp_path / "kek")
        kek.make()
        before = kek.path.read_bytes()
        old = os.open(kek.path, os.O_RDONLY)
        new = kek.make_next()
        killed = multiprocessing.get_context("fork").Process(
            target=_load_and_die, args=(kek.path, new.kek_id, owner, name)
        )

        killed.start()
        killed.join()
        found = kek.load(new.kek_id).kek_id

        left = os.pread(old, len(before), 0)
        os.close(old)
        assert killed.exitcode == -signal.SIGKILL
        assert found == new.kek_id
        assert left == bytes(len(before))
        assert sorted(one.name for one in tmp_path.iterdir()) == ["kek", "kek.lock"]


def test_keys_and_home_lie_apart_and_are_their_owner_s_alone(settings: Settings) -> None:
    for path in key_files(settings):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert not path.is_relative_to(settings.home)


def test_a_second_init_leaves_the_keys(settings: Settings) -> None:
    with open_gallery(settings) as gallery:
        sealed = gallery.keyring.seal(HOME, b"Ada", record="1", column="label")

    initialise(settings)

    with open_gallery(settings) as gallery:
        assert gallery.keyring.open(HOME, sealed, record="1", column="label") == b"Ada"


def test_a_home_opens_wherever_it_is_moved(settings: Settings, tmp_path: Path) -> None:
    with open_gallery(settings) as gallery:
        sealed = gallery.keyring.seal(HOME, b"Ada", record="1", column="label")

    settings.home.rename(tmp_path / "elsewhere")

    with open_gallery(Settings(home=tmp_path / "elsewhere")) as gallery:
        assert gallery.keyring.open(HOME, sealed, record="1", column="label") == b"Ada"


def test_keys_may_lie_where_the_settings_say(tmp_path: Path) -> None:
    made = Settings(home=tmp_path / "home", key_file=tmp_path / "a" / "kek", keyring=tmp_path / "b" / "keyring")

    initialise(made)

    assert made.key_file is not None
    assert made.key_file.is_file()
    assert made.keyring is not None
    assert made.keyring.is_file()
    with open_gallery(made) as gallery:
        gallery.keyring.seal(SOURCE, b"Ada", record="1", column="label")


@pytest.mark.parametrize("name", ["key_file", "keyring"])
def test_keys_in_the_home_are_refused(tmp_path: Path, name: str) -> None:
    made = Settings(home=tmp_path / "home").model_copy(update={name: tmp_path / "home" / "keys" / "one"})

    with pytest.raises(InvalidInputError) as caught:
        initialise(made)

    assert caught.value.code == "key-inside-home"


def test_a_missing_key_file_is_named(settings: Settings) -> None:
    path = key_files(settings)[0]
    path.unlink()

    with pytest.raises(NotFoundError) as caught, open_gallery(settings):
        pass

    assert caught.value.code == "key-file-missing"
    assert str(path) in str(caught.value)
    assert "backup" in caught.value.hint


def test_init_makes_no_second_key_for_a_home_that_lost_its_own(settings: Settings) -> None:
    key_files(settings)[0].unlink()

    with pytest.raises(NotFoundError) as caught:
        initialise(settings)

    assert caught.value.code == "key-file-missing"
    assert not key_files(settings)[0].exists()
    assert code_of_opening(settings) == "key-file-missing"


def test_another_key_file_is_wrong(settings: Settings, tmp_path: Path) -> None:
    FileKek(tmp_path / "other").make()
    (tmp_path / "other").replace(key_files(settings)[0])

    assert code_of_opening(settings) == "key-wrong"


@pytest.mark.parametrize("content", [b"", b"countenance-kek-1 AAAA\n", b"countenance-kek-1 !!!!\n", os.urandom(64)])
def test_what_is_no_key_file_is_wrong(settings: Settings, content: bytes) -> None:
    key_files(settings)[0].write_bytes(content)

    assert code_of_opening(settings) == "key-wrong"


def test_a_missing_keyring_is_named(settings: Settings) -> None:
    key_files(settings)[1].unlink()

    assert code_of_opening(settings) == "keyring-missing"


def test_a_damaged_keyring_is_noticed_byte_by_byte(settings: Settings) -> None:
    path = key_files(settings)[1]
    whole = path.read_bytes()

    codes = set()
    for at in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        codes.add(code_of_opening(settings))
    path.write_bytes(whole[: len(whole) // 2])
    codes.add(code_of_opening(settings))

    assert codes == {"keyring-damaged"}


def test_a_damaged_home_id_is_noticed(settings: Settings) -> None:
    settings.home_id.write_bytes(b"../../etc\n")

    assert code_of_opening(settings) == "home-id-damaged"


def test_a_key_that_another_process_destroyed_is_gone_at_once(folder: Path) -> None:
    keyring = opened(folder)
    sealed = keyring.seal(SOURCE, b"Ada", record="1", column="label")
    assert keyring.open(SOURCE, sealed, record="1", column="label") == b"Ada"
    other = multiprocessing.get_context("spawn").Process(target=_destroy, args=(folder,))

    other.start()
    other.join()

    with pytest.raises(NotFoundError) as caught:
        keyring.open(SOURCE, sealed, record="1", column="label")
    assert caught.value.code == "key-destroyed"


def test_processes_that_make_a_key_at_once_get_the_same(folder: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        sealed = pool.starmap(_seal, [(folder, at) for at in range(8)])

    keyring = opened(folder)
    assert [keyring.open(SOURCE, one, record=str(at), column="label") for at, one in enumerate(sealed)] == [b"Ada"] * 8


def test_all_who_make_a_signing_key_at_once_get_the_same(tmp_path: Path) -> None:
    keyring = memory_keyring()
    with ThreadPoolExecutor(4) as pool:
        for turn in range(10):
            home = tmp_path / str(turn)
            home.mkdir()

            signed = list(pool.map(lambda _, home=home: SealedSigner(home, keyring).sign(b"gone"), range(4)))

            key = SealedSigner(home, keyring).public_key
            assert all(SealedSigner(home, keyring).holds(b"gone", one, key) for one in signed)


def test_a_destroyed_key_s_old_file_is_overwritten(folder: Path) -> None:
    keyring = opened(folder)
    keyring.seal(SOURCE, b"Ada", record="1", column="label")
    before = (folder / "keyring").read_bytes()
    old = os.open(folder / "keyring", os.O_RDONLY)

    keyring.destroy(SOURCE, reason="withdrawn")

    left = os.pread(old, len(before), 0)
    os.close(old)
    assert left == bytes(len(before))
    assert sorted(path.name for path in folder.iterdir()) == ["kek", "keyring", "keyring.lock"]


def test_what_a_crash_left_beside_the_keyring_does_no_harm(folder: Path) -> None:
    (folder / "keyring.new").write_bytes(b"half of a keyr")
    keyring = opened(folder)

    sealed = keyring.seal(SOURCE, b"Ada", record="1", column="label")

    assert opened(folder).open(SOURCE, sealed, record="1", column="label") == b"Ada"


def test_a_keyring_that_can_t_be_written_loses_nothing(folder: Path) -> None:
    keyring = opened(folder)
    sealed = keyring.seal(SOURCE, b"Ada", record="1", column="label")
    (folder / "keyring.new").mkdir()

    with pytest.raises(CountenanceError) as caught:
        keyring.destroy(SOURCE, reason="withdrawn")

    assert caught.value.code == "keyring-unwritable"
    assert keyring.open(SOURCE, sealed, record="1", column="label") == b"Ada"


def test_a_keyring_holds_no_name_and_no_reason(folder: Path) -> None:
    keyring = opened(folder)
    keyring.seal(SOURCE, b"Ada", record="1", column="label")

    keyring.destroy(SOURCE, reason="Ada Lovelace asked for it")

    assert b"Lovelace" not in (folder / "keyring").read_bytes()
