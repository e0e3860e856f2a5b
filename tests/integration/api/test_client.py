"""The client: the server's problems come back as the same errors, and a server that is not there is one too."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI, Response

from countenance.api.problems import TITLES
from countenance.client.client import KINDS, Client
from countenance.core.errors import (
    ConflictError,
    CountenanceError,
    InvalidInputError,
    NotFoundError,
    NotPermittedError,
    UnavailableError,
)

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@pytest.mark.parametrize(
    ("call", "kind", "code"),
    [
        pytest.param(lambda client: client.source("no/body"), NotFoundError, "route-unknown", id="quoted path"),
        pytest.param(lambda client: client.source("nobody"), NotFoundError, "source-unknown", id="not found"),
        pytest.param(
            lambda client: client.register_source(name="portraits", owner="o", legal_basis="consent", document=b"d"),
            ConflictError,
            "source-exists",
            id="conflict",
        ),
        pytest.param(
            lambda client: client.search(b"x", case="c", purpose="missing-person", threshold=float("nan")),
            InvalidInputError,
            "threshold-invalid",
            id="invalid",
        ),
        pytest.param(lambda client: client.faces(b"x" * 1_100_000), InvalidInputError, "request-too-large", id="large"),
    ],
)
def test_a_problem_is_raised_as_the_error_it_was(
    client: Client, call: Callable[[Client], object], kind: type[CountenanceError], code: str
) -> None:
    with pytest.raises(kind) as raised:
        call(client)

    assert raised.value.code == code
    assert str(raised.value)


def test_a_wrong_token_is_not_permitted(address: str) -> None:
    with Client(address, "guess") as client, pytest.raises(NotPermittedError) as raised:
        client.sources()

    assert raised.value.code == "token-wrong"
    assert raised.value.hint


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with Client("http://127.0.0.1:1", "t") as client, pytest.raises(UnavailableError) as raised:
        client.health()

    assert raised.value.code == "server-unreachable"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_what_is_not_countenance_is_not_understood(serve: Callable[[FastAPI], str], status: int) -> None:
    other = FastAPI()
    other.add_api_route("/v1/gallery", lambda: Response("<html>", status_code=status))

    with Client(serve(other), "t") as client, pytest.raises(UnavailableError) as raised:
        client.gallery()

    assert raised.value.code == "server-not-understood"


def test_client_and_server_know_the_same_kinds() -> None:
    served = {f"urn:countenance:problem:{slug}": kind for kind, (slug, _) in TITLES.items()}

    assert served == KINDS


def test_proxies_of_the_surroundings_are_not_used(address: str, api_key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    with Client(address, api_key) as client:
        assert client.health()
