"""Releases a request in this process and kills it right after one of the steps: HOME REQUEST LOGIN STEP."""

import sys
from dataclasses import replace
from pathlib import Path

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from tests.integration.gallery.withdraw_and_die import Dying

STEPS = {
    "prepared": ("register", "save"),
    "erased": ("eraser", "erase"),
}
"""Each step to the part and its call after which the process dies."""


def main() -> None:
    home, request, login, step = sys.argv[1:]
    part, fatal = STEPS[step]
    with open_gallery(Settings(home=Path(home))) as gallery:
        desk = gallery.rights
        mortal = replace(desk, **{part: Dying(getattr(desk, part), fatal)})
        mortal.release(request, actor=gallery.accounts.acting(login))


if __name__ == "__main__":
    main()
