"""Error rates of many searches by several methods, with paired intervals over people: shared by benchmarks."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FPIRS = (0.01, 0.1)
RESAMPLES, SEED = 1000, 1


class Trial(NamedTuple):
    """Top scores of all searches: whose, whether mated, the best score, and whether it is the mate's."""

    who: NDArray[np.int64]
    mated: NDArray[np.bool_]
    top: Floats
    hit: NDArray[np.bool_]


def fnir(one: Trial, fpir: float, weights: NDArray[np.number]) -> float:
    """Return the FNIR at the lowest T that at most a share `fpir` of the weighted non-mated searches is above.

    It is FNIR(N, 1, T) where `hit` says whose the best score is, FNIR(N, N, T) where `top` is the mate's.
    """
    order = np.argsort(-one.top[~one.mated], kind="stable")
    totals = np.cumsum(weights[~one.mated][order])
    at = np.searchsorted(totals, fpir * totals[-1], side="right")
    threshold = one.top[~one.mated][order][at]
    found = (one.hit & (one.top > threshold))[one.mated]
    return float(1 - np.average(found, weights=weights[one.mated]))


def compared(plain: Trial, methods: Mapping[str, Trial], *, shares: Floats | None = None) -> dict[str, Any]:
    """Return each method's FNIR and its reduction against the first, with paired 95 % intervals over people.

    Args:
        shares: What each search counts; None means 1.
    """
    rng = np.random.default_rng(SEED)
    shares = np.ones(len(plain.who)) if shares is None else shares
    people, at = np.unique(plain.who, return_inverse=True)
    draws = rng.multinomial(len(people), np.full(len(people), 1 / len(people)), size=RESAMPLES)
    results = {}
    for fpir in FPIRS:
        base = np.array([fnir(plain, fpir, draw[at] * shares) for draw in draws])
        for name, method in methods.items():
            drawn = 1 - np.array([fnir(method, fpir, draw[at] * shares) for draw in draws]) / np.maximum(base, 1e-9)
            rate = fnir(method, fpir, shares)
            results[f"{name} @ {fpir}"] = {
                "fnir": rate,
                "lower_by": 1 - rate / fnir(plain, fpir, shares),
                "interval_95": np.quantile(drawn, [0.025, 0.975]).round(4).tolist(),
            }
    return results


def pooled(parts: Sequence[Mapping[str, Trial]]) -> dict[str, Trial]:
    """Join the searches of several runs, by method."""
    return {
        name: Trial(*(np.concatenate(column) for column in zip(*(part[name] for part in parts), strict=True)))
        for name in parts[0]
    }


def counted(methods: Mapping[str, Trial], *, shares: Floats | None = None) -> dict[str, Any]:
    """Compare the methods with the first of them, and say over how many searches of how many people."""
    first = next(iter(methods.values()))
    return {
        "mated": int(first.mated.sum()),
        "mated_people": int(np.unique(first.who[first.mated]).size),
        "non_mated": int((~first.mated).sum()),
        "non_mated_people": int(np.unique(first.who[~first.mated]).size),
        "methods": compared(first, methods, shares=shares),
    }


def printed(found: Mapping[str, Any]) -> None:
    """Print what `counted` returned."""
    print({key: value for key, value in found.items() if key != "methods"})
    for name, one in found["methods"].items():
        print(f"{name:78} FNIR {one['fnir']:.4f}, lower by {one['lower_by']:.1%}, 95 % {one['interval_95']}")
