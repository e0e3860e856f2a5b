"""The index's contract on Milvus servers, each in a network of its own."""

import os
import re
import subprocess
import sys

import pytest

from tests.milvus_servers import NETWORK, ROOT, SERVERS

LEAST_TESTS = 45
"""Of the contract; fewer means that some did not run."""


@pytest.mark.timeout(400)
@pytest.mark.parametrize("server", ["lite", "2.3.5"])
def test_the_contract_holds_on(server: str) -> None:
    if not SERVERS.is_dir():
        assert "CI" not in os.environ, "CI must have the servers: `make milvus-servers`"
        pytest.skip("`make milvus-servers` installs the servers")
    suite = ("tests/contract/test_index.py", "-k", "milvus", "--force-enable-socket", "--timeout", "120", "-q")
    pytest_words = (sys.executable, "-m", "pytest", *suite, "-p", "no:cacheprovider")

    ended = subprocess.run(
        [*NETWORK, sys.executable, "tests/milvus_servers.py", server, *pytest_words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
    passed = re.search(r"(\d+) passed", ended.stdout)
    assert passed is not None
    assert int(passed[1]) >= LEAST_TESTS
    assert "skipped" not in ended.stdout
