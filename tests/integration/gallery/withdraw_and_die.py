"""Withdraws a source in this process and kills it, the hard way, right after one of the steps: HOME NAME STEP."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.gallery import destruction
from countenance.policy.model import SYSTEM

STEPS = {
    "begin": ("destructions", "begin"),
    "key": ("keyring", "destroy"),
    "searches": ("destructions", "mark_searches"),
    "rows": ("destructions", "erase_rows"),
    "index": ("refresh_index", "__call__"),
    "objects": ("objects", "delete_all"),
    "settle": ("destructions", "settle"),
    "certificate": ("destructions", "finish"),
}
"""Each step to the part and its call after which the process dies."""


class Dying:
    """A part that works as it should and kills the process when one call is done."""

    def __init__(self, part: Any, fatal: str) -> None:
        self._part = part
        self._fatal = fatal

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._part, name)
        return self._deadly(call) if name == self._fatal else call

    def __call__(self, *args: Any) -> Any:
        return self._deadly(self._part)(*args)

    @staticmethod
    def _deadly(call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> None:
            call(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)

        return called


def main() -> None:
    home, name, step = sys.argv[1:]
    destruction.ROWS_A_TURN = 20
    part, fatal = STEPS[step]
    with open_gallery(Settings(home=Path(home))) as gallery:
        destroyer = gallery.sources._destroyer
        mortal = replace(destroyer, **{part: Dying(getattr(destroyer, part), fatal)})
        mortal.withdraw(name, actor=SYSTEM, by="Ada", reason="the owner says stop")


if __name__ == "__main__":
    main()
