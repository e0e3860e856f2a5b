"""How the misuse detector does on made-up agencies: whether it finds one who misuses a case number, and false alerts.

Run: `python benchmarks/oversight.py --agencies 20`; writes benchmarks/results/oversight.json.
"""

import argparse
import json
import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from countenance.oversight.agency import BEGIN, Habits, Year, simulate
from countenance.oversight.detector import Limits, detect
from countenance.oversight.model import Rule

RESULT = Path(__file__).parent / "results" / "oversight.json"
FIRST_SEED = 1000
"""Limits were tried on lower seeds."""


def blind(year: Year) -> Year:
    """Return a year without sketches: every search counts as another face."""
    events = tuple(replace(event, sketch=os.urandom(32)) for event in year.events)
    return replace(year, events=events)


VARIANTS = {
    "as it is": (Limits(), lambda year: year),
    "faces from 4, late ones from 3": (Limits(faces=4, late_faces=3), lambda year: year),
    "late or not makes no difference": (Limits(late_after=timedelta(0)), lambda year: year),
    "without sketches": (Limits(), blind),
    "without the rule of faces under a case": (
        Limits(rules=frozenset(Rule) - {Rule.FACES_UNDER_CASE}),
        lambda year: year,
    ),
}


def measure(years: list[Year], name: str) -> dict[str, object]:
    """Run one variant over all years."""
    limits, seen = VARIANTS[name]
    delays, false = [], Counter[str]()
    for year in years:
        alerts = list(detect(seen(year).events, limits))
        right = [alert.at for alert in alerts if alert.subject == year.misused]
        delays += [(at - year.visible_at).total_seconds() / 86_400 for at in right[:1]]
        false.update(alert.rule.value for alert in alerts if alert.subject != year.misused)
    months = len(years) * Habits().months
    return {
        "agencies": len(years),
        "found": len(delays),
        "within_14_days": sum(delay <= 14 for delay in delays),
        "delays_days": sorted(round(delay, 1) for delay in delays),
        "false_alerts_a_100_users_a_month": round(false.total() / months, 3),
        "false_by_rule": dict(false),
    }


def main() -> None:
    """Measure all variants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agencies", type=int, default=20)
    agencies = parser.parse_args().agencies
    years = [simulate(FIRST_SEED + number) for number in range(agencies)]
    result = {
        "seeds": [FIRST_SEED, FIRST_SEED + agencies - 1],
        "searches_a_year": [len(year.events) for year in years],
        "begins": BEGIN.isoformat(),
        "variants": {name: measure(years, name) for name in VARIANTS},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["variants"], indent=1))


if __name__ == "__main__":
    main()
