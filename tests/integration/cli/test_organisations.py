"""`org` and `user`: the two-person rule from the first minute, on the command line."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Command

NAME = "Harbour Police"


@pytest.fixture
def apply(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """A new gallery with one application; what `org apply` printed."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTENANCE_USER", "ada")
    (tmp_path / "charter.pdf").write_bytes(b"charter")
    command("init", "--operator", "ada", "--operator", "bea")
    place = ("--sector", "law-enforcement", "--country", "NL", "--region", "NL-ZH", "--contact", "duty desk")
    return command("org", "apply", NAME, *place, "--document", "charter.pdf", "--json").json


def admit(command: Command) -> None:
    """Both operators admit it."""
    for login in ("ada", "bea"):
        command("org", "review", NAME, "--admit", "--reason", "charter seen", "--as", login)


def test_from_an_application_to_an_examiner(command: Command, apply: Mapping[str, Any]) -> None:
    first = command("org", "review", NAME, "--admit", "--reason", "charter seen", "--json").json
    second = command("org", "review", NAME, "--admit", "--reason", "called back", "--as", "bea", "--json").json
    added = command(
        "user", "add", "j.doe", "--name", "Jo", "--org", NAME, "--role", "examiner", "--role", "supervisor", "--json"
    ).json
    trained = command("user", "train", "j.doe", "--name", "level 2", "--until", "2036-06-30", "--json").json
    shown = command("org", "show", NAME, "--json").json

    assert [apply["state"], first["state"], second["state"]] == ["applied", "applied", "active"]
    assert (added["roles"], added["state"]) == (["examiner", "supervisor"], "active")
    assert trained["qualifications"] == [
        {"kind": "training", "name": "level 2", "valid_until": "2036-06-30T00:00:00+00:00"}
    ]
    history = [(done["by"], done["action"], done["user"], done["reason"]) for done in shown["changes"]]
    assert history == [
        ("ada", "applied", None, "applied"),
        ("ada", "admitted", None, "charter seen"),
        ("bea", "admitted", None, "called back"),
        ("ada", "user-added", "j.doe", "examiner, supervisor"),
        ("ada", "qualified", "j.doe", "training level 2, until 2036-06-30"),
    ]


@pytest.mark.usefixtures("apply")
def test_lists_for_people(command: Command) -> None:
    admit(command)
    command("user", "add", "j.doe", "--name", "Jo", "--org", NAME, "--role", "examiner")

    organisations, people = command("org", "list", "--state", "active").out, command("user", "list", "--org", NAME).out

    assert all(word in organisations for word in (NAME, "law-enforcement", "NL-ZH", "active"))
    assert all(word in people for word in ("j.doe", "Jo", NAME, "examiner"))


@pytest.mark.usefixtures("apply")
def test_somebody_of_a_stopped_organisation_acts_no_more(command: Command) -> None:
    admit(command)
    command("user", "add", "j.doe", "--name", "Jo", "--org", NAME, "--role", "examiner")
    command("org", "list", "--as", "j.doe").refused(3, "not-permitted")

    command("org", "suspend", NAME, "--reason", "overdue")

    command("org", "list", "--as", "j.doe").refused(3, "actor-unknown")


@pytest.mark.usefixtures("apply")
def test_nobody_acts_unnamed_or_under_a_name_that_is_nobodys(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    command("org", "list", "--as", "mallory").refused(3, "actor-unknown")
    monkeypatch.delenv("COUNTENANCE_USER")

    command("org", "list").refused(3, "actor-missing")


def test_one_operator_is_not_enough(command: Command, tmp_path: Path) -> None:
    command("init", "--home", tmp_path / "alone", "--operator", "ada").refused(2, "operators-invalid")
    command("init", "--home", tmp_path / "alone", "--operator", "ada", "--operator", "ada").refused(
        2, "operators-invalid"
    )

    mended = command("init", "--home", tmp_path / "alone", "--operator", "ada", "--operator", "bea", "--json").json

    assert mended["operators"] == ["ada", "bea"]


@pytest.mark.usefixtures("apply")
def test_a_document_that_is_not_there_is_said(command: Command) -> None:
    command(
        "org", "apply", "Other", "--sector", "archive", "--country", "NL", "--contact", "c", "--document", "none.pdf"
    ).refused(4, "document-unreadable")


@pytest.mark.usefixtures("apply")
def test_the_article_replayed(command: Command, tmp_path: Path) -> None:
    admit(command)
    command(
        "org", "apply", "=A company", "--sector", "company", "--country", "US", "--region", "US-IL", "--contact", "c",
        "--document", "charter.pdf",
    )  # fmt: skip

    named = command("org", "cancel", "--ineligible", "--dry-run", "--json").json
    before = command("report", "customers", "--by", "state,sector", "--json").json
    done = command("org", "cancel", "--ineligible", "--json").json
    after = command("report", "customers", "--by", "state", "--json").json

    assert [one["name"] for one in named["organisations"]] == ["=A company"]
    assert {rule["rule"] for rule in named["organisations"][0]["rules"]} == {"default-sector", "default-us-il"}
    assert before["counts"] == [
        {"state": "active", "sector": "law-enforcement", "organisations": 1},
        {"state": "applied", "sector": "company", "organisations": 1},
    ]
    assert [one["name"] for one in done["organisations"]] == ["=A company"]
    assert after["counts"] == [{"state": "active", "organisations": 1}, {"state": "cancelled", "organisations": 1}]
    [heading, row] = (tmp_path / done["report"]).read_text("utf-8").splitlines()
    assert heading.startswith("organisation_id,name,sector")
    assert ",'=A company,company,US,US-IL,default-sector default-us-il," in row


@pytest.mark.usefixtures("apply")
def test_a_report_is_never_written_over_and_nobody_is_cancelled_then(command: Command, tmp_path: Path) -> None:
    (tmp_path / "cancelled-organisations.csv").write_text("mine", "utf-8")
    command("org", "apply", "A company", "--sector", "company", "--country", "US", "--contact", "c",
            "--document", "charter.pdf")  # fmt: skip

    command("org", "cancel", "--ineligible").refused(5, "output-exists")

    assert command("org", "list", "--state", "cancelled", "--json").json == {"organisations": []}


@pytest.mark.usefixtures("apply")
@pytest.mark.parametrize(
    "words",
    [(), (NAME,), (NAME, "--ineligible"), (NAME, "--reason", "r", "--dry-run")],
    ids=["nothing", "no reason", "both", "dry"],
)
def test_a_cancellation_that_is_unclear_is_refused(command: Command, words: tuple[str, ...]) -> None:
    ended = command("org", "cancel", *words, "--as", "ada")

    ended.refused(2, "cancel-unclear")
    assert command("org", "show", NAME, "--json").json["state"] == "applied"


@pytest.mark.usefixtures("apply")
def test_counting_by_nothing_is_refused(command: Command) -> None:
    command("report", "customers", "--by", "name").refused(2, "count-invalid")
