"""Errors as RFC 9457 problem+json: the same codes as on the command line, in one shape, whatever went wrong."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from countenance.core.errors import (
    ConflictError,
    CountenanceError,
    IntegrityError,
    InvalidInputError,
    NotFoundError,
    NotPermittedError,
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"

logger = logging.getLogger(__name__)

TITLES: Mapping[type[CountenanceError], tuple[str, str]] = {
    InvalidInputError: ("invalid-input", "What was handed over can't be used"),
    NotPermittedError: ("not-permitted", "This may not be done"),
    NotFoundError: ("not-found", "There is no such thing"),
    ConflictError: ("conflict", "It contradicts what is on record"),
    UnavailableError: ("unavailable", "A part that is needed is not there at the moment"),
    IntegrityError: ("integrity", "Stored things disagree"),
    CountenanceError: ("internal", "The server failed"),
}
"""Kind of error to its slug in the problem's `type`, and its title."""

HTTP_CODES: Mapping[int, tuple[str, type[CountenanceError], str]] = {
    401: ("access-ended", NotPermittedError, "Whoever this was may not go on."),
    400: ("body-unreadable", InvalidInputError, "Send multipart/form-data as the OpenAPI document describes it."),
    404: ("route-unknown", NotFoundError, "See /v1/openapi.json for what there is."),
    405: ("method-not-allowed", InvalidInputError, "See the Allow header for what may be done here."),
    408: ("request-too-slow", InvalidInputError, "Send it again, over a faster connection."),
    413: ("request-too-large", InvalidInputError, "Send a smaller file."),
}
"""Status of an error that the framework found to its code, kind and hint."""

UNAUTHENTICATED = frozenset({"token-missing", "token-wrong", "session-ended", "sign-in-refused", "access-ended"})
"""Codes that are answered with 401: whoever asks has not shown that they may ask at all."""

TOO_OFTEN = frozenset({"sign-in-slow-down"})
"""Codes that are answered with 429."""

INDEX_NOT_NOW = ("index-behind", "index-superseded", "index-unavailable", "index-unwritable")
"""Codes of whatever brings the index up to the records first: a search, and what ends with a certificate."""


class FieldProblem(BaseModel):
    """One field of a request that can't be used. What was sent is not repeated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str = Field(description="Where it stands, e.g. `limit`.", examples=["limit"])
    message: str = Field(description="What is wrong with it.", examples=["Input should be a valid integer"])


class Reason(BaseModel):
    """One rule that forbids what was asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str = Field(description="The rule's id.", examples=["default-us-il"])
    pack: str = Field(description="The law pack that it stands in.", examples=["default"])
    says: str = Field(description="Why it forbids.", examples=["organisations in Illinois are not served"])
    cites: str = Field(description="Where it comes from. Not legal advice.")
    needs: str = Field(description="What would have to be so.", examples=["an organisation outside US-IL"])


class Problem(BaseModel):
    """What went wrong, for people and for programs (RFC 9457)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(description="Kind of error, as a URN.", examples=["urn:countenance:problem:not-found"])
    title: str = Field(description="The kind in words.", examples=["There is no such thing"])
    status: int = Field(description="The HTTP status.", examples=[404])
    code: str = Field(description="Stable code that a program can test.", examples=["source-unknown"])
    detail: str = Field(description="What happened, in one line.", examples=["there is no source called harbour"])
    hint: str = Field(description="What to do about it; may be empty.", examples=["See GET /v1/sources."])
    errors: list[FieldProblem] = Field(default_factory=list, description="For `request-invalid`: field by field.")
    reasons: list[Reason] = Field(default_factory=list, description="For `not-permitted`: rule by rule.")


def problem_response(
    error: CountenanceError,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    errors: Sequence[FieldProblem] = (),
) -> Response:
    """Turn an error into its response.

    Args:
        error: What went wrong.
        status: HTTP status; None takes the kind's own.
        headers: More headers, e.g. `WWW-Authenticate`.
        errors: What is wrong, field by field.
    """
    headers = dict(headers or {})
    if error.code in UNAUTHENTICATED:
        status = HTTPStatus.UNAUTHORIZED
        headers["WWW-Authenticate"] = 'Bearer realm="countenance"'
    if error.code in TOO_OFTEN:
        status = HTTPStatus.TOO_MANY_REQUESTS
    kind = next(kind for kind in TITLES if isinstance(error, kind))
    slug, title = TITLES[kind]
    problem = Problem(
        type=f"urn:countenance:problem:{slug}",
        title=title,
        status=status or error.http_status,
        code=error.code,
        detail=str(error),
        hint=error.hint,
        errors=list(errors),
        reasons=[Reason(**reason) for reason in getattr(error, "reasons", ())],
    )
    content = problem.model_dump(exclude={name for name in ("errors", "reasons") if not getattr(problem, name)})
    body = json.dumps(content, ensure_ascii=False).encode()
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def internal_error() -> CountenanceError:
    """Return what is said of a failure that nobody foresaw: nothing of its cause, which may be personal."""
    return CountenanceError(
        "the server failed in a way that nobody foresaw",
        code="internal-error",
        hint="Try again; if it stays, give the operator the time of this failure.",
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error that a route or the framework raises a problem."""
    app.add_exception_handler(CountenanceError, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http)


def _on_known(_request: Request, error: Exception) -> Response:
    """Answer an error that was raised on purpose."""
    if not isinstance(error, CountenanceError):
        raise error
    if error.http_status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("answered %d %s", error.http_status, error.code)
    return problem_response(error)


def _on_invalid_request(_request: Request, error: Exception) -> Response:
    """Answer a request whose fields are missing or of the wrong type, without repeating what was sent."""
    if not isinstance(error, RequestValidationError):
        raise error
    fields = [
        FieldProblem(field=".".join(str(part) for part in found["loc"][1:]) or "body", message=str(found["msg"]))
        for found in error.errors()
    ]
    detail = "; ".join(f"{problem.field}: {problem.message}" for problem in fields)
    hint = "Correct these fields; /v1/openapi.json describes them."
    return problem_response(InvalidInputError(detail, code="request-invalid", hint=hint), errors=fields)


def _on_http(_request: Request, error: Exception) -> Response:
    """Answer an error that the framework found."""
    if not isinstance(error, HTTPException):
        raise error
    return framework_problem(error)


def framework_problem(error: HTTPException) -> Response:
    """Turn an error that the framework found, or what is like it, into its response."""
    code, kind, hint = HTTP_CODES.get(error.status_code, ("request-refused", InvalidInputError, ""))
    detail = str(error.detail)
    problem = kind(detail[:1].lower() + detail[1:], code=code, hint=hint)
    return problem_response(problem, status=error.status_code, headers=error.headers)


def problems(codes: Mapping[int, Sequence[str]]) -> dict[int | str, dict[str, Any]]:
    """Describe a route's problems for the OpenAPI document.

    Args:
        codes: HTTP status to the codes that the route answers with it.
    """
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}: " + ", ".join(f"`{code}`" for code in listed),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {code: {"value": _example(status, code)} for code in listed},
                }
            },
        }
        for status, listed in codes.items()
    }


def _example(status: int, code: str) -> dict[str, Any]:
    """Return an example of one problem."""
    kinds = {401: NotPermittedError, 422: InvalidInputError, 503: UnavailableError}
    by_status = {kind.http_status: kind for kind in TITLES if kind is not CountenanceError}
    kind = HTTP_CODES[status][1] if status in HTTP_CODES else kinds.get(status, by_status.get(status, CountenanceError))
    slug, title = TITLES[kind]
    return {
        "type": f"urn:countenance:problem:{slug}",
        "title": title,
        "status": status,
        "code": code,
        "detail": "what happened, in one line",
        "hint": "what to do about it",
    }
