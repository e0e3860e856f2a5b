"""Runs what retention has to do in this process and kills it right after one of the steps: HOME STEP."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.clock import utc_now
from countenance.policy.model import SYSTEM
from tests.integration.gallery.withdraw_and_die import Dying

STEPS = {
    "source begun": ("destroyer", "destructions", "begin"),
    "source rows": ("destroyer", "destructions", "erase_rows"),
    "source ended": ("destroyer", "destructions", "finish"),
    "subject begun": ("eraser", "records", "begin"),
    "subject ended": ("eraser", "records", "finish"),
    "answers begun": ("answers", None, "begin"),
    "answers deleted": ("answers", None, "delete"),
    "answers ended": ("answers", None, "finish"),
}
"""Each step to the part, the part of it, and its call after which the process dies."""


def main() -> None:
    home, step = sys.argv[1:]
    part, inner, fatal = STEPS[step]
    with open_gallery(Settings(home=Path(home), keep_answers_days=30)) as gallery:
        service = gallery.retention.service
        whole = getattr(service, part)
        deadly = (
            Dying(whole, fatal) if inner is None else replace(whole, **{inner: Dying(getattr(whole, inner), fatal)})
        )
        setattr(service, part, deadly)
        service.run(actor=SYSTEM, today=utc_now().date() + timedelta(days=1))


if __name__ == "__main__":
    main()
