"""The face_recognition (dlib) pipeline over a folder; runs in its own environment, `benchmarks/.venv-dlib`.

Run: `benchmarks/.venv-dlib/bin/python benchmarks/dlib_pipeline.py FOLDER PROCESSES` prints one JSON object.
"""

import json
import sys
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter_ns


def encode(path: str) -> int:
    """Return how many faces of a file were encoded, with the package's own defaults."""
    import face_recognition  # noqa: PLC0415 - each worker loads its own networks

    return len(face_recognition.face_encodings(face_recognition.load_image_file(path)))


def main() -> None:
    """Encode every file and print when each was done."""
    folder, processes = Path(sys.argv[1]), int(sys.argv[2])
    paths = [str(path) for path in sorted(folder.rglob("*.jpg"))]
    started = perf_counter_ns()
    done, faces, without = [], 0, 0
    with get_context("spawn").Pool(processes) as pool:
        for found in pool.imap(encode, paths):
            done.append(perf_counter_ns() - started)
            faces += found
            without += not found
    answer = {
        "versions": {name: version(name) for name in ("dlib-bin", "face_recognition", "face_recognition_models")},
        "files": len(paths),
        "faces": faces,
        "not_enrolled": without,
        "done_nanoseconds": done,
        "finished_nanoseconds": perf_counter_ns() - started,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
