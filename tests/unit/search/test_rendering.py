import pytest

from countenance.index.model import Certificate, MissRate
from countenance.search.model import Coverage
from countenance.search.rendering import coverage_json, coverage_line

CERTIFICATE = Certificate(rows=1_190, subjects=812, scored=41, cut=0.363, bound=0.3614)
MEASURED = MissRate(probes=200, misses=1, rows=30_000_000)


def coverage(certificate: Certificate | None, miss_rate: MissRate | None) -> Coverage:
    return Coverage(
        sources=("a",),
        subjects=812,
        last_template=1,
        template_sha256="0" * 64,
        left_out={},
        certificate=certificate,
        miss_rate=miss_rate,
    )


@pytest.mark.parametrize(
    ("certificate", "miss_rate", "rendered"),
    [
        pytest.param(CERTIFICATE, None, None, id="certified"),
        pytest.param(None, MEASURED, {"probes": 200, "misses": 1, "rows": 30_000_000}, id="measured"),
        pytest.param(None, None, None, id="neither"),
    ],
)
def test_a_miss_rate_stands_where_nothing_is_certified(
    certificate: Certificate | None, miss_rate: MissRate | None, rendered: dict[str, int] | None
) -> None:
    shown = coverage_json(coverage(certificate, miss_rate))

    assert shown["certified"] is (certificate is not None)
    assert shown["miss_rate"] == rendered


def test_the_sentence_says_how_often_somebody_is_lost() -> None:
    line = coverage_line(coverage(None, MEASURED))

    assert line.startswith("Not certified complete")
    assert "of 200 templates of this gallery, 1 did not find the nearest of 30,000,000" in line
