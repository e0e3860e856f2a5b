import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countenance.core.errors import IntegrityError, InvalidInputError
from countenance.policy.pack import built_in_folder, read_law_pack
from countenance.policy.signing import read_private_key, sign_pack

FILES = ("manifest.toml", "policies.cedar", "vectors.toml")


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    folder = tmp_path / "default"
    shutil.copytree(built_in_folder() / "default", folder)
    sign_pack(folder, Ed25519PrivateKey.from_private_bytes(bytes(32)))
    return folder


def test_a_signed_pack_says_by_whom(signed: Path) -> None:
    public = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw().hex()

    assert read_law_pack(signed).signed_by == public


@pytest.mark.parametrize("file", FILES)
def test_a_signed_pack_that_was_changed_is_refused(signed: Path, file: str) -> None:
    with (signed / file).open("a", encoding="utf-8") as opened:
        opened.write("\n")

    with pytest.raises(IntegrityError) as refused:
        read_law_pack(signed)

    assert refused.value.code == "law-pack-changed"


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param('key = "00"\nsignature = "00"\n', id="too short"),
        pytest.param("key = 1\nsignature = 2\n", id="numbers"),
        pytest.param("\udcff", id="no text"),
    ],
)
def test_a_damaged_signature_is_refused(signed: Path, signature: str) -> None:
    (signed / "signature.toml").write_bytes(signature.encode(errors="surrogateescape"))

    with pytest.raises(IntegrityError) as refused:
        read_law_pack(signed)

    assert refused.value.code == "law-pack-changed"


def test_a_file_more_changes_a_pack(signed: Path) -> None:
    (signed / "more.cedar").write_text("", encoding="utf-8")

    with pytest.raises(IntegrityError) as refused:
        read_law_pack(signed)

    assert refused.value.code == "law-pack-changed"


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")

    for path in (tmp_path / "key", tmp_path / "none"):
        with pytest.raises(InvalidInputError) as refused:
            read_private_key(path)
        assert refused.value.code == "pack-key-unreadable"
