"""Multipart bodies, kept in memory: what somebody uploads is never written to a temporary file."""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from fastapi import Request, Response, UploadFile
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

MAX_FIELDS = 16
MAX_FIELD_BYTES = 4096
BODY_OVERHEAD = 64 * 1024
"""Bytes that a multipart body may have besides its file: boundaries, headers, text fields."""

LONGEST_NAME = 255


class _InMemoryParser(MultiPartParser):
    """The framework's parser without its temporary files; the guard has bounded the body already."""

    spool_max_size = 0
    """0 means "never roll over to disk" to `tempfile.SpooledTemporaryFile`."""

    ended = False
    """Whether the closing boundary came."""

    def on_end(self) -> None:
        """Note the closing boundary: the framework takes a body that is cut off for one with fewer parts."""
        self.ended = True

    async def parse(self) -> FormData:
        """Parse the body.

        Raises:
            MultiPartException: it is malformed or cut off; nothing was kept.
        """
        form = await super().parse()
        if not self.ended:
            for file in self._files_to_close_on_error:
                file.close()
            raise MultiPartException("The body ends before its closing boundary.")
        return form


class _InMemoryRequest(Request):
    """A request whose form is parsed in memory, within our limits."""

    def __init__(self, request: Request, *, most_files: int) -> None:
        """Take the request over."""
        super().__init__(request.scope, request.receive)
        self._most_files = most_files

    async def form(  # type: ignore[override]  # The framework awaits it and no more.
        self, *, max_fields: float = MAX_FIELDS, max_part_size: int = MAX_FIELD_BYTES
    ) -> FormData:
        """Parse the body once.

        Raises:
            HTTPException: 400, it is not multipart, is cut off or has too many parts; nothing was kept.
        """
        if not self.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            raise HTTPException(400, "the body is not multipart/form-data")
        parser = _InMemoryParser(
            self.headers, self.stream(), max_files=self._most_files, max_fields=max_fields, max_part_size=max_part_size
        )
        try:
            return await parser.parse()
        except MultiPartException as error:
            raise HTTPException(400, error.message.removesuffix(".")) from error


class InMemoryRoute(APIRoute):
    """A route whose upload, one file, stays in memory."""

    most_files: ClassVar[int] = 1

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the framework's handler."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            """Hand the same request on, with our form parser."""
            return await handler(_InMemoryRequest(request, most_files=self.most_files))

        return handle


class SeveralFilesRoute(InMemoryRoute):
    """A route that takes several files, in memory too."""

    most_files = 8


def upload_name(upload: UploadFile) -> str:
    """Return the name that a file was uploaded under: its last part only, printable, of ordinary length."""
    last = (upload.filename or "").replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[-LONGEST_NAME:]
