"""Organisations and people over a real database of either kind and a keyring in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import URL, Engine

from countenance.access.founding import FIRST_OPERATORS, found
from countenance.access.model import Application, Organisation, User
from countenance.access.organisations import apply_for, review
from countenance.access.people import add_user
from countenance.adapters.keys.memory import memory_keyring
from countenance.adapters.sql.access_directory import SqlDirectory
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import open_engine, upgrade
from countenance.policy.model import Actor, Channel, Role, Sector
from tests.audit_parts import SIGNER

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class House:
    """An installation of its own with two operators."""

    engine: Engine
    audit: SqlAuditLog
    directory: SqlDirectory
    operators: tuple[Actor, Actor]

    def applied(self, name: str = "Harbour Police", **differently: object) -> Organisation:
        """Put an application on record."""
        facts: dict[str, object] = {
            "sector": Sector.LAW_ENFORCEMENT,
            "country": "NL",
            "region": "NL-ZH",
            "contact": "duty desk",
            "documents": (("charter.pdf", b"charter"),),
        }
        application = Application(name=name, **{**facts, **differently})
        with self.directory.changing() as change:
            return apply_for(change, application, actor=self.operators[0], at=NOW)

    def admitted(self, name: str = "Harbour Police", **differently: object) -> Organisation:
        """Put an active organisation on record."""
        organisation = self.applied(name, **differently)
        for operator in self.operators:
            with self.directory.changing() as change:
                organisation = review(change, organisation.org_id, admit=True, reason="seen", actor=operator, at=NOW)
        return organisation

    def person(self, org_id: str, login: str = "j.doe", roles: frozenset[Role] = frozenset({Role.EXAMINER})) -> User:
        """Add a person."""
        with self.directory.changing() as change:
            return add_user(change, org_id, login=login, name="Jo Doe", roles=roles, actor=self.operators[0], at=NOW)


@pytest.fixture
def house(database: URL) -> Iterator[House]:
    """A new installation."""
    engine, keyring = open_engine(database), memory_keyring()
    upgrade(engine, keyring)
    audit = SqlAuditLog(engine, SIGNER, keyring)
    directory = SqlDirectory(engine, keyring, audit)
    with directory.changing() as change:
        first, second = found(change, FIRST_OPERATORS, at=NOW)
        owner = change.organisation(first.org_id)
    actors = tuple(user.acting(owner, channel=Channel.COMMAND_LINE) for user in (first, second))
    yield House(engine=engine, audit=audit, directory=directory, operators=(actors[0], actors[1]))
    engine.dispose()
