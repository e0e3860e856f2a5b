"""The contract of `Objects`: every adapter runs it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_objects import MemoryObjects
from countenance.adapters.objects import StoredObjects
from countenance.adapters.sealed_objects import SealedObjects
from countenance.core.errors import NotFoundError
from countenance.gallery.ports import Objects, crop_key, image_key

KEY = image_key("5f0c", "a" * 64)

Make = Callable[[pytest.FixtureRequest, Path], Objects]


def in_memory(_: pytest.FixtureRequest, __: Path) -> Objects:
    return MemoryObjects()


def in_folder(_: pytest.FixtureRequest, folder: Path) -> Objects:
    return StoredObjects.in_folder(folder)


def in_bucket(request: pytest.FixtureRequest, folder: Path) -> Objects:  # noqa: ARG001 - a factory's shape
    """Below a prefix of a bucket on a real server."""
    server = request.getfixturevalue("s3")
    patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for name, value in server.environment().items():
        patch.setenv(name, value)
    return StoredObjects.in_bucket(f"s3://{server.bucket().config['bucket']}/home one")


def sealed(make: Make) -> Make:
    """What is stored sealed."""
    return lambda request, folder: SealedObjects(make(request, folder), memory_keyring())


@pytest.fixture(
    params=[
        pytest.param(in_memory, id="memory"),
        pytest.param(in_folder, id="folder"),
        pytest.param(sealed(in_folder), id="sealed, in a folder"),
        pytest.param(in_bucket, id="bucket"),
        pytest.param(sealed(in_bucket), id="sealed, in a bucket"),
    ]
)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """An empty store of one adapter."""
    make: Make = request.param
    return make(request, tmp_path / "objects")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(bytes(range(256)) * 10, id="all bytes"),
        pytest.param(b"x" * 12_000_000, id="12 MB"),
    ],
)
def test_bytes_come_back_as_they_were_put(objects: Objects, data: bytes) -> None:
    objects.put(KEY, data)

    assert objects.get(KEY) == data


def test_the_same_key_again_overwrites(objects: Objects) -> None:
    objects.put(KEY, b"a long first version")
    objects.put(KEY, b"second")

    assert objects.get(KEY) == b"second"


def test_keys_are_apart(objects: Objects) -> None:
    keys = [KEY, image_key("5f0c", "b" * 64), crop_key("5f0c", "a" * 64, 1), crop_key("5f0c", "a" * 64, 11)]

    for key in keys:
        objects.put(key, key.encode())

    assert [objects.get(key) for key in keys] == [key.encode() for key in keys]


@pytest.mark.parametrize("key", [KEY, "images/5f0c", "images", "nothing"])
def test_what_is_not_there_is_unknown(objects: Objects, key: str) -> None:
    objects.put(image_key("5f0c", "b" * 64), b"another")

    with pytest.raises(NotFoundError) as caught:
        objects.get(key)

    assert caught.value.code == "object-unknown"


def test_what_was_put_may_be_changed_afterwards(objects: Objects) -> None:
    data = bytearray(b"first")

    objects.put(KEY, data)  # type: ignore[arg-type]
    data[:] = b"other"

    assert objects.get(KEY) == b"first"


def test_a_reader_never_sees_half_of_an_object(objects: Objects) -> None:
    versions = [bytes([number]) * 300_000 for number in range(20)]
    objects.put(KEY, versions[0])

    with ThreadPoolExecutor(3) as pool:
        seen = [pool.submit(objects.get, KEY) for _ in range(60)]
        for version in versions:
            objects.put(KEY, version)

        assert {one.result() for one in seen} <= set(versions)


def test_one_object_is_deleted_and_nothing_else(objects: Objects) -> None:
    going, staying = crop_key("5f0c", "a" * 64, 1), (KEY, crop_key("5f0c", "a" * 64, 11), crop_key("5f0c", "b" * 64, 1))
    for key in (going, *staying):
        objects.put(key, b"x")

    objects.delete(going)
    objects.delete(going)
    objects.delete(crop_key("another", "a" * 64, 1))

    with pytest.raises(NotFoundError):
        objects.get(going)
    assert [objects.get(key) for key in staying] == [b"x"] * 3


def test_a_folder_is_deleted_whole_and_nothing_else(objects: Objects) -> None:
    going, staying = image_key("5f0c", "a" * 64), (image_key("5f0c1", "a" * 64), crop_key("5f0c", "a" * 64, 1))
    for key in (going, image_key("5f0c", "b" * 64), *staying):
        objects.put(key, b"x")

    objects.delete_all("images/5f0c/")
    objects.delete_all("images/5f0c/")
    objects.delete_all("nowhere/")

    with pytest.raises(NotFoundError):
        objects.get(going)
    assert [objects.get(key) for key in staying] == [b"x", b"x"]
