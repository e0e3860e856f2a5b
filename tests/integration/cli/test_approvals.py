"""Searches that a supervisor approves, before them or within 48 hours of an emergency: through the real command."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.adapters.sql.database import open_engine, sqlite_url
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.clock import utc_now
from countenance.policy.model import Role
from tests import signed_up
from tests.integration.cli.conftest import Command

WITNESS = ("--case", "c", "--purpose", "witness", "--offence", "robbery")
DECIDED = ("--reason", "the prosecutor asked", "--as", "s.visor", "--json")


@pytest.fixture
def people(home: Path) -> Iterator[Settings]:
    """A supervisor and an examiner who is none, besides the one who is both; an examiner of another organisation."""
    settings = Settings(home=home)
    with open_gallery(settings) as gallery:
        signed_up.person(gallery, "s.visor", roles=[Role.SUPERVISOR])
        signed_up.person(gallery, "j.doe", roles=[Role.EXAMINER])
        signed_up.person(gallery, "r.supervisor", org="Rival Police", roles=[Role.SUPERVISOR])
    yield settings
    engine = open_engine(sqlite_url(settings.database))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM approval"))
    engine.dispose()


def later(settings: Settings, by: timedelta) -> None:
    """Let time go by for every emergency that waits."""
    engine = open_engine(sqlite_url(settings.database))
    with engine.begin() as connection:
        connection.execute(text("UPDATE approval SET due_at = :due"), {"due": f"{utc_now() - by:%Y-%m-%d %H:%M:%S.%f}"})
    engine.dispose()


def waiting(command: Command) -> str:
    """Return the id of the newest request, which waits."""
    [newest, *_] = command("approval", "list", "--as", "s.visor", "--json").json["approvals"]
    assert newest["state"] == "waiting"
    return str(newest["approval_id"])


@pytest.mark.usefixtures("people")
class TestBefore:
    def test_a_sensitive_search_waits_and_is_made_once_when_approved(
        self, command: Command, portraits: Mapping[str, Path]
    ) -> None:
        search = ("search", portraits["obama3.jpg"], *WITNESS, "--as", "j.doe", "--json")

        asked = command(*search)
        again = command(*search)
        approval = waiting(command)
        granted = command("approval", "grant", approval, *DECIDED).json
        found = command(*search).json
        third = command(*search)

        assert (asked.code, asked.json["error"]["code"]) == (3, "not-permitted")
        assert approval in asked.json["error"]["hint"] == again.json["error"]["hint"]
        assert (granted["state"], granted["signed"]) == ("granted", False)
        assert found["candidates"][0]["subject"]["label"] == "C"
        assert third.code == 3, "an approval counts once"

    @pytest.mark.parametrize("other", ["probe", "purpose", "person"])
    def test_an_approval_is_of_exactly_one_search(
        self, command: Command, portraits: Mapping[str, Path], other: str
    ) -> None:
        command("search", portraits["obama3.jpg"], *WITNESS, "--as", "j.doe")
        command("approval", "grant", waiting(command), *DECIDED)
        probe = portraits["biden.jpg" if other == "probe" else "obama3.jpg"]
        purpose = ("--case", "c", "--purpose", "child-victim", "--offence", "robbery")
        who = "examiner" if other == "person" else "j.doe"

        ended = command("search", probe, *(purpose if other == "purpose" else WITNESS), "--as", who)

        assert ended.code == 3

    def test_nobody_approves_their_own_nor_without_the_role(
        self, command: Command, portraits: Mapping[str, Path]
    ) -> None:
        command("search", portraits["obama3.jpg"], *WITNESS)
        approval = waiting(command)
        grant = ("approval", "grant", approval, "--reason", "r", "--as")

        command(*grant, "examiner").refused(3, "approval-own")
        command(*grant, "j.doe").refused(3, "not-permitted")
        command(*grant, "r.supervisor").refused(4, "approval-unknown")
        command("approval", "grant", approval, "--reason", " ", "--as", "s.visor").refused(2, "reason-invalid")

    def test_what_was_refused_stays_refused(self, command: Command, portraits: Mapping[str, Path]) -> None:
        search = ("search", portraits["obama3.jpg"], *WITNESS, "--as", "j.doe")
        command(*search)
        approval = waiting(command)

        refused = command("approval", "refuse", approval, *DECIDED).json
        command("approval", "grant", approval, "--reason", "r", "--as", "s.visor").refused(5, "approval-decided")

        assert refused["state"] == "refused"
        assert command(*search).code == 3

    def test_an_approver_who_left_approves_no_more(
        self, command: Command, portraits: Mapping[str, Path], people: Settings
    ) -> None:
        with open_gallery(people) as gallery:
            signed_up.person(gallery, "leaves", roles=[Role.SUPERVISOR])
        command("search", portraits["obama3.jpg"], *WITNESS, "--as", "j.doe")
        command("approval", "grant", waiting(command), "--reason", "r", "--as", "leaves")
        command("user", "deactivate", "leaves", "--reason", "left", "--as", "operator-1")

        ended = command("search", portraits["obama3.jpg"], *WITNESS, "--as", "j.doe")

        assert ended.code == 3


class TestEmergency:
    @pytest.fixture
    def made(self, command: Command, portraits: Mapping[str, Path], people: Settings) -> str:
        """An emergency search that waits for approval; its id."""
        assert people.database.is_file()
        found = command("search", portraits["obama3.jpg"], *WITNESS, "--emergency", "--as", "j.doe", "--json").json
        assert found["candidates"]
        assert found["approve_by"] > found["searched_at"]
        return str(found["search_id"])

    def shown(self, command: Command, portraits: Mapping[str, Path], made: str) -> int:
        return command("verify-search", made, "--probe", portraits["obama3.jpg"], "--as", "j.doe").code

    def test_one_that_is_approved_stays(
        self, command: Command, portraits: Mapping[str, Path], made: str, people: Settings
    ) -> None:
        granted = command("approval", "grant", waiting(command), *DECIDED).json
        later(people, timedelta(days=30))

        assert (granted["state"], granted["search_id"]) == ("used", made)
        assert command("approval", "sweep", "--json").json == {"swept": []}
        assert self.shown(command, portraits, made) == 0

    def test_one_that_nobody_approves_goes_out_of_sight_and_then_for_good(
        self, command: Command, portraits: Mapping[str, Path], made: str, people: Settings
    ) -> None:
        verify = ("verify-search", made, "--probe", portraits["obama3.jpg"], "--as", "j.doe")
        emergency = ("search", portraits["biden.jpg"], *WITNESS, "--emergency", "--as", "j.doe", "--json")

        later(people, timedelta(seconds=1))
        [out_of_sight] = command("approval", "sweep", "--json").json["swept"]
        command(*verify).refused(3, "search-quarantined")
        another = command(*emergency)
        later(people, timedelta(days=8))
        [deleted] = command("approval", "sweep", "--json").json["swept"]
        command(*verify).refused(4, "search-unknown")

        assert (out_of_sight["search_id"], out_of_sight["deleted_at"]) == (made, None)
        assert [reason["rule"] for reason in another.json["error"]["reasons"]] == ["core-emergency"]
        assert deleted["deleted_at"] is not None
        with open_gallery(people) as gallery:
            log = b"".join(gallery.audit.entries(0, gallery.audit.head().size))
        assert b'"emergency-quarantine"' in log
        assert b'"emergency-delete"' in log

    def test_one_that_is_refused_is_deleted_at_once(
        self, command: Command, portraits: Mapping[str, Path], made: str
    ) -> None:
        command("approval", "refuse", waiting(command), *DECIDED)

        assert self.shown(command, portraits, made) == 4
