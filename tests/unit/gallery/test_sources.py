"""Registering a source: what is refused, and that its document is there first."""

import pytest

from countenance.adapters.memory_objects import MemoryObjects
from countenance.adapters.memory_records import MemoryRecords
from countenance.core.errors import CountenanceError, NotFoundError, UnavailableError
from countenance.gallery.model import LegalBasis
from countenance.gallery.sources import active_source, document_key, register_source
from countenance.policy.model import SYSTEM


class FullObjects(MemoryObjects):
    """A store that takes nothing."""

    def put(self, key: str, data: bytes) -> None:  # noqa: ARG002 - the port
        raise UnavailableError("the disk is full", code="objects-unavailable")


WANTED = {
    "name": "city-archive",
    "owner": "City Archive",
    "legal_basis": LegalBasis.CONTRACT,
    "document": b"letter",
    "actor": SYSTEM,
}


def test_it_is_active_and_its_document_is_kept() -> None:
    records, objects = MemoryRecords(), MemoryObjects()

    source = register_source(records, objects, **WANTED)  # type: ignore[arg-type]

    assert active_source(records, "city-archive") == source
    assert objects.get(document_key(source.source_id, source.document_sha256)) == b"letter"
    assert source.registered_at.tzinfo is not None


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({"name": ""}, "source-name-invalid", id="no name"),
        pytest.param({"name": "City"}, "source-name-invalid", id="capital"),
        pytest.param({"name": "-city"}, "source-name-invalid", id="dash first"),
        pytest.param({"name": "../city"}, "source-name-invalid", id="path"),
        pytest.param({"name": "city archive"}, "source-name-invalid", id="space"),
        pytest.param({"name": "city\n"}, "source-name-invalid", id="line end"),
        pytest.param({"name": "straße"}, "source-name-invalid", id="not ASCII"),
        pytest.param({"name": "x" * 101}, "source-name-invalid", id="name too long"),
        pytest.param({"owner": " "}, "source-owner-invalid", id="blank owner"),
        pytest.param({"owner": "x" * 201}, "source-owner-invalid", id="owner too long"),
        pytest.param({"owner": "a\x1b[2Jb"}, "source-owner-invalid", id="owner that drives a terminal"),
        pytest.param({"document": b""}, "source-document-empty", id="empty document"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_is_kept(changed: dict[str, object], code: str) -> None:
    records = MemoryRecords()

    with pytest.raises(CountenanceError) as caught:
        register_source(records, MemoryObjects(), **(WANTED | changed))  # type: ignore[arg-type]

    assert caught.value.code == code
    assert records.sources() == ()


def test_no_source_is_on_record_without_its_document() -> None:
    records = MemoryRecords()

    with pytest.raises(UnavailableError):
        register_source(records, FullObjects(), **WANTED)  # type: ignore[arg-type]

    assert records.sources() == ()


def test_nothing_is_enrolled_without_a_source() -> None:
    with pytest.raises(NotFoundError) as caught:
        active_source(MemoryRecords(), "city-archive")

    assert caught.value.code == "source-unknown"
