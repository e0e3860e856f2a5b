"""`countenance serve`: the REST API and the search page, on this machine only."""

import errno
import signal
import socket
from types import FrameType
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from countenance.api.app import create_app
from countenance.api.patience import PatientProtocol
from countenance.bootstrap.clocks import clocks_running
from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.cli import output
from countenance.cli.options import Home, Json
from countenance.core.errors import UnavailableError
from countenance.web.page import page_router

HOST = "127.0.0.1"
"""Nothing beyond this machine is served; a reverse proxy with TLS may stand before it (COUNTENANCE_ORIGIN)."""

BACKLOG = 128
"""Connections that may wait to be accepted."""

PATIENCE = 5
"""Seconds that requests under way get to end in when the server is stopped."""


def serve(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port of 127.0.0.1; 0 takes a free one. Wins over COUNTENANCE_PORT."),
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Serve the search page and the REST API on 127.0.0.1, until Ctrl-C.

    Example: `countenance serve --port 8080`
    """
    settings = load_settings(home)
    with open_gallery(settings) as gallery, _listen(settings.port if port is None else port) as listener:
        pages = page_router(
            max_image_bytes=settings.max_image_bytes,
            keep_answers_days=settings.keep_answers_days,
            keep_requests_days=settings.keep_requests_days,
            keep_cases_days=settings.keep_cases_days,
            rights_contact=settings.rights_contact,
        )
        app = create_app(gallery, pages=[pages])
        snapshot = gallery.warm()
        port = listener.getsockname()[1]
        address = f"http://{HOST}:{port}"
        # Passkeys belong to a name, never to a number.
        page = settings.origin or f"http://localhost:{port}"

        def render(console: Console) -> None:
            """Say where the page is."""
            console.print(f"Serving {snapshot.subjects:,} subjects. Ctrl-C stops it.")
            console.print(page, soft_wrap=True)

        server = uvicorn.Server(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                log_config=None,
                access_log=False,
                ws="none",
                timeout_graceful_shutdown=PATIENCE,
            )
        )

        def stop(_signal: int, _frame: FrameType | None) -> None:
            """End, at once or as soon as it has begun: both signals are how a server is meant to end."""
            server.should_exit = True

        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, stop)
        output.emit({"address": address, "page": page, "subjects": snapshot.subjects}, as_json=json, render=render)
        with clocks_running(gallery):
            server.run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    """Listen on a port of this machine.

    Raises:
        UnavailableError: codes `port-in-use`, `port-refused`.
    """
    # asyncio sends small packets at once only where the protocol is named: else each answer waits 40 ms for the client.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UnavailableError(
                f"something else listens on port {port} of {HOST}",
                code="port-in-use",
                hint="stop it, or take another with --port",
            ) from None
        raise UnavailableError(
            f"port {port} of {HOST} can't be used: {error.strerror}",
            code="port-refused",
            hint="take another with --port",
        ) from None
    return listener
