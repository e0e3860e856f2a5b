"""What it costs to decide on a search and to put it in the audit log.

Run: `python -m benchmarks.policy_decision`; writes benchmarks/results/policy-decision.json.
"""

import json
import os
import statistics
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from benchmarks.environment import environment, write_result
from countenance.access.model import Application
from countenance.audit.model import Entry, Outcome
from countenance.bootstrap.initialising import initialise
from countenance.bootstrap.settings import Settings
from countenance.bootstrap.wiring import OpenGallery, open_gallery
from countenance.core.errors import NotPermittedError
from countenance.core.ids import new_id
from countenance.gallery.model import LegalBasis
from countenance.policy.model import Actor, Role, Sector
from countenance.search.model import SearchRequest
from countenance.search.permission import SearchPermits

FIRST_DAY = datetime(2026, 12, 1, 12, tzinfo=UTC)
SEARCHES = 400
A_DAY, A_CASE = 40, 150
"""Searches a day and under a case: within the default pack's quotas."""


def examiner(gallery: OpenGallery) -> Actor:
    """Admit an organisation with an examiner who has open cases."""
    first, second = (gallery.accounts.acting(login) for login in gallery.accounts.operators())
    documents = (("charter.pdf", b"charter"),)
    application = Application(
        name="Bench", sector=Sector.LAW_ENFORCEMENT, country="NL", region=None, contact="c", documents=documents
    )
    org_id = gallery.accounts.apply_for(application, actor=first).org_id
    for operator in (first, second):
        gallery.accounts.review(org_id, admit=True, reason="seen", actor=operator)
    gallery.accounts.add_user("examiner", organisation=org_id, name="E", roles=[Role.EXAMINER], actor=first)
    actor = gallery.accounts.acting("examiner")
    for number in range(SEARCHES // A_CASE + 1):
        gallery.cases.open(str(number), actor=actor)
    return actor


def measured(folder: Path, sources: int) -> dict[str, object]:
    """Measure over a gallery with so many active sources, ms."""
    settings = Settings(home=folder / str(sources))
    initialise(settings)
    permitted, appended, refused = [], [], []
    with open_gallery(settings) as gallery:
        for number in range(sources):
            gallery.sources.register(name=f"source-{number}", owner="o", legal_basis=LegalBasis.CONTRACT, document=b"d")
        actor, day = examiner(gallery), FIRST_DAY
        permits = SearchPermits(lambda: gallery.policy, gallery.ledger, gallery.records, clock=lambda: day)
        for number in range(SEARCHES):
            day = FIRST_DAY + timedelta(days=number // A_DAY)
            asked = SearchRequest(
                image=b"x" * 100_000,
                filename=None,
                case=str(number // A_CASE),
                purpose="missing-person",
                actor=actor,
            )
            began = perf_counter()
            facts = permits.permit(asked, new_id()).facts
            decided = perf_counter()
            gallery.audit.record(Entry(action="search", outcome=Outcome.DONE, actor=actor, facts=facts))
            permitted.append((decided - began) * 1000)
            appended.append((perf_counter() - decided) * 1000)
            refused.append(refusal(permits, actor))
    together = [one + other for one, other in zip(permitted, appended, strict=True)]
    named = {"permitted": permitted, "entry": appended, "permitted_and_entry": together, "refused_with_entry": refused}
    return {"sources": sources, **{name: spread(times) for name, times in named.items()}}


def refusal(permits: SearchPermits, actor: Actor) -> float:
    """Return how long a refusal with its entry takes, ms."""
    asked = SearchRequest(image=b"x" * 100_000, filename=None, case="none", purpose="missing-person", actor=actor)
    began = perf_counter()
    try:
        permits.permit(asked, new_id())
    except NotPermittedError:
        return (perf_counter() - began) * 1000
    raise AssertionError("a case that there is not was searched under")


def spread(times: list[float]) -> dict[str, float]:
    """Return the middle and the upper end of times, ms; the first few, which fill caches, count too."""
    return {"n": len(times), "p50": statistics.median(times), "p95": statistics.quantiles(times, n=20)[-1]}


def main() -> None:
    """Measure, and write the result."""
    taken_at = environment(seed=0, distributions=("SQLAlchemy", "cryptography", "cedarpy"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = str(Path(folder) / "config")
        runs = [measured(Path(folder), sources) for sources in (1, 20, 200)]
    write_result("policy-decision", {"environment": taken_at, "ms": runs})
    print(json.dumps(runs))


if __name__ == "__main__":
    main()
