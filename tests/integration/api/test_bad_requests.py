"""Requests that can't be answered: each is problem+json with its own stable code, and changes nothing."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from countenance.bootstrap.wiring import OpenGallery

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NO_ONE = "00000000-0000-4000-8000-000000000000"
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
CUT_OFF = b'--b\r\nContent-Disposition: form-data; name="photograph"; filename="a.jpg"\r\n\r\n\xff\xd8\xff'
CASE = {"case": "2026-114", "purpose": "missing-person"}
PICTURE = {"photograph": ("a.jpg", b"\xff\xd8\xff not a picture")}
SOURCE = {"name": "unused", "owner": "o", "legal_basis": "consent"}
DOCUMENT = {"document": ("d.pdf", b"d")}


def search(**fields: Any) -> dict[str, Any]:
    return {"method": "POST", "url": "/v1/searches", "data": CASE | fields, "files": PICTURE}


def register(**fields: Any) -> dict[str, Any]:
    return {"method": "POST", "url": "/v1/sources", "data": SOURCE | fields, "files": DOCUMENT}


def get(url: str, **more: Any) -> dict[str, Any]:
    return {"method": "GET", "url": url, **more}


BAD = [
    pytest.param(get("/v1/sources", headers={"Authorization": ""}), 401, "token-wrong", id="empty authorization"),
    pytest.param(get("/v1/sources", headers={"Authorization": "Bearer no"}), 401, "token-wrong", id="wrong token"),
    pytest.param(get("/v1/sources", headers={"Authorization": "Basic eDp5"}), 401, "token-wrong", id="basic auth"),
    pytest.param(get("/v1/sources", headers={"Authorization": "Bearer \xe9"}), 401, "token-wrong", id="not ASCII"),
    pytest.param(get("/v1/sources", headers={"Host": "evil.example"}), 403, "host-refused", id="foreign host"),
    pytest.param(get("/v1/sources", headers={"Host": "127.0.0.1.evil.example"}), 403, "host-refused", id="host prefix"),
    pytest.param(get("/v1/health", headers={"Host": "evil.example:80"}), 403, "host-refused", id="host, public path"),
    pytest.param(get("/v1/nothing"), 404, "route-unknown", id="unknown route"),
    pytest.param(get("/v1/sources/"), 404, "route-unknown", id="trailing slash"),
    pytest.param(get("/docs"), 404, "route-unknown", id="no documentation page"),
    pytest.param({"method": "DELETE", "url": "/v1/sources"}, 405, "method-not-allowed", id="wrong method"),
    pytest.param({"method": "PATCH", "url": "/v1/searches"}, 405, "method-not-allowed", id="patch a search"),
    pytest.param(get("/v1/sources/nobody"), 404, "source-unknown", id="unknown source"),
    pytest.param(get("/v1/subjects", params={"source": "nobody"}), 404, "source-unknown", id="subjects of nobody"),
    pytest.param(get(f"/v1/subjects/{NO_ONE}"), 404, "subject-unknown", id="unknown subject"),
    pytest.param(get(f"/v1/searches/{NO_ONE}"), 404, "search-unknown", id="unknown search"),
    pytest.param(get(f"/v1/faces/{NO_ONE}/crop"), 404, "face-unknown", id="unknown face"),
    pytest.param(get(f"/v1/images/{NO_ONE}/content"), 404, "image-unknown", id="unknown image"),
    pytest.param(get("/v1/images/..%2F..%2Ftoken/content"), 404, "route-unknown", id="path trick, slashes"),
    pytest.param(get("/v1/images/..%5C..%5Ctoken/content"), 404, "image-unknown", id="path trick, backslashes"),
    pytest.param(get("/v1/images/%00/content"), 404, "image-unknown", id="path trick, NUL"),
    pytest.param(get("/v1/subjects/' OR 1=1 --"), 404, "subject-unknown", id="SQL in a path"),
    pytest.param(get("/static/..%2F..%2Ftoken"), 404, "route-unknown", id="path trick, static"),
    pytest.param(get("/v1/subjects", params={"limit": "0"}), 422, "request-invalid", id="page of 0"),
    pytest.param(get("/v1/subjects", params={"limit": "1001"}), 422, "request-invalid", id="page too long"),
    pytest.param(get("/v1/subjects", params={"offset": "-1"}), 422, "request-invalid", id="negative offset"),
    pytest.param(get("/v1/subjects", params={"offset": "9" * 30}), 422, "request-invalid", id="huge offset"),
    pytest.param({"method": "POST", "url": "/v1/searches", "data": CASE}, 400, "body-unreadable", id="urlencoded"),
    pytest.param({"method": "POST", "url": "/v1/searches", "json": CASE}, 400, "body-unreadable", id="JSON body"),
    pytest.param({"method": "POST", "url": "/v1/searches"}, 400, "body-unreadable", id="no body"),
    pytest.param(
        {"method": "POST", "url": "/v1/faces", "headers": MULTIPART, "content": b"no boundary here"},
        400,
        "body-unreadable",
        id="broken multipart",
    ),
    pytest.param(
        {"method": "POST", "url": "/v1/faces", "headers": MULTIPART, "content": CUT_OFF},
        400,
        "body-unreadable",
        id="cut-off multipart",
    ),
    pytest.param(
        {"method": "POST", "url": "/v1/faces", "headers": {"Content-Type": "multipart/form-data"}, "content": b"x"},
        400,
        "body-unreadable",
        id="no boundary",
    ),
    pytest.param(
        {"method": "POST", "url": "/v1/faces", "files": [("photograph", ("a.jpg", b"x"))] * 2},
        400,
        "body-unreadable",
        id="two files",
    ),
    pytest.param(search(**{f"field{n}": "x" for n in range(20)}), 400, "body-unreadable", id="too many fields"),
    pytest.param(search(case="x" * 5000), 400, "body-unreadable", id="field too long"),
    pytest.param(
        {"method": "POST", "url": "/v1/searches", "data": {"case": "c"}, "files": PICTURE},
        422,
        "request-invalid",
        id="purpose missing",
    ),
    pytest.param(
        {"method": "POST", "url": "/v1/searches", "data": CASE, "files": {"other": ("a", b"x")}},
        422,
        "request-invalid",
        id="photograph missing",
    ),
    pytest.param(
        {"method": "POST", "url": "/v1/faces", "data": {"photograph": "text"}, "files": {"other": ("a", b"x")}},
        422,
        "request-invalid",
        id="photograph as text",
    ),
    pytest.param(search(face="one"), 422, "request-invalid", id="face is a word"),
    pytest.param(search(limit="1.5"), 422, "request-invalid", id="limit is a fraction"),
    pytest.param(search(thorough="perhaps"), 422, "request-invalid", id="thorough is perhaps"),
    pytest.param(search(case=" "), 422, "case-invalid", id="blank case"),
    pytest.param(search(purpose="x" * 201), 422, "purpose-invalid", id="purpose too long"),
    pytest.param(search(limit="0"), 422, "limit-invalid", id="limit 0"),
    pytest.param(search(limit="1001"), 422, "limit-invalid", id="limit 1001"),
    pytest.param(search(threshold="nan"), 422, "threshold-invalid", id="threshold nan"),
    pytest.param(search(threshold="2"), 422, "threshold-invalid", id="threshold 2"),
    pytest.param(search(threshold="-inf"), 422, "threshold-invalid", id="threshold -inf"),
    pytest.param(search(face="0"), 422, "face-number-invalid", id="face 0"),
    pytest.param(register(name="Has Spaces"), 422, "source-name-invalid", id="source name"),
    pytest.param(register(owner=" "), 422, "source-owner-invalid", id="blank owner"),
    pytest.param(register(legal_basis="because"), 422, "request-invalid", id="legal basis"),
    pytest.param(register(name="portraits"), 409, "source-exists", id="source twice"),
    pytest.param(
        {"method": "POST", "url": "/v1/sources", "data": SOURCE, "files": {"document": ("d", b"")}},
        422,
        "source-document-empty",
        id="empty document",
    ),
    pytest.param(
        {"method": "POST", "url": "/v1/sources/nobody/photographs", "files": PICTURE},
        404,
        "source-unknown",
        id="enrol into nobody",
    ),
    pytest.param(
        {"method": "POST", "url": "/v1/faces", "files": {"photograph": ("a.jpg", b"x" * 1_100_000)}},
        413,
        "request-too-large",
        id="too large",
    ),
]


@pytest.fixture
def http(address: str, api_key: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=address, headers=headers, trust_env=False) as opened:
        yield opened


@pytest.mark.parametrize(("request_", "status", "code"), BAD)
def test_a_bad_request_is_a_problem(
    http: httpx.Client, gallery: OpenGallery, request_: dict[str, Any], status: int, code: str
) -> None:
    before = gallery.records.snapshot()
    headers = {name: value.encode("latin-1") for name, value in request_.get("headers", {}).items()}

    response = http.request(**{**request_, "headers": headers})

    problem = response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert problem["detail"]
    assert "\n" not in problem["detail"]
    assert gallery.records.snapshot() == before


PICTURES = [
    pytest.param(b"", id="empty"),
    pytest.param(b"\xff\xd8\xff\xe0", id="truncated"),
    pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'/>", id="SVG"),
    pytest.param(b"%PDF-1.7", id="PDF"),
    pytest.param(b"<!doctype html><script>alert(1)</script>", id="HTML"),
]


@pytest.mark.parametrize("route", ["/v1/faces", "/v1/previews", "/v1/searches", "/v1/sources/portraits/photographs"])
@pytest.mark.parametrize("data", PICTURES)
def test_what_is_no_picture_is_refused_everywhere(http: httpx.Client, route: str, data: bytes) -> None:
    response = http.post(route, data=CASE, files={"photograph": ("a.jpg", data)})

    assert response.status_code == 422
    assert response.json()["code"].startswith("image-")


def test_what_was_sent_is_not_repeated(http: httpx.Client) -> None:
    response = http.post("/v1/searches", data=CASE | {"limit": "Jane Doe"}, files=PICTURE)

    assert response.json()["errors"] == [
        {
            "field": "limit",
            "message": "Input should be a valid integer, unable to parse string as an integer",
        }
    ]
    assert "Jane Doe" not in response.text


def test_the_wrong_method_says_which_are_right(http: httpx.Client) -> None:
    response = http.delete("/v1/subjects")

    assert response.headers["allow"] == "GET"
