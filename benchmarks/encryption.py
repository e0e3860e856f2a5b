"""What encryption costs: enrolment and searches with sealing, and in turns without it.

Run, with nothing else running: `python -m benchmarks.encryption`

Without: in this process, and nowhere else, values are laid into the same envelope with nothing done to them: as many
bytes, no cipher. No setting, no argument and no code of the product does that. Each turn makes a new home, enrols the
same photographs with two worker processes, and searches for some of them; turns alternate. Beside the times on the
clock stands how long sealing and opening themselves took, in the process that does them.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from benchmarks.environment import environment, write_result
from benchmarks.photographs import make_photographs
from benchmarks.policy_decision import examiner
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.gallery.model import LegalBasis
from countenance.gallery.plan import Subjects, plan
from countenance.keys import service
from countenance.keys.envelope import NONCE_BYTES, TAG_BYTES, VERSION, Envelope
from countenance.policy.model import Actor
from countenance.search.model import SearchRequest

SEED = 1
PROCESSES = 2
WARM_UP = 3
"""Searches before those that count."""


class TimedEnvelope(Envelope):
    """The product's envelope, and how long it was at work."""

    spent = 0

    def seal(self, plaintext: bytes, *, record: str, column: str) -> bytes:
        """See the base."""
        began = perf_counter_ns()
        sealed = super().seal(plaintext, record=record, column=column)
        TimedEnvelope.spent += perf_counter_ns() - began
        return sealed

    def open(self, sealed: bytes, *, record: str, column: str) -> bytes:
        """See the base."""
        began = perf_counter_ns()
        plaintext = super().open(sealed, record=record, column=column)
        TimedEnvelope.spent += perf_counter_ns() - began
        return plaintext


class NullEnvelope(Envelope):
    """As many bytes, and nothing done to them."""

    def seal(self, plaintext: bytes, *, record: str, column: str) -> bytes:
        """Lay bytes between zeros."""
        del record, column
        return VERSION + bytes(NONCE_BYTES) + plaintext + bytes(TAG_BYTES)

    def open(self, sealed: bytes, *, record: str, column: str) -> bytes:
        """Take bytes out again."""
        del record, column
        return bytes(sealed[1 + NONCE_BYTES : -TAG_BYTES])


@contextmanager
def envelopes(kind: type[Envelope]) -> Iterator[None]:
    """Use a kind of envelope in this process."""
    product = service.Envelope
    service.Envelope = kind  # type: ignore[misc]
    try:
        yield
    finally:
        service.Envelope = product  # type: ignore[misc]


def main() -> None:
    """Measure and write the raw times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="photographs")
    parser.add_argument("--turns", type=int, default=3, help="runs of each kind")
    parser.add_argument("--searches", type=int, default=36, help="a run")
    options = parser.parse_args()
    facts = environment(seed=SEED, distributions=("countenance", "cryptography", "openvino", "sqlalchemy"))
    runs = []
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CONFIG_HOME"] = str(Path(place) / "config")
        photographs = Path(place) / "photographs"
        made = make_photographs(photographs, count=options.count, seed=SEED)
        for turn in range(options.turns):
            for name, kind in (("sealed", TimedEnvelope), ("null", NullEnvelope)):
                with envelopes(kind):
                    run = _run(photographs, Path(place) / f"{name}-{turn}", searches=options.searches)
                runs.append({"envelope": name, **run})
    result = {"environment": facts, "photographs": made, "processes": PROCESSES, "runs": runs}
    print(write_result("encryption", result))


def _run(photographs: Path, home: Path, *, searches: int) -> dict[str, Any]:
    """Enrol into a new gallery, then search it."""
    settings = Settings(home=home, workers=PROCESSES)
    initialise(settings)
    done: list[int] = []
    with open_gallery(settings) as gallery:
        gallery.sources.register(name="bench", owner="bench", legal_basis=LegalBasis.LICENCE, document=b"none")
        TimedEnvelope.spent, started = 0, perf_counter_ns()
        report = gallery.enrol(
            "bench",
            plan(photographs, Subjects.FOLDERS),
            on_progress=lambda number: done.extend([perf_counter_ns() - started] * number),
        )
        finished, spent = perf_counter_ns() - started, TimedEnvelope.spent
        times = list(_searched(gallery, examiner(gallery), sorted(photographs.rglob("*.jpg"))[: searches + WARM_UP]))
    return {
        "files": report.read,
        "templates": report.templates,
        "done_nanoseconds": done,
        "finished_nanoseconds": finished,
        "enrol_in_envelope_nanoseconds": spent,
        "search_nanoseconds": [taken for taken, _ in times][WARM_UP:],
        "search_in_envelope_nanoseconds": [inside for _, inside in times][WARM_UP:],
    }


def _searched(gallery: OpenGallery, actor: Actor, probes: list[Path]) -> Iterator[tuple[int, int]]:
    """Search for each, and yield how long that took, and how much of it sealing and opening, ns."""
    for probe in probes:
        request = SearchRequest(
            image=probe.read_bytes(), filename=None, case="0", purpose="missing-person", actor=actor
        )
        TimedEnvelope.spent, began = 0, perf_counter_ns()
        answer = gallery.search(request)
        yield perf_counter_ns() - began, TimedEnvelope.spent
        if not answer.candidates:
            raise RuntimeError("a photograph that was enrolled was not found")


if __name__ == "__main__":
    main()
