"""Settings: from the environment, checked, and never misspelt in silence."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from countenance.bootstrap.settings import Settings, load_settings
from countenance.core.errors import InvalidInputError


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no setting from outside."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"COUNTENANCE_{name.upper()}", raising=False)


def test_a_variable_sets_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_WORKERS", "3")
    monkeypatch.setenv("COUNTENANCE_HOME", "/srv/gallery")

    settings = load_settings()

    assert (settings.workers, settings.worker_count, settings.home) == (3, 3, Path("/srv/gallery"))


def test_what_is_named_wins_over_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", "/srv/gallery")

    assert load_settings(Path("/srv/other")).home == Path("/srv/other")


def test_a_tilde_is_the_persons_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTENANCE_HOME", "~/gallery")

    assert load_settings().home == Path.home() / "gallery"


@pytest.mark.parametrize("name", ["COUNTENANCE_HOM", "COUNTENANCE_MAX_IMAGE_BYTE", "countenance_threshold"])
def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")

    with pytest.raises(InvalidInputError) as caught:
        load_settings()

    assert caught.value.code == "setting-unknown"
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("WORKERS", "-1", id="fewer workers than none"),
        pytest.param("WORKERS", "257", id="too many workers"),
        pytest.param("WORKERS", "two", id="workers in words"),
        pytest.param("WORKERS", "", id="workers empty"),
        pytest.param("PORT", "65536", id="no port"),
        pytest.param("MAX_IMAGE_BYTES", "0", id="no bytes"),
        pytest.param("MAX_IMAGE_PIXELS", "-5", id="negative pixels"),
        pytest.param("RUNTIME", "tensorrt", id="unknown runtime"),
        pytest.param("ENGINE", "Milvus", id="unknown engine"),
        pytest.param("MILVUS_ADDRESS", "http://user:word@host:19530", id="a password in an address that errors show"),
        pytest.param("MILVUS_ADDRESS", "host:19530", id="an address without a scheme"),
        pytest.param("LOG_LEVEL", "debug", id="level in small letters"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"COUNTENANCE_{name}", value)

    with pytest.raises(InvalidInputError) as caught:
        load_settings()

    assert caught.value.code == "setting-invalid"
    assert str(caught.value).startswith(f"COUNTENANCE_{name}: ")
    assert "\n" not in str(caught.value)


def test_they_are_never_changed() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_a_field_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Settings(prot=1)  # type: ignore[call-arg]
