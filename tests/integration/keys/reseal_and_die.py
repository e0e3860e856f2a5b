"""Seals a home's documents anew in this process and kills it right after one of the steps: HOME STEP."""

import sys
from pathlib import Path

from countenance.bootstrap import older_homes
from countenance.bootstrap.parts import open_parts
from countenance.bootstrap.settings import Settings
from tests.integration.gallery.withdraw_and_die import Dying


def main() -> None:
    home, step = sys.argv[1:]
    settings = Settings(home=Path(home))
    with open_parts(settings) as parts:
        objects = Dying(parts.objects, "put") if step == "sealed" else parts.objects
        if step == "overwritten":
            older_homes.overwrite_and_delete = lambda path: Dying(path, "write_bytes").write_bytes(bytes(9))
        if step == "deleted":
            older_homes.overwrite_and_delete = lambda path: Dying(path, "unlink").unlink()
        older_homes.reseal_documents(settings, objects, parts.records, parts.register)


if __name__ == "__main__":
    main()
