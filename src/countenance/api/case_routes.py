"""Routes of cases, and of what the policy in force lets anybody search for."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, File, Form, Path, Response, UploadFile

from countenance.api import models
from countenance.api.problems import problems
from countenance.api.uploads import InMemoryRoute
from countenance.api.visitors import CurrentActor
from countenance.cases.rendering import case_json

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

CaseId = Annotated[str, Path(description="The case's id.", examples=["4b1c7a52-6d1e-4f0b-9c69-0a4f5c1b9f3e"])]


def case_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(route_class=InMemoryRoute, tags=["cases"])

    @router.get("/policy", response_model=models.PolicyReply)
    def show_policy() -> Any:
        """List the purposes and offences that the law packs in force know."""
        return gallery.policy_lists()

    @router.get("/cases", response_model=models.CaseList)
    def list_cases(actor: CurrentActor) -> Any:
        """List your organisation's cases, newest first."""
        return {"cases": [case_json(case) for case in gallery.cases.all(actor=actor)]}

    @router.post(
        "/cases",
        status_code=201,
        response_model=models.CaseEntry,
        responses=problems(
            {
                400: ["body-unreadable"],
                409: ["case-exists"],
                413: ["request-too-large"],
                422: ["case-invalid", "authorisation-incomplete", "request-invalid"],
            }
        ),
    )
    def open_case(
        actor: CurrentActor,
        response: Response,
        reference: Annotated[str, Form(description="What your organisation calls it.", examples=["2026-114"])],
        authorised_by: Annotated[str, Form(description="Whose authorisation is on record, where there is one.")] = "",
        document: Annotated[UploadFile | None, File(description="That authorisation's document.")] = None,
    ) -> Any:
        """Open a case of your organisation."""
        data = b"" if document is None else document.file.read()
        case = gallery.cases.open(reference, actor=actor, authorised_by=authorised_by, document=data)
        response.headers["Location"] = f"/v1/cases/{case.case_id}"
        return case_json(case)

    @router.get("/cases/{case_id}", response_model=models.CaseEntry, responses=problems({404: ["case-unknown"]}))
    def show_case(case_id: CaseId, actor: CurrentActor) -> Any:
        """Show one case of your organisation."""
        return case_json(gallery.cases.case(case_id, actor=actor))

    @router.post(
        "/cases/{case_id}/closing",
        response_model=models.CaseEntry,
        responses=problems({404: ["case-unknown"], 409: ["case-closed"]}),
    )
    def close_case(case_id: CaseId, actor: CurrentActor) -> Any:
        """Close a case for good: nothing is searched under it any more."""
        return case_json(gallery.cases.close(case_id, actor=actor))

    return router
