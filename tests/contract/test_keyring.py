"""The contract of `Keyring`: every store runs it."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from countenance.adapters.keys.file_kek import FileKek
from countenance.adapters.keys.keyring_file import FileKeyringStore
from countenance.adapters.keys.kms_kek import KmsKeys, KmsPlace
from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.keys.token_kek import TokenKeys, TokenPlace, pin_from
from countenance.core.errors import IntegrityError, NotFoundError
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import HOME, KeyState, case_scope, org_scope, source_scope
from countenance.keys.ports import Keyring
from countenance.keys.service import WrappedKeyring, new_content
from tests.kms_server import KmsServer
from tests.tokens import MODULE, TOKEN, Token

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SCOPES = [HOME, source_scope("5f0c"), org_scope("5f0c"), case_scope("5f0c")]
SOURCE = source_scope("5f0c")


def file_keyring(folder: Path) -> Keyring:
    """Keep keys in files."""
    kek = FileKek(folder / "kek")
    store = FileKeyringStore(folder / "keyring")
    store.create(new_content(kek.make()))
    return WrappedKeyring(store, kek.load)


def token_keyring(folder: Path, token: Token) -> Keyring:
    """Keep the key-encryption key in a PKCS#11 token."""
    place = TokenPlace(module=MODULE, token=TOKEN, label=folder.name, pin=partial(pin_from, None, token.pin_file))
    keys, store = TokenKeys(place), FileKeyringStore(folder / "keyring")
    store.create(new_content(keys.make_next()))
    return WrappedKeyring(store, keys.load)


def service_keyring(folder: Path, kms: KmsServer) -> Keyring:
    """Keep the key-encryption key in a key service."""
    place = KmsPlace(key=kms.new_key(), region=None, endpoint=kms.address, credentials=lambda: kms.user)
    keys, store = KmsKeys(place), FileKeyringStore(folder / "keyring")
    store.create(new_content(keys.make_next()))
    return WrappedKeyring(store, keys.load)


@pytest.fixture(params=["memory", "file", "token", "kms"])
def keyring(request: pytest.FixtureRequest, tmp_path: Path) -> Keyring:
    """A new keyring."""
    match request.param:
        case "memory":
            return memory_keyring()
        case "file":
            return file_keyring(tmp_path)
        case "kms":
            return service_keyring(tmp_path, request.getfixturevalue("kms"))
        case _:
            return token_keyring(tmp_path, request.getfixturevalue("token"))


@pytest.mark.parametrize("scope", SCOPES)
def test_what_was_sealed_opens(keyring: Keyring, scope: str) -> None:
    sealed = keyring.seal(scope, b"Ada Lovelace", record="1", column="label")

    assert keyring.open(scope, sealed, record="1", column="label") == b"Ada Lovelace"
    assert b"Ada" not in sealed


def test_scopes_don_t_open_each_other_s(keyring: Keyring) -> None:
    sealed = {scope: keyring.seal(scope, b"Ada", record="1", column="label") for scope in SCOPES}

    for scope in SCOPES:
        for other in set(SCOPES) - {scope}:
            with pytest.raises(IntegrityError) as caught:
                keyring.open(other, sealed[scope], record="1", column="label")
            assert caught.value.code == "sealed-damaged"


def test_many_are_as_one_by_one(keyring: Keyring) -> None:
    values, records = [b"Ada", b"", b"Grace"], ["1", "2", "3"]

    sealed = keyring.seal_many(SOURCE, values, records=records, column="label")

    assert keyring.open_many(SOURCE, sealed, records=records, column="label") == values
    assert keyring.open(SOURCE, sealed[2], record="3", column="label") == b"Grace"


def test_many_that_were_swapped_are_refused(keyring: Keyring) -> None:
    sealed = keyring.seal_many(SOURCE, [b"Ada", b"Grace"], records=["1", "2"], column="label")

    with pytest.raises(IntegrityError) as caught:
        keyring.open_many(SOURCE, sealed[::-1], records=["1", "2"], column="label")

    assert caught.value.code == "sealed-damaged"


def test_documents_come_back(keyring: Keyring) -> None:
    document = {"notes": ["ä", "\udcff", None, 1.5, True], "name": {"given": "Ada"}}

    sealed = seal_document(keyring, HOME, document, record="1", column="facts")

    assert open_document(keyring, HOME, sealed, record="1", column="facts") == document


def test_fingerprints_stay(keyring: Keyring) -> None:
    first = keyring.fingerprint(SOURCE, b"Ada", column="label")

    assert keyring.fingerprint(SOURCE, b"Ada", column="label") == first
    assert keyring.fingerprint(org_scope("5f0c"), b"Ada", column="label") != first


def test_a_destroyed_key_does_not_come_back(keyring: Keyring) -> None:
    sealed = keyring.seal(SOURCE, b"Ada", record="1", column="label")

    mark = keyring.destroy(SOURCE, reason="the archive withdrew it")

    assert keyring.state(SOURCE) is KeyState.DESTROYED
    assert mark.wrapped == b""
    assert b"archive" not in mark.reason
    for use in (
        lambda: keyring.open(SOURCE, sealed, record="1", column="label"),
        lambda: keyring.seal(SOURCE, b"Ada", record="1", column="label"),
        lambda: keyring.fingerprint(SOURCE, b"Ada", column="label"),
        lambda: keyring.open_many(SOURCE, [sealed], records=["1"], column="label"),
        lambda: keyring.seal_many(SOURCE, [b"Ada"], records=["1"], column="label"),
    ):
        with pytest.raises(NotFoundError) as caught:
            use()
        assert caught.value.code == "key-destroyed"


def test_destroying_again_is_no_harm(keyring: Keyring) -> None:
    keyring.seal(SOURCE, b"Ada", record="1", column="label")

    first = keyring.destroy(SOURCE, reason="withdrawn")
    second = keyring.destroy(SOURCE, reason="once more")

    assert first == second


def test_a_scope_without_a_key_can_be_barred_from_getting_one(keyring: Keyring) -> None:
    keyring.destroy(SOURCE, reason="never used")

    with pytest.raises(NotFoundError) as caught:
        keyring.seal(SOURCE, b"Ada", record="1", column="label")

    assert caught.value.code == "key-destroyed"


def test_the_other_scopes_stay(keyring: Keyring) -> None:
    sealed = {scope: keyring.seal(scope, b"Ada", record="1", column="label") for scope in SCOPES}

    keyring.destroy(SOURCE, reason="withdrawn")

    for scope in set(SCOPES) - {SOURCE}:
        assert keyring.open(scope, sealed[scope], record="1", column="label") == b"Ada"


def test_the_home_s_key_stays(keyring: Keyring) -> None:
    with pytest.raises(ValueError, match="home"):
        keyring.destroy(HOME, reason="by mistake")

    assert keyring.state(HOME) is KeyState.ACTIVE


def test_opening_makes_no_key(keyring: Keyring) -> None:
    sealed = keyring.seal(HOME, b"Ada", record="1", column="label")

    with pytest.raises(IntegrityError) as caught:
        keyring.open(SOURCE, sealed, record="1", column="label")

    assert caught.value.code == "key-missing"
    assert keyring.state(SOURCE) is KeyState.NONE


@pytest.mark.parametrize("scope", ["", "Home", "person:1", "source:", "source:../x", "source:5f0c\n"])
def test_what_is_no_scope_is_refused(keyring: Keyring, scope: str) -> None:
    with pytest.raises(ValueError, match="not a key scope"):
        keyring.seal(scope, b"Ada", record="1", column="label")


def test_threads_that_need_a_new_key_get_the_same(keyring: Keyring) -> None:
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda at: keyring.seal(SOURCE, b"Ada", record=str(at), column="label"), range(40)))

    assert [keyring.open(SOURCE, one, record=str(at), column="label") for at, one in enumerate(sealed)] == [b"Ada"] * 40
