"""How long the server waits: for a request's head, for its body to go on, for an answer to be taken.

Nobody holds a connection, or what was read from it, by being slow. Whoever goes on at LEAST_BYTES_S is never cut off.
"""

import asyncio
import time

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 10.0
"""Seconds in which a request's head has to be there, from the connection or the head's first byte on."""

GRACE_S = 30.0
"""Seconds that a body may take whatever its length, and that an answer may wait for somebody to take it."""

LEAST_BYTES_S = 4096
"""Bytes of a body that have to arrive each second beyond that."""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 with an end to waiting for heads and for readers; the framework waits for both without end."""

    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin: a head is due."""
        super().connection_made(transport)
        self._head = self.loop.call_later(HEAD_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take bytes; where they make no request yet, its head is due."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._head_came()
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_S, self.transport.abort)

    def pause_writing(self) -> None:
        """Wait for somebody who does not read, for a while."""
        super().pause_writing()
        self._reader = self.loop.call_later(GRACE_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: they read again."""
        super().resume_writing()
        self._reader_went_on()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, whether or not its last answer was taken."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(GRACE_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """End: nothing is due any more."""
        self._head_came()
        self._reader_went_on()
        super().connection_lost(exc)

    def _head_came(self) -> None:
        """Wait for no head any more."""
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _reader_went_on(self) -> None:
        """Wait for no reader any more."""
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None


def paced(receive: Receive) -> Receive:
    """Wait for a body for as long as it goes on."""
    began, received, whole = time.monotonic(), 0, False

    async def receive_paced() -> Message:
        """Pass one message on.

        Raises:
            HTTPException: 408, which the framework passes through to the handlers.
        """
        nonlocal received, whole
        if whole:
            return await receive()
        left = began + GRACE_S + received / LEAST_BYTES_S - time.monotonic()
        try:
            async with asyncio.timeout(max(left, 0.0)):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "the request did not arrive in time") from None
        received += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        return message

    return receive_paced
