"""Enrols people into a gallery on a Milvus server and is killed, the hard way, while the index follows: HOME STEP."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from countenance.adapters.milvus import server
from countenance.adapters.milvus.server import TemplateCollection
from countenance.adapters.milvus.state import StateFile
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from tests.made_up_galleries import fill

ADDED = 30

STEPS: dict[str, tuple[type, str, int]] = {
    "told that it changes": (StateFile, "write", 1),
    "some of the rows": (TemplateCollection, "insert", 0),
    "all rows": (TemplateCollection, "insert", 1),
    "told which rows": (StateFile, "write", 2),
}
"""Each step to a call, and after how many of it the process dies; after 0 means in the middle of the first."""


def dying(part: type, name: str, calls: int) -> None:
    """Have a class's method kill the process once it was called so often."""
    call = getattr(part, name)
    left = [calls]

    def called(*arguments: Any, **named: Any) -> None:
        call(*arguments, **named)
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(part, name, called)


def main() -> None:
    home, step = sys.argv[1:]
    part, name, calls = STEPS[step]
    with open_gallery(Settings(home=Path(home))) as gallery:
        gallery.refresh()
        fill(gallery, "late", ADDED)
        if calls:
            dying(part, name, calls)
        else:
            server.BATCH_ROWS = ADDED // 3
            dying(TemplateCollection, "_asked", 2)
        gallery.refresh()


if __name__ == "__main__":
    main()
