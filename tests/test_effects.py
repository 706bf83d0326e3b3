"""Effect sizes against closed forms."""

import math

import numpy as np
import pytest

from eval.uncertainty.effects import cliffs_delta, paired_effect
from vaegan.errors import UserError


def test_cliffs_delta_counts_pairs():
    assert cliffs_delta([3, 4], [1, 2]) == 1
    assert cliffs_delta([1, 2], [3, 4]) == -1
    assert cliffs_delta([1, 2, 3], [1, 2, 3]) == 0
    assert cliffs_delta([1, 4], [2, 3, 5]) == pytest.approx((2 - 4) / 6)


def test_paired_effect_is_mean_over_standard_deviation():
    assert paired_effect([2.0, 3.0, 5.0], [1.0, 1.0, 2.0]) == pytest.approx(2.0)
    assert paired_effect([1.0, 2.0], [1.0, 2.0]) == 0
    assert paired_effect([2.0, 3.0], [1.0, 2.0]) == math.inf


def test_pairing_counts():
    content = np.random.default_rng(0).normal(scale=10, size=200)
    moved = content + np.random.default_rng(1).normal(1, 1, size=200)
    assert paired_effect(moved, content) == pytest.approx(1, abs=0.2)
    assert abs(cliffs_delta(moved, content)) < 0.15


@pytest.mark.parametrize("size", [cliffs_delta, paired_effect])
@pytest.mark.parametrize(
    ("first", "message"), [([], "got 0"), ([1.0], "got 1"), ([1.0, math.nan], "1 of 2 measured values are not finite")]
)
def test_too_few_or_broken_values_are_one_clear_line(size, first, message):
    with pytest.raises(UserError, match=message):
        size(first, [1.0, 2.0])


def test_unpaired_values_are_one_clear_line():
    with pytest.raises(UserError, match="one shape"):
        paired_effect([1.0, 2.0], [1.0, 2.0, 3.0])
