"""What the audit log costs: appending one entry, and verifying a million from their bytes up.

Run: `python benchmarks/audit_log.py --entries 1000000`; writes benchmarks/results/audit-log.json.
"""

import argparse
import json
import os
import platform
import sqlite3
import statistics
import tempfile
from pathlib import Path
from time import perf_counter

from countenance.adapters.sql.audit_log import SqlAuditLog
from countenance.adapters.sql.database import open_engine, sqlite_url, upgrade
from countenance.audit.model import Entry, Outcome
from countenance.audit.note import new_signer
from countenance.audit.proving import prove_entry, prove_growth
from countenance.audit.verification import require_signed, verify_log
from countenance.core.ids import new_id
from countenance.policy.model import SYSTEM

RESULT = Path(__file__).parent / "results" / "audit-log.json"
BATCH = 10_000
ALONE = 300
"""Entries that are appended one by one, each in a transaction of its own."""


def entry() -> Entry:
    """Return an entry as long as a search's."""
    facts = {"search": new_id(), "answer_sha256": "a" * 64, "candidates": 3, "threshold": 0.363, "sources": [new_id()]}
    return Entry(action="search", outcome=Outcome.DONE, actor=SYSTEM, facts=facts)


def main() -> None:
    """Build a log, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.sqlite3"
        engine = open_engine(sqlite_url(path))
        upgrade(engine)
        signer = new_signer("benchmark")
        log, keys = SqlAuditLog(engine, signer), [signer.verifier]
        began = perf_counter()
        for _ in range(entries // BATCH):
            log.record(*(entry() for _ in range(BATCH)))
        build = perf_counter() - began
        _, early = require_signed(log.head().note, keys)
        alone = []
        for _ in range(ALONE):
            began = perf_counter()
            log.record(entry())
            alone.append((perf_counter() - began) * 1000)
        timed = {}
        for name, act in (
            ("verify_s", lambda: verify_log(log, verifiers=keys)),
            ("prove_entry_s", lambda: prove_entry(log, entries // 3, verifiers=keys)),
            ("prove_growth_s", lambda: prove_growth(log, early, verifiers=keys)),
        ):
            began = perf_counter()
            act()
            timed[name] = perf_counter() - began
        result = {
            "entries": entries,
            "build_s": build,
            "append_ms": {
                "n": ALONE,
                "p50": statistics.median(alone),
                "p95": statistics.quantiles(alone, n=20)[-1],
            },
            **timed,
            "database_bytes": path.stat().st_size,
            "load_average": os.getloadavg(),
            "sqlite": sqlite3.sqlite_version,
            "python": platform.python_version(),
            "machine": platform.machine(),
        }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
