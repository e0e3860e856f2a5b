"""Moves a home's keys between token and key file until it is killed."""

import sys
from pathlib import Path

from countenance.bootstrap.keks import KekKind
from countenance.bootstrap.key_care import rotate_keys
from countenance.bootstrap.settings import Settings
from tests.tokens import MODULE, TOKEN

settings = Settings(home=Path(sys.argv[1]), pkcs11_module=MODULE, pkcs11_token=TOKEN, pkcs11_pin_file=Path(sys.argv[2]))
while True:
    rotate_keys(settings, KekKind.FILE)
    print("moved", flush=True)  # noqa: T201 - who kills it waits for that
    rotate_keys(settings, KekKind.PKCS11)
