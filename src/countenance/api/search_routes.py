"""Routes of a probe: its faces, a search, a search that was made before."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, File, Form, Path, Response, UploadFile

from countenance.api.pictures import REFUSED_PICTURE, picture_answer
from countenance.api.problems import INDEX_NOT_NOW, problems
from countenance.api.search_models import FoundFaces, SearchReply
from countenance.api.uploads import InMemoryRoute, SeveralFilesRoute, upload_name
from countenance.api.visitors import CurrentActor
from countenance.core.errors import InvalidInputError
from countenance.policy.request import ProbeKind
from countenance.search.model import HIGHEST_FPIR, MAX_LIMIT, ProbePhotograph, SearchRequest
from countenance.search.rendering import answer_json, probe_json
from countenance.vision.decode import decode_image
from countenance.vision.encode import encode_jpeg

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

Photograph = Annotated[UploadFile, File(description="JPEG, PNG, WebP, HEIC, AVIF, TIFF or BMP. It is not kept.")]
Thorough = Annotated[bool, Form(description="Look for small faces too.")]
Case = Annotated[str, Form(description="Reference of an open case of your organisation.", examples=["2026-114"])]
Purpose = Annotated[str, Form(description="A code of `GET /v1/policy`.", examples=["missing-person"])]
Offence = Annotated[str, Form(description="The offence that is investigated, a code too, where the purpose needs one.")]
Kind = Annotated[ProbeKind, Form(description="What the photograph is.")]
Emergency = Annotated[bool, Form(description="Search now; a supervisor has to approve it in 48 hours.")]
Face1 = Annotated[int | None, Form(description="Which face, from 1; left out when there is one only.", examples=[1])]
Further = Annotated[
    Sequence[UploadFile],
    File(description="Further photographs of the same person: all are searched with at once. Not kept."),
]
FurtherFaces = Annotated[
    Sequence[int], Form(description="Which face of each further photograph, in their order; left out, each has one.")
]
Limit = Annotated[
    int, Form(description="Longest candidate list.", json_schema_extra={"minimum": 1, "maximum": MAX_LIMIT})
]
Threshold = Annotated[
    float | None,
    Form(description="Least score; left out, the model pack's own.", json_schema_extra={"minimum": -1, "maximum": 1}),
]
Fpir = Annotated[
    float | None,
    Form(
        description="Instead of a threshold: the share of searches that may return a stranger.",
        examples=[0.01],
        json_schema_extra={"exclusiveMinimum": 0, "maximum": HIGHEST_FPIR},
    ),
]

REFUSED_SEARCH = [
    "case-invalid",
    "purpose-invalid",
    "limit-invalid",
    "threshold-invalid",
    "face-number-invalid",
    "too-many-photographs",
    "fpir-invalid",
    "fpir-not-known",
    "fpir-out-of-reach",
    *REFUSED_PICTURE,
]
"""Codes of a search that can't be made as it was asked for."""

NO_SEARCH = {
    400: ["body-unreadable"],
    409: ["pack-mismatch"],
    413: ["request-too-large"],
    422: REFUSED_SEARCH,
    503: ["records-unavailable", *INDEX_NOT_NOW],
}
"""By status, the codes of a search that was not made."""


def _further(uploads: Sequence[UploadFile], faces: Sequence[int]) -> tuple[ProbePhotograph, ...]:
    """Match further photographs with the faces that were named."""
    if faces and len(faces) != len(uploads):
        raise InvalidInputError(
            f"{len(uploads)} further photographs, but {len(faces)} faces of them are named",
            code="face-number-invalid",
            hint="give further_face once for each, in their order",
        )
    named: Sequence[int | None] = faces or [None] * len(uploads)
    return tuple(
        ProbePhotograph(image=upload.file.read(), filename=upload_name(upload) or None, face=face)
        for upload, face in zip(uploads, named, strict=True)
    )


def search_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(route_class=InMemoryRoute)
    _add_faces(router, gallery)
    searches = APIRouter(route_class=SeveralFilesRoute)
    _add_search(searches, gallery)
    _add_kept_search(searches, gallery)
    router.include_router(searches)
    return router


def _add_faces(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes that look at a photograph without searching."""

    @router.post(
        "/faces",
        tags=["search"],
        response_model=FoundFaces,
        responses=problems({400: ["body-unreadable"], 413: ["request-too-large"], 422: REFUSED_PICTURE}),
    )
    def find_faces(photograph: Photograph, thorough: Thorough = False) -> Any:
        """Find the faces of a photograph, largest first, and grade them for searching."""
        return probe_json(
            gallery.faces(photograph.file.read(), filename=upload_name(photograph) or None, thorough=thorough)
        )

    @router.post(
        "/previews",
        tags=["search"],
        response_class=Response,
        responses=picture_answer("image/jpeg")
        | problems({400: ["body-unreadable"], 413: ["request-too-large"], 422: REFUSED_PICTURE}),
    )
    def preview(photograph: Photograph) -> Response:
        """Return a photograph as an upright JPEG, for browsers that can't show its format."""
        image = decode_image(photograph.file.read(), limits=gallery.limits, filename=upload_name(photograph) or None)
        return Response(encode_jpeg(image.pixels), media_type="image/jpeg")


def _add_search(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the route that searches."""

    @router.post(
        "/searches",
        tags=["search"],
        status_code=201,
        response_model=SearchReply,
        responses=problems(NO_SEARCH),
    )
    def search(
        response: Response,
        actor: CurrentActor,
        photograph: Photograph,
        case: Case,
        purpose: Purpose,
        offence: Offence = "",
        kind: Kind = ProbeKind.PHOTOGRAPH,
        emergency: Emergency = False,
        face: Face1 = None,
        further: Further = (),
        further_face: FurtherFaces = (),
        limit: Limit = 20,
        threshold: Threshold = None,
        fpir: Fpir = None,
        thorough: Thorough = False,
    ) -> Any:
        """Search the gallery for who may be in a photograph.

        No face, several faces to choose from and a face that is too poor are answers too: see `outcome`.
        """
        answer = gallery.search(
            SearchRequest(
                actor=actor,
                image=photograph.file.read(),
                filename=upload_name(photograph) or None,
                case=case,
                purpose=purpose,
                offence=offence.strip(),
                kind=kind,
                emergency=emergency,
                face=face,
                further=_further(further, further_face),
                limit=limit,
                threshold=threshold,
                fpir=fpir,
                thorough=thorough,
            )
        )
        response.headers["Location"] = f"/v1/searches/{answer.search_id}"
        return answer_json(answer)


def _add_kept_search(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the route of searches that were made before."""

    @router.get(
        "/searches/{search_id}",
        tags=["search"],
        response_model=SearchReply,
        responses=problems({404: ["search-unknown"]}),
    )
    def show_search(search_id: Annotated[str, Path(description="Its id.")], actor: CurrentActor) -> Any:
        """Return the answer of a search of your organisation as it was given."""
        return gallery.kept_search(search_id, actor=actor)
