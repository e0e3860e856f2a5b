"""A typed client of the REST API: answers as frozen values, problems as the errors of `core.errors`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar, cast
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from countenance.client.destruction import Certificate, ErasureExtent, RetentionPlan, RetentionRun, Target
from countenance.client.model import (
    EnrolmentReport,
    GallerySnapshot,
    Source,
    Subject,
    SubjectPage,
    SubjectWithFaces,
)
from countenance.client.search import Probe, SearchAnswer
from countenance.core.errors import (
    ConflictError,
    CountenanceError,
    IntegrityError,
    InvalidInputError,
    NotFoundError,
    NotPermittedError,
    UnavailableError,
)

KINDS: Mapping[str, type[CountenanceError]] = {
    "urn:countenance:problem:invalid-input": InvalidInputError,
    "urn:countenance:problem:not-permitted": NotPermittedError,
    "urn:countenance:problem:not-found": NotFoundError,
    "urn:countenance:problem:conflict": ConflictError,
    "urn:countenance:problem:unavailable": UnavailableError,
    "urn:countenance:problem:integrity": IntegrityError,
    "urn:countenance:problem:internal": CountenanceError,
}
"""A problem's `type` to the error that it is raised as."""

DEFAULT_TIMEOUT = 60.0
"""Seconds for one step of a request: connecting, sending, waiting for the answer."""

Answer = TypeVar("Answer")


class Client:
    """Talks to one server; a context manager, and safe to share between threads.

    Every method raises the errors of `countenance.core.errors` with the server's code and hint; UnavailableError with
    code `server-unreachable` when the server can't be reached, `server-not-understood` when what answers is not
    Countenance.

    Example:
        >>> with Client("http://127.0.0.1:8000", token) as client:
        ...     answer = client.search(Path("probe.jpg").read_bytes(), case="2026-114", purpose="missing-person")
    """

    def __init__(self, base_url: str, token: str, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Prepare; nothing is sent yet.

        Args:
            base_url: E.g. `http://127.0.0.1:8000`.
            token: An API key that `countenance api-key make` made.
            timeout: Seconds for one step of a request.
        """
        self._http = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout,
            # Proxy settings of the surroundings must not carry photographs away.
            trust_env=False,
        )

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def health(self) -> bool:
        """Return whether the server can search."""
        response = self._send("GET", "/v1/health", accept=(200, 503))
        return response.status_code == httpx.codes.OK

    def version(self) -> str:
        """Return the server's version."""
        return str(_read(dict[str, str], self._send("GET", "/v1/version"))["version"])

    def gallery(self) -> GallerySnapshot:
        """Return the gallery's revision and counts."""
        return _read(GallerySnapshot, self._send("GET", "/v1/gallery"))

    def sources(self) -> tuple[Source, ...]:
        """Return all sources, by name."""
        return _read(dict[str, tuple[Source, ...]], self._send("GET", "/v1/sources"))["sources"]

    def source(self, name: str) -> Source:
        """Return one source.

        Raises:
            NotFoundError: code `source-unknown`.
        """
        return _read(Source, self._send("GET", f"/v1/sources/{_part(name)}"))

    def register_source(self, *, name: str, owner: str, legal_basis: str, document: bytes) -> Source:
        """Register a source.

        Args:
            name: Unique.
            owner: Who gave it.
            legal_basis: `consent`, `contract`, `statute`, `court-order`, `licence` or `public-record`.
            document: The file that the legal basis rests on; the server keeps it.

        Raises:
            ConflictError: code `source-exists`; nothing was written.
        """
        fields = {"name": name, "owner": owner, "legal_basis": legal_basis}
        files = {"document": ("document", document)}
        return _read(Source, self._send("POST", "/v1/sources", data=fields, files=files))

    def enrol(self, source: str, photograph: bytes, *, filename: str, subject: str | None = None) -> EnrolmentReport:
        """Enrol one photograph and return the server's report on it.

        Args:
            source: The source's name.
            photograph: The file's bytes.
            filename: What it is called in records and reports.
            subject: Whose photograph it is; None makes every face an unnamed subject.

        Raises:
            NotFoundError: code `source-unknown`; nothing was written.
            InvalidInputError: the picture can't be read; nothing was written.
        """
        fields = {} if subject is None else {"subject": subject}
        files = {"photograph": (filename, photograph)}
        response = self._send("POST", f"/v1/sources/{_part(source)}/photographs", data=fields, files=files)
        return _read(EnrolmentReport, response)

    def faces(self, photograph: bytes, *, filename: str = "photograph", thorough: bool = False) -> Probe:
        """Find the faces of a photograph; it is not kept.

        Args:
            photograph: The file's bytes.
            filename: Its name, checked against its content.
            thorough: Look for small faces too.

        Raises:
            InvalidInputError: the picture can't be read.
        """
        fields = {"thorough": str(thorough).lower()}
        files = {"photograph": (filename, photograph)}
        return _read(Probe, self._send("POST", "/v1/faces", data=fields, files=files))

    def search(
        self,
        photograph: bytes,
        *,
        case: str,
        purpose: str,
        offence: str = "",
        kind: str = "photograph",
        emergency: bool = False,
        filename: str = "photograph",
        face: int | None = None,
        further: Sequence[bytes] = (),
        limit: int = 20,
        threshold: float | None = None,
        fpir: float | None = None,
        thorough: bool = False,
    ) -> SearchAnswer:
        """Search the gallery for who may be in a photograph; it is not kept.

        Args:
            photograph: The file's bytes.
            case: The reference of an open case of your organisation.
            purpose: What for, a code of the server's list of purposes.
            offence: The offence that is investigated, a code of its list of offences, where the purpose needs one.
            kind: What the photograph is: `photograph`, `video-frame`, `sketch`, `altered`.
            emergency: Search now, and have a supervisor approve it within 48 hours.
            filename: The photograph's name, checked against its content.
            face: Which face, from 1; None when there is one only.
            further: Further photographs of the same person, one face each: all are searched with at once.
            limit: Longest candidate list, 1 to 1000.
            threshold: Least score, -1 to 1; None means the model pack's own.
            fpir: Instead of a threshold: the share of searches that may return a stranger, e.g. 0.01.
            thorough: Look for small faces too.

        Raises:
            InvalidInputError: the picture can't be read, or an argument is out of range; nothing was searched.
            NotPermittedError: code `not-permitted`, with every reason; nothing was searched.
        """
        fields = {"case": case, "purpose": purpose, "offence": offence, "kind": kind}
        fields |= {"emergency": str(emergency).lower()}
        fields |= {"limit": str(limit), "thorough": str(thorough).lower()}
        if face is not None:
            fields["face"] = str(face)
        if threshold is not None:
            fields["threshold"] = repr(float(threshold))
        if fpir is not None:
            fields["fpir"] = repr(float(fpir))
        files = [("photograph", (filename, photograph)), *(("further", ("photograph", more)) for more in further)]
        return _read(SearchAnswer, self._send("POST", "/v1/searches", data=fields, files=files))

    def kept_search(self, search_id: str) -> SearchAnswer:
        """Return the answer of an earlier search.

        Raises:
            NotFoundError: code `search-unknown`.
        """
        return _read(SearchAnswer, self._send("GET", f"/v1/searches/{_part(search_id)}"))

    def subjects(self, *, source: str | None = None, limit: int = 100, offset: int = 0) -> SubjectPage:
        """Return one page of subjects: by source, then label, unnamed ones last.

        Args:
            source: Only those of this source.
            limit: Most subjects on the page, 1 to 1000.
            offset: How many to pass over.
        """
        query = {"limit": str(limit), "offset": str(offset)} | ({} if source is None else {"source": source})
        return _read(SubjectPage, self._send("GET", "/v1/subjects", params=query))

    def all_subjects(self, *, source: str | None = None) -> Iterator[Subject]:
        """Yield all subjects, page by page."""
        offset: int | None = 0
        while offset is not None:
            page = self.subjects(source=source, limit=1000, offset=offset)
            yield from page.subjects
            offset = page.next_offset

    def subject(self, subject_id: str) -> SubjectWithFaces:
        """Return one subject with their faces.

        Raises:
            NotFoundError: code `subject-unknown`.
        """
        return _read(SubjectWithFaces, self._send("GET", f"/v1/subjects/{_part(subject_id)}"))

    def crop(self, face_id: str) -> bytes:
        """Return an enrolled face's crop, a JPEG.

        Raises:
            NotFoundError: code `face-unknown`.
        """
        return self._send("GET", f"/v1/faces/{_part(face_id)}/crop").content

    def photograph(self, image_id: str) -> tuple[str, bytes]:
        """Return an enrolled photograph: its media type, and its bytes as they came.

        Raises:
            NotFoundError: code `image-unknown`.
        """
        response = self._send("GET", f"/v1/images/{_part(image_id)}/content")
        return response.headers.get("content-type", ""), response.content

    def would_erase(self, kind: Target, target: str) -> ErasureExtent:
        """Return what erasing a subject, a photograph or a face would take; nothing is changed.

        Raises:
            NotFoundError: codes `subject-unknown`, `image-unknown`, `face-unknown`.
        """
        return _read(ErasureExtent, self._send("GET", f"/v1/{kind}s/{_part(target)}/erasure"))

    def erase(self, kind: Target, target: str, *, reason: str) -> Certificate:
        """Erase a subject, a photograph or a face for good; the same call again goes on, or returns the certificate.

        Raises:
            NotFoundError: as `would_erase`.
            InvalidInputError: code `reason-invalid`; nothing was done.
        """
        files = {"reason": (None, reason)}
        return _read(Certificate, self._send("POST", f"/v1/{kind}s/{_part(target)}/erasure", files=files))

    def retention_plan(self, *, on: date | None = None) -> RetentionPlan:
        """Return what is due on a day, today if it is left out; nothing is changed."""
        query = {} if on is None else {"on": on.isoformat()}
        return _read(RetentionPlan, self._send("GET", "/v1/retention", params=query))

    def run_retention(self) -> RetentionRun:
        """Destroy what is due; the same call again goes on where it was cut short."""
        return _read(RetentionRun, self._send("POST", "/v1/retention/run"))

    def _send(self, method: str, path: str, *, accept: tuple[int, ...] = (), **request: Any) -> httpx.Response:
        """Send one request and return its response if that is a success or one of `accept`."""
        try:
            response = self._http.request(method, path, **request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnavailableError(
                f"the server can't be reached: {type(error).__name__}",
                code="server-unreachable",
                hint="Check the address, and that `countenance serve` is running.",
            ) from error
        if response.is_success or response.status_code in accept:
            return response
        raise _error(response)


def _part(name: str) -> str:
    """Quote one part of a path."""
    return quote(name, safe="")


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    """Return what checks and makes answers of one shape."""
    return TypeAdapter(shape)


def _read(shape: type[Answer], response: httpx.Response) -> Answer:
    """Make the answer's value.

    Raises:
        UnavailableError: code `server-not-understood`.
    """
    try:
        answer: Answer = _adapter(cast("Any", shape)).validate_json(response.content)
    except ValidationError as error:
        raise _not_understood(response) from error
    return answer


def _error(response: httpx.Response) -> CountenanceError:
    """Make the error that the server's problem tells of."""
    try:
        problem = _adapter(dict[str, Any]).validate_json(response.content)
        kind = KINDS[problem["type"]]
        error = kind(str(problem["detail"]), code=str(problem["code"]), hint=str(problem["hint"]))
    except (ValidationError, KeyError):
        return _not_understood(response)
    if isinstance(error, NotPermittedError):
        error.reasons = tuple(problem.get("reasons", ()))
    return error


def _not_understood(response: httpx.Response) -> UnavailableError:
    return UnavailableError(
        f"what answers there is not understood (HTTP {response.status_code})",
        code="server-not-understood",
        hint="Check that the address is Countenance's, and that client and server are of the same version.",
    )
