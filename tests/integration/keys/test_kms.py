"""Keys in a key service: made there, moved there and back, and what is said when it is not as it was."""

from pathlib import Path

import pytest

from countenance.bootstrap.escrow import make_escrow, restore_escrow, save_shares
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.keks import KekKind
from countenance.bootstrap.key_care import backup_keys, keys_status, restore_keys, rotate_keys
from countenance.bootstrap.keyring import key_files, open_keks, open_keyring
from countenance.bootstrap.settings import Settings
from countenance.cli.main import run
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
from tests.kms_server import REGION, KmsServer
from tests.tokens import Token
from tests.unrecorded import unrecorded

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.fixture
def key(kms: KmsServer) -> str:
    """The ARN of a key."""
    return kms.new_key()


@pytest.fixture
def settings(tmp_path: Path, kms: KmsServer, key: str) -> Settings:
    """The settings of a home whose keys the key wraps."""
    made = kms.settings(tmp_path / "home", key)
    initialise(made)
    return made


class TestKeyService:
    def test_a_home_is_made_with_its_key_in_the_service_and_nowhere_else(self, settings: Settings, key: str) -> None:
        sealed = sealed_in(settings)

        assert opened_in(settings, sealed) == {b"Ada"}
        assert not key_files(settings)[0].exists()
        status = keys_status(settings)
        assert (status["key"], status["kek"]) == (f"key service, key {key}", f"kms:{key}")
        assert (status["key_file"], status["left_behind"]) == (None, [])

    def test_no_credential_is_written_down(self, settings: Settings, kms: KmsServer) -> None:
        sealed_in(settings)

        written = [path for path in settings.home.parent.rglob("*") if path.is_file()] + [key_files(settings)[1]]

        for secret in (kms.user.secret_access_key, kms.user.access_key_id):
            assert [path.name for path in written if secret.encode() in path.read_bytes()] == []

    def test_an_alias_names_the_key_that_it_points_at_now(self, tmp_path: Path, kms: KmsServer, key: str) -> None:
        other, alias = kms.new_key(), kms.new_alias(key)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_REGION", REGION)
            settings = kms.settings(tmp_path / "home", alias)
            initialise(settings)
            sealed = sealed_in(settings)

            kms.do("UpdateAlias", AliasName=alias, TargetKeyId=other)

            assert keys_status(settings)["kek"] == f"kms:{key}"
            rotate_keys(settings, record=unrecorded)

        assert keys_status(settings)["kek"] == f"kms:{other}"
        assert opened_in(settings, sealed) == {b"Ada"}

    def test_the_credentials_of_the_environment_will_do(
        self, settings: Settings, kms: KmsServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sealed = sealed_in(settings)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", kms.user.access_key_id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", kms.user.secret_access_key)

        assert opened_in(changed(settings, kms_access_key_id=None, kms_secret_access_key=None), sealed) == {b"Ada"}

    def test_the_same_key_wraps_everything_anew_and_a_server_goes_on(self, settings: Settings, key: str) -> None:
        sealed, before = sealed_in(settings), key_files(settings)[1].read_bytes()
        with open_keyring(settings) as keyring:
            rotate_keys(settings, record=unrecorded)

            assert keyring.open(SOURCE, sealed[SOURCE], record="1", column="label") == b"Ada"
            assert keyring.seal(source_scope("new"), b"new", record="1", column="label")

        assert keys_status(settings)["kek"] == f"kms:{key}"
        assert key_files(settings)[1].read_bytes() != before

    def test_backups_of_the_keyring_come_back(self, settings: Settings, tmp_path: Path) -> None:
        sealed = sealed_in(settings)
        backup_keys(settings, tmp_path / "backup", record=unrecorded)
        key_files(settings)[1].unlink()

        restore_keys(settings, tmp_path / "backup", record=unrecorded)

        assert opened_in(settings, sealed) == {b"Ada"}

    def test_what_was_put_in_another_scope_s_place_or_changed_is_noticed(self, settings: Settings) -> None:
        kek = open_keks(settings).load(keys_status(settings)["kek"])
        wrapped = kek.wrap(bytes(32), scope=HOME)

        assert kek.unwrap(wrapped, scope=HOME) == bytes(32)
        assert code_of(lambda: kek.unwrap(wrapped, scope=SOURCE)) == "key-wrong"
        assert code_of(lambda: kek.unwrap(wrapped[:-1] + bytes([wrapped[-1] ^ 1]), scope=HOME)) == "key-wrong"
        assert code_of(lambda: kek.unwrap(b"", scope=HOME)) == "key-wrong"
        assert code_of(lambda: kek.unwrap(kek.wrap(b"short", scope=HOME), scope=HOME)) == "key-wrong"


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        ("others", "code"),
        [
            pytest.param({"kms_access_key_id": "AKIANOBODY"}, "kms-credentials-refused", id="nobody's"),
            pytest.param({"kms_secret_access_key": "wrong-secret"}, "kms-credentials-refused", id="a wrong secret"),
            pytest.param({"kms_access_key_id": None}, "kms-credentials-missing", id="none"),
            pytest.param({"kms_endpoint": "http://127.0.0.1:9"}, "kms-unreachable", id="nobody listens"),
            pytest.param({"kms_endpoint": "http://keys.example"}, "kms-endpoint-untrusted", id="in the clear"),
        ],
    )
    def test_what_is_not_as_it_was_is_said_and_nothing_is_lost(
        self, settings: Settings, others: dict[str, object], code: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
        sealed, kept = sealed_in(settings), key_files(settings)[1].read_bytes()
        wrong = changed(settings, **others)

        assert code_of(lambda: opened_in(wrong, sealed)) == code
        assert code_of(lambda: rotate_keys(wrong, record=unrecorded)) == code

        assert key_files(settings)[1].read_bytes() == kept
        assert opened_in(settings, sealed) == {b"Ada"}

    def test_who_may_not_use_the_key_is_told_so(self, settings: Settings, kms: KmsServer) -> None:
        sealed = sealed_in(settings)
        stranger = changed(
            settings,
            kms_access_key_id=kms.stranger.access_key_id,
            kms_secret_access_key=kms.stranger.secret_access_key,
        )

        assert code_of(lambda: opened_in(stranger, sealed)) == "kms-access-denied"

    @pytest.mark.parametrize(
        ("name", "says", "code"),
        [
            pytest.param("DisabledException", "is disabled.", "kms-key-disabled", id="disabled"),
            pytest.param("KMSInvalidStateException", "is pending deletion.", "kms-key-disabled", id="to be deleted"),
            pytest.param("AccessDeniedException", "is not authorized", "kms-access-denied", id="denied"),
            pytest.param("ExpiredTokenException", "is expired", "kms-credentials-refused", id="ended"),
            pytest.param("InvalidSignatureException", "Signature expired", "kms-credentials-refused", id="clock"),
            pytest.param(
                "InvalidSignatureException",
                "Credential should be scoped to a valid region.",
                "kms-region-wrong",
                id="an endpoint of another region",
            ),
            pytest.param("NotFoundException", "Invalid arn us-east-1", "kms-region-wrong", id="another region"),
            pytest.param("IncorrectKeyException", "The key ID is not the one", "key-wrong", id="another key's"),
            pytest.param("InvalidKeyUsageException", "", "kms-key-unfit", id="for signing"),
            pytest.param("com.amazonaws.kms#NotFoundException", "", "kms-key-unknown", id="with its name space"),
            pytest.param("DryRunOperationException", "", "kms-refused", id="anything else"),
        ],
    )
    def test_refusals_of_aws_are_said_at_once(
        self, settings: Settings, kms: KmsServer, name: str, says: str, code: str
    ) -> None:
        with kms.refusing(name, says):
            assert code_of(lambda: open_keks(settings).load(f"kms:{settings.kms_key}").wrap(b"k", scope=HOME)) == code
            assert kms.front.asked == ["Encrypt"]

    def test_a_disabled_key_opens_no_gallery_in_one_line(
        self, settings: Settings, kms: KmsServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {
            "kms_endpoint": kms.address,
            "kms_access_key_id": kms.user.access_key_id,
            "kms_secret_access_key": kms.user.secret_access_key,
        }.items():
            monkeypatch.setenv(f"COUNTENANCE_{name.upper()}", value)

        with kms.refusing("DisabledException"):
            refused = run(["status", "--home", str(settings.home)])
        said = capsys.readouterr()
        opened = run(["status", "--home", str(settings.home)])

        assert (refused, opened) == (6, 0)
        assert said.out == ""
        assert "kms-key-disabled" in said.err
        assert "Traceback" not in said.err

    def test_no_such_key(self, tmp_path: Path, kms: KmsServer, key: str) -> None:
        gone = f"{key[:-4]}0000"

        assert code_of(lambda: initialise(kms.settings(tmp_path / "home", gone))) == "kms-key-unknown"
        assert not (tmp_path / "home" / "home-id").exists()

    def test_another_key_does_not_open_what_this_one_wrapped(
        self, settings: Settings, kms: KmsServer, key: str
    ) -> None:
        keks = open_keks(settings)
        wrapped = keks.load(f"kms:{key}").wrap(bytes(32), scope=HOME)

        # moto answers as if it were not allowed; AWS with IncorrectKeyException.
        refused = code_of(lambda: keks.load(f"kms:{kms.new_key()}").unwrap(wrapped, scope=HOME))

        assert refused in {"kms-access-denied", "key-wrong"}

    @pytest.mark.parametrize(
        ("others", "key_named"),
        [pytest.param({"kms_key": None}, "", id="no key"), pytest.param({}, "alias/x", id="an alias without a region")],
    )
    def test_what_has_to_be_set(
        self,
        tmp_path: Path,
        kms: KmsServer,
        others: dict[str, object],
        key_named: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)

        made = kms.settings(tmp_path / "home", key_named, **others)

        assert code_of(lambda: initialise(made)) == "kms-setting-missing"


class TestMoving:
    def test_from_the_key_file_to_the_service_and_back(self, tmp_path: Path, kms: KmsServer, key: str) -> None:
        settings = kms.settings(tmp_path / "home", key, key_kind="file")
        initialise(settings)
        sealed, key_file = sealed_in(settings), key_files(settings)[0]

        rotate_keys(settings, KekKind.KMS, record=unrecorded)

        assert not key_file.exists()
        assert opened_in(settings, sealed) == {b"Ada"}
        assert keys_status(settings)["kek"] == f"kms:{key}"

        rotate_keys(settings, KekKind.FILE, record=unrecorded)

        assert opened_in(settings, sealed) == {b"Ada"}
        assert keys_status(settings)["key_file"] == str(key_file)
        assert kms.do("DescribeKey", KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"

    def test_from_a_token_to_the_service(self, tmp_path: Path, kms: KmsServer, key: str, token: Token) -> None:
        settings = token.settings(tmp_path / "home")
        initialise(settings)
        sealed, in_token = sealed_in(settings), keys_status(settings)["kek"]
        settings = changed(kms.settings(tmp_path / "home", key), **token.places())

        rotate_keys(settings, KekKind.KMS, record=unrecorded)

        assert opened_in(settings, sealed) == {b"Ada"}
        assert keys_status(settings)["left_behind"] == []
        assert in_token not in open_keks(settings).source(KekKind.PKCS11).held()  # type: ignore[attr-defined]

    def test_an_escrow_brings_lost_keys_back_into_the_service(self, tmp_path: Path, kms: KmsServer, key: str) -> None:
        settings = kms.settings(tmp_path / "home", key, key_kind="file")
        initialise(settings)
        sealed = sealed_in(settings)
        escrow_id, texts = make_escrow(settings, tmp_path / "escrow", needed=2, shares=3, record=unrecorded)
        shares = save_shares(settings, tmp_path, escrow_id, texts)
        for path in key_files(settings):
            path.unlink()

        restore_escrow(settings, tmp_path / "escrow", shares[:2], to=KekKind.KMS, record=unrecorded)

        assert opened_in(settings, sealed) == {b"Ada"}
        assert keys_status(settings)["kek"] == f"kms:{key}"

    @pytest.mark.parametrize("to", [KekKind.FILE, KekKind.KMS])
    @pytest.mark.parametrize("done", ["key made", "keyring replaced"])
    def test_cut_short_after_any_step_nothing_is_lost(
        self, tmp_path: Path, kms: KmsServer, key: str, to: KekKind, done: str
    ) -> None:
        settings = kms.settings(tmp_path / "home", key, key_kind="file" if to is KekKind.KMS else "kms")

        moved_in_two_goes(settings, to, done=done)

    def test_killed_again_and_again_nothing_is_lost(self, settings: Settings, kms: KmsServer, key: str) -> None:
        sealed = sealed_in(settings)
        waits_s = [0.011 + 0.023 * attempt for attempt in range(6)]

        for _ in killed_while_moving(settings, KekKind.KMS, kms.places(key), waits_s=waits_s):
            assert opened_in(settings, sealed) == {b"Ada"}
