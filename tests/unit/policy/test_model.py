from dataclasses import replace
from datetime import UTC, datetime, timedelta

from countenance.policy.model import SYSTEM, Qualification, QualificationKind

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_a_qualification_counts_until_the_moment_that_it_ends() -> None:
    training = Qualification(kind=QualificationKind.TRAINING, name="level 2", valid_until=NOW)
    actor = replace(SYSTEM, qualifications=(training,))

    before, at = (actor.qualified(QualificationKind.TRAINING, at=NOW + timedelta(seconds=s)) for s in (-1, 0))

    assert (before, at) == (True, False)
    assert not actor.qualified(QualificationKind.ACCREDITATION, at=NOW - timedelta(seconds=1))
