"""`kill -9` while an index on disk is filled from sources that were enrolled in turns: batches count whole, or not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from countenance.bootstrap.wiring import open_gallery
from tests.contract.fill_and_die import ADDED, BATCH, LATE, ON_DISK
from tests.made_up_galleries import found, made_up_home, people

COUNTS = {"archive": 12, "museum": 5}


@pytest.mark.parametrize(
    ("step", "batches"), [(step, 2 if step in {"listed", "old files overwritten"} else 1) for step in ON_DISK]
)
def test_a_batch_that_was_cut_short_does_not_count_and_is_read_again(tmp_path: Path, step: str, batches: int) -> None:
    settings = made_up_home(tmp_path / "home", COUNTS)
    program = [sys.executable, "-m", "tests.contract.fill_and_die", str(settings.home), step]

    killed = subprocess.run(program, capture_output=True, text=True, check=False)
    with open_gallery(settings) as gallery:
        index, records = gallery.indexed.index, gallery.records
        left, last_row = index.rows(), index.last_row
        on_record = [records.reference_rows(one.source.source_id) for one in records.sources()]
        labels = [[answer[0][1] for answer in found(gallery, people(source, ADDED))] for source in LATE]
        finished, agree = index.rows(), gallery.indexed.compare().agree

    rows = np.sort(np.concatenate(on_record))
    assert killed.returncode == -9, killed.stderr
    assert last_row == rows[sum(COUNTS.values()) + batches * BATCH - 1]
    assert left.tolist() == rows[rows <= last_row].tolist()
    assert labels == [[f"{source} person {number}" for number in range(ADDED)] for source in LATE]
    assert finished.tolist() == rows.tolist()
    assert agree
