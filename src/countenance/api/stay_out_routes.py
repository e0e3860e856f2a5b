"""Routes of people who are refused at enrolment since they asked for it."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, File, Form, Path, Response, UploadFile

from countenance.api import rights_models as models
from countenance.api.models import Day
from countenance.api.problems import problems
from countenance.api.uploads import SeveralFilesRoute, upload_name
from countenance.api.visitors import CurrentActor
from countenance.core.clock import utc_now
from countenance.rights.rendering import request_json, stay_out_json
from countenance.search.model import ProbePhotograph

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery


def stay_out_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(route_class=SeveralFilesRoute, tags=["rights"])

    @router.post(
        "/requests/{request_id}/consent",
        response_model=models.RequestEntry,
        responses=problems(
            {
                400: ["body-unreadable"],
                404: ["request-unknown"],
                409: ["request-kind-forbidden", "request-state-forbidden", "request-changed-meanwhile"],
                413: ["request-too-large"],
                422: [
                    "consent-document-empty",
                    "consent-end-invalid",
                    "request-photograph-unusable",
                    "request-invalid",
                ],
            }
        ),
    )
    def keep_consent(
        request_id: Annotated[str, Path(description="The id of a request to stay out.")],
        actor: CurrentActor,
        photograph: Annotated[
            list[UploadFile], File(description="Photographs of the person alone. Looked at once, not kept.")
        ],
        document: Annotated[UploadFile, File(description="What they signed; kept sealed.")],
        until: Annotated[Day, Form(description="The entry's last day.")],
    ) -> Any:
        """Keep somebody's consent to be refused at enrolment, and the template for it; in force once it is released."""
        probes = [ProbePhotograph(image=one.file.read(), filename=upload_name(one) or None) for one in photograph]
        request = gallery.rights.consent(request_id, probes, document=document.file.read(), ends_on=until, actor=actor)
        return request_json(request, today=utc_now().date())

    @router.get("/stay-out", response_model=models.StayOutEntries)
    def list_entries() -> Any:
        """List the entries of people who are refused at enrolment. Nobody is named."""
        return {"entries": [stay_out_json(one) for one in gallery.rights.stay_out.entries.entries()]}

    @router.delete(
        "/stay-out/{entry_id}",
        status_code=204,
        response_class=Response,
        responses=problems({404: ["stay-out-unknown"]}),
    )
    def end_entry(
        entry_id: Annotated[str, Path(description="The entry's id, as the letter says it.")], actor: CurrentActor
    ) -> None:
        """End an entry since its person takes the consent back: it is destroyed at once."""
        gallery.rights.stay_out.withdraw(entry_id, actor=actor)

    return router
