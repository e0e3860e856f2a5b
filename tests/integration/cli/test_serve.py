"""`serve` as a process: it is ready when it says so, on this machine only, and ends cleanly."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli.serve import _listen
from countenance.client.client import Client
from tests import signed_up
from tests.integration.cli.conftest import Command

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

COUNTENANCE = Path(sys.executable).parent / "countenance"


@contextmanager
def serving(home: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server and give the process and the first line that it prints."""
    running = subprocess.Popen(
        [COUNTENANCE, "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"COUNTENANCE_HOME": str(home)},
        text=True,
    )
    assert running.stdout is not None
    try:
        yield running, running.stdout.readline()
    finally:
        if running.poll() is None:
            running.kill()
        running.communicate()


def test_it_answers_and_searches(filled_home: Path, portraits: Mapping[str, Path]) -> None:
    with open_gallery(Settings(home=filled_home)) as gallery:
        key = signed_up.api_key(gallery)

    with serving(filled_home, "--json") as (_, line):
        said: dict[str, Any] = json.loads(line)
        address = said["address"]
        health = httpx.get(f"{address}/v1/health")
        page = httpx.get(address)
        with Client(address, key) as client:
            found = client.search(portraits["obama3.jpg"].read_bytes(), case="c", purpose="missing-person")

    assert (said["page"], said["subjects"]) == (address.replace("127.0.0.1", "localhost"), 4)
    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert page.headers["content-type"].startswith("text/html")
    assert [candidate.subject.label for candidate in found.candidates] == ["C"]


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, id="Ctrl-C"), pytest.param(signal.SIGTERM, id="TERM")])
def test_a_signal_ends_it_cleanly(filled_home: Path, number: signal.Signals) -> None:
    with serving(filled_home) as (running, _):
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(number)
        _, err = running.communicate(timeout=30)

        assert (running.returncode, err) == (0, "")


def test_answers_are_sent_at_once() -> None:
    """Without TCP_NODELAY an answer waits 40 ms for the client's word that it has the head."""

    async def accepted() -> int:
        """Take one connection as the server does, and return whether small packets are sent at once."""
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken = writer.get_extra_info("socket")
            found.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with _listen(0) as listener:
            async with await asyncio.start_server(take, sock=listener):
                _, writer = await asyncio.open_connection(*listener.getsockname())
                answer = await found
                writer.close()
                return answer

    # In a thread of its own: the browser's tests leave their event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(accepted())).result() == 1


def test_people_get_the_address_in_one_piece(filled_home: Path) -> None:
    with serving(filled_home) as (running, first):
        assert running.stdout is not None
        second = running.stdout.readline()

    assert first.startswith("Serving 4 subjects.")
    assert re.fullmatch(r"http://localhost:[0-9]+\n", second)


def test_a_port_in_use_is_one_line(command: Command, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = command("serve", "--port", str(taken.getsockname()[1]), "--home", home)

    ended.refused(6, "port-in-use")


def test_nothing_but_this_machine_is_served(filled_home: Path) -> None:
    with serving(filled_home, "--json") as (running, line):
        port = int(json.loads(line)["address"].rsplit(":", 1)[1])
        listening = [
            entry.split()[1]
            for table in ("tcp", "tcp6")
            for entry in Path(f"/proc/{running.pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
            if entry.split()[3] == "0A" and entry.split()[1].endswith(f":{port:04X}")
        ]

    assert listening == [f"0100007F:{port:04X}"]
