"""Routes of what the gallery holds: enrolment, subjects, pictures."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, File, Form, Path, Query, Response, UploadFile

from countenance.api import models
from countenance.api.pictures import REFUSED_PICTURE, SHOWN_AS_IS, picture_answer
from countenance.api.problems import problems
from countenance.api.source_routes import SourceName
from countenance.api.uploads import InMemoryRoute, upload_name
from countenance.api.visitors import CurrentActor
from countenance.gallery.rendering import enrolled_face_json, snapshot_json, subject_json

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

LARGEST_PAGE = 1000

ObjectId = Annotated[str, Path(description="Its id.", examples=["4b1c7a52-6d1e-4f0b-9c69-0a4f5c1b9f3e"])]


def collection_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(route_class=InMemoryRoute)
    _add_enrolment(router, gallery)
    _add_subjects(router, gallery)
    _add_pictures(router, gallery)
    return router


def _add_enrolment(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the route of enrolment."""

    @router.post(
        "/sources/{name}/photographs",
        tags=["enrolment"],
        response_model=models.EnrolmentReply,
        responses=problems(
            {
                400: ["body-unreadable"],
                404: ["source-unknown"],
                409: ["source-not-active", "pack-mismatch"],
                413: ["request-too-large"],
                422: ["label-invalid", "reference-invalid", *REFUSED_PICTURE],
                503: ["objects-unavailable", "records-unavailable"],
            }
        ),
    )
    def enrol_photograph(
        name: SourceName,
        actor: CurrentActor,
        photograph: Annotated[UploadFile, File(description="JPEG, PNG, WebP, HEIC, AVIF, TIFF or BMP.")],
        subject: Annotated[
            str | None, Form(description="Whose photograph it is. Left out, every face is an unnamed subject.")
        ] = None,
    ) -> Any:
        """Enrol one photograph. The same file twice is one image; the report says what became of it."""
        data, filename = photograph.file.read(), upload_name(photograph)
        return gallery.enrol_photograph(name, data, filename=filename, subject=subject, actor=actor).as_json()


def _add_subjects(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes of subjects and of the gallery's counts."""

    @router.get("/gallery", tags=["subjects"], response_model=models.GallerySnapshot)
    def show_gallery() -> Any:
        """Show the gallery's revision and counts."""
        return snapshot_json(gallery.records.snapshot())

    @router.get(
        "/subjects",
        tags=["subjects"],
        response_model=models.SubjectPage,
        responses=problems({404: ["source-unknown"], 422: ["request-invalid"]}),
    )
    def list_subjects(
        actor: CurrentActor,
        source: Annotated[str | None, Query(description="Only those of this source.")] = None,
        limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Most subjects on the page.")] = 100,
        offset: Annotated[int, Query(ge=0, le=2**53, description="How many to pass over.")] = 0,
    ) -> Any:
        """List subjects page by page, by source: of those sources whose people the policy shows to whoever asks."""
        found = gallery.viewing.subjects(actor=actor, source=source, limit=limit + 1, offset=offset)
        return {
            "subjects": [subject_json(subject) for subject in found[:limit]],
            "next_offset": offset + limit if len(found) > limit else None,
        }

    @router.get(
        "/subjects/{subject_id}",
        tags=["subjects"],
        response_model=models.SubjectWithFaces,
        responses=problems({404: ["subject-unknown"]}),
    )
    def show_subject(subject_id: ObjectId, actor: CurrentActor) -> Any:
        """Show one subject with their enrolled faces, oldest first."""
        subject, faces = gallery.viewing.subject(subject_id, actor=actor)
        return {"subject": subject_json(subject), "faces": [enrolled_face_json(face) for face in faces]}


def _add_pictures(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes of crops and originals."""

    @router.get(
        "/faces/{face_id}/crop",
        tags=["pictures"],
        response_class=Response,
        responses=picture_answer("image/jpeg") | problems({404: ["face-unknown"]}),
    )
    def show_crop(face_id: ObjectId, actor: CurrentActor) -> Response:
        """Return an enrolled face with some surroundings, longer side at most 320 pixels."""
        return Response(gallery.crops([face_id], actor=actor)[face_id], media_type="image/jpeg")

    @router.get(
        "/images/{image_id}/content",
        tags=["pictures"],
        response_class=Response,
        responses=picture_answer("image/*") | problems({404: ["image-unknown"]}),
    )
    def show_photograph(image_id: ObjectId, actor: CurrentActor) -> Response:
        """Return an enrolled photograph, byte for byte as it came."""
        media_type, data = gallery.photograph(image_id, actor=actor)
        ending = SHOWN_AS_IS.get(media_type)
        disposition = f'inline; filename="{image_id}.{ending}"' if ending else "attachment"
        shown_type = media_type if media_type.startswith("image/") else "application/octet-stream"
        return Response(data, media_type=shown_type, headers={"Content-Disposition": disposition})
