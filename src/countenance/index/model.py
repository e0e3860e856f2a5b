"""What an index gives back."""

from typing import NamedTuple


class Neighbour(NamedTuple):
    """One indexed row near the probe: the best row of its subject.

    Attributes:
        row: The template's row number in the records, from 1.
        subject: The subject's row number in the records, from 1.
        score: Cosine similarity as the engine computes it; a shown score is computed again from the records.
    """

    row: int
    subject: int
    score: float
