"""`countenance retention`, through the real command."""

from pathlib import Path

import pytest

from countenance.core.clock import utc_now
from tests import signed_up
from tests.integration.cli.conftest import Command

TODAY = utc_now().date().isoformat()


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> str:
    """A gallery with one source."""
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    command("init")
    signed_up.admitted_home(tmp_path / "home")
    (tmp_path / "d.txt").write_text("given", encoding="utf-8")
    register = ("--owner", "Zoë", "--legal-basis", "contract", "--document", "d.txt")
    assert command("source", "register", "album", *register, "--retention", "us-il-bipa").code == 0
    return "album"


def test_a_clock_is_set_planned_and_run(command: Command, source: str) -> None:
    before = command("retention", "plan", "--json").json
    ahead = command("retention", "plan", "--on", "2060-01-01", "--json").json
    still = command("source", "show", source, "--json").json["state"]
    set_ = command("retention", "set", source, "--purpose-ended", "2020-01-01", "--json").json
    planned = command("retention", "plan", "--json").json
    table = command("retention", "plan").out
    ran = command("retention", "run", "--json").json
    shown = command("source", "show", source, "--json").json
    [certificate] = command("certificate", "list", "--json").json["certificates"]

    [clock] = before["sources"]
    assert (clock["due"], clock["citation"]) == (False, "Illinois Biometric Information Privacy Act, 740 ILCS 14/15(a)")
    assert before["answers"] == {"before": None, "due": 0}
    assert ([one["due"] for one in ahead["sources"]], still) == ([True], "active")
    assert (set_["state"], set_["retention"]["purpose_ended_on"]) == ("expired", "2020-01-01")
    assert (planned["sources"], planned["unfinished"]) == ([], 1)
    assert "Destructions that were cut short: 1" in table
    assert [(one["kind"], one["source"]) for one in ran["destroyed"]] == [("source-expired", source)]
    assert (shown["state"], certificate["kind"]) == ("expired", "source-expired")
    assert "Nothing was due." in command("retention", "run").out


def test_what_is_left_out_stays(command: Command, source: str) -> None:
    command("retention", "set", source, "--last-contact", TODAY)
    command("retention", "set", source, "--rule", "us-tx-cubi")
    texas = command("source", "show", source, "--json").json["retention"]
    command("retention", "set", source, "--rule", "date", "--until", "2060-01-01")
    command("retention", "set", source, "--rule", "none")
    none = command("source", "show", source, "--json").json["retention"]

    assert (texas["rule"], texas["last_interaction_on"]) == ("us-tx-cubi", TODAY)
    assert (none["rule"], none["ends_on"]) == ("none", None)


def test_rules_are_listed_with_their_citations(command: Command, source: str) -> None:
    assert source
    rules = command("retention", "rules", "--json").json["rules"]

    assert [one["rule"] for one in rules] == ["none", "date", "us-il-bipa", "us-tx-cubi"]
    assert "503.001(c)(3)" in command("retention", "rules").out


def test_what_can_not_be_is_one_line(command: Command, source: str) -> None:
    command("retention", "set", source, "--rule", "date").refused(2, "retention-invalid")
    command("retention", "set", source, "--last-contact", "2999-01-01").refused(2, "retention-invalid")
    command("retention", "set", "nobody", "--rule", "none").refused(4, "source-unknown")
    command("retention", "plan", "--on", "tomorrow").refused(2, "usage")


def test_answers_are_kept_as_long_as_the_setting_says(
    command: Command, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source
    monkeypatch.setenv("COUNTENANCE_KEEP_ANSWERS_DAYS", "30")
    planned = command("retention", "plan", "--json").json
    monkeypatch.setenv("COUNTENANCE_KEEP_ANSWERS_DAYS", "0")

    assert planned["answers"]["due"] == 0
    assert planned["answers"]["before"].endswith("T00:00:00+00:00")
    command("retention", "plan").refused(2, "setting-invalid")


def test_never_is_a_day_like_any_other(command: Command, source: str) -> None:
    set_ = command("retention", "set", source, "--rule", "us-tx-cubi", "--purpose-ended", "9999-12-31", "--json").json
    [clock] = command("retention", "plan", "--on", "9999-12-31", "--json").json["sources"]
    # Whatever opens the gallery looks at its clocks.
    shown = command("status")

    assert (set_["state"], clock["last_day"], clock["due"]) == ("active", "9999-12-31", False)
    assert (shown.code, shown.err) == (0, "")


def test_a_plan_may_be_of_the_first_day_there_is(
    command: Command, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source
    for kept in ("ANSWERS", "REQUESTS", "CASES"):
        monkeypatch.setenv(f"COUNTENANCE_KEEP_{kept}_DAYS", "30")

    planned = command("retention", "plan", "--on", "0001-01-01", "--json").json

    assert planned["answers"] == {"before": "0001-01-01T00:00:00+00:00", "due": 0}
    assert (planned["requests"], planned["cases"]) == ([], [])
    assert "0 older than 0001-01-01" in command("retention", "plan", "--on", "0001-01-01").out
