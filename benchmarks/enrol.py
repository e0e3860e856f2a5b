"""JPEG files to stored templates on two cores, side by side with the face_recognition (dlib) pipeline.

Run, with nothing else running, once `benchmarks/.venv-dlib` holds `benchmarks/requirements-dlib.txt`:
`python -m benchmarks.enrol`

Ours: `open_gallery(...).enrol(...)` into a new home: reading, decoding, detection, quality, alignment, the crop and its
mirror image through the recogniser, picture and crop into the object store, records and templates into SQLite. Theirs:
reading, decoding, detection, landmarks and encoding with `face_recognition`, by two processes; nothing is stored. Both
take the same files, in turns. When each file was done is in the result, so that the start of workers can be told apart.
"""

import argparse
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from benchmarks.environment import environment, write_result
from benchmarks.photographs import make_photographs
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.gallery.model import LegalBasis
from countenance.gallery.plan import Subjects, plan

SEED = 1
PROCESSES = 2
DLIB = Path(__file__).parent / ".venv-dlib" / "bin" / "python"


def main() -> None:
    """Measure and write when each file was done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="photographs")
    parser.add_argument("--turns", type=int, default=2, help="runs of each pipeline")
    parser.add_argument("--name", default="enrol", help="of the result")
    options = parser.parse_args()
    facts = environment(
        seed=SEED,
        distributions=("countenance", "numpy", "opencv-python-headless", "openvino", "pillow", "sqlalchemy"),
    )
    with tempfile.TemporaryDirectory() as place:
        photographs = Path(place) / "photographs"
        made = make_photographs(photographs, count=options.count, seed=SEED)
        runs = list(_runs(photographs, Path(place), turns=options.turns))
    result = {"environment": facts, "photographs": made, "processes": PROCESSES, "runs": runs}
    print(write_result(options.name, result))


def _runs(photographs: Path, place: Path, *, turns: int) -> Iterator[dict[str, Any]]:
    """Take turns."""
    for turn in range(turns):
        yield _countenance(photographs, place / f"home-{turn}")
        yield _face_recognition(photographs)


def _countenance(photographs: Path, home: Path) -> dict[str, Any]:
    """Enrol into a new gallery."""
    settings = Settings(home=home, workers=PROCESSES)
    initialise(settings)
    done: list[int] = []
    with open_gallery(settings) as gallery:
        gallery.sources.register(name="bench", owner="bench", legal_basis=LegalBasis.LICENCE, document=b"none")
        started = perf_counter_ns()
        report = gallery.enrol(
            "bench",
            plan(photographs, Subjects.FOLDERS),
            on_progress=lambda number: done.extend([perf_counter_ns() - started] * number),
        )
        finished = perf_counter_ns() - started
    return {
        "pipeline": "countenance",
        "files": report.read,
        "faces": report.templates,
        "not_enrolled": len(report.not_enrolled),
        "done_nanoseconds": done,
        "finished_nanoseconds": finished,
    }


def _face_recognition(photographs: Path) -> dict[str, Any]:
    """Run the other pipeline in its own environment."""
    command = (str(DLIB), str(Path(__file__).parent / "dlib_pipeline.py"), str(photographs), str(PROCESSES))
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {"pipeline": "face_recognition", **answer}


if __name__ == "__main__":
    main()
