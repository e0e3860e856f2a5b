"""A study of made-up people in which one stands under two names, and one probe is too small for the gate."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from countenance.evaluation.acquisition import FailureToAcquire, Sample
from countenance.evaluation.gates import GateRule
from countenance.evaluation.groups import Groups
from countenance.evaluation.protocol import Protocol, ProtocolRow, Role
from countenance.evaluation.study import Study, comparisons_json, growth, growth_json, normalised
from countenance.vision.population import made_up_population
from tests.unit.evaluation.test_breakdown import quality

PEOPLE = 60
"""Enrolled are the first 40; the rest are strangers, but for the last, who is the first under another name."""

POPULATION = made_up_population(64)


def rows() -> tuple[ProtocolRow, ...]:
    """A reference of each enrolled person, and a probe of everybody."""
    references = (ProtocolRow(reference=f"{n}/r", subject=f"p{n:02d}", role=Role.GALLERY) for n in range(40))
    probes = (ProtocolRow(reference=f"{n}/p", subject=f"p{n:02d}", role=Role.PROBE) for n in range(PEOPLE))
    return (*references, *probes)


@pytest.fixture(scope="module")
def study() -> Study:
    """The study with the product's gates."""
    templates = POPULATION.draw(2 * PEOPLE, seed=3, templates_per_subject=2).templates
    acquired: dict[str, Sample | FailureToAcquire] = {}
    for at, name in enumerate(f"{n}/{kind}" for n in range(PEOPLE) for kind in "rp"):
        acquired[name] = Sample(
            reference=name, sha256=name, template=templates[at], quality=quality(eye_distance=30 + at % 40)
        )
    last = acquired["59/p"]
    tiny = acquired["7/p"]
    assert isinstance(last, Sample)
    assert isinstance(tiny, Sample)
    acquired["59/p"] = replace(last, template=templates[0])
    acquired["7/p"] = replace(tiny, quality=quality(eye_distance=5))
    acquired["50/p"] = FailureToAcquire(reference="50/p", code="no-face", message="no face was found")
    wanted = rows()
    groups = Groups(columns={"region": {f"p{n:02d}": "north" if n % 2 else "south" for n in range(PEOPLE)}})
    return Study(
        protocol=Protocol(wanted, {row.reference: Path(row.reference) for row in wanted}),
        acquired=acquired,
        gate=GateRule.PRODUCT,
        threshold=0.3,
        groups=groups,
    )


@pytest.fixture(scope="module")
def result(study: Study) -> dict[str, Any]:
    """Everything that was measured."""
    return study.as_json()


def test_the_gate_refuses_one_probe_which_is_missed_with_it_and_left_out_of_those_accepted(
    result: dict[str, Any],
) -> None:
    abstention = result["abstention"]

    assert (abstention["probes"], abstention["refused"], abstention["refused_mated"]) == (60, 1, 1)
    missed = {name: abstention[name]["fnir_rank_20"]["value"] for name in ("without_gate", "with_gate")}
    assert missed == {"without_gate": 0.0, "with_gate": pytest.approx(1 / 40)}
    assert abstention["accepted_only"]["fnir_rank_20"]["value"] == 0.0


def test_one_person_under_two_names_is_found_and_figures_are_shown_without_both(result: dict[str, Any]) -> None:
    duplicates = result["duplicates"]

    [pair] = [one for one in duplicates["pairs"] if one["score"] > 0.99]
    assert pair["subjects"] == ["p00", "p59"]
    assert pair["images"] == ["0/r", "59/p"]
    named = {name for one in duplicates["pairs"] for name in one["subjects"]}
    assert duplicates["without"]["N"] == 40 - sum(name < "p40" for name in named)
    assert duplicates["without"]["metrics"]["fnir_at_fpir_0.1"]["threshold"] < 0.99


def test_groups_show_how_many_were_refused(result: dict[str, Any]) -> None:
    [north, south] = result["groups"]["columns"]["region"]["with_gate"]
    [north_free, _] = result["groups"]["columns"]["region"]["without_gate"]

    assert (north["label"], north["subjects"], north["mated"], north["non_mated"]) == ("north", 30, 20, 10)
    assert (north["refused"], south["refused"], north_free["refused"]) == (1, 1, 0)
    assert north["fnir"]["value"] > north_free["fnir"]["value"]


def test_groups_are_held_against_all_others(result: dict[str, Any]) -> None:
    region = result["groups"]["columns"]["region"]
    north, south = region["with_gate"]

    [of_north, of_south] = region["differences"]

    for rate in ("fnir", "fpir"):
        apart = north[rate]["value"] - south[rate]["value"]
        assert of_north[rate]["value"] == pytest.approx(apart)
        assert of_south[rate]["value"] == pytest.approx(-apart)
        low, high = of_north[rate]["interval"]
        assert low <= apart <= high
    assert (result["groups"]["probes_without_row"], result["groups"]["rows_without_probe"]) == (0, 0)


def test_failures_stand_with_their_reasons(result: dict[str, Any]) -> None:
    assert [(one["image"], one["code"]) for one in result["failures_to_acquire"]] == [
        ("50/p", "no-face"),
        ("7/p", "face-refused"),
    ]
    assert result["failure_to_acquire_rate"] == 2 / 60
    assert result["failure_to_enrol_rate"] == 0.0


def test_what_cannot_be_measured_is_null_with_its_reason(result: dict[str, Any]) -> None:
    metric = result["metrics"]["fnir_at_fpir_0.003"]

    assert (metric["value"], metric["interval"], metric["threshold"]) == (None, None, None)
    assert "334 non-mated searches" in metric["undefined"]


def test_everything_is_plain_json(study: Study, result: dict[str, Any]) -> None:
    steps = growth(study, POPULATION, largest=2000)

    text = json.dumps({**result, "growth": growth_json(study, steps, POPULATION)}, allow_nan=False)

    assert [step["made_up"] for step in json.loads(text)["growth"]["steps"]] == [0, 960, 1960]
    first = json.loads(text)["growth"]["steps"][0]
    assert first["normalised"]["fnir_at_fpir_0.1"]["threshold"] < first["metrics"]["fnir_at_fpir_0.1"]["threshold"]


def test_two_systems_are_compared_on_the_same_searches(study: Study) -> None:
    noise = np.random.default_rng(5).normal(0, 0.3, (len(study.acquired), 64)).astype(np.float32)
    worse = {}
    for (name, one), row in zip(study.acquired.items(), noise, strict=True):
        if isinstance(one, Sample):
            blurred = one.template + row
            worse[name] = replace(one, template=blurred / np.linalg.norm(blurred))
        else:
            worse[name] = one

    [compared] = comparisons_json(
        {"good": study.result.searches, "worse": replace(study, acquired=worse).result.searches}
    )

    metric = compared["metrics"]["fnir_rank_1"]
    assert (compared["first"], compared["second"]) == ("good", "worse")
    assert metric["difference"]["value"] == pytest.approx(metric["second"]["value"] - metric["first"]["value"])
    assert metric["difference"]["interval"][0] > 0


def test_normalising_moves_all_scores_of_a_probe_alike(study: Study) -> None:
    plain = study.result.searches

    moved = normalised(study.result, POPULATION)

    known = plain.acquired & plain.mated
    by_mate = plain.mate_scores[known] - moved.mate_scores[known]
    by_stranger = plain.stranger_scores[known] - moved.stranger_scores[known]
    np.testing.assert_allclose(by_mate, by_stranger)
    assert len(np.unique(by_mate.round(9))) == known.sum()
    assert moved.mate_ranks.tolist() == plain.mate_ranks.tolist()
    assert np.all(moved.mate_scores[~plain.acquired] == -np.inf)
