"""Every number that the API takes: however large, below zero, or none at all, it is never the server's error."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from countenance.api.visitors import SESSION_COOKIE
from countenance.bootstrap.wiring import OpenGallery
from tests import signed_up

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8"))
CASE = {"case": "2026-114", "purpose": "missing-person"}
LARGE = ["0", "-1", str(2**31), str(2**63), str(-(2**63) - 1), str(10**20), "9" * 400, "9" * 5000, "nan", "1e400"]


def is_number(schema: Mapping[str, Any]) -> bool:
    """Return whether a value may be a number, or several."""
    parts = [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]
    return schema.get("type") in {"integer", "number"} or any(map(is_number, parts))


def numbers() -> Iterator[tuple[str, str, str, str]]:
    """Return every number of a request in the document: method, path, where it stands, its name."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                if is_number(parameter["schema"]):
                    yield method, path, parameter["in"], parameter["name"]
            for body in operation.get("requestBody", {}).get("content", {}).values():
                schema = body["schema"]
                if "$ref" in schema:
                    schema = DOCUMENT["components"]["schemas"][schema["$ref"].split("/")[-1]]
                for name, one in schema.get("properties", {}).items():
                    if is_number(one):
                        yield method, path, "form", name


@pytest.fixture
def http(address: str, api_key: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=address, headers=headers, trust_env=False) as opened:
        yield opened


@pytest.mark.parametrize("value", [pytest.param(value, id=value[:24]) for value in LARGE])
@pytest.mark.parametrize(
    ("method", "path", "where", "name"), [pytest.param(*one, id=f"{one[1]} {one[3]}") for one in numbers()]
)
def test_it_is_answered_or_refused(
    *, http: httpx.Client, portraits: Mapping[str, Path], value: str, method: str, path: str, where: str, name: str
) -> None:
    url = path.replace("{request_id}", "5f0c")
    if where == "query":
        response = http.request(method, url, params={name: value})
    else:
        picture = portraits["obama3.jpg"].read_bytes()
        response = http.request(method, url, data=CASE | {name: value}, files={"photograph": ("a.jpg", picture)})

    assert response.status_code < 500


@pytest.mark.parametrize("days", [pytest.param(value, id=value[:24]) for value in (*LARGE, str(10**10))])
def test_a_key_lasts_no_such_time(address: str, gallery: OpenGallery, days: str) -> None:
    body = f'{{"name": "k", "actions": ["search"], "days": {days}}}'
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
    cookies = {SESSION_COOKIE: signed_up.cookie(gallery)}

    with httpx.Client(base_url=address, headers=headers, cookies=cookies, trust_env=False) as page:
        response = page.post("/own/keys", content=body)

    assert response.status_code in {400, 422}
