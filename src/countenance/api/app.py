"""The HTTP application: REST under /v1, sessions, and whatever pages are joined to it."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer

from countenance.api import models
from countenance.api.approval_routes import approval_router
from countenance.api.audit_routes import audit_router
from countenance.api.case_routes import case_router
from countenance.api.collection_routes import collection_router
from countenance.api.destruction_routes import destruction_router
from countenance.api.guard import Guard, SafeResponses
from countenance.api.operator_routes import operator_router
from countenance.api.own_routes import own_router
from countenance.api.permitted import permitting
from countenance.api.problems import Problem, install_problem_handlers, problems
from countenance.api.provider_routes import provider_router
from countenance.api.rights_routes import rights_router
from countenance.api.search_routes import search_router
from countenance.api.session_routes import session_router
from countenance.api.source_routes import source_router
from countenance.api.stay_out_routes import stay_out_router
from countenance.api.uploads import BODY_OVERHEAD
from countenance.core.errors import CountenanceError

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

DESCRIPTION = """\
Finds who may be in a photograph among enrolled faces.
**Candidates, never identifications**: a person compares the faces.

Send `Authorization: Bearer KEY` with an API key that `countenance api-key make` made. Every error is
`application/problem+json` with a stable `code`, the same as the command line's.
"""

TAGS = [
    {"name": "sources", "description": "Collections that somebody had the right to hand over."},
    {"name": "enrolment", "description": "Adding photographs to a source."},
    {"name": "cases", "description": "What your organisation searches for, and what it may search for at all."},
    {"name": "search", "description": "From a probe to a candidate list. Probes are not kept."},
    {"name": "subjects", "description": "Who is enrolled."},
    {"name": "pictures", "description": "Crops and photographs, for people to look at."},
    {"name": "destruction", "description": "Erasing single people, photographs and faces, and clocks that end."},
    {"name": "rights", "description": "What people who may be enrolled ask for."},
    {"name": "service", "description": "The server itself."},
]


def create_app(gallery: "OpenGallery", *, pages: Sequence[APIRouter] = ()) -> FastAPI:
    """Make the application over one open gallery.

    Args:
        gallery: Stays open for as long as the application serves.
        pages: Routers of the web page, from `countenance.web.page`.
    """
    origin = gallery.settings.origin
    app = FastAPI(
        title="Countenance",
        version=version("countenance"),
        description=DESCRIPTION,
        openapi_url="/v1/openapi.json",
        openapi_tags=TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    install_problem_handlers(app)
    secure = origin is not None and origin.startswith("https:")
    app.include_router(session_router(gallery.sign_in, gallery.passkeys, secure=secure))
    app.include_router(provider_router(gallery.provider, name=gallery.settings.oidc_name, secure=secure))
    app.include_router(operator_router(gallery))
    app.include_router(own_router(gallery.own, gallery.passkeys))
    for page in pages:
        app.include_router(page)
    app.include_router(_service_router(gallery), prefix="/v1", tags=["service"])
    protected: dict[str, Any] = {
        "prefix": "/v1",
        "dependencies": [Depends(HTTPBearer(auto_error=False, description="An API key."))],
        "responses": problems(
            {
                401: ["token-missing", "token-wrong"],
                403: ["host-refused", "cross-origin", "not-permitted"],
                500: ["internal-error"],
            }
        ),
    }
    app.include_router(case_router(gallery), **protected)
    app.include_router(approval_router(gallery), **protected)
    app.include_router(rights_router(gallery), **protected)
    app.include_router(stay_out_router(gallery), **protected)
    app.include_router(destruction_router(gallery), **protected)
    app.include_router(search_router(gallery), **protected)
    app.include_router(source_router(gallery), **protected)
    app.include_router(collection_router(gallery), **protected)
    app.include_router(audit_router(gallery), **protected)
    # The last one added is the first to see a request.
    longest = gallery.settings.max_image_bytes + BODY_OVERHEAD
    permit = permitting(gallery)
    app.add_middleware(Guard, sign_in=gallery.sign_in, permit=permit, max_body_bytes=longest, origin=origin)
    app.add_middleware(SafeResponses)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _service_router(gallery: "OpenGallery") -> APIRouter:
    """Make the routes of the server itself."""
    router = APIRouter()

    @router.get(
        "/health",
        response_model=models.Health,
        responses={503: {"model": models.Health, "description": "Not at the moment."}},
    )
    def show_health(response: Response) -> Any:
        """Say whether the server can search, and nothing else. No token is needed."""
        try:
            gallery.refresh()
        except CountenanceError:
            response.status_code = 503
            return {"status": "unavailable"}
        return {"status": "ok"}

    @router.get("/version", response_model=models.Version, responses=problems({401: ["token-missing", "token-wrong"]}))
    def show_version() -> Any:
        """Say which Countenance this is."""
        return {"version": version("countenance")}

    return router


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, made once, with the problem's schema that the routes refer to."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=TAGS
        )
        schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = document["components"]["schemas"]
        schemas.update(schema.pop("$defs"))
        schemas["Problem"] = schema
        _drop_unused_validation_errors(document)
        app.openapi_schema = document
    return app.openapi_schema


def _drop_unused_validation_errors(document: dict[str, Any]) -> None:
    """Take out the framework's own 422, which it adds where only a path can be given: any text passes there."""
    for methods in document["paths"].values():
        for operation in methods.values():
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
