"""Routes of the rights desk."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, File, Form, Path, Query, Response, UploadFile

from countenance.api import rights_models as models
from countenance.api.models import Day
from countenance.api.problems import INDEX_NOT_NOW, problems
from countenance.api.uploads import InMemoryRoute, upload_name
from countenance.api.visitors import CurrentActor
from countenance.bootstrap.rights_desk import letter_of
from countenance.core.clock import utc_now
from countenance.rights.model import RequestKind, RequestState, RightsRequest
from countenance.rights.rendering import request_json, request_line
from countenance.search.model import ProbePhotograph

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

RequestId = Annotated[str, Path(description="The request's id.")]
Why = Annotated[str, Form(description="Why, in a sentence; it is kept, sealed.")]

STATE, WORDS = ["request-state-forbidden", "request-changed-meanwhile"], ["request-words-invalid", "request-invalid"]
LETTER: dict[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}, "description": "The letter."}}

CHANGING = problems({400: ["body-unreadable"], 404: ["request-unknown"], 409: STATE, 422: WORDS})


def rights_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(route_class=InMemoryRoute, tags=["rights"])
    _add_register(router, gallery)
    _add_steps(router, gallery)
    _add_look(router, gallery)
    _add_ending(router, gallery)
    return router


def _add_register(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes that list, show and receive requests."""

    @router.get("/requests", response_model=models.RequestList, responses=problems({422: ["request-invalid"]}))
    def list_requests(
        closed: Annotated[bool, Query(description="Closed ones, instead of those that are not.")] = False,
    ) -> Any:
        """List requests, the one that is due first before the others. Nobody is named."""
        found = [one for one in gallery.rights.register.requests() if (one.state is RequestState.CLOSED) == closed]
        return {"requests": [request_line(one, today=utc_now().date()) for one in found]}

    @router.post(
        "/requests",
        status_code=201,
        response_model=models.RequestEntry,
        responses=problems({400: ["body-unreadable"], 422: ["request-date-invalid", *WORDS]}),
    )
    def receive_request(
        response: Response,
        actor: CurrentActor,
        kind: Annotated[RequestKind, Form(description="What is asked for.")],
        name: Annotated[str, Form(description="The requester's name, as they gave it.")],
        contact: Annotated[str, Form(description="Where the letter goes.")],
        received: Annotated[Day | None, Form(description="When it came; left out, today.")] = None,
    ) -> Any:
        """Put a request on record. It is due a month after it was received."""
        request = gallery.rights.receive(kind, name=name, contact=contact, received_on=received, actor=actor)
        response.headers["Location"] = f"/v1/requests/{request.request_id}"
        return _entry(request)

    @router.get(
        "/requests/{request_id}", response_model=models.RequestEntry, responses=problems({404: ["request-unknown"]})
    )
    def show_request(request_id: RequestId) -> Any:
        """Show one request with every step."""
        return _entry(gallery.rights.register.request(request_id))


def _add_steps(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes of identity and decision."""

    @router.post("/requests/{request_id}/identity", response_model=models.RequestEntry, responses=CHANGING)
    def identify_requester(
        request_id: RequestId,
        actor: CurrentActor,
        how: Annotated[str, Form(description="How they showed who they are; keep no copy of it.")],
    ) -> Any:
        """Keep that the requester showed who they are."""
        return _entry(gallery.rights.identify(request_id, how=how, actor=actor))

    @router.post(
        "/requests/{request_id}/decision",
        response_model=models.RequestEntry,
        responses=problems(
            {400: ["body-unreadable"], 404: ["request-unknown", "subject-unknown"], 409: STATE, 422: WORDS}
        ),
    )
    def decide_request(
        request_id: RequestId,
        actor: CurrentActor,
        granted: Annotated[bool, Form(description="Whether they get what they asked for.")],
        reason: Why,
        subjects: Annotated[
            str, Form(description="Ids of the subjects who are the requester, with commas between them.")
        ] = "",
        tells_searches: Annotated[
            bool, Form(description="False where a law forbids to name searches in the letter.")
        ] = True,
    ) -> Any:
        """Decide. Nothing is done before another person releases it."""
        named = [word.strip() for word in subjects.split(",") if word.strip()]
        return _entry(
            gallery.rights.decide(
                request_id,
                granted=granted,
                reason=reason,
                subjects=named,
                tells_searches=tells_searches,
                actor=actor,
            )
        )

    @router.post("/requests/{request_id}/return", response_model=models.RequestEntry, responses=CHANGING)
    def return_request(request_id: RequestId, actor: CurrentActor, reason: Why) -> Any:
        """Send a decision back: it has to be taken again."""
        return _entry(gallery.rights.send_back(request_id, reason=reason, actor=actor))


def _add_look(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the route that looks for the requester."""

    @router.post(
        "/requests/{request_id}/look",
        response_model=models.RequestEntry,
        responses=problems(
            {
                400: ["body-unreadable"],
                404: ["request-unknown"],
                409: STATE,
                413: ["request-too-large"],
                422: ["request-photograph-unusable", "face-number-invalid", "request-invalid"],
                503: ["records-unavailable", *INDEX_NOT_NOW],
            }
        ),
    )
    def look_for_requester(
        request_id: RequestId,
        actor: CurrentActor,
        photograph: Annotated[UploadFile, File(description="The requester's photograph. Looked at once, not kept.")],
        face: Annotated[int | None, Form(ge=1, description="Which face, where there are several.")] = None,
    ) -> Any:
        """Look for the requester in everything that is held. Candidates: a person decides which of them they are."""
        probe = ProbePhotograph(image=photograph.file.read(), filename=upload_name(photograph) or None, face=face)
        return _entry(gallery.rights.find(request_id, probe, actor=actor))


def _add_ending(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes of release, letter and closing."""

    @router.post(
        "/requests/{request_id}/release",
        response_model=models.RequestEntry,
        responses=problems(
            {
                403: ["request-same-person"],
                404: ["request-unknown", "stay-out-unknown"],
                409: STATE,
                503: [
                    "objects-unavailable",
                    "records-unavailable",
                    "records-being-read",
                    *INDEX_NOT_NOW,
                    "erasure-list-unwritable",
                ],
            }
        ),
    )
    def release_request(request_id: RequestId, actor: CurrentActor) -> Any:
        """Do what another person decided. The same request again goes on where it was cut short."""
        return _entry(gallery.rights.release(request_id, actor=actor))

    @router.get(
        "/requests/{request_id}/letter",
        response_class=Response,
        responses=LETTER | problems({404: ["request-unknown"], 409: ["request-not-released"]}),
    )
    def show_letter(request_id: RequestId) -> Response:
        """Return the letter that answers a released request, as PDF."""
        request = gallery.rights.register.request(request_id)
        _, pdf = letter_of(request, contact=gallery.settings.rights_contact)
        disposition = f'attachment; filename="{request_id}.pdf"'
        return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": disposition})

    @router.post("/requests/{request_id}/closing", response_model=models.RequestEntry, responses=CHANGING)
    def close_request(request_id: RequestId, actor: CurrentActor, reason: Why) -> Any:
        """Close a request whose letter was sent, or which ends without a decision."""
        return _entry(gallery.rights.close(request_id, reason=reason, actor=actor))


def _entry(request: RightsRequest) -> dict[str, Any]:
    """Return a request as it is answered."""
    return request_json(request, today=utc_now().date())
