"""A Milvus server: its collections of templates, and what is asked of one.

Source:
    docs/adr/0014-milvus.md.
"""

import json
import logging
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc
import numpy as np

from countenance.adapters.milvus.quiet_import import without_dotenv
from countenance.core.arrays import Scores, Templates
from countenance.core.errors import UnavailableError
from countenance.index.model import BlockRows
from countenance.index.ports import RowNumbers

with without_dotenv():
    from pymilvus import DataType, MilvusClient, MilvusException

MOST_ROWS = 16_384
"""Longest answer that a Milvus server gives."""

BATCH_ROWS = 10_000
"""Rows in one request: 5 MB at 128 columns, well below the server's limit."""

BLOCK_CHARACTERS = 64
"""Longest block id."""

CONNECT_S = 10.0
"""How long a server may take to be reached."""

ANSWER_S = 60.0
"""How long a search or another question may take."""

CHANGE_S = 600.0
"""How long a change may take: an addition that fills a server's buffer waits until that is written away."""

CHANNEL = {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_permit_without_calls": 0,
}
"""How a connection is kept: a new one does not wait because an old one failed, and none is tried while nothing is asked
(servers cut those off that do)."""

# What goes wrong is raised, and said once.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)


class HeldRow(NamedTuple):
    """A row as the server holds it; the vector is float32, shape (dim,)."""

    block: str
    subject: int
    vector: Templates


class NearRows(NamedTuple):
    """What a server found: rows by falling score, in its own single precision."""

    rows: RowNumbers
    subjects: RowNumbers
    scores: Scores


class Filter:
    """Conditions on rows in the server's language."""

    ALL = ""

    @staticmethod
    def of(*, block: str | None = None, low: int | None = None, high: int | None = None) -> str:
        """Return the condition for rows of a block with numbers of at least `low` and below `high`; None leaves it."""
        conditions = [] if block is None else [f"block == {json.dumps(block)}"]
        conditions += [] if low is None else [f"row >= {low}"]
        conditions += [] if high is None else [f"row < {high}"]
        return " and ".join(conditions)

    @staticmethod
    def blocks(blocks: Collection[str]) -> str:
        """Return the condition for rows of some blocks."""
        return f"block in {json.dumps(sorted(set(blocks)))}"


class MilvusServer:
    """A connection. Thread-safe."""

    def __init__(self, uri: str, *, token: str = "") -> None:
        """Connect.

        Args:
            uri: E.g. `http://127.0.0.1:19530`; with `https` the server's certificate is checked.
            token: `user:password`, or a token; empty where the server asks for none.

        Raises:
            UnavailableError: code `index-unavailable`: the server can't be reached, or refuses.
        """
        self.uri = uri
        self._token = token
        self._connected: MilvusClient | None = None
        with self.reaching():
            _ = self.client

    @property
    def client(self) -> MilvusClient:
        """The client; a new one after a failure, since one that lost its server does not find it again."""
        client = self._connected
        if client is None:
            client = self._connected = MilvusClient(
                uri=self.uri, token=self._token, timeout=CONNECT_S, dedicated=True, grpc_options=CHANNEL
            )
        return client

    def collections(self, prefix: str) -> list[str]:
        """Return the names of the collections that begin with one."""
        with self.reaching():
            return [name for name in self.client.list_collections(timeout=ANSWER_S) if name.startswith(prefix)]

    def drop(self, name: str) -> None:
        """Drop a collection, with all that is in it; nothing where there is none."""
        with self.reaching():
            self.client.drop_collection(name, timeout=CHANGE_S)

    def loaded(self, name: str) -> "TemplateCollection | None":
        """Return a collection, ready to be searched; None where there is none of this name."""
        with self.reaching():
            if not self.client.has_collection(name, timeout=ANSWER_S):
                return None
            self.client.load_collection(name, timeout=CHANGE_S)
        return TemplateCollection(self, name)

    def make(self, name: str, dim: int) -> "TemplateCollection":
        """Make an empty collection; the source is the partition key, and every search sees what was written before."""
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("row", DataType.INT64, is_primary=True)
        schema.add_field("subject", DataType.INT64)
        schema.add_field("block", DataType.VARCHAR, max_length=BLOCK_CHARACTERS, is_partition_key=True)
        schema.add_field("template", DataType.FLOAT_VECTOR, dim=dim)
        index = MilvusClient.prepare_index_params()
        index.add_index("template", index_type="FLAT", metric_type="IP")
        with self.reaching():
            self.client.create_collection(
                name, schema=schema, index_params=index, consistency_level="Strong", num_shards=1, timeout=CHANGE_S
            )
        return TemplateCollection(self, name)

    def remade(self, name: str, dim: int) -> "TemplateCollection":
        """Make an empty collection in place of the one of this name, where there is one."""
        self.drop(name)
        return self.make(name, dim)

    def close(self) -> None:
        """End the connection; the next call makes another."""
        client, self._connected = self._connected, None
        if client is not None:
            client.close()

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Turn what the client raises into our error."""
        try:
            yield
        except (MilvusException, grpc.RpcError) as error:
            self._connected = None
            raise UnavailableError(
                f"the index server {self.uri} does not answer: {_told(error)}",
                code="index-unavailable",
                hint="check that Milvus runs there (COUNTENANCE_MILVUS_ADDRESS) and lets this process in "
                "(COUNTENANCE_MILVUS_TOKEN), and try again",
            ) from None


class TemplateCollection:
    """One collection of a server. Thread-safe. Each call raises `index-unavailable` where there is no answer."""

    def __init__(self, server: MilvusServer, name: str) -> None:
        """Keep the name of a collection that is loaded."""
        self.name = name
        self._server = server

    def count(self, condition: str = Filter.ALL) -> int:
        """Return how many rows meet a condition."""
        [counted] = self._asked("query", filter=condition, output_fields=["count(*)"])
        return int(counted["count(*)"])

    def insert(self, parts: Iterable[BlockRows]) -> None:
        """Add rows, some thousand at a time; the next search sees them."""
        data = [
            {"row": row, "subject": subject, "block": part.block, "template": vector}
            for part in parts
            for row, subject, vector in zip(part.rows.tolist(), part.subjects.tolist(), part.templates, strict=True)
        ]
        for at in range(0, len(data), BATCH_ROWS):
            self._asked("insert", timeout=CHANGE_S, data=data[at : at + BATCH_ROWS])

    def flush(self) -> None:
        """Have the server write away what it buffers: it scans that more slowly, some servers ten times."""
        self._asked("flush", timeout=CHANGE_S)

    def delete(self, condition: str) -> None:
        """Take out the rows that meet a condition."""
        self._asked("delete", timeout=CHANGE_S, filter=condition)

    def delete_rows(self, rows: Collection[int]) -> None:
        """Take rows out; those that aren't there are passed over."""
        numbers = [int(row) for row in rows]
        for at in range(0, len(numbers), BATCH_ROWS):
            self._asked("delete", timeout=CHANGE_S, ids=numbers[at : at + BATCH_ROWS])

    def rows(self, condition: str) -> RowNumbers:
        """Return the numbers of the rows that meet a condition, `MOST_ROWS` at most; int64, rising."""
        found = self._asked("query", filter=condition, output_fields=["row"], limit=MOST_ROWS)
        return np.sort(np.array([one["row"] for one in found], dtype=np.int64))

    def held(self, rows: RowNumbers) -> dict[int, HeldRow]:
        """Return what the server holds under row numbers; those that aren't there are left out."""
        numbers, held = rows.tolist(), {}
        for at in range(0, len(numbers), BATCH_ROWS):
            asked = {"ids": numbers[at : at + BATCH_ROWS], "output_fields": ["row", "subject", "block", "template"]}
            for one in self._asked("query", **asked):
                vector = np.array(one["template"], dtype=np.float32)
                held[int(one["row"])] = HeldRow(one["block"], int(one["subject"]), vector)
        return held

    def nearest(self, vector: Templates, condition: str, limit: int) -> NearRows:
        """Return the rows whose inner product with a vector, float32, shape (dim,), is highest."""
        [found] = self._asked(
            "search",
            data=[vector],
            anns_field="template",
            filter=condition,
            limit=limit,
            output_fields=["row", "subject"],
            search_params={"metric_type": "IP"},
        )
        return NearRows(
            rows=np.array([one["entity"]["row"] for one in found], dtype=np.int64),
            subjects=np.array([one["entity"]["subject"] for one in found], dtype=np.int64),
            scores=np.array([one["distance"] for one in found], dtype=np.float64),
        )

    def _asked(self, what: str, *, timeout: float = ANSWER_S, **arguments: Any) -> Any:  # noqa: ANN401 - the client's
        """Call a method of the client about this collection."""
        with self._server.reaching():
            return getattr(self._server.client, what)(self.name, timeout=timeout, **arguments)


def _told(error: MilvusException | grpc.RpcError) -> str:
    """Return what the client says in one line, without how often it tried."""
    if isinstance(error, MilvusException):
        return " ".join(str(error.message).split())
    return " ".join(str(error.details() if isinstance(error, grpc.Call) else error).split())
