"""Cases, and searches that the policy decides on: through the real command."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.policy.model import Role
from tests import signed_up
from tests.integration.cli.conftest import Command

SEARCH = ("--case", "c", "--purpose", "missing-person")


@pytest.fixture
def rivals(home: Path) -> None:
    """Another organisation with its own examiner, who shares nothing with the test bench."""
    with open_gallery(Settings(home=home)) as gallery:
        signed_up.person(gallery, "rival", org="Rival Police", roles=[Role.EXAMINER])


@pytest.fixture
def illinois(home: Path) -> None:
    """An organisation in Illinois with an examiner and an open case."""
    with open_gallery(Settings(home=home)) as gallery:
        signed_up.person(gallery, "chi", org="Lake Police", roles=[Role.EXAMINER], place=("US", "US-IL"))
        actor = gallery.accounts.acting("chi")
        if not gallery.cases.all(actor=actor):
            gallery.cases.open("c", actor=actor)


@pytest.mark.usefixtures("home")
class TestCases:
    def test_a_case_is_opened_listed_shown_and_closed(self, command: Command, tmp_path: Path) -> None:
        (tmp_path / "order.pdf").write_bytes(b"order 12")
        authorised = ("--authorised-by", "District Court", "--document", "order.pdf")

        made = command("case", "open", "2026-0001", *authorised, "--json").json
        listed = command("case", "list", "--json").json["cases"]
        shown = command("case", "show", "2026-0001", "--json").json
        closed = command("case", "close", made["case_id"], "--json").json

        assert (made["state"], made["authorised_by"]) == ("open", "District Court")
        assert listed[0] == shown == made
        assert (closed["state"], closed["closed_by"]) == ("closed", made["opened_by"])
        command("case", "close", "2026-0001").refused(5, "case-closed")
        command("case", "open", "2026-0001").refused(5, "case-exists")

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            pytest.param((" ",), "case-invalid", id="blank"),
            pytest.param(("x" * 201,), "case-invalid", id="long"),
            pytest.param(("n", "--authorised-by", "Court"), "authorisation-incomplete", id="no document"),
        ],
    )
    def test_a_bad_one_is_refused(self, command: Command, arguments: tuple[str, ...], code: str) -> None:
        command("case", "open", *arguments).refused(2, code)

    @pytest.mark.usefixtures("rivals")
    def test_another_organisations_case_is_as_one_that_there_is_not(self, command: Command) -> None:
        mine = command("case", "show", "c", "--json").json["case_id"]
        answers = [command("case", "show", name, "--as", "rival") for name in ("c", mine, "no such case")]

        assert {(ended.code, ended.err) for ended in answers} == {(4, answers[0].err)}
        assert command("case", "list", "--as", "rival", "--json").json == {"cases": []}
        command("case", "close", mine, "--as", "rival").refused(4, "case-unknown")


@pytest.mark.usefixtures("home")
class TestSearch:
    @pytest.mark.parametrize(
        ("arguments", "rules"),
        [
            pytest.param(("--case", "none", "--purpose", "missing-person"), ["core-case"], id="no such case"),
            pytest.param(("--case", "c", "--purpose", "curiosity"), ["core-purpose"], id="a purpose of nobody's list"),
            pytest.param(("--case", "c", "--purpose", "suspect"), ["core-offence-required"], id="no offence"),
            pytest.param((*SEARCH, "--offence", "loitering"), ["core-offence"], id="an offence of nobody's list"),
            pytest.param((*SEARCH, "--kind", "live"), ["core-live"], id="a live picture"),
            pytest.param(
                ("--case", "c", "--purpose", "witness", "--offence", "robbery"), ["core-approval"], id="sensitive"
            ),
            pytest.param(
                ("--case", "none", "--purpose", "curiosity"), ["core-case", "core-purpose"], id="for two reasons"
            ),
        ],
    )
    def test_what_the_policy_refuses_has_every_reason(
        self, command: Command, portraits: Mapping[str, Path], arguments: tuple[str, ...], rules: list[str]
    ) -> None:
        ended = command("search", portraits["obama3.jpg"], *arguments, "--json")

        error = ended.json["error"]
        assert (ended.code, error["code"]) == (3, "not-permitted")
        assert [reason["rule"] for reason in error["reasons"]] == rules
        assert all(reason["says"] and reason["cites"] and reason["needs"] for reason in error["reasons"])

    @pytest.mark.usefixtures("illinois")
    def test_nobody_in_illinois_is_served(self, command: Command, home: Path, portraits: Mapping[str, Path]) -> None:
        ended = command("search", portraits["obama3.jpg"], *SEARCH, "--as", "chi")

        assert (ended.code, ended.out) == (3, "")
        assert "organisations in Illinois are not served (default-us-il: " in ended.err
        with open_gallery(Settings(home=home)) as gallery:
            size = gallery.audit.head().size
            [last] = gallery.audit.entries(size - 1, size)
        for said in (b'"outcome":"refused"', b'"rules":["default-us-il"]', b'"code":"not-permitted"'):
            assert said in last

    def test_reasons_are_a_list_for_people(self, command: Command, portraits: Mapping[str, Path]) -> None:
        ended = command("search", portraits["obama3.jpg"], "--case", "none", "--purpose", "curiosity")

        first, *lines = ended.err.splitlines()
        assert first == "countenance: not permitted, for 2 reasons [not-permitted]"
        assert [line for line in lines if line.startswith("    needed: ")] == [
            "    needed: a case of your organisation that is open",
            "    needed: a purpose from `countenance policy list`",
        ]

    @pytest.mark.usefixtures("rivals")
    def test_an_answer_is_its_own_organisations(self, command: Command, portraits: Mapping[str, Path]) -> None:
        asked = command("search", portraits["obama3.jpg"], *SEARCH, "--offence", "kidnapping", "--json").json
        verify = ("verify-search", asked["search_id"], "--probe", portraits["obama3.jpg"])

        assert (asked["offence"], asked["kind"]) == ("kidnapping", "photograph")
        assert command(*verify).code == 0
        command(*verify, "--as", "rival").refused(4, "search-unknown")
