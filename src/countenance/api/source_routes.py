"""Routes of the source register."""

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, File, Form, Path, Response, UploadFile

from countenance.api import source_models as models
from countenance.api.destruction_models import CertificateReply
from countenance.api.models import Day
from countenance.api.problems import INDEX_NOT_NOW, problems
from countenance.api.uploads import InMemoryRoute
from countenance.api.visitors import CurrentActor
from countenance.gallery.model import LegalBasis, SourceState, SourceSummary
from countenance.gallery.rendering import change_json, release_json, source_json
from countenance.gallery.terms import ANY, Retention, RetentionRule, SourceTerms

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

SourceName = Annotated[str, Path(description="The source's name.", examples=["missing-persons-2026"])]
Words = Annotated[str, Form(description="Words in lower case, with commas between them.", examples=["government"])]

REFUSED_SOURCE = [
    "source-name-invalid",
    "source-owner-invalid",
    "source-document-empty",
    "source-contact-invalid",
    "source-sector-invalid",
    "source-purpose-invalid",
    "place-unknown",
    "retention-invalid",
    "request-invalid",
]
"""Codes of a source that can't be registered as it was described."""


def source_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes over one open gallery."""
    router = APIRouter(route_class=InMemoryRoute, tags=["sources"])
    _add_register(router, gallery)
    _add_registration(router, gallery)
    _add_changes(router, gallery)
    _add_withdrawal(router, gallery)
    _add_releases(router, gallery)
    return router


def _add_register(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes that list and show sources."""

    @router.get("/sources", response_model=models.SourceList)
    def list_sources() -> Any:
        """List all sources, by name, with what is enrolled in them."""
        return {"sources": [source_json(summary) for summary in gallery.records.sources()]}

    @router.get("/sources/{name}", response_model=models.SourceEntry, responses=problems({404: ["source-unknown"]}))
    def show_source(name: SourceName) -> Any:
        """Show one source with what is enrolled in it."""
        return source_json(gallery.sources.summary(name))


def _add_registration(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the route that registers a source."""

    @router.post(
        "/sources",
        status_code=201,
        response_model=models.SourceEntry,
        responses=problems(
            {
                400: ["body-unreadable"],
                409: ["source-exists"],
                413: ["request-too-large"],
                422: REFUSED_SOURCE,
            }
        ),
    )
    def register_source(
        response: Response,
        actor: CurrentActor,
        name: Annotated[
            str, Form(description="Lower-case letters, digits, `.`, `_`, `-`.", examples=["missing-persons-2026"])
        ],
        owner: Annotated[str, Form(description="Who gave it.", examples=["Ministry of the Interior"])],
        legal_basis: Annotated[LegalBasis, Form(description="Why the owner may hand it over.")],
        document: Annotated[UploadFile, File(description="The document that the legal basis rests on.")],
        contact: Annotated[str, Form(description="Whom to ask about it.")] = "",
        sectors: Words = ANY,
        purposes: Words = ANY,
        excluded: Annotated[
            str, Form(description="ISO 3166 codes, with commas between them.", examples=["US-IL"])
        ] = "",
        retention: Annotated[RetentionRule, Form(description="By which rule it is destroyed.")] = RetentionRule.NONE,
        until: Annotated[Day | None, Form(description="Last day, with the rule `date`.")] = None,
        releases_required: Annotated[
            bool | None, Form(description="Whether each subject needs a release. Left out: where the basis is consent.")
        ] = None,
        activate: Annotated[bool, Form(description="Whether it may be enrolled into at once.")] = True,
    ) -> Any:
        """Register a source. Nothing can be enrolled before; the document is kept with it."""
        terms = SourceTerms(
            contact=contact,
            sectors=_words(sectors),
            purposes=_words(purposes),
            excluded=_words(excluded),
            releases_required=legal_basis is LegalBasis.CONSENT if releases_required is None else releases_required,
            retention=Retention(rule=retention, ends_on=until),
        )
        source = gallery.sources.register(
            name=name,
            owner=owner,
            legal_basis=legal_basis,
            document=document.file.read(),
            terms=terms,
            active=activate,
            by=actor.user_id,
            actor=actor,
        )
        response.headers["Location"] = f"/v1/sources/{source.name}"
        return source_json(SourceSummary(source=source, images=0, subjects=0, templates=0))


def _add_changes(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes of a source's states."""

    @router.get(
        "/sources/{name}/changes", response_model=models.ChangeList, responses=problems({404: ["source-unknown"]})
    )
    def list_changes(name: SourceName) -> Any:
        """List every change of a source's state, oldest first."""
        return {"changes": [change_json(change) for change in gallery.sources.history(name)]}

    @router.post(
        "/sources/{name}/changes",
        response_model=models.SourceEntry,
        responses=problems(
            {
                400: ["body-unreadable"],
                404: ["source-unknown"],
                409: ["source-state-forbidden", "source-changed-meanwhile"],
                422: ["reason-invalid", "request-invalid"],
            }
        ),
    )
    def change_source(
        name: SourceName,
        actor: CurrentActor,
        after: Annotated[models.ChosenState, Form(description="The state to put it into.")],
        reason: Annotated[str, Form(description="Why, in a sentence; needed to suspend.")] = "",
    ) -> Any:
        """Activate, suspend or resume a source: in force for the very next search and enrolment."""
        return source_json(
            gallery.sources.change(name, SourceState(after.value), by=actor.user_id, reason=reason, actor=actor)
        )


def _add_withdrawal(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the route that destroys a source."""

    @router.post(
        "/sources/{name}/withdrawal",
        response_model=CertificateReply,
        responses=problems(
            {
                400: ["body-unreadable"],
                404: ["source-unknown"],
                409: ["source-state-forbidden", "source-changed-meanwhile"],
                422: ["reason-invalid", "request-invalid"],
                503: [
                    "objects-unavailable",
                    "records-unavailable",
                    "records-being-read",
                    *INDEX_NOT_NOW,
                    "keyring-unwritable",
                ],
            }
        ),
    )
    def withdraw_source(
        name: SourceName,
        actor: CurrentActor,
        reason: Annotated[str, Form(description="Why, in a sentence; it is kept.")],
    ) -> Any:
        """Destroy a source for good: gone for the very next search. The same request again goes on, or shows it."""
        return json.loads(
            gallery.sources.withdraw(name, by=actor.user_id, reason=reason, actor=actor).certificate or b"{}"
        )


def _add_releases(router: APIRouter, gallery: "OpenGallery") -> None:
    """Add the routes of single people's releases."""

    @router.get(
        "/sources/{name}/releases", response_model=models.ReleaseList, responses=problems({404: ["source-unknown"]})
    )
    def list_releases(name: SourceName) -> Any:
        """List a source's releases, oldest first."""
        return {"releases": [release_json(release) for release in gallery.sources.releases(name)]}

    @router.post(
        "/sources/{name}/releases",
        status_code=201,
        response_model=models.ReleaseEntry,
        responses=problems(
            {
                400: ["body-unreadable"],
                404: ["source-unknown"],
                413: ["request-too-large"],
                422: ["label-invalid", "source-document-empty", "release-ended", "request-invalid"],
            }
        ),
    )
    def add_release(
        name: SourceName,
        actor: CurrentActor,
        subject: Annotated[str, Form(description="The subject's name as the source gives it.")],
        document: Annotated[UploadFile, File(description="The person's own consent.")],
        until: Annotated[Day | None, Form(description="Last day; left out, it has no end.")] = None,
    ) -> Any:
        """Keep one person's own consent, with its document and its end."""
        data = document.file.read()
        return release_json(
            gallery.sources.add_release(
                name, label=subject, document=data, ends_on=until, by=actor.user_id, actor=actor
            )
        )

    @router.delete(
        "/sources/{name}/releases/{release_id}",
        response_model=models.ReleaseEntry,
        responses=problems({404: ["source-unknown", "release-unknown"]}),
    )
    def revoke_release(
        name: SourceName, actor: CurrentActor, release_id: Annotated[str, Path(description="The release's id.")]
    ) -> Any:
        """Take a release back; whoever has none left is out of the next search."""
        return release_json(gallery.sources.revoke_release(name, release_id, actor=actor))


def _words(text: str) -> tuple[str, ...]:
    """Split words with commas between them."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
