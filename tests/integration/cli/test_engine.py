"""`COUNTENANCE_ENGINE`: which engine searches."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Command

ASKED = ("--case", "2026-114", "--purpose", "missing-person", "--json")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("engine", ["auto", "exact", "compact"])
def test_all_find_the_mate_and_certify_a_search_that_judged_every_row(
    command: Command, portraits: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("COUNTENANCE_ENGINE", engine)

    answer = command("search", portraits["obama3.jpg"], *ASKED).json

    assert [one["subject"]["label"] for one in answer["candidates"]] == ["C"]
    assert answer["certificate"]["certified"] is True


@pytest.mark.usefixtures("home")
def test_a_folder_for_mapped_rows_that_is_not_there_is_said_so(
    command: Command, portraits: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTENANCE_ENGINE", "compact")
    monkeypatch.setenv("COUNTENANCE_COMPACT_FOLDER", "/no/such/folder")

    ended = command("search", portraits["obama3.jpg"], *ASKED[:-1])

    ended.refused(6, "scratch-unavailable")
