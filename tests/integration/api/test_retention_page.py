"""The page that says to everybody how long what is kept."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from countenance.api.app import create_app
from countenance.bootstrap.wiring import open_gallery
from countenance.web.page import page_router
from tests.made_up_galleries import made_up_home

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_a_stranger_reads_it_and_learns_of_nobody(tmp_path: Path, serve: Callable[[FastAPI], str]) -> None:
    settings = made_up_home(tmp_path / "home", {"eastmarch-archive": 1})
    with open_gallery(settings) as gallery:
        pages = page_router(
            max_image_bytes=1, keep_answers_days=90, keep_cases_days=400, rights_contact="Desk <desk@example.org>"
        )
        address = serve(create_app(gallery, pages=[pages]))

        answer = httpx.get(f"{address}/retention", trust_env=False)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "740 ILCS 14/15(a)" in answer.text
    assert "503.001(c)(3)" in answer.text
    assert "kept for 90 days" in answer.text
    assert "400 days after it was closed" in answer.text
    assert "Desk &lt;desk@example.org&gt;" in answer.text
    assert "eastmarch" not in answer.text


@pytest.mark.parametrize("path", ["/retention/", "/retention/x", "/retentio"])
def test_nothing_beside_it_is_public(address: str, path: str) -> None:
    assert httpx.get(f"{address}{path}", trust_env=False).status_code == 401
