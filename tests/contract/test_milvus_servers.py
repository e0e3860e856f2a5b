"""The index's contracts, and a whole gallery, on Milvus servers, each in a network of its own."""

import os
import re
import subprocess
import sys

import pytest

from tests.milvus_servers import NETWORK, ROOT, SERVERS

CONTRACTS = ("tests/contract/test_index.py", "tests/contract/test_following_index.py", "-k", "milvus")

GALLERY = ("tests/contract/on_milvus.py",)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("portraits")  # fetched before, since there is nobody in the servers' network
@pytest.mark.parametrize(
    ("what", "least"),
    [pytest.param(CONTRACTS, 60, id="contracts"), pytest.param(GALLERY, 16, id="gallery")],
)
@pytest.mark.parametrize("server", ["lite", "2.3.5"])
def test_all_holds_on(server: str, what: tuple[str, ...], least: int) -> None:
    if not SERVERS.is_dir():
        assert "CI" not in os.environ, "CI must have the servers: `make milvus-servers`"
        pytest.skip("`make milvus-servers` installs the servers")
    options = ("--force-enable-socket", "--timeout", "180", "-q", "-p", "no:cacheprovider")
    pytest_words = (sys.executable, "-m", "pytest", *what, *options)

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
    assert int(passed[1]) >= least  # fewer means that some did not run
    assert "skipped" not in ended.stdout
