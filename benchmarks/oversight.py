"""How the misuse detector does on made-up agencies: whether it finds one who misuses a case number, and false alerts.

Run: `python -m benchmarks.oversight --agencies 40`; writes benchmarks/results/oversight.json.
"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from benchmarks.environment import environment, write_result
from countenance.oversight.agency import Habits, Misuse, Year, simulate
from countenance.oversight.detector import Limits, Several, detect
from countenance.oversight.model import Rule

FIRST_SEED = 1000
"""Limits were tried on lower seeds."""

SHOWS_FROM = (4, 5)
"""Unrelated faces under a case, that of the case itself among them, from which on its misuse may be held to show."""

SOON = timedelta(days=14)

QUARTERLY, SLOWLY = Limits().several


def blind(year: Year) -> Year:
    """Return a year without sketches: every search counts as another face."""
    return replace(year, events=tuple(replace(event, sketch=os.urandom(32)) for event in year.events))


class Variant(NamedTuple):
    """A way to look at a year, or another year."""

    limits: Limits = Limits()
    misuse: Misuse = Misuse()
    seen: Callable[[Year], Year] = lambda year: year


VARIANTS = {
    "as it is": Variant(),
    "four faces in a quarter alone": Variant(Limits(several=(QUARTERLY,))),
    "five faces at any pace alone": Variant(Limits(several=(SLOWLY,))),
    "four faces at any pace, two of them late": Variant(Limits(several=(replace(QUARTERLY, within=timedelta.max),))),
    "before: four faces at any pace, three of them later than two weeks": Variant(
        Limits(several=(Several(faces=4, late=3),), late_after=timedelta(days=14), same_face=0.40)
    ),
    "sketches as before: one face up to 0.40": Variant(Limits(same_face=0.40)),
    "late faces that a colleague searched too left out of account": Variant(Limits(alone=False)),
    "late or not": Variant(Limits(late_after=timedelta(0))),
    "without sketches": Variant(seen=blind),
    "without the rule of faces under a case": Variant(Limits(rules=frozenset(Rule) - {Rule.FACES_UNDER_CASE})),
    "misuse over twelve months": Variant(misuse=Misuse(months=12)),
    "misuse at any time in eight months": Variant(misuse=Misuse(even=False)),
    "misuse that searches each face again": Variant(misuse=Misuse(again=True)),
    "misuse of a case that a colleague works on": Variant(misuse=Misuse(colleague=True)),
}

Seen = tuple[list[float | None], Counter[str]]
"""Days from the fourth and from the fifth face to the alert, None where there was none; false alerts by rule."""


def look(seed: int) -> dict[str, Seen]:
    """Make up one agency and look at its year in every way."""
    years, found = {misuse: simulate(seed, misuse=misuse) for _, misuse, _ in VARIANTS.values()}, {}
    for name, (limits, misuse, seen) in VARIANTS.items():
        year = years[misuse]
        alerts = list(detect(seen(year).events, limits))
        first = min((alert.at for alert in alerts if alert.subject == year.misused), default=None)
        days = [
            None if first is None else (first - year.faces_at[faces - 1]).total_seconds() / 86_400
            for faces in SHOWS_FROM
        ]
        found[name] = (days, Counter(alert.rule.value for alert in alerts if alert.subject != year.misused))
    return found


def sum_up(agencies: list[Seen]) -> dict[str, Any]:
    """Sum up one variant over all agencies."""
    users = len(agencies) * Habits().people * Habits().months / 100
    false = sum((counted for _, counted in agencies), Counter[str]())
    per_agency = sorted(counted.total() / Habits().months for _, counted in agencies)
    result: dict[str, Any] = {"found": sum(days[0] is not None for days, _ in agencies)}
    for at, faces in enumerate(SHOWS_FROM):
        delays = [days[at] for days, _ in agencies]
        result[f"within_14_days_of_face_{faces}"] = sum(one is not None and one <= SOON.days for one in delays)
        result[f"days_from_face_{faces}"] = sorted(round(one, 1) for one in delays if one is not None)
    return {
        **result,
        "false_alerts_a_100_users_a_month": round(false.total() / users, 3),
        "worst_agency_s_false_alerts_a_month": round(per_agency[-1], 3),
        "false_by_rule": dict(false),
    }


def main() -> None:
    """Measure all variants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agencies", type=int, default=40)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="Others than the default write no result.")
    agencies, first = parser.parse_args().agencies, parser.parse_args().first_seed
    taken_at = environment(seed=FIRST_SEED, distributions=("numpy", "scipy"))
    with ProcessPoolExecutor(taken_at["cores"]) as pool:
        seen = list(pool.map(look, range(first, first + agencies)))
    result = {
        "environment": taken_at,
        "agencies": agencies,
        "people": Habits().people,
        "months": Habits().months,
        "variants": {name: sum_up([one[name] for one in seen]) for name in VARIANTS},
    }
    if first == FIRST_SEED:
        write_result("oversight", result)
    print(json.dumps(result["variants"], indent=1))


if __name__ == "__main__":
    main()
