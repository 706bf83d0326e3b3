"""What one more pair of runs would read: against the closed form, against draws, at the ends of the scale; and the
README's column of it against the study's files."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from eval.uncertainty import families, fresh
from eval.uncertainty.estimates import Estimate, over_seeds
from eval.uncertainty.families import NARROW, WIDE, Sides
from eval.uncertainty.simulation import UNITS
from eval.uncertainty.spread import Scale

ROOT = Path(__file__).resolve().parents[1]
PX = UNITS["px²"]
PIXELS = Scale(1, -50.0, 50.0)  # on which values themselves add up


def over(readings, scale=PX):
    """A side whose runs read so, without an error of images."""
    return over_seeds([Estimate(x, np.array([x, x]), scale=scale) for x in readings])


@pytest.mark.parametrize("swapped", [False, True])
def test_of_one_side_that_spreads_it_is_the_textbooks_interval(swapped):
    runs = np.array([1.0, 1.3, 0.9, 1.4, 1.2])
    reach = stats.t.ppf(0.975, 4) * runs.std(ddof=1) * math.sqrt(1 + 1 / 5)
    sides = [over(runs, PIXELS), over([0.5, 0.5, 0.5], PIXELS)]
    found = fresh.pair(*sides[:: -1 if swapped else 1])
    middle = (runs.mean() - 0.5) * (-1 if swapped else 1)
    assert (found.value, found.low, found.high) == pytest.approx((middle, middle - reach, middle + reach), abs=1e-9)


def test_of_two_sides_it_is_what_draws_give():
    first, second = over([0.71, 0.70, 0.73]), over([-0.08, 0.12, 0.26, -0.06, 0.28])
    rng = np.random.default_rng(0)
    drawn = []
    for side in (first, second):
        sums = PX.sums(side.value) + math.sqrt(side.by_runs * (side.seeds + 1)) * rng.standard_t(
            side.seeds - 1, size=1_000_000
        )
        drawn.append(np.clip(np.sign(sums) * np.sqrt(np.abs(sums)), PX.low, PX.high))
    found = fresh.pair(first, second)
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn[0] - drawn[1], (0.025, 0.975)), abs=0.004)


def test_swapping_the_sides_swaps_the_ends():
    sides = over([0.71, 0.70, 0.73]), over([-0.08, 0.12, 0.26, -0.06, 0.28])
    one, other = fresh.pair(*sides), fresh.pair(*sides[::-1])
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)


def test_it_is_wider_than_the_interval_of_the_mean():
    first, second = over([0.71, 0.70, 0.73]), over([0.5, 0.52, 0.55])
    mean = families.Difference(first, second).interval
    found = fresh.pair(first, second)
    assert found.low < mean.low and mean.high < found.high and found.value == mean.value


def test_one_run_says_nothing_of_another():
    assert fresh.pair(over([0.7]), over([0.1, 0.2])) is None
    assert fresh.pair(over([0.7, 0.8]), over([0.1])) is None


def test_sides_without_any_spread_are_apart_by_what_they_are():
    found = fresh.pair(over([0.7, 0.7]), over([0.2, 0.2]))
    assert (found.low, found.high) == (found.value, found.value)


def test_no_end_is_printed_outside_the_calibrated_range():
    beyond = over([0.7, math.inf])
    assert fresh.pair(beyond, over([0.1, 0.2])) is None
    found = fresh.pair(over([4.0, 4.9]), over([0.1, 0.2]))  # with one degree of freedom anything may come
    assert found.high == math.inf and (math.isinf(found.low) or abs(found.low) <= PX.high - PX.low)


def test_a_side_outside_the_calibrated_range_or_unknown_says_nothing():
    """A run's mean over snapshots may lie outside though no snapshot does; blank images have no blur at all."""
    scale = Scale(2, -1.0, 5.0)
    outside = over([-1.039, -1.041, -1.039], scale)
    assert math.isfinite(outside.value) and fresh.pair(over([0.7, 0.7001, 0.7002], scale), outside) is None
    assert fresh.pair(over([5.1, 5.11, 5.1]), over([0.1, 0.2])) is None
    blank = Estimate(2.5, np.full(2, math.nan), seeds=3, scale=PX)
    assert fresh.pair(blank, over([0.70, 0.71, 0.72])) is None


@pytest.mark.parametrize("edge", [-4.93, 4.93])
def test_an_end_does_not_jump_where_the_other_side_becomes_the_wider_one(edge):
    """Runs that may well be outside make an end infinite, whichever of the two sides spreads more."""
    known = over([math.sqrt(0.21), math.sqrt(0.5), math.sqrt(0.79)])
    pairs = [
        fresh.pair(over([math.copysign(math.sqrt(edge**2 + by), edge) for by in (-g, 0, g)]), known)
        for g in (0.28, 0.30)
    ]
    for found in pairs:
        assert math.isinf(found.high if edge > 0 else found.low)
        assert math.isfinite(found.low if edge > 0 else found.high)


def test_ends_move_no_further_than_readings():
    readings = [-0.08, 0.12, 0.26, -0.06, 0.28]
    first = over([0.71, 0.70, 0.73])
    one, moved = fresh.pair(first, over(readings)), fresh.pair(first, over([x + 1e-4 for x in readings]))
    assert (moved.low, moved.high) == pytest.approx((one.low, one.high), abs=1e-3)


@pytest.mark.parametrize("around", [0.0, 1.0])
@pytest.mark.parametrize("spreads", [(WIDE, WIDE), (WIDE, NARROW), (NARROW, WIDE)])
def test_ninety_five_in_a_hundred_pairs_lie_inside(spreads, around):
    """Between 0.95 and, where both sides spread alike and each keeps a t of its own, 1; to three errors of 1,000."""
    held = families.fresh_held(Sides((5, 3), spreads, around), 1000)
    assert 0.95 - 3 * math.sqrt(0.95 * 0.05 / 1000) <= held.mean() < 1


ROWS = [("synthfaces", "faces"), ("mnist", "MNIST")]


@pytest.mark.parametrize(("file", "name"), ROWS)
@pytest.mark.parametrize("what", ["reconstructions", "samples"])
def test_the_readmes_column_is_what_the_studys_runs_give(file, name, what):
    """Their readings alone, whose spread is wider than what images move, so that it is all there is."""
    report = json.loads((ROOT / "docs" / "results" / f"{file}.json").read_text())
    claim = next(v for v in report["verdicts"] if (v["what"], v["blurrier"], v["sharper"]) == (what, "VAE", "VAE/GAN"))
    read = {(s["run"], s["kind"]): s["blur"]["gradient_energy"]["value"] for s in report["sources"]}
    ends = fresh.pair(*(over([read[run, what] for run in side]) for side in claim["runs"]))
    row = next(line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith(f"| {name}, {what}"))
    assert row.endswith(f"| {ends.low:.2f}-{ends.high:.2f} |")
