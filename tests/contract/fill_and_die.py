"""Enrols people into two sources in turns and is killed, the hard way, while the index follows: HOME STEP."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from countenance.adapters.exact import stored
from countenance.adapters.exact.blocks import BlockStore
from countenance.adapters.exact.engine import ExactIndex
from countenance.adapters.milvus import server
from countenance.adapters.milvus.server import TemplateCollection
from countenance.adapters.milvus.state import StateFile
from countenance.adapters.sql import records
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from tests.made_up_galleries import fill_in_turns

LATE = ("late", "later")

ADDED = 30
"""People of each."""

BATCH = 20
"""References that are read and added together."""

ON_MILVUS: dict[str, tuple[type, str, int]] = {
    "told that it changes": (StateFile, "write", 1),
    "some of the rows": (TemplateCollection, "insert", 0),
    "all rows": (TemplateCollection, "insert", 1),
    "told which rows": (StateFile, "write", 2),
    "all rows of the second batch": (TemplateCollection, "insert", 2),
}
"""Each step to a call, and after how many of it the process dies; after 0 means in the middle of the first."""

ON_DISK: dict[str, tuple[type, str, int]] = {
    "held in memory": (ExactIndex, "put", 2),
    "one source's file": (BlockStore, "_written", 3),
    "both sources' files": (BlockStore, "_written", 4),
    "listed": (BlockStore, "_replace", 2),
    "old files overwritten": (BlockStore, "_discard", 2),
}
"""Steps of the second batch; it counts once it is listed."""


def dying(part: type, name: str, calls: int) -> None:
    """Have a class's method kill the process once it was called so often."""
    call = getattr(part, name)
    left = [calls]

    def called(*arguments: Any, **named: Any) -> Any:
        result = call(*arguments, **named)
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(part, name, called)


def main() -> None:
    home, step = sys.argv[1:]
    part, name, calls = (ON_MILVUS | ON_DISK)[step]
    with open_gallery(Settings(home=Path(home))) as gallery:
        gallery.refresh()
        fill_in_turns(gallery, LATE, ADDED)
        records.BATCH_ROWS, stored.SAVE_ROWS = BATCH, 1
        if calls:
            dying(part, name, calls)
        else:
            server.BATCH_ROWS = BATCH // 4
            dying(TemplateCollection, "_asked", 2)
        gallery.refresh()


if __name__ == "__main__":
    main()
