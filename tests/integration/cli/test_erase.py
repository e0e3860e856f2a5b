"""`countenance erase`, through the real command and real enrolments."""

import json
from pathlib import Path

import pytest

from tests.integration.cli.conftest import PEOPLE, Command


def enrolled(command: Command, album: Path) -> str:
    """Enrol two people; returns the first one's id."""
    command("source", "register", "album", "--owner", "Zoë", "--legal-basis", "contract", "--document", "d.txt")
    assert command("enrol", "album", album, "--json").json["enrolled"] == 2
    [first, _] = command("subjects", "list", "--json").json["subjects"]
    return str(first["subject_id"])


def test_a_person_is_erased_and_stays_away(command: Command, album: Path, tmp_path: Path) -> None:
    subject = enrolled(command, album)
    probe = album / "A" / PEOPLE["A"][0]
    search = ("search", probe, "--case", "c", "--purpose", "missing-person", "--threshold", "0.9", "--json")
    erase = ("erase", "subject", subject, "--reason", "They asked")
    before = command(*search).json["candidates"]

    planned = command(*erase, "--dry-run", "--json").json
    still = command(*search).json["candidates"]
    signed = command(*erase, "--certificate", "c.json", "--json").json
    after = command(*search).json["candidates"]
    again = command("enrol", "album", album, "--json").json
    checked = command("certificate", "verify", "c.json", "--json").json
    read = command(*erase).out

    assert ([one["subject"]["id"] for one in before], len(still), after) == ([subject], 1, [])
    counts = {"photographs": 1, "subjects": 1, "templates": 1, "photographs_staying": 0}
    assert planned["would_erase"] == counts
    assert planned["searches_that_returned_it"] == 1
    assert json.loads((tmp_path / "c.json").read_text(encoding="ascii")) == signed
    assert checked["statement"]["destroyed"] == {"photographs": 1, "subjects": 1, "templates": 1}
    assert len(checked["statement"]["handed_out_before"]) == 2
    assert "Not reached: backups made before" in " ".join(read.split())
    assert (again["already"], [one["code"] for one in again["not_enrolled"]]) == (1, ["photograph-erased"])
    assert command("doctor", "--json").json == {"subjects": 1, "agree": True}
    assert command("erase", "finish", "--json").json == {"finished": []}
    [listed] = command("certificate", "list", "--json").json["certificates"]
    assert (listed["kind"], listed["target"]) == ("subject-erased", subject)


def test_a_photograph_and_a_face(command: Command, album: Path) -> None:
    subject = enrolled(command, album)
    [first] = command("subjects", "show", subject, "--json").json["faces"]

    command("erase", "image", first["image_id"], "--reason", "x")
    [other] = command("subjects", "list", "--json").json["subjects"]
    [second] = command("subjects", "show", other["subject_id"], "--json").json["faces"]
    command("erase", "face", second["face_id"], "--reason", "x")

    assert command("subjects", "list", "--json").json["subjects"] == []


@pytest.mark.parametrize("kind", ["subject", "image", "face"])
def test_what_is_not_there_is_one_line(command: Command, album: Path, kind: str) -> None:
    assert album.is_dir()
    command("erase", kind, "5f0c", "--reason", "x").refused(4, f"{kind}-unknown")
    command("erase", kind, "5f0c", "--reason", "x", "--dry-run").refused(4, f"{kind}-unknown")


def test_a_reason_is_needed(command: Command, album: Path) -> None:
    command("erase", "subject", enrolled(command, album), "--reason", " ").refused(2, "reason-invalid")
