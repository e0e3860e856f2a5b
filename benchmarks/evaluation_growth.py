"""Error rates as the gallery grows to ten million, all but the first thousand made up: the command's own report.

Run with COUNTENANCE_TEST_DATA set: `python -m benchmarks.evaluation_growth`; half an hour on two cores. It runs
`countenance evaluate identification --grow-to 10000000` over rotation 1 of the protocol with the default pack, and
keeps what that says of growth, and its plot.
"""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.environment import RESULTS, environment, write_result
from benchmarks.lfw_templates import test_data
from benchmarks.protocols.lfw_dev import Row, protocol_rows
from countenance.evaluation.growth import SEED

LARGEST = 10_000_000
KEPT = ("model_pack", "score", "gate", "N", "searches", "seconds", "bootstrap", "growth")
PLOT = RESULTS.parent.parent / "docs/images/evaluation-growth.svg"


def main() -> None:
    """Run the command and keep its figures and its plot."""
    facts = environment(seed=SEED, distributions=("countenance", "numpy", "scipy"))
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "protocol.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([Row._fields, *protocol_rows(test_data())])
        options = ("--images", test_data(), "--protocol", folder / "protocol.csv", "--report", folder)
        command = [Path(sys.executable).with_name("countenance"), "evaluate", "identification", *options]
        subprocess.run([*command, "--grow-to", str(LARGEST)], check=True)
        result = json.loads((folder / "identification.json").read_text(encoding="utf-8"))
        shutil.copyfile(folder / "identification-growth.svg", PLOT)
    write_result("evaluation-growth", {"environment": facts} | {key: result[key] for key in KEPT})


if __name__ == "__main__":
    main()
