"""Milvus servers that tests start: in a network of their own, so that nothing of them can be reached from outside.

Run: `python tests/milvus_servers.py lite|2.3.5 COMMAND...` starts the server, runs the command with its address in
COUNTENANCE_TEST_MILVUS and its process's number in MILVUS_PROCESS, stops the server, and ends as the command did.
`make milvus-servers` installs the servers.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
SERVERS = ROOT / ".venv-milvus" / "bin"
PORT = 19530
PATIENCE = 60
"""Seconds that a server may take to start."""

NETWORK = ("unshare", "--map-root-user", "--net")
"""What gives a command a network in which there is nobody else."""


def command(server: str, folder: str, port: int = PORT) -> list[str]:
    """Return the command line that starts a server."""
    if server == "lite":
        options = ["--data-dir", folder, "--host", "127.0.0.1", "--port", str(port)]
        return [str(SERVERS / "milvus-lite"), "server", *options]
    return [str(SERVERS / "milvus-server"), "--data", folder, "--proxy-port", str(port)]


def answers(port: int = PORT) -> bool:
    """Say whether something listens on a port."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def run(server: str, words: list[str]) -> int:
    """Run a command while a server runs."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        started = subprocess.Popen(command(server, folder), stdout=log, stderr=log, start_new_session=True)
        try:
            until = time.monotonic() + PATIENCE
            while not answers():
                if started.poll() is not None or time.monotonic() > until:
                    sys.stderr.write((Path(folder) / "log").read_text(errors="replace")[-2000:])
                    return 70
                time.sleep(0.2)
            about = {"COUNTENANCE_TEST_MILVUS": f"http://127.0.0.1:{PORT}", "MILVUS_PROCESS": str(started.pid)}
            return subprocess.run(words, env={**os.environ, **about}, check=False).returncode
        finally:
            started.terminate()
            with suppress(subprocess.TimeoutExpired):
                started.wait(20)
            # The server is a child of what was started, and may take longer to end.
            with suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2:]))
