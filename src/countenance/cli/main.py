"""The `countenance` command."""

import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from countenance.bootstrap.logs import set_up_logging
from countenance.bootstrap.settings import load_settings
from countenance.cli.api_keys import api_key_app
from countenance.cli.approvals import approval_app
from countenance.cli.arguments import require_text
from countenance.cli.audit import audit_app
from countenance.cli.audit_keys import audit_rotate_key, audit_witness, audit_witness_key
from countenance.cli.bench import bench_app
from countenance.cli.calibration import calibrate, calibration_app
from countenance.cli.cases import case_app
from countenance.cli.certificate import certificate_app
from countenance.cli.doctor import doctor, index_app, templates_app
from countenance.cli.erase import erase_app
from countenance.cli.evaluate import evaluate_app
from countenance.cli.gallery import enrol, init, status, subjects_app
from countenance.cli.group_search import search_group
from countenance.cli.importing import import_
from countenance.cli.keyring import keys_app
from countenance.cli.migrate import migrate_app
from countenance.cli.models import models_app
from countenance.cli.organisations import org_app
from countenance.cli.output import emit_error
from countenance.cli.oversight import oversight_app
from countenance.cli.people import user_app
from countenance.cli.policy import policy_app
from countenance.cli.reports import report_app
from countenance.cli.retention import retention_app
from countenance.cli.rights import rights_app
from countenance.cli.search import faces, search, verify_search
from countenance.cli.serve import serve
from countenance.cli.source import source_app
from countenance.cli.stay_out import rights_consent, stay_out_app
from countenance.cli.transparency import report_transparency
from countenance.core.errors import CountenanceError, InvalidInputError, UnavailableError

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number, as shells have it; Typer returns it."""

app = typer.Typer(
    name="countenance",
    help="Find who is in a photograph, among enrolled faces. Candidates, never identifications.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback form
    """Print the version and end."""
    if wanted:
        typer.echo(f"countenance {version('countenance')}")
        raise typer.Exit


@app.callback()
def root(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Find who is in a photograph, among enrolled faces. Candidates, never identifications."""
    set_up_logging(load_settings().log_level)


app.command()(init)
app.add_typer(org_app, name="org")
app.add_typer(user_app, name="user")
app.add_typer(api_key_app, name="api-key")
report_app.command("transparency", no_args_is_help=True)(report_transparency)
app.add_typer(report_app, name="report")
app.add_typer(case_app, name="case")
app.add_typer(approval_app, name="approval")
app.add_typer(source_app, name="source")
app.add_typer(erase_app, name="erase")
app.add_typer(retention_app, name="retention")
rights_app.command("consent", no_args_is_help=True)(rights_consent)
rights_app.add_typer(stay_out_app, name="stay-out")
app.add_typer(rights_app, name="rights")
app.add_typer(certificate_app, name="certificate")
app.command(no_args_is_help=True)(enrol)
app.command("import", no_args_is_help=True)(import_)
app.add_typer(migrate_app, name="migrate")
app.add_typer(subjects_app, name="subjects")
app.command(no_args_is_help=True)(search)
app.command(no_args_is_help=True)(search_group)
app.command(no_args_is_help=True)(faces)
app.command(no_args_is_help=True)(verify_search)
app.command()(calibrate)
app.add_typer(calibration_app, name="calibration")
app.command()(status)
app.command()(serve)
app.command()(doctor)
app.add_typer(index_app, name="index")
app.add_typer(templates_app, name="templates")
audit_app.command("rotate-key")(audit_rotate_key)
audit_app.command("witness", no_args_is_help=True)(audit_witness)
audit_app.command("witness-key", no_args_is_help=True)(audit_witness_key)
app.add_typer(audit_app, name="audit")
app.add_typer(oversight_app, name="oversight")
app.add_typer(models_app, name="models")
app.add_typer(keys_app, name="keys")
app.add_typer(policy_app, name="policy")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(bench_app, name="bench")
require_text(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        The exit code: 0, 130 after Ctrl-C, or that of the error's kind (core/errors.py).
    """
    as_json = "--json" in arguments
    try:
        result = app(args=list(arguments), standalone_mode=False)
    except CountenanceError as error:
        emit_error(error, as_json=as_json)
        return error.exit_code
    except typer.TyperException as error:
        message = error.format_message()
        # A command without its arguments has printed its help instead of a message.
        if message:
            emit_error(InvalidInputError(message, code="usage", hint=_help_hint(error)), as_json=as_json)
        return InvalidInputError.exit_code
    except SystemExit:
        # How Typer and Rich end when whoever read the output has had enough: not an error, but nothing more can be
        # written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # Whatever no command foresaw: a full disk, a file that went away, too many open ones.
        place = f"{error.filename}: " if error.filename else ""
        emit_error(
            UnavailableError(
                f"{place}{error.strerror or type(error).__name__}",
                code="system-refused",
                hint="mend that and run the same command again; what was finished is kept",
            ),
            as_json=as_json,
        )
        return UnavailableError.exit_code
    if result == INTERRUPTED:
        hint = "what was finished is kept; the same command goes on from there"
        emit_error(CountenanceError("stopped", code="interrupted", hint=hint), as_json=as_json)
    return result if isinstance(result, int) else 0


def _help_hint(error: typer.TyperException) -> str:
    """Say where help is."""
    context = getattr(error, "ctx", None)
    return f"see `{context.command_path if context else 'countenance'} --help`"


def main() -> None:
    """Run the command line of this process; what a plain terminal can't show is escaped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))
