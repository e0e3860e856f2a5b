"""Routes of erasure and of retention."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Form, Path, Query

from countenance.api import destruction_models as models
from countenance.api.models import Day
from countenance.api.problems import INDEX_NOT_NOW, problems
from countenance.api.uploads import InMemoryRoute
from countenance.api.visitors import CurrentActor
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased
from countenance.gallery.rendering import extent_json

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

Target = Annotated[str, Path(description="The id of what is erased.")]

KINDS: Mapping[str, tuple[DestructionKind, str]] = {
    "subjects": (DestructionKind.SUBJECT_ERASED, "subject-unknown"),
    "images": (DestructionKind.IMAGE_ERASED, "image-unknown"),
    "faces": (DestructionKind.FACE_ERASED, "face-unknown"),
}
"""Where each kind of target stands, and the code where there is none."""

NOT_NOW = ["objects-unavailable", "records-unavailable", "records-being-read", *INDEX_NOT_NOW]


def destruction_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(route_class=InMemoryRoute, tags=["destruction"])
    for place, (kind, unknown) in KINDS.items():
        _add_erasure(router, gallery, place, kind, unknown)
    _add_retention(router, gallery)
    return router


def _add_erasure(router: APIRouter, gallery: "OpenGallery", place: str, kind: DestructionKind, unknown: str) -> None:
    """Add the routes of erasing one kind of target."""
    what = kind.value.removesuffix("-erased")

    @router.get(
        f"/{place}/{{target}}/erasure",
        name=f"show {what} erasure",
        response_model=models.ErasureExtent,
        responses=problems({404: [unknown]}),
    )
    def show_extent(target: Target) -> Any:
        """Say what erasing it would take. Nothing is changed."""
        return extent_json(gallery.sources.extent(Erased(kind, target)))

    @router.post(
        f"/{place}/{{target}}/erasure",
        name=f"erase {what}",
        response_model=models.CertificateReply,
        responses=problems(
            {
                400: ["body-unreadable"],
                404: [unknown],
                422: ["reason-invalid", "request-invalid"],
                503: [*NOT_NOW, "erasure-list-unwritable"],
            }
        ),
    )
    def erase(
        target: Target,
        actor: CurrentActor,
        reason: Annotated[str, Form(description="Why, in a sentence; it is kept.")],
    ) -> Any:
        """Erase it for good: gone for the very next search. The same again goes on, or shows the certificate."""
        erased = gallery.sources.erase(Erased(kind, target), by=actor.user_id, reason=reason, actor=actor)
        return json.loads(erased.certificate or b"{}")


def _add_retention(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes of clocks."""

    @router.get("/retention", response_model=models.RetentionPlan, responses=problems({422: ["request-invalid"]}))
    def show_plan(on: Annotated[Day | None, Query(description="As of this day; left out, today.")] = None) -> Any:
        """Say what is due, and when each source's clock ends. Nothing is changed."""
        return gallery.retention.plan(today=on).as_json()

    @router.post(
        "/retention/run",
        response_model=models.RetentionRun,
        responses=problems({503: [*NOT_NOW, "keyring-unwritable", "erasure-list-unwritable"]}),
    )
    def run_retention(actor: CurrentActor) -> Any:
        """Destroy what is due, with signed certificates. The same again goes on where it was cut short."""
        return gallery.retention.run(actor=actor).as_json()
