"""Where candidates stand among the scores that strangers reach against the same probe, in a terminal's letters."""

from collections.abc import Sequence

from countenance.search.scale import ScaleFacts

BLOCKS = " ▁▂▃▄▅▆▇█"


def strip_lines(scale: ScaleFacts, scores: Sequence[float]) -> tuple[str, ...]:
    """Return strangers' histogram, candidates' ranks under it, and what both are.

    Heights are square roots, so that rare scores stay visible. Of candidates in one bin the best is named; from rank 10
    on they are a plus sign.

    Args:
        scores: The candidates', best first.
    """
    highest = max(scale.strip)
    tallest = len(BLOCKS) - 1
    heights = (round((share / highest) ** 0.5 * tallest) for share in scale.strip)
    bars = "".join(BLOCKS[max(height, 1) if share else 0] for height, share in zip(heights, scale.strip, strict=True))
    marks = [" "] * len(scale.strip)
    for rank, score in reversed(list(enumerate(scores, start=1))):
        at = int((score - scale.strip_low) / scale.strip_step)
        marks[min(max(at, 0), len(marks) - 1)] = str(rank) if rank < 10 else "+"
    low, high = scale.strip_low, scale.strip_low + scale.strip_step * len(scale.strip)
    return (
        f"{low:5.2f} {bars} {high:.2f}",
        f"      {''.join(marks).rstrip()}",
        "Above: what strangers score against this probe. Below: the candidates, by rank.",
    )
