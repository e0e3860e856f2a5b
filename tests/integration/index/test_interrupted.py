"""A search that is interrupted while all cores scan: nothing crashes, and the next search answers."""

import signal
import subprocess
import sys
from time import sleep

import numpy as np

INTERRUPTIONS = 40

SEARCHES = """
import signal
import numpy as np
from countenance.adapters.exact.engine import ExactIndex
from countenance.index.model import BlockRows
from tests.index_engines import unit_rows

# Where tests run in the background, SIGINT comes ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
templates = unit_rows(seed=1, n=70_000, dim=64)
numbers = np.arange(1, len(templates) + 1)
stored = lambda rows: {row: templates[row - 1] for row in rows}

def filled():
    index = ExactIndex(64, originals=stored)
    index.add(BlockRows("a", rows=numbers, subjects=numbers, templates=templates))
    return index

interrupted, index = 0, filled()
print("ready", flush=True)
while interrupted < int(COUNT):
    try:
        while True:
            [found] = index.search(templates[:1], blocks=["a"], limit=5)
            assert found.neighbours[0].row == 1, found
    except KeyboardInterrupt:
        interrupted += 1
        index.clear()
        index = filled()
        print(interrupted, flush=True)
"""


def test_interruptions_of_a_scan_end_in_searches_that_answer() -> None:
    program = SEARCHES.replace("COUNT", str(INTERRUPTIONS))
    waits = np.random.default_rng(7).uniform(0.002, 0.03, INTERRUPTIONS)

    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip()]
        for wait in waits:
            sleep(wait)
            process.send_signal(signal.SIGINT)
            lines.append(process.stdout.readline().strip())

    assert lines == ["ready", *map(str, range(1, INTERRUPTIONS + 1))]
    assert process.returncode == 0
