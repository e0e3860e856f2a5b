"""The OpenAPI document: complete, resolvable, and honest about errors."""

import re
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

METHODS = {"get", "post", "put", "patch", "delete"}
WITHOUT_TOKEN = {"/v1/health"}


@pytest.fixture(scope="module")
def document(address: str) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.get(f"{address}/v1/openapi.json", trust_env=False).json()
    return answer


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_every_operation_is_described_and_tagged(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        assert operation["description"], path
        assert len(operation["tags"]) == 1, path


def test_every_operation_with_a_token_says_what_goes_wrong_without(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        if path not in WITHOUT_TOKEN:
            assert "application/problem+json" in operation["responses"]["401"]["content"], path


def test_no_operation_keeps_the_frameworks_own_error_shape(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in str(document["paths"])


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    for name in set(re.findall(r"#/components/schemas/(\w+)", str(document))):
        assert name in document["components"]["schemas"]


def test_every_problems_example_has_its_status_and_code(document: dict[str, Any]) -> None:
    for path, operation in operations(document):
        for status, response in operation["responses"].items():
            for code, example in (
                response.get("content", {}).get("application/problem+json", {}).get("examples", {}).items()
            ):
                assert (str(example["value"]["status"]), example["value"]["code"]) == (status, code), path


def test_whatever_brings_the_index_up_says_that_it_may_not_be_there(document: dict[str, Any]) -> None:
    saying = {
        path for path, operation in operations(document) if "index-behind" in str(operation["responses"].get("503"))
    }

    assert saying == {
        "/v1/searches",
        "/v1/subjects/{target}/erasure",
        "/v1/images/{target}/erasure",
        "/v1/faces/{target}/erasure",
        "/v1/retention/run",
        "/v1/sources/{name}/withdrawal",
        "/v1/requests/{request_id}/look",
        "/v1/requests/{request_id}/release",
    }
