"""Keys in a PKCS#11 token: made there, moved there and back, and what is said when it is not as it was."""

import shutil
from pathlib import Path

import pytest
from pkcs11 import exceptions

from countenance.adapters.keys.token_kek import TokenKeys, TokenPlace
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keks import KekKind
from countenance.bootstrap.key_care import backup_keys, keys_status, restore_keys, rotate_keys
from countenance.bootstrap.keyring import kept_home_id, key_files, open_keks, open_keyring
from countenance.bootstrap.settings import Settings
from countenance.keys.model import HOME, source_scope
from tests.integration.keys.sealed import (
    SOURCE,
    changed,
    code_of,
    killed_while_moving,
    moved_in_two_goes,
    opened_in,
    sealed_in,
)
from tests.tokens import MODULE, PIN, TOKEN, Token
from tests.unrecorded import unrecorded


@pytest.fixture
def settings(tmp_path: Path, token: Token) -> Settings:
    """The settings of a home whose keys the token wraps."""
    made = token.settings(tmp_path / "home")
    initialise(made)
    return made


def label_of(settings: Settings) -> str:
    return f"countenance-{kept_home_id(settings)}"


class TestToken:
    def test_a_home_is_made_with_its_key_in_the_token_and_nowhere_else(self, settings: Settings, token: Token) -> None:
        sealed = sealed_in(settings)

        assert opened_in(settings, sealed) == {b"Ada"}
        assert not key_files(settings)[0].exists()
        status = keys_status(settings)
        assert status["key"] == f"token {TOKEN}, key {label_of(settings)}"
        assert (status["key_file"], status["left_behind"]) == (None, [])
        listed = token.tool("--list-objects", "--type", "secrkey")
        ours = listed[listed.index(label_of(settings)) :].split("Secret Key Object")[0]
        assert "never extractable" in ours
        assert status["kek"].removeprefix("pkcs11:") in ours

    def test_rotation_leaves_one_key_and_a_server_goes_on(self, settings: Settings) -> None:
        sealed = sealed_in(settings)
        before = keys_status(settings)["kek"]
        with open_keyring(settings) as keyring:
            rotate_keys(settings, record=unrecorded)

            assert keyring.open(SOURCE, sealed[SOURCE], record="1", column="label") == b"Ada"
            assert keyring.seal(source_scope("new"), b"new", record="1", column="label")

        status = keys_status(settings)
        assert status["kek"] != before
        assert status["left_behind"] == []
        assert opened_in(settings, sealed) == {b"Ada"}

    def test_backups_of_the_keyring_come_back(self, settings: Settings, tmp_path: Path) -> None:
        sealed = sealed_in(settings)
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        key_files(settings)[1].unlink()

        restore_keys(settings, tmp_path / "backup", record=unrecorded)

        assert opened_in(settings, sealed) == {b"Ada"}

    def test_another_key_of_the_same_label_does_no_harm_and_does_not_do(self, settings: Settings, token: Token) -> None:
        sealed = sealed_in(settings)
        mark = keys_status(settings)["kek"].removeprefix("pkcs11:")
        token.tool("--keygen", "--key-type", "AES:32", "--label", label_of(settings), "--id", "ab" * 16)
        assert opened_in(settings, sealed) == {b"Ada"}
        assert keys_status(settings)["left_behind"] == [f"pkcs11:{'ab' * 16}"]

        token.tool("--delete-object", "--type", "secrkey", "--label", label_of(settings), "--id", mark)

        assert code_of(lambda: opened_in(settings, sealed)) == "key-wrong"

    def test_a_key_that_says_it_is_ours_and_is_not_is_noticed(self, settings: Settings, token: Token) -> None:
        sealed = sealed_in(settings)
        mark = keys_status(settings)["kek"].removeprefix("pkcs11:")
        token.tool("--delete-object", "--type", "secrkey", "--label", label_of(settings), "--id", mark)
        token.tool("--keygen", "--key-type", "AES:32", "--label", label_of(settings), "--id", mark)

        assert code_of(lambda: opened_in(settings, sealed)) == "key-wrong"

    def test_a_key_that_was_put_in_another_scope_s_place_is_noticed(self, settings: Settings) -> None:
        kek = open_keks(settings).load(keys_status(settings)["kek"])
        wrapped = kek.wrap(bytes(32), scope=HOME)

        assert kek.unwrap(wrapped, scope=HOME) == bytes(32)
        assert code_of(lambda: kek.unwrap(wrapped, scope=SOURCE)) == "key-wrong"
        assert code_of(lambda: kek.unwrap(wrapped[:20], scope=HOME)) == "key-wrong"

    @pytest.mark.parametrize(
        ("others", "code"),
        [
            pytest.param({"pkcs11_module": None}, "token-setting-missing", id="no module set"),
            pytest.param({"pkcs11_module": Path("/nowhere.so")}, "token-module-missing", id="no module"),
            pytest.param({"pkcs11_module": Path(__file__)}, "token-unavailable", id="no library"),
            pytest.param({"pkcs11_token": "another"}, "token-unavailable", id="token gone"),
            pytest.param({"pkcs11_pin_file": None}, "token-pin-missing", id="no PIN"),
            pytest.param({"pkcs11_pin_file": Path("/nowhere")}, "token-pin-missing", id="no PIN file"),
            pytest.param({"pkcs11_pin": "0000"}, "token-pin-wrong", id="wrong PIN"),
            pytest.param({"pkcs11_key": "another"}, "key-wrong", id="another label"),
        ],
    )
    def test_what_is_not_as_it_was_is_said_and_nothing_is_lost(
        self, settings: Settings, others: dict[str, object], code: str
    ) -> None:
        sealed, kept = sealed_in(settings), key_files(settings)[1].read_bytes()
        wrong = changed(settings, **others)

        assert code_of(lambda: opened_in(wrong, sealed)) == code
        assert code_of(lambda: rotate_keys(wrong, record=unrecorded)) == code

        assert key_files(settings)[1].read_bytes() == kept
        assert opened_in(settings, sealed) == {b"Ada"}

    def test_a_pin_that_was_refused_is_not_tried_again(self, token: Token) -> None:
        pins = iter(["0000", "0000", PIN])
        keys = TokenKeys(TokenPlace(module=MODULE, token=TOKEN, label="x", pin=lambda: next(pins)))
        assert code_of(keys.held) == "token-pin-wrong"
        stolen = token.folder / "tokens-away"
        (token.folder / "tokens").rename(stolen)
        try:
            second = code_of(keys.held)
        finally:
            stolen.rename(token.folder / "tokens")

        assert second == "token-pin-wrong"
        assert keys.held() == []

    def test_a_locked_pin_is_said(self, token: Token) -> None:
        keys = TokenKeys(TokenPlace(module=MODULE, token=TOKEN, label="x", pin=lambda: PIN))

        def locked() -> None:
            # SoftHSM locks no PIN; other tokens answer so.
            with keys.session():
                raise exceptions.PinLocked

        assert code_of(locked) == "token-pin-locked"
        assert token.pin_file.is_file()


class TestMoving:
    def test_from_the_key_file_to_the_token_and_back(self, tmp_path: Path, token: Token) -> None:
        settings = token.settings(tmp_path / "home", key_kind="file")
        initialise(settings)
        sealed, key_file = sealed_in(settings), key_files(settings)[0]
        shutil.copy(key_file, tmp_path / "copy")

        rotate_keys(settings, KekKind.PKCS11, record=unrecorded)

        assert not key_file.exists()
        assert opened_in(settings, sealed) == {b"Ada"}
        shutil.copy(tmp_path / "copy", key_file)
        assert keys_status(settings)["left_behind"] == [str(key_file)]
        in_token = keys_status(settings)["kek"]

        rotate_keys(settings, KekKind.FILE, record=unrecorded)

        assert opened_in(settings, sealed) == {b"Ada"}
        assert keys_status(settings)["key_file"] == str(key_file)
        assert in_token not in open_keks(settings).source(KekKind.PKCS11).held()  # type: ignore[attr-defined]

    @pytest.mark.parametrize("to", [KekKind.FILE, KekKind.PKCS11])
    @pytest.mark.parametrize("done", ["key made", "keyring replaced"])
    def test_cut_short_after_any_step_nothing_is_lost(
        self, tmp_path: Path, token: Token, to: KekKind, done: str
    ) -> None:
        settings = token.settings(tmp_path / "home", key_kind="file" if to is KekKind.PKCS11 else "pkcs11")

        old, new = moved_in_two_goes(settings, to, done=done)

        left = {
            ("key made", KekKind.PKCS11): [new],
            ("key made", KekKind.FILE): [],
            ("keyring replaced", KekKind.PKCS11): [str(key_files(settings)[0])],
            ("keyring replaced", KekKind.FILE): [old],
        }
        assert keys_status(settings)["left_behind"] == left[done, to]

    def test_killed_again_and_again_nothing_is_lost(self, settings: Settings, token: Token) -> None:
        sealed = sealed_in(settings)
        waits_s = [0.011 + 0.017 * attempt for attempt in range(4)]
        kept = {path: path.read_bytes() for path in token.folder.rglob("token.object")}

        for _ in killed_while_moving(settings, KekKind.PKCS11, token.places(), waits_s=waits_s):
            # SoftHSM writes this file, which holds no key, in place at each login: a kill may leave the half of it.
            for path, data in kept.items():
                path.write_bytes(data)
            assert opened_in(settings, sealed) == {b"Ada"}
