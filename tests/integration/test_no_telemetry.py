"""Nothing that Countenance stands on opens a socket of its own: no telemetry, no look for updates."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAM = """
import sys

opened = []

def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.gethostby", "socket.sendto", "socket.bind")):
        opened.append((event, str(arguments[1:])))
    if event in ("subprocess.Popen", "os.posix_spawn", "os.fork", "os.system", "urllib.Request", "http.client.connect"):
        opened.append((event, str(arguments)))

sys.addaudithook(watch)

from pathlib import Path
from countenance.adapters.onnxruntime import OnnxRuntimeRuntime
from countenance.adapters.openvino import OpenVinoRuntime
from countenance.vision.decode import decode_image
from countenance.vision.pack import builtin_packs
from countenance.vision.quality import SEARCH_GATE
from countenance.vision.service import PackAnalyser

import countenance.api.app, countenance.bootstrap.wiring, countenance.cli.main

[pack] = builtin_packs()
pixels = decode_image(Path(sys.argv[1]).read_bytes()).pixels
for runtime in (OpenVinoRuntime(), OnnxRuntimeRuntime()):
    analyser = PackAnalyser(pack, runtime, threads=1, cache=Path(sys.argv[2]))
    print(analyser.encode(pixels, analyser.find(pixels, SEARCH_GATE)).shape)
print(opened)
"""

COUNTED = """
import socket, subprocess, sys
from pathlib import Path

def counters():
    return Path("/proc/net/snmp").read_text()

before = counters()
if sys.argv[1:]:
    subprocess.run(sys.argv[1:], check=True)
else:
    try:
        socket.socket(type=socket.SOCK_DGRAM).sendto(b"?", ("192.0.2.1", 53))
    except OSError:
        pass
print("quiet" if counters() == before else "not quiet")
"""
"""Runs a program, or sends one packet, in a network namespace: what is sent, or has no route, moves a counter there."""

SUPPRESSORS = {"CI", "TF_BUILD", "GITHUB_ACTIONS", "ORT_RUNNING_UNIT_TESTS", "ORT_DISABLE_TELEMETRY"}
"""Variables that would keep telemetry quiet in a test and not on a user's machine."""

ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in SUPPRESSORS}


def command(portraits: Mapping[str, Path], tmp_path: Path) -> tuple[str, ...]:
    """Return the program that loads everything and makes a template with each runtime."""
    return (sys.executable, "-c", PROGRAM, str(portraits["obama2.jpg"]), str(tmp_path / "cache"))


def test_python_code_opens_no_socket_and_starts_no_program(portraits: Mapping[str, Path], tmp_path: Path) -> None:
    ended = subprocess.run(
        command(portraits, tmp_path), capture_output=True, text=True, timeout=240, check=True, env=ENVIRONMENT
    )

    assert ended.stdout.splitlines() == ["(1, 128)", "(1, 128)", "[]"]


def test_the_audit_hook_would_see_a_connection() -> None:
    watching = PROGRAM.partition("from pathlib")[0]
    program = (
        watching
        + "import socket\ntry:\n    socket.socket().connect(('127.0.0.1', 9))\nexcept OSError: pass\nprint(opened)"
    )

    ended = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, timeout=60, check=True)

    assert "socket.connect" in ended.stdout


def in_empty_network(*arguments: str) -> str:
    """Run COUNTED in a network namespace of its own and return the last line that it printed."""
    unshare = shutil.which("unshare")
    assert unshare, "util-linux is needed"
    program = (unshare, "--map-root-user", "--net", sys.executable, "-c", COUNTED, *arguments)
    ended = subprocess.run(program, capture_output=True, text=True, timeout=240, check=True, env=ENVIRONMENT)
    return ended.stdout.splitlines()[-1]


def test_native_code_opens_no_socket_either(portraits: Mapping[str, Path], tmp_path: Path) -> None:
    assert in_empty_network(*command(portraits, tmp_path)) == "quiet"


def test_the_counters_would_see_a_packet() -> None:
    assert in_empty_network() == "not quiet"
