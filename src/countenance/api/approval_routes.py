"""Routes of what supervisors decide on."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from countenance.api import models
from countenance.api.problems import problems
from countenance.api.visitors import CurrentActor, PageOrigin
from countenance.search.approval import approval_json

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

ApprovalId = Annotated[str, Path(description="The request's id.", examples=["4b1c7a52-6d1e-4f0b-9c69-0a4f5c1b9f3e"])]


class Decided(BaseModel):
    """A supervisor's word on one search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grant: bool = Field(description="Whether it is approved.")
    reason: Annotated[str, Field(max_length=600, description="Why, in a sentence; it is kept.")]
    signature: dict[str, Any] | None = Field(
        None, description="What the supervisor's passkey gave over the request's hash; needed where they have one."
    )


def approval_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(tags=["cases"])

    @router.get("/approvals", response_model=models.ApprovalList)
    def list_approvals(actor: CurrentActor) -> Any:
        """List your organisation's requests for approval, newest first."""
        return {"approvals": [approval_json(one) for one in gallery.approvals.all(actor=actor)]}

    @router.post(
        "/approvals/{approval_id}/options",
        response_model=models.SigningOptions,
        responses=problems({404: ["approval-unknown"]}),
    )
    def sign_options(approval_id: ApprovalId, actor: CurrentActor, origin: PageOrigin) -> Any:
        """Return what a browser needs to sign the request's hash with a passkey; null where you have none."""
        return {"options": gallery.approvals.options(approval_id, actor=actor, origin=origin)}

    @router.post(
        "/approvals/{approval_id}/decision",
        response_model=models.ApprovalEntry,
        responses=problems(
            {
                400: ["body-unreadable"],
                404: ["approval-unknown"],
                409: ["approval-decided"],
                422: ["reason-invalid", "request-invalid"],
            }
        ),
    )
    def decide(approval_id: ApprovalId, given: Decided, actor: CurrentActor, origin: PageOrigin) -> Any:
        """Approve a search, once and within 24 hours, or an emergency that was made; or refuse it."""
        made = gallery.approvals.decide_signed(
            approval_id,
            grant=given.grant,
            reason=given.reason,
            signature=given.signature,
            actor=actor,
            origin=origin,
        )
        return approval_json(made)

    return router
