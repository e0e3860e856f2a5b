"""Sealed objects: neither their bytes nor their names say anything, and each opens in its own place only."""

import pytest

from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.memory_objects import MemoryObjects
from countenance.adapters.sealed_objects import SealedObjects
from countenance.core.errors import CountenanceError
from countenance.gallery.ports import crop_key, image_key
from countenance.gallery.sources import document_key, release_key
from countenance.keys.model import source_scope

DIGEST = "a" * 64
JPEG = b"\xff\xd8\xff\xe0 a picture"
KEYS = [
    image_key("5f0c", DIGEST),
    crop_key("5f0c", DIGEST, 1),
    document_key("5f0c", DIGEST),
    release_key("5f0c", DIGEST),
]
OF_THE_HOME = f"exports/{DIGEST}"


class Peeked(MemoryObjects):
    """A store that shows what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> None:
        self.held[key] = data

    def get(self, key: str) -> bytes:
        return self.held[key]


@pytest.mark.parametrize("key", [*KEYS, OF_THE_HOME])
def test_what_is_stored_says_nothing(key: str) -> None:
    inner = Peeked()

    SealedObjects(inner, memory_keyring()).put(key, JPEG)

    [(name, data)] = inner.held.items()
    assert DIGEST not in name
    assert b"picture" not in data
    assert not data.startswith(b"\xff\xd8")


def test_a_source_s_objects_lie_together() -> None:
    objects = SealedObjects(Peeked(), memory_keyring())

    assert [objects.stored_key(key).rsplit("/", 1)[0] for key in KEYS] == [
        "images/5f0c",
        "crops/5f0c",
        "documents/5f0c",
        "releases/5f0c",
    ]


@pytest.mark.parametrize("other", [image_key("5f0c", "b" * 64), image_key("5f0d", DIGEST), OF_THE_HOME])
def test_one_put_in_another_s_place_does_not_open(other: str) -> None:
    inner = Peeked()
    objects = SealedObjects(inner, memory_keyring())
    objects.put(KEYS[0], JPEG)
    objects.put(other, b"another")

    inner.held[objects.stored_key(other)] = inner.held[objects.stored_key(KEYS[0])]

    with pytest.raises(CountenanceError) as caught:
        objects.get(other)
    assert caught.value.code == "sealed-damaged"


def test_a_destroyed_key_makes_a_source_s_objects_dark() -> None:
    keyring = memory_keyring()
    objects = SealedObjects(Peeked(), keyring)
    for key in (*KEYS, OF_THE_HOME):
        objects.put(key, JPEG)

    keyring.destroy(source_scope("5f0c"), reason="withdrawn")

    for key in KEYS:
        with pytest.raises(CountenanceError) as caught:
            objects.get(key)
        assert caught.value.code == "key-destroyed"
    assert objects.get(OF_THE_HOME) == JPEG
