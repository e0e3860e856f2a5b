"""What the audit log costs: deciding and recording one search, and verifying a million entries from their bytes up.

Run: `python -m benchmarks.audit_log --entries 1000000`; writes benchmarks/results/audit-log.json.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from benchmarks.environment import environment, write_result
from countenance.audit.model import Entry, Outcome
from countenance.audit.proving import prove_entry, prove_growth
from countenance.audit.verification import require_signed
from countenance.bootstrap.auditing import known_verifiers
from countenance.bootstrap.policy import open_policy
from countenance.bootstrap.settings import load_settings
from countenance.bootstrap.wiring import open_gallery
from countenance.core.ids import new_id
from countenance.policy.model import SYSTEM
from countenance.policy.request import Action
from countenance.policy.vectors import facts_of, request_of

BATCH = 10_000
ALONE = 300
"""Entries that are appended one by one, each in a transaction of its own."""

SOURCES = 10
"""Sources that a search is decided for, in one batch with the search itself."""


def entry(policy: str = "b" * 64) -> Entry:
    """Return an entry as long as a search's."""
    facts = {"search": new_id(), "answer_sha256": "a" * 64, "candidates": 3, "threshold": 0.363, "sources": [new_id()]}
    return Entry(action="search", outcome=Outcome.DONE, actor=SYSTEM, facts={**facts, "policy": policy})


def ms(act: Callable[[], object], times: int) -> list[float]:
    """Return how long each of several runs took, ms."""
    taken = []
    for _ in range(times):
        began = perf_counter_ns()
        act()
        taken.append((perf_counter_ns() - began) / 1e6)
    return taken


def quantiles(taken: Sequence[float]) -> dict[str, float]:
    """Sum up: ms."""
    cuts = statistics.quantiles(taken, n=100)
    return {"n": len(taken), "p50": statistics.median(taken), "p95": cuts[94], "p99": cuts[98]}


def synced_write(folder: Path) -> Callable[[], None]:
    """Return what adds 20 KiB to a file and syncs it: the least that a commit of one entry does to the disk."""
    descriptor = os.open(folder / "synced", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def write() -> None:
        os.write(descriptor, bytes(20 * 1024))
        os.fdatasync(descriptor)

    return write


def main() -> None:
    """Build a log, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"COUNTENANCE_HOME": f"{folder}/home"}
        os.environ |= {f"COUNTENANCE_{name}": f"{folder}/{name}" for name in ("KEY_FILE", "KEYRING", "AUDIT_KEY")}
        countenance = Path(sys.executable).with_name("countenance")
        subprocess.run([countenance, "init"], check=True, capture_output=True)
        taken_at = environment(seed=0, distributions=("SQLAlchemy", "cryptography", "cedarpy"))
        result = {"environment": taken_at, "entries": entries, **measure(entries, Path(folder))}
        command = [countenance, "audit", "verify", "--json"]
        [result["verify_command_ms"]] = ms(lambda: subprocess.run(command, check=True, capture_output=True), 1)
    print(write_result("audit-log", result).read_text(encoding="utf-8"))


def measure(entries: int, folder: Path) -> dict[str, Any]:
    """Fill a home's log, and time what is done with it."""
    settings = load_settings(None)
    policy = open_policy(settings)
    of_source = request_of(facts_of({"action": Action.SEARCH_SOURCE}))
    asked = [replace(of_source, action=Action.SEARCH, source=None), *[of_source] * SOURCES]
    with open_gallery(settings) as gallery:
        log, keys = gallery.audit, known_verifiers(settings)

        def decide() -> str:
            decisions = policy.decide_all(asked)
            if not all(decision.allowed for decision in decisions):
                raise RuntimeError(decisions)
            return decisions[0].policy_digest

        log.record(*(entry() for _ in range(BATCH)))
        _, early = require_signed(log.head().note, keys)
        built = [ms(lambda: log.record(*(entry() for _ in range(BATCH))), 1)[0] for _ in range(entries // BATCH - 1)]
        return {
            "sources_decided": SOURCES,
            "build_in_batches_ms": sum(built),
            "decide_and_record_ms": quantiles(ms(lambda: log.record(entry(decide())), ALONE)),
            "decide_ms": quantiles(ms(decide, ALONE)),
            "record_ms": quantiles(ms(lambda: log.record(entry()), ALONE)),
            "synced_write_of_20_KiB_ms": quantiles(ms(synced_write(folder), ALONE)),
            "prove_entry_ms": quantiles(ms(lambda: prove_entry(log, entries // 3, verifiers=keys), ALONE)),
            "prove_growth_ms": quantiles(ms(lambda: prove_growth(log, early, verifiers=keys), ALONE)),
            "database_bytes": settings.database.stat().st_size,
        }


if __name__ == "__main__":
    main()
