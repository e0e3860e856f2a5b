"""What each route asks the policy before it does anything."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from countenance.access.permission import Asks, Exempt
from countenance.api.destruction_routes import KINDS
from countenance.core.errors import NotPermittedError
from countenance.gallery.erasure import Erased
from countenance.policy.model import Actor
from countenance.policy.request import Action

if TYPE_CHECKING:
    from countenance.bootstrap.wiring import OpenGallery

MANAGE_SOURCE, VIEW_SOURCE = Asks(Action.MANAGE_SOURCE), Asks(Action.VIEW_SOURCE)
LOOK_FOR_REQUESTER = Asks(Action.MANAGE_SOURCE, also=Action.VIEW_SUBJECT)
READ_PERSON = Asks(Action.MANAGE_SOURCE, entry=True)
MANAGE_ORGANISATION, MANAGE_USER = Asks(Action.MANAGE_ORGANISATION), Asks(Action.MANAGE_USER)

ROUTES: Mapping[tuple[str, str], Asks | Exempt] = MappingProxyType(
    {
        ("GET", "/"): Exempt.PUBLIC,
        ("GET", "/organisations"): Exempt.PUBLIC,
        ("GET", "/audit"): Exempt.PUBLIC,
        ("GET", "/own"): Exempt.PUBLIC,
        ("GET", "/retention"): Exempt.PUBLIC,
        ("GET", "/rights"): Exempt.PUBLIC,
        ("GET", "/static/{name}"): Exempt.PUBLIC,
        ("GET", "/session"): Exempt.PUBLIC,
        ("POST", "/session"): Exempt.PUBLIC,
        ("DELETE", "/session"): Exempt.OWN,
        ("POST", "/session/invitation"): Exempt.PUBLIC,
        ("POST", "/session/passkey"): Exempt.PUBLIC,
        ("POST", "/session/passkey/options"): Exempt.PUBLIC,
        ("GET", "/session/provider"): Exempt.PUBLIC,
        ("POST", "/session/provider"): Exempt.PUBLIC,
        ("GET", "/session/provider/callback"): Exempt.PUBLIC,
        ("GET", "/own/security"): Exempt.OWN,
        ("PUT", "/own/password"): Exempt.OWN,
        ("POST", "/own/authenticator"): Exempt.OWN,
        ("PUT", "/own/authenticator"): Exempt.OWN,
        ("POST", "/own/ready"): Exempt.OWN,
        ("POST", "/own/passkeys/options"): Exempt.OWN,
        ("POST", "/own/passkeys"): Exempt.OWN,
        ("POST", "/own/keys"): Exempt.OWN,
        ("DELETE", "/own/credentials/{credential_id}"): Exempt.OWN,
        ("DELETE", "/own/sessions/{session_id}"): Exempt.OWN,
        ("GET", "/operator/organisations"): MANAGE_ORGANISATION,
        ("POST", "/operator/organisations"): MANAGE_ORGANISATION,
        ("GET", "/operator/organisations/{org_id}"): MANAGE_ORGANISATION,
        ("GET", "/operator/organisations/{org_id}/documents/{sha256}"): MANAGE_ORGANISATION,
        ("POST", "/operator/organisations/{org_id}/reviews"): MANAGE_ORGANISATION,
        ("POST", "/operator/organisations/{org_id}/suspension"): MANAGE_ORGANISATION,
        ("POST", "/operator/organisations/{org_id}/cancellation"): MANAGE_ORGANISATION,
        ("POST", "/operator/organisations/{org_id}/people"): MANAGE_USER,
        ("POST", "/operator/people/{user_id}/invitation"): MANAGE_USER,
        ("POST", "/operator/people/{user_id}/confirmation"): MANAGE_USER,
        ("POST", "/operator/people/{user_id}/deactivation"): MANAGE_USER,
        ("GET", "/v1/health"): Exempt.PUBLIC,
        ("GET", "/v1/openapi.json"): Exempt.PUBLIC,
        ("GET", "/v1/version"): Exempt.OWN,
        ("GET", "/v1/audit/entries"): Asks(Action.READ_LOG, entry=True),
        ("GET", "/v1/policy"): Asks(Action.READ_POLICY),
        ("GET", "/v1/cases"): Asks(Action.VIEW_CASE),
        ("POST", "/v1/cases"): Asks(Action.OPEN_CASE),
        ("GET", "/v1/cases/{case_id}"): Asks(Action.VIEW_CASE),
        ("POST", "/v1/cases/{case_id}/closing"): Asks(Action.CLOSE_CASE),
        ("GET", "/v1/approvals"): Asks(Action.VIEW_CASE),
        ("POST", "/v1/approvals/{approval_id}/options"): Asks(Action.APPROVE),
        ("POST", "/v1/approvals/{approval_id}/decision"): Asks(Action.APPROVE),
        ("POST", "/v1/faces"): Asks(Action.EXAMINE_PROBE, entry=True),
        ("POST", "/v1/previews"): Asks(Action.EXAMINE_PROBE, entry=True),
        ("POST", "/v1/searches"): Exempt.SEARCH,
        ("GET", "/v1/searches/{search_id}"): Asks(Action.VIEW_ANSWER),
        ("GET", "/v1/gallery"): VIEW_SOURCE,
        ("GET", "/v1/sources"): VIEW_SOURCE,
        ("POST", "/v1/sources"): MANAGE_SOURCE,
        ("GET", "/v1/sources/{name}"): VIEW_SOURCE,
        ("GET", "/v1/sources/{name}/changes"): VIEW_SOURCE,
        ("POST", "/v1/sources/{name}/changes"): MANAGE_SOURCE,
        ("POST", "/v1/sources/{name}/withdrawal"): MANAGE_SOURCE,
        ("GET", "/v1/sources/{name}/releases"): READ_PERSON,
        ("POST", "/v1/sources/{name}/releases"): MANAGE_SOURCE,
        ("DELETE", "/v1/sources/{name}/releases/{release_id}"): MANAGE_SOURCE,
        ("POST", "/v1/sources/{name}/photographs"): Asks(Action.ENROL),
        ("GET", "/v1/requests"): MANAGE_SOURCE,
        ("POST", "/v1/requests"): MANAGE_SOURCE,
        ("GET", "/v1/requests/{request_id}"): READ_PERSON,
        ("POST", "/v1/requests/{request_id}/identity"): MANAGE_SOURCE,
        ("POST", "/v1/requests/{request_id}/look"): LOOK_FOR_REQUESTER,
        ("POST", "/v1/requests/{request_id}/consent"): LOOK_FOR_REQUESTER,
        ("POST", "/v1/requests/{request_id}/decision"): MANAGE_SOURCE,
        ("POST", "/v1/requests/{request_id}/return"): MANAGE_SOURCE,
        ("POST", "/v1/requests/{request_id}/release"): MANAGE_SOURCE,
        ("GET", "/v1/requests/{request_id}/letter"): READ_PERSON,
        ("POST", "/v1/requests/{request_id}/closing"): MANAGE_SOURCE,
        ("GET", "/v1/stay-out"): MANAGE_SOURCE,
        ("DELETE", "/v1/stay-out/{entry_id}"): MANAGE_SOURCE,
        ("GET", "/v1/retention"): VIEW_SOURCE,
        ("POST", "/v1/retention/run"): MANAGE_SOURCE,
        ("GET", "/v1/subjects/{target}/erasure"): MANAGE_SOURCE,
        ("POST", "/v1/subjects/{target}/erasure"): MANAGE_SOURCE,
        ("GET", "/v1/images/{target}/erasure"): MANAGE_SOURCE,
        ("POST", "/v1/images/{target}/erasure"): MANAGE_SOURCE,
        ("GET", "/v1/faces/{target}/erasure"): MANAGE_SOURCE,
        ("POST", "/v1/faces/{target}/erasure"): MANAGE_SOURCE,
        ("GET", "/v1/subjects"): Asks(Action.VIEW_SUBJECT, entry=True),
        ("GET", "/v1/subjects/{subject_id}"): Asks(Action.VIEW_SUBJECT, entry=True),
        ("GET", "/v1/faces/{face_id}/crop"): Asks(Action.VIEW_SUBJECT),
        ("GET", "/v1/images/{image_id}/content"): Asks(Action.VIEW_SUBJECT),
    }
)
"""Every route, and what it asks before it does anything; one without a row is not there."""

OF_A_CUSTODIAN = frozenset({Action.ENROL, Action.MANAGE_SOURCE})
"""What is asked of the source that a path names, or that has in it what the path names."""

PATTERNS = tuple((method, compile_path(path)[0], row) for (method, path), row in ROUTES.items())


def permitting(gallery: "OpenGallery") -> Callable[[str, str, Actor | None], None]:
    """Return what the guard asks before a request goes on: the policy, as the route's row says.

    Args:
        gallery: Knows the policy in force.
    """

    def permit(method: str, path: str, actor: Actor | None) -> None:
        """Go on only where the policy permits it.

        Raises:
            HTTPException: 404 or 405, no row knows the path, or the method on it.
            NotPermittedError: codes `not-permitted`, with every reason; `token-missing`.
            NotFoundError: codes `source-unknown`, `subject-unknown`, `image-unknown`, `face-unknown`.
        """
        row, parts = _row(method, path)
        if isinstance(row, Exempt):
            return
        if actor is None:
            raise NotPermittedError("an API key is needed", code="token-missing", hint="Sign in, or send a key.")
        gallery.custody.require(row, actor=actor, about=_about(row, path, parts))

    return permit


def _about(row: Asks, path: str, parts: Mapping[str, str]) -> str | Erased | None:
    """Return what a request is about: a source's name, or what is to be erased; None where it is no certain one."""
    if row.action not in OF_A_CUSTODIAN:
        return None
    if "target" in parts:
        return Erased(KINDS[path.split("/")[2]][0], parts["target"])
    return parts.get("name")


def _row(method: str, path: str) -> tuple[Asks | Exempt, Mapping[str, str]]:
    """Return the row of a request, and the named parts of its path."""
    found = [(known, match, row) for known, pattern, row in PATTERNS if (match := pattern.match(path))]
    for known, match, row in found:
        if known == method:
            return row, match.groupdict()
    if found:
        allowed = ", ".join(sorted({known for known, _, _ in found}))
        raise HTTPException(405, "Method Not Allowed", headers={"Allow": allowed})
    raise HTTPException(404, "Not Found")
