"""Templates in a Milvus server, for galleries past one machine: one collection, one partition key, the source.

The server scans without an index that could lose somebody (FLAT) and answers in single precision; who is in the answer
is decided here, in full precision.

Source:
    docs/adr/0014-milvus.md.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from countenance.core.arrays import Templates, as_templates, cosine
from countenance.core.errors import UnavailableError
from countenance.index.model import Nearest, Neighbour
from countenance.index.ports import Originals, RowNumbers
from countenance.index.ranking import best_per_subject

MOST_ROWS = 16_384
"""Longest answer that a Milvus server gives."""

SPARE_ROWS = 32
"""Rows more than subjects that are asked for at first."""

BATCH_ROWS = 10_000
"""Rows in one request: 5 MB at 128 columns, well below the server's limit."""

BLOCK_CHARACTERS = 64
"""Longest block id."""

FLOAT32_SLACK = 1e-5
"""How far a score of the server may be from the true one: rounding of up to 4,096 float32 products, both ways."""


class MilvusIndex:
    """Implements `TemplateIndex`; not certified, since the server's answer can't be checked from here. Thread-safe."""

    def __init__(self, dim: int, originals: Originals, *, uri: str, collection: str = "countenance") -> None:
        """Start with an empty collection; one of this name that is there is dropped.

        Args:
            originals: The full-precision templates of the rows that will be added. A row that is missing there was
                erased, and is taken out of the index.
            uri: E.g. `http://127.0.0.1:19530`.

        Raises:
            UnavailableError: code `index-unavailable`: the server can't be reached, or refuses.
        """
        self._dim = dim
        self._originals = originals
        self._collection = collection
        with _reaching(uri):
            self._client = MilvusClient(uri=uri)
            if self._client.has_collection(collection):
                self._client.drop_collection(collection)
            self._make_collection()
        self._uri = uri

    @property
    def dim(self) -> int:
        """See the port."""
        return self._dim

    def __len__(self) -> int:
        """See the port."""
        with _reaching(self._uri):
            [counted] = self._client.query(self._collection, filter="", output_fields=["count(*)"])
        return int(counted["count(*)"])

    def add(self, block: str, *, rows: RowNumbers, subjects: RowNumbers, templates: Templates) -> None:
        """See the port."""
        checked = as_templates(templates, dim=self._dim)
        if not np.shape(rows) == np.shape(subjects) == (len(checked),) or len(np.unique(rows)) != len(rows):
            raise ValueError("rows and subjects must be one for each template, and rows must differ")
        numbers, owners = rows.tolist(), subjects.tolist()
        batches = [slice(at, at + BATCH_ROWS) for at in range(0, len(numbers), BATCH_ROWS)]
        with _reaching(self._uri):
            if any(self._client.get(self._collection, numbers[batch], output_fields=["row"]) for batch in batches):
                raise ValueError("a row number is in the index already")
            for batch in batches:
                self._client.insert(
                    self._collection,
                    [
                        {"row": row, "subject": subject, "block": block, "template": template}
                        for row, subject, template in zip(numbers[batch], owners[batch], checked[batch], strict=True)
                    ],
                )

    def remove(self, rows: Collection[int] | RowNumbers) -> None:
        """See the port."""
        numbers = [int(row) for row in rows]
        with _reaching(self._uri):
            for at in range(0, len(numbers), BATCH_ROWS):
                self._client.delete(self._collection, ids=numbers[at : at + BATCH_ROWS])

    def clear(self) -> None:
        """Take all rows out."""
        with _reaching(self._uri):
            self._client.delete(self._collection, filter="row >= 0")

    def close(self) -> None:
        """Drop the collection and end the connection."""
        with _reaching(self._uri):
            self._client.drop_collection(self._collection)
            self._client.close()

    def search(
        self, probes: Templates, *, blocks: Collection[str], limit: int, threshold: float | None = None
    ) -> list[Nearest]:
        """See the port."""
        if limit < 1:
            raise ValueError(f"limit must be at least 1, not {limit}")
        checked = as_templates(probes, dim=self._dim)
        return [
            Nearest(neighbours=self._nearest(probe, blocks, limit, threshold), certificate=None) for probe in checked
        ]

    def _nearest(
        self, probe: Templates, blocks: Collection[str], limit: int, threshold: float | None
    ) -> tuple[Neighbour, ...]:
        """Ask, score in full precision, rank; again where a row was erased in between."""
        while True:
            rows, subjects = self._near(probe, blocks, limit)
            stored = self._originals(rows.tolist())
            if len(stored) == len(rows):
                break
            self.remove(set(rows.tolist()) - set(stored))
        templates = [np.zeros((0, self._dim), np.float32), *(stored[row][None] for row in rows.tolist())]
        return best_per_subject(
            rows, subjects, cosine(probe, np.concatenate(templates)), limit=limit, threshold=threshold
        )

    def _near(self, probe: Templates, blocks: Collection[str], limit: int) -> tuple[RowNumbers, RowNumbers]:
        """Ask for more and more rows until all that can be among the first `limit` subjects are there."""
        if not blocks:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        wanted = min(limit + SPARE_ROWS, MOST_ROWS)
        while True:
            with _reaching(self._uri):
                [found] = self._client.search(
                    self._collection,
                    data=[probe],
                    anns_field="template",
                    filter=f"block in {json.dumps(sorted(set(blocks)))}",
                    limit=wanted,
                    output_fields=["row", "subject"],
                    search_params={"metric_type": "IP"},
                )
            rows = np.array([one["entity"]["row"] for one in found], dtype=np.int64)
            subjects = np.array([one["entity"]["subject"] for one in found], dtype=np.int64)
            scores = np.array([one["distance"] for one in found])
            _, first = np.unique(subjects, return_index=True)
            enough = len(first) >= limit and scores[np.sort(first)[limit - 1]] - 2 * FLOAT32_SLACK > scores[-1]
            if enough or len(found) < wanted or wanted == MOST_ROWS:
                return rows, subjects
            wanted = min(4 * wanted, MOST_ROWS)

    def _make_collection(self) -> None:
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("row", DataType.INT64, is_primary=True)
        schema.add_field("subject", DataType.INT64)
        schema.add_field("block", DataType.VARCHAR, max_length=BLOCK_CHARACTERS, is_partition_key=True)
        schema.add_field("template", DataType.FLOAT_VECTOR, dim=self._dim)
        index = self._client.prepare_index_params()
        index.add_index("template", index_type="FLAT", metric_type="IP")
        self._client.create_collection(
            self._collection, schema=schema, index_params=index, consistency_level="Strong", num_shards=1
        )


@contextmanager
def _reaching(uri: str) -> Iterator[None]:
    """Turn what the client raises into our error."""
    try:
        yield
    except MilvusException as error:
        raise UnavailableError(
            f"the index server {uri} does not answer: {error.message}",
            code="index-unavailable",
            hint="check that Milvus runs there, and try again",
        ) from None
