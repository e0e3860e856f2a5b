"""Where a measurement was taken: written into every raw result."""

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def environment(*, seed: int, distributions: tuple[str, ...]) -> dict[str, Any]:
    """Describe the machine, the versions and the commit of this run."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in distributions},
        "commit": _git("rev-parse", "HEAD"),
        "changed_since_commit": bool(_git("status", "--porcelain", "--", "src", "benchmarks/*.py")),
        "seed": seed,
    }


def write_result(name: str, result: dict[str, Any]) -> Path:
    """Write one raw result and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return path


def _cpu() -> str:
    """Return what the kernel calls the processor, with family and model, which the name may leave out."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    facts = dict(tuple(part.strip() for part in line.split(":", 1)) for line in lines if ":" in line)
    vectors = [name for name in ("avx", "avx2", "avx512f") if name in facts.get("flags", "").split()]
    return f"{facts['model name']}, family {facts['cpu family']}, model {facts['model']}, {' '.join(vectors)}"


def _git(*arguments: str) -> str:
    """Ask git about this repository."""
    command = ("git", "-C", str(Path(__file__).parent.parent), *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
