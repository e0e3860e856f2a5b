"""How well sketches tell faces apart, on real pictures: pairs of one person and of two, by the share of differing bits.

Run: `python -m benchmarks.oversight_sketches` with COUNTENANCE_TEST_DATA set; writes
benchmarks/results/oversight-sketches.json.
"""

import json

import numpy as np

from benchmarks.environment import environment, write_result
from benchmarks.lfw_templates import double_names, lfw_templates
from countenance.oversight.sketch import BITS, SAME_FACE, Sketcher
from countenance.vision.pack import builtin_packs

LIMITS = (0.34, 0.35, 0.36, 0.37, 0.38, 0.39, 0.40)
KEYS = 5
"""How many keys' directions are drawn: the outcome should not hang on one."""


def main() -> None:
    """Measure with several keys."""
    pack = builtin_packs()[0]
    data, double = lfw_templates(pack), double_names()
    first, second = np.triu_indices(len(data.templates), 1)
    people = np.array([name.split("/")[0] for name in data.names])
    same = data.subjects[first] == data.subjects[second]
    doubted = {tuple(pair) for pair in double}
    suspect = np.isin(people, [name for pair in doubted for name in pair])
    two = ~same & ~(suspect[first] & suspect[second])
    rows = {limit: ([], []) for limit in LIMITS}
    for key in range(KEYS):
        sketches = Sketcher(bytes([key]), data.templates.shape[1]).sketch(data.templates)
        signs = np.unpackbits(np.frombuffer(b"".join(sketches), np.uint8).reshape(len(sketches), -1), axis=1)
        signs = signs.astype(np.float32) * 2 - 1
        differing = ((1 - signs @ signs.T / BITS) / 2)[first, second]
        for limit, (one, others) in rows.items():
            one.append(float((differing[same] <= limit).mean()))
            others.append(float((differing[two] <= limit).mean()))
    result = {
        "environment": environment(seed=0, distributions=("numpy", "openvino")),
        "pack": pack.name,
        "pictures": len(data.templates),
        "pairs_of_one_person": int(same.sum()),
        "pairs_of_two_people": int(two.sum()),
        "in_use": SAME_FACE,
        "by_limit": [
            {"limit": limit, "of_one_person_below": np.mean(one), "of_two_people_below": np.mean(others)}
            for limit, (one, others) in rows.items()
        ],
    }
    write_result("oversight-sketches", result)
    print(json.dumps(result["by_limit"], indent=1))


if __name__ == "__main__":
    main()
