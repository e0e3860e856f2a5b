"""The pages: server-rendered shells and their own scripts and styles, all from this package."""

from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files

from fastapi import APIRouter, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from countenance.access.model import CUSTOMER_ROLES
from countenance.core.errors import NotFoundError
from countenance.gallery.retention import PRESETS
from countenance.policy.model import Sector
from countenance.policy.request import ProbeKind
from countenance.rights.model import RequestKind
from countenance.rights.service import MAX_WORDS
from countenance.search.model import LEAD, MAX_LIMIT, MAX_PHOTOGRAPHS

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

KINDS = {
    ProbeKind.PHOTOGRAPH: "A photograph",
    ProbeKind.VIDEO_FRAME: "One frame of a recording",
    ProbeKind.SKETCH: "A sketch",
    ProbeKind.ALTERED: "A photograph that was altered",
}
"""What a probe may be, in words; a live picture is never searched."""

ASKED_FOR = {
    RequestKind.ACCESS: "What is held about them",
    RequestKind.ERASURE: "To be erased",
    RequestKind.OBJECTION: "That their face is not processed any more",
    RequestKind.SEARCHES: "Which searches returned them",
    RequestKind.STAY_OUT: "Not to be enrolled from now on",
}
"""What people ask the rights desk for, in words."""


def page_router(
    *,
    max_image_bytes: int,
    keep_answers_days: int | None = None,
    keep_requests_days: int | None = None,
    keep_cases_days: int | None = None,
    rights_contact: str = "",
) -> APIRouter:
    """Make the pages' routes.

    Args:
        max_image_bytes: Largest photograph that the server takes; larger ones are refused before they are sent.
        keep_answers_days: How long answers are kept, for the page of retention; None without end.
        keep_requests_days: How long requests are kept once they are closed; None without end.
        keep_cases_days: How long cases are.
        rights_contact: Whom people ask about their rights; empty leaves it out.
    """
    environment = Environment(
        loader=PackageLoader("countenance.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals.update(version=version("countenance"), lead=LEAD)
    router = APIRouter(include_in_schema=False)
    _add_page(router, "/", _search_page(environment, max_image_bytes))
    _add_page(router, "/own", environment.get_template("own.html").render())
    _add_page(router, "/audit", environment.get_template("audit.html").render())
    _add_page(router, "/organisations", _organisations_page(environment))
    _add_page(router, "/rights", environment.get_template("rights.html").render(kinds=ASKED_FOR, max_words=MAX_WORDS))
    retention = environment.get_template("retention.html").render(
        presets=PRESETS,
        keep_answers_days=keep_answers_days,
        keep_requests_days=keep_requests_days,
        keep_cases_days=keep_cases_days,
        contact=rights_contact,
    )
    _add_page(router, "/retention", retention)
    _add_static(router)
    return router


def _search_page(environment: Environment, max_image_bytes: int) -> str:
    """Return the page that searches."""
    return environment.get_template("search.html").render(
        max_limit=MAX_LIMIT, max_image_bytes=max_image_bytes, max_photographs=MAX_PHOTOGRAPHS, kinds=KINDS
    )


def _organisations_page(environment: Environment) -> str:
    """Return the page of organisations."""
    sectors = [one.value for one in Sector if one is not Sector.HOUSE]
    return environment.get_template("organisations.html").render(sectors=sectors, roles=sorted(CUSTOMER_ROLES))


def _add_page(router: APIRouter, path: str, page: str) -> None:
    """Add the route of a page, which is the same for everybody and holds nothing of anybody or of the gallery.

    That is fetched by the page's script, once somebody signed in who may see it.
    """

    @router.get(path)
    def show_page() -> Response:
        """Return the page."""
        return Response(page, media_type="text/html")


def _add_static(router: APIRouter) -> None:
    """Add the route of the pages' own files."""
    static = _static_files()

    @router.get("/static/{name}")
    def show_static(name: str) -> Response:
        """Return one of the page's files, from memory."""
        if name not in static:
            raise NotFoundError("there is no such file", code="route-unknown")
        media_type, data = static[name]
        return Response(data, media_type=media_type)


def _static_files() -> Mapping[str, tuple[str, bytes]]:
    """Read the page's files: name to media type and bytes. No path of a request ever reaches the file system."""
    found = {}
    for file in files("countenance.web").joinpath("static").iterdir():
        ending = file.name[file.name.rfind(".") :]
        if ending in MEDIA_TYPES:
            found[file.name] = (MEDIA_TYPES[ending], file.read_bytes())
    return found
