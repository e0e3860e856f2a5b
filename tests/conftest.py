"""What all tests share: the sample portraits, and the optional benchmark data."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import URL

from countenance.adapters.sql.database import sqlite_url
from examples.sample_portraits import sample_portraits
from tests.kms_server import KmsServer, kms_server
from tests.postgresql import new_database, postgresql_server
from tests.s3_server import S3Server, s3_server
from tests.tokens import Token, make_token

# How long one example takes says more about the machine's other work than about the code.
settings.register_profile("countenance", deadline=None)
settings.load_profile("countenance")


@pytest.fixture(scope="session", autouse=True)
def _keys_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the keys of the tests' galleries out of this account's own configuration folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        # Whoever `tests.signed_up` admits acts on the command line.
        patch.setenv("COUNTENANCE_USER", "examiner")
        yield


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3 server; `bucket()` makes a bucket in it."""
    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def portraits() -> Mapping[str, Path]:
    """The sample portraits by file name; fetched at first need."""
    return sample_portraits()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[URL]:
    """A PostgreSQL server; `tests.postgresql.new_database` makes a database in it."""
    with postgresql_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """An empty database of each kind that records may be in."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "records.sqlite3")
    return new_database(request.getfixturevalue("postgresql"))


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """A PKCS#11 token; each home has keys of its own in it."""
    with pytest.MonkeyPatch.context() as patch:
        yield make_token(tmp_path_factory.mktemp("token"), patch)


@pytest.fixture(scope="session")
def kms() -> Iterator[KmsServer]:
    """A key service; its tests may speak to 127.0.0.1."""
    with kms_server() as server:
        yield server


@pytest.fixture(scope="session")
def lfw_dev() -> Path:
    """The benchmark folder `lfw-dev`, where COUNTENANCE_TEST_DATA names one that holds it."""
    folder = Path(os.environ.get("COUNTENANCE_TEST_DATA", "")) / "lfw-dev"
    if not (folder / "pairs.txt").is_file():
        pytest.skip("COUNTENANCE_TEST_DATA names no folder with lfw-dev")
    return folder
