"""The arithmetic of figures, and how they are told."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from bench import figures
from bench.__main__ import _placeless
from bench.experiments import EXPERIMENTS, Experiment, Size, chosen, side_by_side
from bench.figures import at_least, at_most, exactly, figure, not_measured, number, percentile, spread

PAGE = Path(__file__).resolve().parents[1] / "README.md"


@pytest.mark.parametrize(
    ("target", "value", "is_met"),
    [
        (at_least(25), 25, True),
        (at_least(25), 24.99, False),
        (at_most(1.15), 1.15, True),
        (at_most(1.15), 1.1500001, False),
        (at_most(1.15), math.inf, False),
        (at_most(1.15), math.nan, False),
        (exactly(0), 0, True),
        (exactly(0), 1, False),
    ],
)
def test_a_target_is_met_on_its_own_side_of_the_bound(target, value, is_met):
    assert figure("T1", "something", value, target=target).is_met is is_met


def test_a_missed_target_is_told_as_missed():
    one = figure("T1", "saves", 1.2, unit="×", target=at_least(25), peer="naive 60 s")

    assert figures.line(one) == "T1   saves: 1.2 ×, target ≥ 25: MISSED; naive 60 s"
    assert "| T1 | saves | 1.2 × | ≥ 25 | MISSED | naive 60 s |  |" in figures.table([one])
    assert figures.summary([one]) == "0 of 1 targets met. Missed: T1."


def test_what_could_not_be_measured_counts_as_missed():
    assert not_measured("T3", "the worker did not start").verdict == figures.MISSED


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (2000, "2,000"),
        (32.84, "32.8"),
        (1.0491, "1.05"),
        (0.04261, "0.0426"),
        (1.0, "1"),
        (math.inf, "never"),
        (math.nan, "?"),
    ],
)
def test_a_number_has_the_digits_that_count(value, text):
    assert number(value) == text


def test_a_percentile_is_a_value_that_was_measured():
    values = list(range(1, 201))

    assert percentile(values, 50) == 100
    assert percentile(values, 99) == 198
    assert percentile([7], 99) == 7
    assert math.isnan(percentile([], 50))


def test_a_spread_names_least_median_and_most():
    assert spread([3, 1, 2], "s") == "1 / 2 / 3 s"
    assert spread([2.5], "s") == "2.5 s"


def test_figures_are_the_same_after_a_way_through_json():
    some = [
        figure("T1", "saves", 33.3, target=at_least(25), note="3 rounds"),
        figure("T5", "without Redis", math.inf, unit="×", target=at_most(1.1)),
        not_measured("T5", "why"),
    ]

    back = figures.from_json(figures.as_json(some, size="quick"))

    assert back[:2] == some[:2]
    assert (back[2].name, back[2].is_met) == ("T5", False)
    assert math.isnan(back[2].value)


# The experiments


def test_experiments_that_wait_run_beside_their_neighbours():
    one, two, three = (
        Experiment("a:one", ("T1",)),
        Experiment("a:two", ("T4",), waits_with="limits"),
        Experiment("a:three", ("T5",), waits_with="limits"),
    )

    four = Experiment("a:four", ("T13",), waits_with="faults")
    assert side_by_side([one, two, three, four, one], Size.USUAL) == [[one], [two, three], [four], [one]]
    quick = side_by_side([one, one, one, two, three, four, one], Size.QUICK)
    assert quick == [[one, one], [one], [two, three, four], [one]]


def test_one_figure_can_be_asked_for():
    assert {name for one in chosen(["T7"]) for name in one.figures} >= {"T7"}
    assert len(chosen(["T7"])) < len(EXPERIMENTS)


def test_a_figure_that_nothing_measures_is_refused():
    with pytest.raises(ValueError, match="no experiment measures T99"):
        chosen(["T99"])


def test_a_quick_run_does_less():
    assert Size.QUICK.pick(1, 2) == 1
    assert (Size.USUAL.pick(1, 2), Size.FULL.pick(1, 2), Size.FULL.pick(1, 2, 3)) == (2, 2, 3)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.function)
def test_an_experiment_is_there_and_its_figures_are_told(experiment):
    module, _, name = experiment.function.partition(":")
    source = (PAGE.parent / f"{module.rpartition('.')[2]}.py").read_text()
    told = set(re.findall(r"^\| (T\d+|exactness) \|", PAGE.read_text(), re.MULTILINE))

    assert f"\ndef {name}(lab: Lab)" in source
    assert set(experiment.figures) <= told


def test_what_went_wrong_is_told_without_the_folders_of_the_machine():
    said = "RuntimeError: /home/ada/crmhub/bench/stub.py said: no socket at /tmp/bench-x1/valkey.sock"

    assert _placeless(said) == "RuntimeError: …/stub.py said: no socket at …/valkey.sock"
