"""Lets a new key take over the log and kills the process, the hard way, right after one of the steps: HOME STEP."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from countenance.adapters import durable
from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.bootstrap import auditing
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.policy.model import SYSTEM


def half_written(path: Path, data: bytes) -> None:
    """Write the first half of a file."""
    durable.write_synced(path, data[: len(data) // 2])


STEPS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "half of the new key": (auditing, "write_synced", half_written),
    "the new key": (auditing, "write_synced", durable.write_synced),
    "handed over": (SqlAuditLog, "hand_over", SqlAuditLog.hand_over),
    "public key on record": (auditing, "replace_synced", durable.replace_synced),
    "in its place": (Path, "replace", Path.replace),
}
"""Each step to what does it; the process dies when that is done."""


def main() -> None:
    home, step = sys.argv[1:]
    part, name, call = STEPS[step]

    def called(*arguments: Any, **named: Any) -> None:
        call(*arguments, **named)
        if name != "replace" or "audit-key.next" in arguments[0].name:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings(home=Path(home))
    with open_gallery(settings) as gallery:
        setattr(part, name, called)
        auditing.rotate_key(settings, gallery.audit, actor=SYSTEM)


if __name__ == "__main__":
    main()
