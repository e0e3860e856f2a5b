"""Requests made up from the OpenAPI document: whatever comes, the server answers as the document says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as limits
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from countenance.api.app import create_app
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.model import LegalBasis
from tests import signed_up
from tests.integration.api.conftest import served

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def own_gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenGallery]:
    """A gallery of its own, since sources and cases are made up in it."""
    settings = Settings(home=tmp_path_factory.mktemp("made-up") / "home", max_image_bytes=100_000)
    initialise(settings)
    with open_gallery(settings) as gallery:
        gallery.sources.register(name="archive", owner="o", legal_basis=LegalBasis.CONTRACT, document=b"d")
        signed_up.admitted(gallery)
        yield gallery


@pytest.fixture(scope="module")
def key(own_gallery: OpenGallery) -> str:
    """A key for everything."""
    return signed_up.api_key(own_gallery)


@pytest.fixture(scope="module")
def address(own_gallery: OpenGallery) -> Iterator[str]:
    """The address of a server over it."""
    with served(create_app(own_gallery)) as url:
        yield url


schema = schemathesis.openapi.from_path(Path(__file__).parents[3] / "docs" / "reference" / "openapi.json")


@schema.parametrize()
@limits(max_examples=10, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_what_is_made_up_from_the_document_is_answered_as_it_says(
    case: schemathesis.Case[Any], address: str, key: str
) -> None:
    case.call_and_validate(base_url=address, checks=CHECKS, headers={"Authorization": f"Bearer {key}"})
