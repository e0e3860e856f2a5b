"""Escrow: enough shares bring a home back, fewer do not, and a wrong one is named."""

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from countenance.adapters.keys.escrow_file import EscrowFile, joined, split
from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.bootstrap.escrow import make_escrow, renew_escrow, restore_escrow, save_shares
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keks import KekKind, Keks
from countenance.bootstrap.key_care import backup_keys, keys_status
from countenance.bootstrap.keyring import key_files, open_keyring
from countenance.bootstrap.settings import Settings
from countenance.cli.main import run
from countenance.core.errors import CountenanceError, UnavailableError
from countenance.keys.model import HOME, KeyState, org_scope, source_scope
from tests.unrecorded import unrecorded

SOURCE, ORG = source_scope("5f0c"), org_scope("0b5e")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of an initialised home."""
    made = Settings(home=tmp_path / "home")
    initialise(made)
    return made


@pytest.fixture
def shares(settings: Settings, tmp_path: Path) -> list[Path]:
    """The shares, 3 of 5, of an escrow of a home with something sealed."""
    sealed_in(settings, SOURCE)
    escrow_id, texts = make_escrow(settings, tmp_path / "escrow", needed=3, shares=5, record=unrecorded)
    return save_shares(settings, tmp_path, escrow_id, texts)


def sealed_in(settings: Settings, scope: str) -> bytes:
    with open_keyring(settings) as keyring:
        return keyring.seal(scope, b"Ada", record="1", column="label")


def opened_in(settings: Settings, scope: str, sealed: bytes) -> bytes:
    with open_keyring(settings) as keyring:
        return keyring.open(scope, sealed, record="1", column="label")


def refusal(call: Callable[[], object]) -> CountenanceError:
    """Return what a call is refused with."""
    with pytest.raises(CountenanceError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return caught.value


def killed(*_: object, **__: object) -> None:
    """End what is going on, as a kill does: nothing after it runs."""
    raise KeyboardInterrupt


def lose_everything(settings: Settings) -> None:
    for path in key_files(settings):
        path.unlink()


class TestShares:
    def test_any_three_of_five_open_it_and_no_two_do(self) -> None:
        _, words = split(needed=3, shares=5)
        named = {str(number): text for number, text in enumerate(words)}

        keys = {joined(dict(chosen)) for chosen in combinations(named.items(), 3)}

        assert len(keys) == 1
        for chosen in combinations(named.items(), 2):
            assert refusal(lambda chosen=chosen: joined(dict(chosen))).code == "shares-too-few"  # type: ignore[misc]

    def test_the_same_share_twice_counts_once(self) -> None:
        _, words = split(needed=2, shares=3)

        assert refusal(lambda: joined({"a": words[0], "b": words[0]})).code == "shares-too-few"

    def test_a_misread_share_is_named(self) -> None:
        _, words = split(needed=2, shares=3)
        misread = words[1].split()
        misread[9] = "academic" if misread[9] != "academic" else "acid"

        refused = refusal(lambda: joined({"one.txt": words[0], "two.txt": " ".join(misread)}))

        assert refused.code == "share-damaged"
        assert "two.txt" in str(refused)

    def test_a_share_of_another_escrow_is_named(self) -> None:
        mine, other = split(needed=2, shares=3)[1], split(needed=2, shares=3)[1]

        refused = refusal(lambda: joined({"mine.txt": mine[0], "other.txt": other[1]}))

        assert refused.code == "shares-mixed"
        assert "other.txt" in str(refused)

    @pytest.mark.parametrize(("needed", "shares"), [(1, 3), (4, 3), (2, 17)])
    def test_what_can_t_be_split(self, needed: int, shares: int) -> None:
        assert refusal(lambda: split(needed=needed, shares=shares)).code == "shares-invalid"


class TestRestoring:
    def test_key_file_and_keyring_lost_three_shares_bring_them_back(
        self, settings: Settings, shares: list[Path], tmp_path: Path
    ) -> None:
        sealed = sealed_in(settings, SOURCE)
        lose_everything(settings)
        assert refusal(lambda: opened_in(settings, SOURCE, sealed)).code == "keyring-missing"

        content, lost = restore_escrow(settings, tmp_path / "escrow", shares[1:4], to=KekKind.FILE, record=unrecorded)

        assert opened_in(settings, SOURCE, sealed) == b"Ada"
        assert SOURCE in content.entries
        assert lost == frozenset()
        key_file = key_files(settings)[0]
        beside = sorted(one.name for one in key_file.parent.glob(f"{key_file.name}*"))
        assert beside == [key_file.name, f"{key_file.name}.lock"]

    def test_with_neither_key_file_nor_keyring_a_place_must_be_named(
        self, settings: Settings, shares: list[Path], tmp_path: Path
    ) -> None:
        lose_everything(settings)

        refused = refusal(lambda: restore_escrow(settings, tmp_path / "escrow", shares[:3], to=None, record=unrecorded))

        assert refused.code == "key-file-missing"
        assert not any(path.exists() for path in key_files(settings))

    def test_two_shares_change_nothing(self, settings: Settings, shares: list[Path], tmp_path: Path) -> None:
        lose_everything(settings)

        refused = refusal(
            lambda: restore_escrow(settings, tmp_path / "escrow", shares[:2], to=KekKind.FILE, record=unrecorded)
        )

        assert refused.code == "shares-too-few"
        assert not any(path.exists() for path in key_files(settings))

    def test_shares_of_another_home_are_refused(self, settings: Settings, shares: list[Path], tmp_path: Path) -> None:
        make_escrow(settings, tmp_path / "second", needed=3, shares=5, record=unrecorded)

        refused = refusal(lambda: restore_escrow(settings, tmp_path / "second", shares[:3], to=None, record=unrecorded))

        assert refused.code == "shares-foreign"

    def test_with_the_key_still_there_what_was_made_since_stays(
        self, settings: Settings, shares: list[Path], tmp_path: Path
    ) -> None:
        sealed = sealed_in(settings, ORG)

        restore_escrow(settings, tmp_path / "escrow", shares[:3], to=None, record=unrecorded)

        assert opened_in(settings, ORG, sealed) == b"Ada"

    def test_a_lost_key_takes_with_it_what_was_made_since_and_no_destroyed_key_comes_back(
        self, settings: Settings, shares: list[Path], tmp_path: Path
    ) -> None:
        sealed_in(settings, ORG)
        with open_keyring(settings) as keyring:
            keyring.destroy(SOURCE, reason="withdrawn")
        key_files(settings)[0].unlink()
        kept = refusal(lambda: restore_escrow(settings, tmp_path / "escrow", shares[:3], to=None, record=unrecorded))
        assert kept.code == "key-file-missing"

        _, lost = restore_escrow(settings, tmp_path / "escrow", shares[:3], to=KekKind.FILE, record=unrecorded)

        assert lost == {ORG}
        with open_keyring(settings) as keyring:
            assert keyring.state(SOURCE) is KeyState.DESTROYED

    def test_a_key_destroyed_meanwhile_by_a_server_that_runs_does_not_come_back(
        self, settings: Settings, shares: list[Path], tmp_path: Path
    ) -> None:
        with open_keyring(settings) as server:
            key_files(settings)[0].unlink()

            def destroy(**_: object) -> None:
                server.destroy(SOURCE, reason="withdrawn")

            restore_escrow(settings, tmp_path / "escrow", shares[:3], to=KekKind.FILE, record=destroy)

        with open_keyring(settings) as keyring:
            assert keyring.state(SOURCE) is KeyState.DESTROYED

    @pytest.mark.parametrize("done", ["key made", "keyring replaced"])
    def test_cut_short_after_any_step_it_is_finished_by_running_it_again(
        self, settings: Settings, shares: list[Path], tmp_path: Path, done: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sealed = sealed_in(settings, SOURCE)
        lose_everything(settings)
        step = (FileKeyringStore, "put") if done == "key made" else (Keks, "settle")
        with monkeypatch.context() as patch:
            patch.setattr(*step, killed)
            with pytest.raises(KeyboardInterrupt):
                restore_escrow(settings, tmp_path / "escrow", shares[:3], to=KekKind.FILE, record=unrecorded)

        if done == "key made":
            restore_escrow(settings, tmp_path / "escrow", shares[:3], to=KekKind.FILE, record=unrecorded)

        assert opened_in(settings, SOURCE, sealed) == b"Ada"
        assert keys_status(settings)["left_behind"] == []

    def test_a_key_file_of_others_is_not_written_over(
        self, settings: Settings, shares: list[Path], tmp_path: Path
    ) -> None:
        before = key_files(settings)[0].read_bytes()

        refused = refusal(
            lambda: restore_escrow(settings, tmp_path / "escrow", shares[:3], to=KekKind.FILE, record=unrecorded)
        )

        assert refused.code == "key-file-exists"
        assert key_files(settings)[0].read_bytes() == before

    def test_an_escrow_made_again_opens_with_the_same_shares(
        self, settings: Settings, shares: list[Path], tmp_path: Path
    ) -> None:
        sealed = sealed_in(settings, ORG)
        renew_escrow(settings, tmp_path / "again", like=tmp_path / "escrow", record=unrecorded)
        lose_everything(settings)

        restore_escrow(settings, tmp_path / "again", shares[2:], to=KekKind.FILE, record=unrecorded)

        assert opened_in(settings, ORG, sealed) == b"Ada"

    def test_the_file_alone_says_nothing_and_damage_is_noticed(self, tmp_path: Path, shares: list[Path]) -> None:
        assert len(shares) == 5
        data = (tmp_path / "escrow").read_bytes()
        escrow = EscrowFile.unpacked(data)

        assert refusal(lambda: escrow.kek(bytes(32))).code == "shares-foreign"
        for damaged in (b"", data[:-3], data[1:], data.replace(b"escrow-1", b"escrow-2")):
            assert refusal(lambda damaged=damaged: EscrowFile.unpacked(damaged)).code == "escrow-damaged"  # type: ignore[misc]


def test_the_commands(settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--as", "operator-1", "--home", str(settings.home)]
    sealed = sealed_in(settings, HOME)
    folder = tmp_path / "shares"
    folder.mkdir()

    saved = run(
        ["keys", "escrow", str(tmp_path / "escrow"), "--shares", "3", "--needed", "2", "--save-to", str(folder), *home]
    )
    printed = run(["keys", "escrow", str(tmp_path / "printed"), *home])
    out = capsys.readouterr().out
    lose_everything(settings)
    words = [word for path in sorted(folder.iterdir())[:2] for word in ("--share", str(path))]
    restored = run(["keys", "restore", str(tmp_path / "escrow"), *words, "--to", "file", *home])

    assert (saved, printed, restored) == (0, 0, 0)
    assert out.count("share 1 of 5") == 1
    assert opened_in(settings, HOME, sealed) == b"Ada"
    assert keys_status(settings)["active"] >= 1


@pytest.mark.parametrize(("place", "code"), [("nowhere", 6), ("escrow-of-before", 6), ("inside", 2)])
def test_no_escrow_is_made_whose_shares_have_no_place(
    settings: Settings, tmp_path: Path, place: str, code: int
) -> None:
    (tmp_path / "escrow-of-before").write_bytes(b"a file")
    folder = settings.home if place == "inside" else tmp_path / place
    words = ["keys", "escrow", str(tmp_path / "escrow"), "--save-to", str(folder)]

    ended = run([*words, "--as", "operator-1", "--home", str(settings.home)])

    assert ended == code
    assert not (tmp_path / "escrow").exists()


def test_a_backup_without_a_folder_is_refused_before_it_is_on_record(settings: Settings, tmp_path: Path) -> None:
    said: list[object] = []

    with pytest.raises(UnavailableError) as caught:
        backup_keys(settings, tmp_path / "nowhere" / "keyring", record=lambda **facts: said.append(facts))

    assert (caught.value.code, said) == ("backup-unwritable", [])
