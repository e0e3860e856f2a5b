"""Erases a subject in this process and kills it, the hard way, right after one of the steps: HOME SUBJECT STEP."""

import sys
from dataclasses import replace
from pathlib import Path

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.gallery.destruction import DestructionKind
from countenance.gallery.erasure import Erased
from countenance.policy.model import SYSTEM
from tests.integration.gallery.withdraw_and_die import Dying

STEPS = {
    "begin": ("records", "begin"),
    "list": ("noted", "add"),
    "searches": ("records", "mark_searches"),
    "index": ("refresh_index", "__call__"),
    "objects": ("objects", "delete"),
    "settle": ("records", "settle"),
    "certificate": ("records", "finish"),
}
"""Each step to the part and its call after which the process dies."""


def main() -> None:
    home, subject, step = sys.argv[1:]
    part, fatal = STEPS[step]
    with open_gallery(Settings(home=Path(home))) as gallery:
        eraser = gallery.sources._eraser
        mortal = replace(eraser, **{part: Dying(getattr(eraser, part), fatal)})
        mortal.erase(Erased(DestructionKind.SUBJECT_ERASED, subject), actor=SYSTEM, by="Ada", reason="they asked")


if __name__ == "__main__":
    main()
