"""No code path fetches a picture from the web: what can talk to a network is named here, and what for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "countenance"

TALKERS = {
    "httpx",
    "requests",
    "aiohttp",
    "urllib",
    "urllib3",
    "http",
    "socket",
    "ssl",
    "ftplib",
    "telnetlib",
    "smtplib",
    "xmlrpc",
    "websockets",
    "fsspec",
    "s3fs",
    "boto3",
    "obstore",
    "psycopg",
    "pymilvus",
    "uvicorn",
}
"""Modules that open connections, or could."""

ALLOWED = {
    ("client/client.py", "httpx"): "the client of Countenance's own server",
    ("adapters/objects.py", "obstore"): "the installation's own object store",
    ("adapters/bucket.py", "obstore"): "a bucket that the source hands over",
    ("adapters/s3.py", "obstore"): "how both are reached",
    ("adapters/milvus/server.py", "pymilvus"): "the installation's own index server",
    ("adapters/oidc.py", "httpx"): "the identity provider that the installation names",
    ("adapters/keys/kms_client.py", "httpx"): "the key service that the installation names",
    ("adapters/sql/database.py", "psycopg"): "the installation's own database",
    ("adapters/pgvector_baseline.py", "psycopg"): "a database that a benchmark starts",
    ("api/patience.py", "uvicorn"): "it listens, and for how long",
    ("cli/serve.py", "uvicorn"): "it listens",
    ("cli/serve.py", "socket"): "it listens",
}


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, and what it asks for by name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield ast.unparse(node.args[0])


FILES = sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(SOURCE))) for path in FILES])
def test_only_named_files_can_talk_to_a_network(path: Path) -> None:
    found = {name.split(".")[0] for name in imports(path)} & TALKERS
    harmless = {name for name in imports(path) if name.startswith(("http.HTTPStatus", "urllib.parse"))} | {"http"}

    where = path.relative_to(SOURCE).as_posix()
    talking = {name for name in found if (where, name) not in ALLOWED}
    if talking <= {"http", "urllib"}:
        wanted = {name for name in imports(path) if name.split(".")[0] in {"http", "urllib"}}
        talking = {name for name in wanted if name not in harmless and not name.startswith("urllib.parse")}

    assert talking == set()


def test_no_store_of_web_addresses_is_used() -> None:
    using = [path.name for path in FILES if any("HTTPStore" in name for name in imports(path))]

    assert using == []
