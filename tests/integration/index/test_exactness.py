"""The exact engine against brute force, and a stored index shared with a writer that is killed: benchmarks in small."""

from pathlib import Path

import pytest

from benchmarks import exact_check, shared_index


@pytest.fixture(scope="module")
def gallery() -> tuple[exact_check.Gallery, exact_check.ExactIndex]:
    """A gallery made to trip the engine."""
    return exact_check.made_gallery(30_000)


def test_random_and_adversarial_probes_have_the_answers_of_brute_force(
    gallery: tuple[exact_check.Gallery, exact_check.ExactIndex],
) -> None:
    assert exact_check.differences(*gallery, exact_check.random_probes(192)) == 0
    assert exact_check.differences(*gallery, exact_check.adversarial_probes(gallery[0], 96)) == 0


def test_so_they_have_while_rows_are_taken_out(gallery: tuple[exact_check.Gallery, exact_check.ExactIndex]) -> None:
    counts = exact_check.while_deleting(*gallery, exact_check.adversarial_probes(gallery[0], 25))

    assert counts["rows taken out"] > 0
    assert counts["differences"] == 0


def test_the_checker_notices_an_answer_that_is_wrong(
    gallery: tuple[exact_check.Gallery, exact_check.ExactIndex],
) -> None:
    held, index = gallery
    probes = exact_check.random_probes(16)
    [best] = index.search(probes[:1], blocks=list(index.blocks()), limit=1)
    held.alive[best.neighbours[0].row] = False

    wrong = exact_check.differences(held, index, probes)

    assert wrong == 0, "the engine takes out what is gone from the originals"
    held.alive[best.neighbours[0].row] = True
    assert exact_check.differences(held, index, probes) > 0


@pytest.mark.timeout(120)
def test_readers_and_a_writer_that_is_killed_share_an_index(tmp_path: Path) -> None:
    result = shared_index.run(tmp_path, seconds=10, readers=3)

    assert result["kills"] >= 1
    assert min(result["loads"], result["rows taken in"]) > 0
    assert result["wrong"] == 0
