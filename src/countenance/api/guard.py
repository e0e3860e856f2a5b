"""What every request passes before a route sees it, and what every response carries."""

import logging
import time
import traceback
from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from countenance.access.sign_in import SignIn, Visitor, require_set_up
from countenance.api.patience import paced
from countenance.api.problems import framework_problem, internal_error, problem_response
from countenance.api.visitors import ACTOR, ORIGIN, SESSION_COOKIE, VISITOR
from countenance.core.errors import CountenanceError, InvalidInputError, NotPermittedError
from countenance.policy.model import Actor

logger = logging.getLogger(__name__)

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names that a browser may know this server by. Any other was pointed here by somebody else (DNS rebinding)."""

PUBLIC = frozenset(
    {
        "/",
        "/audit",
        "/organisations",
        "/own",
        "/retention",
        "/rights",
        "/session",
        "/session/invitation",
        "/session/passkey",
        "/session/passkey/options",
        "/session/provider",
        "/session/provider/callback",
        "/v1/health",
        "/v1/openapi.json",
    }
)
"""Paths that are answered to everybody; they show nothing that the gallery holds."""

SETTING_UP = frozenset(
    {
        ("GET", "/own/security"),
        ("PUT", "/own/password"),
        ("POST", "/own/authenticator"),
        ("PUT", "/own/authenticator"),
        ("POST", "/own/passkeys/options"),
        ("POST", "/own/passkeys"),
        ("POST", "/own/ready"),
    }
)
"""All else that is answered to whoever came with a one-time code: what the page needs to set what they sign in with."""

PUBLIC_FOLDER = "/static/"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SMALL_BODY = 4096
"""Bytes that a stranger's request may send."""

RECHECK_S = 1.0
"""A request that takes longer, to arrive or to be answered, is held against the records again each time it goes on."""

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
    """Decides whether a request may go on to its route, and says to the route who asks.

    Steps:
        1. The Host header names this machine, or the origin that was set.
        2. Whoever asks has an API key or a session, as of now; public paths need neither. Who came with a one-time
           code may only set what they sign in with.
        3. A request that changes something and came without a key was made by our own page.
        4. The policy permits it, as the table of routes says; searches are decided on further in.
        5. The body is no longer than allowed, said or streamed, and goes on arriving.
        6. Whoever is stopped while the body still arrives, or the answer still leaves, is stopped there.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        sign_in: SignIn,
        permit: Callable[[str, str, Actor | None], None],
        max_body_bytes: int,
        origin: str | None = None,
    ) -> None:
        """Keep what comes after and who may pass.

        Args:
            app: What comes after.
            sign_in: Knows whose key or session it is.
            permit: Asks the policy about a method on a path; raises where it is not permitted.
            max_body_bytes: Longest body of a request of somebody who is known.
            origin: How browsers reach this server through a proxy, e.g. `https://faces.example.org`.
        """
        self._app = app
        self._sign_in = sign_in
        self._permit = permit
        self._max_body_bytes = max_body_bytes
        self._origin = origin
        self._hosts = HOSTS | ({_host_name(origin.partition("://")[2])} if origin else set())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # None is offered.
            return
        connection, receive = HTTPConnection(scope), paced(receive)
        try:
            _check_host(connection.headers, self._hosts)  # 1
            visitor, actor = await run_in_threadpool(self._who, connection)  # 2
            _check_way_in(connection, actor)
            if (visitor is not None or actor is None) and scope["method"] not in SAFE_METHODS:
                _check_same_origin(connection.headers, self._origin)  # 3
            await run_in_threadpool(self._permit, scope["method"], scope["path"], actor)  # 4
            limit = SMALL_BODY if actor is None else self._max_body_bytes
            _check_length(connection.headers, limit)  # 5
        except HTTPException as error:
            await _drain(receive, connection.headers)
            await framework_problem(error)(scope, receive, send)
            return
        except CountenanceError as error:
            await _drain(receive, connection.headers)
            status = 413 if error.code == "request-too-large" else None
            await problem_response(error, status=status)(scope, receive, send)
            return
        state = {ACTOR: actor, VISITOR: visitor, ORIGIN: _origin(connection.headers, self._origin)}
        scope.setdefault("state", {}).update(state)
        arriving = _bounded(receive, connection.headers, limit)
        if actor is None:
            await self._app(scope, arriving, send)
            return
        watch = _Watch(lambda: self._who(connection)[1] is not None)
        await self._app(scope, watch.arriving(arriving), watch.leaving(send))  # 6

    def _who(self, connection: HTTPConnection) -> tuple[Visitor | None, Actor | None]:
        """Return who asks, as of now.

        Raises:
            NotPermittedError: code `token-wrong`, the request carries a key that is nobody's, or no more.
        """
        value = connection.headers.get("authorization")
        if value is None:
            cookie = connection.cookies.get(SESSION_COOKIE)
            visitor = None if cookie is None else self._sign_in.visitor(cookie)
            return visitor, None if visitor is None else visitor.actor()
        scheme, _, given = value.partition(" ")
        actor = self._sign_in.key_holder(given.strip()) if scheme.lower() == "bearer" else None
        if actor is None:
            raise NotPermittedError(
                "the API key is nobody's, or has ended",
                code="token-wrong",
                hint="Send `Authorization: Bearer KEY` with a key that `countenance api-key make` made.",
            )
        return None, actor


class _Watch:
    """Holds a long request against the records again, so that nobody goes on who was stopped meanwhile."""

    def __init__(self, still_there: Callable[[], bool]) -> None:
        """Begin: whoever asks was there a moment ago."""
        self._still_there = still_there
        self._checked = time.monotonic()
        self._refused = False

    async def _check(self) -> bool:
        """Return whether they are still there; at most one look a second."""
        if time.monotonic() - self._checked < RECHECK_S:
            return True
        try:
            there = await run_in_threadpool(self._still_there)
        except NotPermittedError:
            return False
        self._checked = time.monotonic()
        return there

    def arriving(self, receive: Receive) -> Receive:
        """Stop a body that is still arriving."""

        async def receive_watched() -> Message:
            """Pass one message on.

            Raises:
                HTTPException: 401, which the framework passes through to the handlers.
            """
            message = await receive()
            if message["type"] == "http.request" and not await self._check():
                self._refused = True
                raise HTTPException(401, "access ended")
            return message

        return receive_watched

    def leaving(self, send: Send) -> Send:
        """Stop an answer that is still leaving: the connection is cut, so that nobody takes it for whole."""

        async def send_watched(message: Message) -> None:
            """Pass one message on.

            Raises:
                ConnectionAbortedError: access has ended.
            """
            # The refusal of a body is told in full.
            if message["type"] == "http.response.body" and not self._refused and not await self._check():
                raise ConnectionAbortedError("access ended")
            await send(message)

        return send_watched


def _is_public(path: str) -> bool:
    return path in PUBLIC or path.startswith(PUBLIC_FOLDER)


def _host_name(host: str) -> str:
    """Return a host without its port."""
    lower = host.lower()
    return lower if lower.endswith("]") else lower.rpartition(":")[0] or lower


def _check_host(headers: Headers, known: frozenset[str]) -> None:
    """Refuse a Host header that is missing, doubled, or not this machine's."""
    names = [_host_name(host) for host in headers.getlist("host")]
    if len(names) != 1 or names[0] not in known:
        raise NotPermittedError(
            "the Host header does not name this machine",
            code="host-refused",
            hint="Use http://127.0.0.1, http://localhost or http://[::1] with the server's port.",
        )


def _origin(headers: Headers, through: str | None) -> str:
    """Return the origin that the browser sees."""
    by_proxy = through is not None and headers["host"].lower() == through.partition("://")[2]
    return through if through is not None and by_proxy else f"http://{headers['host'].lower()}"


def _check_way_in(connection: HTTPConnection, actor: Actor | None) -> None:
    """Refuse strangers, but on public paths, and those with a one-time code anything but setting up.

    Raises:
        NotPermittedError: codes `session-ended`, `token-missing`, `setting-up`.
    """
    path = connection.scope["path"]
    if _is_public(path):
        return
    if actor is None and SESSION_COOKIE in connection.cookies:
        raise NotPermittedError("the session has ended", code="session-ended", hint="Sign in again.")
    if actor is None:
        raise NotPermittedError(
            "an API key is needed",
            code="token-missing",
            hint="Send `Authorization: Bearer KEY` with a key that `countenance api-key make` made.",
        )
    if (connection.scope["method"], path) not in SETTING_UP:
        require_set_up(actor)


def _check_same_origin(headers: Headers, through: str | None) -> None:
    """Refuse a change that a browser sends for a page that is not ours.

    Source:
        Fetch Metadata (W3C), `Sec-Fetch-Site`; browsers without it send `Origin` with every POST.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    same = site == "same-origin" if site is not None else origin in {f"http://{headers['host']}", through} - {None}
    if not same:
        raise NotPermittedError(
            "a change has to come from this server's own page, or with an API key",
            code="cross-origin",
            hint="Send `Authorization: Bearer KEY`.",
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
    """Read a refused body and throw it away, within DRAIN_BYTES and while it goes on.

    A sender who asked first is not made to send.
    """
    if "expect" in headers or ("content-length" not in headers and "transfer-encoding" not in headers):
        return
    read = 0
    while read < DRAIN_BYTES:
        try:
            message = await receive()
        except HTTPException:
            return
        read += len(message.get("body", b""))
        if not message.get("more_body", False):
            return
