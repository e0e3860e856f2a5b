"""What of each table is sealed: under which scope, as which record and column."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from countenance.core.arrays import Templates
from countenance.keys.documents import open_document, seal_document
from countenance.keys.model import HOME, source_scope
from countenance.keys.ports import Keyring

VECTOR = np.dtype("<f4")
"""How a template is stored before it is sealed: float32, little-endian on every machine."""

SOURCE, SOURCE_NAME, COUNTS = "source.entry", "source.name", "source.counts"
CHANGE, RELEASE = "source_change.entry", "model_release.entry"
PROVENANCE, LABEL, IMAGE, FACE, TEMPLATE = (
    "provenance.entry",
    "subject.label",
    "image.entry",
    "face.entry",
    "template.vector",
)
SEARCH, CANDIDATE = "search.entry", "search_candidate.entry"
DESTRUCTION, CERTIFICATE = "destruction.entry", "destruction.certificate"
EXPIRY, EXPIRY_CERTIFICATE = "answer_expiry.entry", "answer_expiry.certificate"
ERASURE, ERASURE_CERTIFICATE = "erasure.entry", "erasure.certificate"
LOG_ENTRY = "audit_entry.body"
"""The columns that values are sealed as."""


def change_record(source_id: str, at: datetime) -> str:
    """Return what a change of a source's state is sealed as."""
    return f"{source_id}@{at.isoformat()}"


class Sealed(NamedTuple):
    """One sealed value with what it takes to open it."""

    source_id: str
    record: str
    value: bytes


class RowSeals:
    """Seals and opens what the tables hold of sources. Thread-safe."""

    def __init__(self, keyring: Keyring) -> None:
        """Keep the keyring."""
        self.keyring = keyring

    def name_print(self, name: str) -> bytes:
        """Return what a source's name is looked up by."""
        return self.keyring.fingerprint(HOME, name.encode(), column=SOURCE_NAME)

    def source_name(self, source_id: str, entry: bytes) -> str:
        """Return a source's name from its entry."""
        name: str = self.open_home_entry(source_id, entry, column=SOURCE)["name"]
        return name

    def source_names(self, entries: Iterable[tuple[str, bytes]]) -> dict[str, str]:
        """Return the names of sources by their ids, from pairs of id and entry; each is opened once."""
        return {source_id: self.source_name(source_id, entry) for source_id, entry in dict(entries).items()}

    def label(self, source_id: str, subject_id: str, label: str) -> bytes:
        """Seal a subject's label."""
        return self.keyring.seal(source_scope(source_id), label.encode(), record=subject_id, column=LABEL)

    def label_print(self, source_id: str, label: str) -> bytes:
        """Return what a label is looked up by."""
        return self.keyring.fingerprint(source_scope(source_id), label.encode(), column=LABEL)

    def content_print(self, source_id: str, sha256: str) -> bytes:
        """Return what a photograph's content is looked up by."""
        return self.keyring.fingerprint(source_scope(source_id), sha256.encode(), column=IMAGE)

    def entry(self, source_id: str, record: str, entry: object, *, column: str) -> bytes:
        """Seal a JSON value that belongs to a source."""
        return seal_document(self.keyring, source_scope(source_id), entry, record=record, column=column)

    def template(self, source_id: str, face: int, template: Templates) -> bytes:
        """Seal a template, float32, shape (dim,), of the face with this row number."""
        return self.keyring.seal(
            source_scope(source_id), template.astype(VECTOR).tobytes(), record=str(face), column=TEMPLATE
        )

    def home_entry(self, record: str, entry: object, *, column: str) -> bytes:
        """Seal a JSON value that belongs to no source."""
        return seal_document(self.keyring, HOME, entry, record=record, column=column)

    def open_home_entry(self, record: str, sealed: bytes, *, column: str) -> Any:  # noqa: ANN401 - JSON
        """Open a JSON value that belongs to no source."""
        return open_document(self.keyring, HOME, sealed, record=record, column=column)

    def open_label(self, source_id: str, subject_id: str, label: bytes | None) -> str | None:
        """Open a subject's label, if it has one."""
        if label is None:
            return None
        return self.keyring.open(source_scope(source_id), label, record=subject_id, column=LABEL).decode()

    def open_entry(self, source_id: str, record: str, sealed: bytes, *, column: str) -> Any:  # noqa: ANN401 - JSON
        """Open a JSON value that belongs to a source."""
        return open_document(self.keyring, source_scope(source_id), sealed, record=record, column=column)

    def open_entries(self, sealed: Sequence[Sealed], *, column: str) -> list[Any]:
        """Open JSON values of one column, in their order."""
        return [json.loads(text.decode(errors="surrogatepass")) for text in self._opened(sealed, column)]

    def open_labels(self, sealed: Sequence[Sealed]) -> list[str]:
        """Open labels, in their order."""
        return [text.decode() for text in self._opened(sealed, LABEL)]

    def open_templates(self, sealed: Sequence[Sealed]) -> NDArray[np.float32]:
        """Open templates of one dimension; float32, shape (n, dim)."""
        if not sealed:
            return np.zeros((0, 0), np.float32)
        data = b"".join(self._opened(sealed, TEMPLATE))
        return np.frombuffer(data, dtype=VECTOR).astype(np.float32).reshape(len(sealed), -1)

    def _opened(self, sealed: Sequence[Sealed], column: str) -> list[bytes]:
        """Open values, those of one source that follow each other together."""
        opened: list[bytes] = []
        for source_id, group in groupby(sealed, key=lambda one: one.source_id):
            part = list(group)
            opened += self.keyring.open_many(
                source_scope(source_id),
                [one.value for one in part],
                records=[one.record for one in part],
                column=column,
            )
        return opened
