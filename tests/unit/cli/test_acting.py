"""What commands ask the policy, held against what the routes ask that do the same."""

from collections.abc import Mapping

import pytest

from countenance.access.permission import Asks, Exempt
from countenance.api.permitted import ROUTES
from countenance.cli.acting import COMMANDS

SAME: Mapping[str, tuple[str, str]] = {
    "api-key make": ("POST", "/own/keys"),
    "api-key revoke": ("DELETE", "/own/credentials/{credential_id}"),
    "approval grant": ("POST", "/v1/approvals/{approval_id}/decision"),
    "approval list": ("GET", "/v1/approvals"),
    "approval refuse": ("POST", "/v1/approvals/{approval_id}/decision"),
    "audit show": ("GET", "/v1/audit/entries"),
    "case close": ("POST", "/v1/cases/{case_id}/closing"),
    "case list": ("GET", "/v1/cases"),
    "case open": ("POST", "/v1/cases"),
    "case show": ("GET", "/v1/cases/{case_id}"),
    "enrol": ("POST", "/v1/sources/{name}/photographs"),
    "erase face": ("POST", "/v1/faces/{target}/erasure"),
    "erase image": ("POST", "/v1/images/{target}/erasure"),
    "erase subject": ("POST", "/v1/subjects/{target}/erasure"),
    "faces": ("POST", "/v1/faces"),
    "org apply": ("POST", "/operator/organisations"),
    "org cancel": ("POST", "/operator/organisations/{org_id}/cancellation"),
    "org list": ("GET", "/operator/organisations"),
    "org review": ("POST", "/operator/organisations/{org_id}/reviews"),
    "org show": ("GET", "/operator/organisations/{org_id}"),
    "org suspend": ("POST", "/operator/organisations/{org_id}/suspension"),
    "retention plan": ("GET", "/v1/retention"),
    "rights close": ("POST", "/v1/requests/{request_id}/closing"),
    "rights consent": ("POST", "/v1/requests/{request_id}/consent"),
    "rights decide": ("POST", "/v1/requests/{request_id}/decision"),
    "rights find": ("POST", "/v1/requests/{request_id}/look"),
    "rights identify": ("POST", "/v1/requests/{request_id}/identity"),
    "rights letter": ("GET", "/v1/requests/{request_id}/letter"),
    "rights list": ("GET", "/v1/requests"),
    "rights receive": ("POST", "/v1/requests"),
    "rights release": ("POST", "/v1/requests/{request_id}/release"),
    "rights return": ("POST", "/v1/requests/{request_id}/return"),
    "rights show": ("GET", "/v1/requests/{request_id}"),
    "rights stay-out end": ("DELETE", "/v1/stay-out/{entry_id}"),
    "rights stay-out list": ("GET", "/v1/stay-out"),
    "search": ("POST", "/v1/searches"),
    "search-group": ("POST", "/v1/searches"),
    "source activate": ("POST", "/v1/sources/{name}/changes"),
    "source list": ("GET", "/v1/sources"),
    "source register": ("POST", "/v1/sources"),
    "source releases add": ("POST", "/v1/sources/{name}/releases"),
    "source releases list": ("GET", "/v1/sources/{name}/releases"),
    "source releases revoke": ("DELETE", "/v1/sources/{name}/releases/{release_id}"),
    "source resume": ("POST", "/v1/sources/{name}/changes"),
    "source show": ("GET", "/v1/sources/{name}"),
    "source suspend": ("POST", "/v1/sources/{name}/changes"),
    "source withdraw": ("POST", "/v1/sources/{name}/withdrawal"),
    "subjects list": ("GET", "/v1/subjects"),
    "subjects show": ("GET", "/v1/subjects/{subject_id}"),
    "user add": ("POST", "/operator/organisations/{org_id}/people"),
    "user confirm": ("POST", "/operator/people/{user_id}/confirmation"),
    "user deactivate": ("POST", "/operator/people/{user_id}/deactivation"),
    "user invite": ("POST", "/operator/people/{user_id}/invitation"),
    "verify-search": ("GET", "/v1/searches/{search_id}"),
}
"""Commands that do or show what a route does."""

COMMANDS_ALONE = frozenset(
    {
        *("api-key list", "audit checkpoint", "audit export", "audit prove", "audit rotate-key", "certificate list"),
        *("import", "keys backup", "keys escrow", "keys restore", "keys rotate", "migrate compreface", "migrate csv"),
        *("migrate deepface", "oversight alerts", "oversight run", "report customers", "report transparency"),
        *(
            "retention set",
            "source keeper",
            "templates rekey",
            "user bind",
            "user list",
            "user roles",
            "user show",
            "user train",
        ),
    }
)
"""Commands that ask and do what no route does."""

ROUTES_ALONE = frozenset(
    {
        ("GET", "/operator/organisations/{org_id}/documents/{sha256}"),
        ("GET", "/v1/faces/{face_id}/crop"),
        ("GET", "/v1/faces/{target}/erasure"),
        ("GET", "/v1/gallery"),
        ("GET", "/v1/images/{image_id}/content"),
        ("GET", "/v1/images/{target}/erasure"),
        ("GET", "/v1/policy"),
        ("GET", "/v1/sources/{name}/changes"),
        ("GET", "/v1/subjects/{target}/erasure"),
        ("POST", "/v1/approvals/{approval_id}/options"),
        ("POST", "/v1/previews"),
        ("POST", "/v1/retention/run"),
    }
)
"""Routes that ask, and do what no command does, an option of one does, or one that asks nobody does (`cases.md`)."""


def test_every_command_and_every_route_that_asks_is_compared() -> None:
    asking = {name for name, row in COMMANDS.items() if row not in {Exempt.HOST, Exempt.PUBLIC}}

    assert asking == SAME.keys() | COMMANDS_ALONE
    assert not SAME.keys() & COMMANDS_ALONE
    assert {route for route, row in ROUTES.items() if isinstance(row, Asks) or row is Exempt.SEARCH} == {
        route for route in (*SAME.values(), *ROUTES_ALONE) if ROUTES[route] is not Exempt.OWN
    }


@pytest.mark.parametrize("command", SAME)
def test_a_command_asks_and_records_what_its_route_does(command: str) -> None:
    assert COMMANDS[command] == ROUTES[SAME[command]]
