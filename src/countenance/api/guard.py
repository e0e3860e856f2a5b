"""What every request passes before a route sees it, and what every response carries."""

import logging
import secrets
import traceback
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from countenance.api.problems import internal_error, problem_response
from countenance.api.sessions import COOKIE, Sessions
from countenance.core.errors import CountenanceError, InvalidInputError, NotPermittedError

logger = logging.getLogger(__name__)

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names that a browser may know this server by. Any other was pointed here by somebody else (DNS rebinding)."""

PUBLIC = frozenset({"/", "/session", "/v1/health", "/v1/openapi.json"})
"""Paths that are answered without a token; they show nothing that the gallery holds."""

PUBLIC_FOLDER = "/static/"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SMALL_BODY = 4096
"""Bytes that a request without a token may send."""

DRAIN_BYTES = 1 << 28
"""Most bytes of a refused body that are read and thrown away, so that the sender gets to read the refusal."""

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
"""On every response, errors too."""


class SafeResponses:
    """Puts the security headers on every response, and answers what nobody foresaw. The outermost middleware."""

    def __init__(self, app: ASGIApp) -> None:
        """Keep what comes after."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            """Add the headers when the response starts."""
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:
            # Places only: the error's words may hold what somebody sent.
            frames = traceback.extract_tb(error.__traceback__)[-6:]
            places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))
            logger.error("internal-error: %s in %s", type(error).__name__, places)  # noqa: TRY400
            if started:
                raise
            await problem_response(internal_error())(scope, receive, send_with_headers)


class Guard:
    """Decides whether a request may go on to its route.

    Steps:
        1. The Host header names this machine.
        2. Whoever asks has the token, or a session that began with it; public paths need neither.
        3. A request that changes something and came without the token was made by our own page.
        4. The body is no longer than allowed, said or streamed.
    """

    def __init__(self, app: ASGIApp, *, token: str, sessions: Sessions, max_body_bytes: int) -> None:
        """Keep what comes after and what to compare with.

        Args:
            app: What comes after.
            token: The API token.
            sessions: Who is signed in on the web page.
            max_body_bytes: Longest body of a request that has the token or a session.
        """
        self._app = app
        self._token = token.encode()
        self._sessions = sessions
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # None is offered.
            return
        connection = HTTPConnection(scope)
        try:
            _check_host(connection.headers)  # 1
            by_token = self._has_token(connection.headers)  # 2
            allowed = by_token or self._has_session(connection)
            if not allowed and not _is_public(scope["path"]):
                raise _missing(connection)
            if not by_token and scope["method"] not in SAFE_METHODS:
                _check_same_origin(connection.headers)  # 3
            limit = self._max_body_bytes if allowed else SMALL_BODY
            _check_length(connection.headers, limit)  # 4
        except CountenanceError as error:
            await _drain(receive, connection.headers)
            status = 413 if error.code == "request-too-large" else None
            await problem_response(error, status=status)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, connection.headers, limit), send)

    def _has_token(self, headers: Headers) -> bool:
        """Return whether the request carries the token; False where it carries none.

        Raises:
            NotPermittedError: code `token-wrong`, it carries another.
        """
        value = headers.get("authorization")
        if value is None:
            return False
        scheme, _, given = value.partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(given.strip().encode(), self._token):
            raise NotPermittedError(
                "the token is not the one that this server was set up with",
                code="token-wrong",
                hint="Send `Authorization: Bearer TOKEN` with the token that `countenance init` made.",
            )
        return True

    def _has_session(self, connection: HTTPConnection) -> bool:
        """Return whether the request carries the cookie of a session that goes on."""
        name = connection.cookies.get(COOKIE)
        return name is not None and self._sessions.use(name)


def _is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(PUBLIC_FOLDER)


def _check_host(headers: Headers) -> None:
    """Refuse a Host header that is missing, doubled, or not this machine's."""
    hosts = [host.lower() for host in headers.getlist("host")]
    names = [host if host.endswith("]") else host.rpartition(":")[0] or host for host in hosts]
    if len(names) != 1 or names[0] not in HOSTS:
        raise NotPermittedError(
            "the Host header does not name this machine",
            code="host-refused",
            hint="Use http://127.0.0.1, http://localhost or http://[::1] with the server's port.",
        )


def _missing(connection: HTTPConnection) -> NotPermittedError:
    """Say what is missing: a session that ended, or a token that never came."""
    if COOKIE in connection.cookies:
        return NotPermittedError("the session has ended", code="session-ended", hint="Sign in again.")
    return NotPermittedError(
        "a token is needed",
        code="token-missing",
        hint="Send `Authorization: Bearer TOKEN` with the token that `countenance init` made.",
    )


def _check_same_origin(headers: Headers) -> None:
    """Refuse a change that a browser sends for a page that is not ours.

    Source:
        Fetch Metadata (W3C), `Sec-Fetch-Site`; browsers without it send `Origin` with every POST.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    same = site == "same-origin" if site is not None else origin == f"http://{headers['host']}"
    if not same:
        raise NotPermittedError(
            "a change has to come from this server's own page, or with the token",
            code="cross-origin",
            hint="Send `Authorization: Bearer TOKEN`.",
        )


def _check_length(headers: Headers, limit: int) -> None:
    """Refuse a body whose stated length is over the limit, before any of it is read."""
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or int(length) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> InvalidInputError:
    return InvalidInputError(
        f"the request is longer than the {limit} bytes allowed", code="request-too-large", hint="Send a smaller file."
    )


def _bounded(receive: Receive, headers: Headers, limit: int) -> Receive:
    """Count the body's bytes as they arrive and stop at the limit, whatever length was stated."""
    received = 0

    async def receive_bounded() -> Message:
        """Pass one message on.

        Raises:
            HTTPException: 413, which the framework passes through to the handlers.
        """
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            await _drain(receive, headers)
            raise HTTPException(413, str(_too_large(limit)))
        return message

    return receive_bounded


async def _drain(receive: Receive, headers: Headers) -> None:
    """Read a refused body and throw it away, within DRAIN_BYTES; a sender who asked first is not made to send."""
    if "expect" in headers or ("content-length" not in headers and "transfer-encoding" not in headers):
        return
    read = 0
    while read < DRAIN_BYTES:
        message = await receive()
        read += len(message.get("body", b""))
        if not message.get("more_body", False):
            return
