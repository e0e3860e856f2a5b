"""A real server on the loopback interface over a real gallery with real models."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from countenance.api.app import create_app
from countenance.api.patience import PatientProtocol
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.client.client import Client
from countenance.gallery.model import LegalBasis
from tests import signed_up

MAX_IMAGE_BYTES = 1_000_000
"""Larger than every portrait, small enough to send more of."""

SOURCE = "portraits"


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port of 127.0.0.1, in a thread, and give its address."""
    config = uvicorn.Config(
        app, http=PatientProtocol, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def response_on(raw: socket.socket) -> tuple[int, bytes]:
    """Read one response from a raw connection: its status and its body."""
    response = http.client.HTTPResponse(raw)
    response.begin()
    return response.status, response.read()


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory, portraits: Mapping[str, Path]) -> Iterator[OpenGallery]:
    """A gallery with three named subjects and one unnamed."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), max_image_bytes=MAX_IMAGE_BYTES)
    initialise(settings)
    with open_gallery(settings) as opened:
        opened.sources.register(name=SOURCE, owner="Test bench", legal_basis=LegalBasis.LICENCE, document=b"a licence")
        people = {"person_a_1.jpg": "A", "person_b_1.jpg": "B", "obama.jpg": "C", "obama2.jpg": "C", "biden.jpg": None}
        for name, subject in people.items():
            opened.enrol_photograph(SOURCE, portraits[name].read_bytes(), filename=name, subject=subject)
        signed_up.admitted(opened)
        yield opened


@pytest.fixture(scope="session")
def address(gallery: OpenGallery) -> Iterator[str]:
    """The address of a server over that gallery."""
    with served(create_app(gallery)) as url:
        yield url


@pytest.fixture(scope="session")
def api_key(gallery: OpenGallery) -> str:
    """An API key of somebody of the test bench."""
    return signed_up.api_key(gallery)


@pytest.fixture
def client(address: str, api_key: str) -> Iterator[Client]:
    """The typed client, with the right key."""
    with Client(address, api_key) as opened:
        yield opened


@pytest.fixture
def serve() -> Iterator[Callable[[FastAPI], str]]:
    """Serve more applications until the test ends."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))
