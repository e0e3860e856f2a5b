"""What all tests share: the sample portraits, and the optional benchmark data."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from examples.sample_portraits import sample_portraits

# How long one example takes says more about the machine's other work than about the code.
settings.register_profile("countenance", deadline=None)
settings.load_profile("countenance")


@pytest.fixture(scope="session")
def portraits() -> Mapping[str, Path]:
    """The sample portraits by file name; fetched at first need."""
    return sample_portraits()


@pytest.fixture(scope="session")
def lfw_dev() -> Path:
    """The benchmark folder `lfw-dev`, where COUNTENANCE_TEST_DATA names one that holds it."""
    folder = Path(os.environ.get("COUNTENANCE_TEST_DATA", "")) / "lfw-dev"
    if not (folder / "pairs.txt").is_file():
        pytest.skip("COUNTENANCE_TEST_DATA names no folder with lfw-dev")
    return folder
