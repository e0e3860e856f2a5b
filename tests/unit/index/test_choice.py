import pytest

from countenance.index.choice import Engine, choose_engine

GIB = 1 << 30


@pytest.mark.parametrize(
    ("rows", "dim", "memory", "engine"),
    [
        pytest.param(0, 128, 8 * GIB, Engine.EXACT, id="an empty gallery"),
        pytest.param(20_000_000, 128, 24 * GIB, Engine.EXACT, id="as many as are scanned fast enough"),
        pytest.param(20_000_001, 128, 24 * GIB, Engine.COMPACT, id="one more"),
        pytest.param(5_000_001, 512, 24 * GIB, Engine.COMPACT, id="longer templates, fewer rows"),
        pytest.param(10_000_000, 128, 2 * GIB, Engine.COMPACT, id="more than half of the memory"),
    ],
)
def test_exact_wherever_it_is_fast_enough_and_fits(rows: int, dim: int, memory: int, engine: Engine) -> None:
    assert choose_engine(rows=rows, dim=dim, memory=memory) is engine
