"""Moves a home's keys between the key file and where a setting says until it is killed: HOME KIND."""

import sys
from pathlib import Path

from countenance.bootstrap.keks import KekKind
from countenance.bootstrap.key_care import rotate_keys
from countenance.bootstrap.settings import load_settings
from tests.unrecorded import unrecorded

settings = load_settings(Path(sys.argv[1]))
while True:
    rotate_keys(settings, KekKind.FILE, record=unrecorded)
    print("moved", flush=True)  # noqa: T201 - who kills it waits for that
    rotate_keys(settings, KekKind(sys.argv[2]), record=unrecorded)
