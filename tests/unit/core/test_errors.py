"""The table of errors: each kind with its own status and exit code."""

import pytest

from countenance.core.errors import KINDS, CountenanceError, InvalidInputError


def test_each_kind_ends_a_command_in_its_own_way() -> None:
    table = {kind.__name__: (kind.http_status, kind.exit_code) for kind in KINDS}

    assert table == {
        "InvalidInputError": (422, 2),
        "NotPermittedError": (403, 3),
        "NotFoundError": (404, 4),
        "ConflictError": (409, 5),
        "UnavailableError": (503, 6),
        "IntegrityError": (500, 7),
    }


def test_the_table_is_complete() -> None:
    assert set(KINDS) == set(CountenanceError.__subclasses__())


def test_an_error_is_a_line_a_code_and_a_hint() -> None:
    error = InvalidInputError("the limit is 0", code="limit-invalid", hint="e.g. 20")

    assert (str(error), error.code, error.hint) == ("the limit is 0", "limit-invalid", "e.g. 20")


def test_an_error_needs_a_code() -> None:
    with pytest.raises(TypeError, match="code"):
        InvalidInputError("without")  # type: ignore[call-arg]
