"""Vetting on the page: organisations and their people, for operators who are signed in."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from countenance.access.model import Application
from countenance.access.rendering import change_json, organisation_json, user_json
from countenance.api.uploads import InMemoryRoute, upload_name
from countenance.api.visitors import CurrentActor
from countenance.policy.model import Role, Sector

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

Word = Annotated[str, Field(max_length=600)]


class _Body(BaseModel):
    """What the page sends."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Review(_Body):
    """An operator's word on an organisation."""

    admit: bool
    reason: Word


class Reason(_Body):
    """Why something is done."""

    reason: Word


class NewPerson(_Body):
    """A person to be added."""

    login: Word
    name: Word
    roles: Annotated[list[Role], Field(max_length=len(Role))]


def operator_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes; each is refused to whoever is no operator (`access.organisations.require_operator`)."""
    router = APIRouter(prefix="/operator", include_in_schema=False, route_class=InMemoryRoute)
    _add_lists(router, gallery)
    _add_vetting(router, gallery)
    _add_people(router, gallery)
    return router


def _add_lists(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes that show."""

    @router.get("/organisations")
    def list_organisations(actor: CurrentActor) -> Any:
        """List all organisations."""
        return {"organisations": [organisation_json(one) for one in gallery.accounts.organisations(actor=actor)]}

    @router.get("/organisations/{org_id}")
    def show_organisation(org_id: str, actor: CurrentActor) -> Any:
        """Show one with its people and all that was done."""
        record = gallery.accounts.organisation(org_id, actor=actor)
        return {
            **organisation_json(record.organisation),
            "admitted_by": sorted(record.names.get(user_id, user_id) for user_id in record.admitted_by),
            "reviewed_by_you": actor.user_id in record.admitted_by,
            "people": [user_json(user) for user in record.people],
            "changes": [change_json(change, record.names) for change in record.changes],
        }

    @router.get("/organisations/{org_id}/documents/{sha256}")
    def show_document(org_id: str, sha256: str, actor: CurrentActor) -> Response:
        """Return a document as a file to save: never shown by the browser itself."""
        _, data = gallery.accounts.document(org_id, sha256, actor=actor)
        headers = {"Content-Disposition": f'attachment; filename="{sha256[:16]}.bin"'}
        return Response(data, media_type="application/octet-stream", headers=headers)


def _add_vetting(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes that change organisations."""

    @router.post("/organisations", status_code=201)
    def apply_for(
        actor: CurrentActor,
        name: Annotated[str, Form()],
        sector: Annotated[Sector, Form()],
        country: Annotated[str, Form()],
        contact: Annotated[str, Form()],
        document: Annotated[UploadFile, File()],
        region: Annotated[str, Form()] = "",
    ) -> Any:
        """Put an application on record."""
        application = Application(
            name=name,
            sector=sector,
            country=country,
            region=region.strip() or None,
            contact=contact,
            documents=((upload_name(document) or "document", document.file.read()),),
        )
        return organisation_json(gallery.accounts.apply_for(application, actor=actor))

    @router.post("/organisations/{org_id}/reviews")
    def review(org_id: str, given: Review, actor: CurrentActor) -> Any:
        """Admit or refuse one that waits."""
        return organisation_json(gallery.accounts.review(org_id, admit=given.admit, reason=given.reason, actor=actor))

    @router.post("/organisations/{org_id}/suspension")
    def suspend(org_id: str, given: Reason, actor: CurrentActor) -> Any:
        """Stop one at once."""
        return organisation_json(gallery.accounts.suspend(org_id, reason=given.reason, actor=actor))

    @router.post("/organisations/{org_id}/cancellation")
    def cancel(org_id: str, given: Reason, actor: CurrentActor) -> Any:
        """End one for good."""
        return organisation_json(gallery.accounts.cancel(org_id, reason=given.reason, actor=actor))


def _add_people(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes that change people."""

    @router.post("/organisations/{org_id}/people", status_code=201)
    def add_person(org_id: str, given: NewPerson, actor: CurrentActor) -> Any:
        """Add a person."""
        return user_json(
            gallery.accounts.add_user(given.login, organisation=org_id, name=given.name, roles=given.roles, actor=actor)
        )

    @router.post("/people/{user_id}/invitation")
    def invite(user_id: str, actor: CurrentActor) -> Any:
        """Make a one-time code; it is shown this once."""
        return {"code": gallery.sign_in.invite(user_id, actor=actor)}

    @router.post("/people/{user_id}/confirmation")
    def confirm(user_id: str, actor: CurrentActor) -> Any:
        """Let a person of the house in."""
        return user_json(gallery.accounts.confirm_user(user_id, actor=actor))

    @router.post("/people/{user_id}/deactivation")
    def deactivate(user_id: str, given: Reason, actor: CurrentActor) -> Any:
        """End somebody's access for good."""
        return user_json(gallery.accounts.deactivate(user_id, reason=given.reason, actor=actor))
