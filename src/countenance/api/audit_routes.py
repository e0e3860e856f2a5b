"""Routes of the audit log, for auditors: entries without any face, and the signed state that they stand in."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query

from countenance.api import models
from countenance.api.problems import problems
from countenance.api.visitors import CurrentActor
from countenance.audit.browsing import newest
from countenance.bootstrap.auditing import may_read

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery


def audit_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(tags=["service"])

    @router.get("/audit/entries", response_model=models.AuditPage, responses=problems({422: ["request-invalid"]}))
    def list_entries(
        actor: CurrentActor,
        before: Annotated[int | None, Query(ge=0, le=2**53, description="Only entries of a lower index.")] = None,
        limit: Annotated[int, Query(ge=1, le=200, description="Most entries.")] = 50,
        action: Annotated[
            str, Query(max_length=60, description="Only entries of this action.", examples=["search"])
        ] = "",
    ) -> Any:
        """Read the audit log, newest first: an auditor of the house all of it, others what their organisation did."""

        def wanted(entry: Mapping[str, Any]) -> bool:
            """Say whether the auditor may and wants to see it."""
            return may_read(actor, entry) and action in {"", entry["action"]}

        page = newest(gallery.audit, before=before, limit=limit, wanted=wanted)
        return {
            "size": page.size,
            "entries": page.entries,
            "before": page.before,
            "checkpoint": gallery.audit.head().note,
        }

    return router
