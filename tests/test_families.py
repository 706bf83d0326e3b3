"""Families of many claims about few seeds: p-values are those of verdicts, against closed forms and scipy; none may
become more liberal."""

import numpy as np
import pytest
from scipy import stats

from eval.uncertainty import families
from eval.uncertainty.estimates import RESAMPLES, Difference, Estimate, over_seeds
from eval.uncertainty.families import FIRST, RULES, Sides, compared, equals, least_p, p_values
from eval.uncertainty.simulation import UNITS, roots

# Of 60,000 true nulls with seed 0, those below FIRST, which may be 50: one t with Welch's degrees of freedom for both
# sides, which is most liberal here, has 95, 390 and 162.
REJECTED = [
    (Sides((5, 5), (0.1, 0.1 / 6)), 27),
    (Sides((5, 3), (0.1 / 6, 0.1)), 24),
    (Sides((3, 3), (0.1, 0.1 / 12)), 4),
]


@pytest.fixture
def no_images(monkeypatch):
    """Readings that no image moves: then a p is that of their seeds alone."""
    monkeypatch.setattr(families, "SHARED_ERROR", 0.0)


def drawn(sides: Sides, draws: int) -> tuple[np.ndarray, np.ndarray]:
    return sides.drawn(draws, np.random.default_rng(1))


def referred(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return stats.ttest_ind(first, second, axis=1, equal_var=False).pvalue


@pytest.mark.parametrize(("sides", "most"), REJECTED)
def test_no_more_false_claims_pass_the_level_of_a_family_than_were_recorded(sides, most):
    assert families.rejected(families.null_p_values(sides, 1000)[2]).sum() <= most


@pytest.mark.parametrize("sides", equals())
def test_no_p_is_below_that_of_welchs_test_as_scipy_has_it(sides):
    first, second = drawn(sides, 40)
    second[20:] += 1  # far in the tail
    p = np.array([compared(*own).p for own in zip(first, second, strict=True)])
    assert (p >= referred(first, second) * (1 - 1e-5)).all()


@pytest.mark.parametrize("sides", equals())
def test_the_column_called_welch_is_welchs_test(no_images, sides):
    first, second = drawn(sides, 40)
    assert p_values(first, second, level=2)[0] == pytest.approx(referred(first, second), rel=2e-5)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_with_one_side_fixed_behrens_and_fishers_error_is_students_t(no_images, seeds):
    first, second = drawn(Sides((seeds, 3), (0.1, 1e-9)), 20)
    distances = (first.mean(axis=1) - second.mean(axis=1)) / (first.std(axis=1, ddof=1) / np.sqrt(seeds))
    assert p_values(first, second, level=2)[2] == pytest.approx(2 * stats.t.sf(abs(distances), seeds - 1), rel=1e-4)


def test_of_two_seeds_a_side_behrens_and_fishers_error_is_cauchys(no_images):
    """A sum of two Cauchy errors is one whose width is the sum of theirs (Fisher 1935)."""
    first, second = drawn(Sides((2, 2), (0.1, 0.05)), 20)
    width = (first.std(axis=1, ddof=1) + second.std(axis=1, ddof=1)) / np.sqrt(2)
    wanted = 2 * stats.cauchy.sf(abs(first.mean(axis=1) - second.mean(axis=1)) / width)
    assert p_values(first, second, level=2)[2] == pytest.approx(wanted, rel=1e-4)


def test_two_replicates_give_the_p_of_as_many_as_a_report_has():
    noise = np.random.default_rng(0).normal(size=RESAMPLES)
    noise *= families.SHARED_ERROR / noise.std(ddof=1)
    first, second = (side[0] for side in drawn(REJECTED[0][0], 1))
    errors = (noise, np.zeros(RESAMPLES))
    many = [
        over_seeds([Estimate(float(roots(own)), roots(own + error), scale=UNITS["px²"]) for own in side])
        for side, error in zip((first, second), errors, strict=True)
    ]
    assert compared(first, second).p == pytest.approx(Difference(*many).p, abs=1e-6)


@pytest.mark.parametrize("sides", equals())
def test_what_is_not_computed_would_not_have_been_rejected(sides):
    first, second = drawn(sides, 100)
    second[50:] += 0.5
    p, bound = p_values(first, second, level=2), least_p(first, second)
    assert (p >= bound * (1 - 1e-4)).all()
    assert ((p_values(first, second) < FIRST) == (p < FIRST)).all()


@pytest.mark.parametrize("sides", equals())
def test_the_other_rules_keep_the_level_and_never_have_a_smaller_p_than_welch(sides):
    p = families.null_p_values(sides, 200)
    for own in p[1:]:
        assert stats.binomtest(int(families.rejected(own).sum()), own.size, FIRST, alternative="greater").pvalue > 1e-3
    first, second = drawn(sides, 40)
    second[20:] += 1
    welch, *others = p_values(first, second, level=2)
    assert (np.array(others) >= welch * (1 - 1e-5)).all()


def test_where_the_wider_side_has_more_seeds_behrens_and_fisher_uses_them():
    _, fewest, apart = families.found(Sides((5, 3), (0.1, 0.01)), 0.6, 100).mean(axis=1)
    assert fewest < 0.3 and apart > 0.9


def test_a_family_errs_where_any_of_its_claims_passes():
    p = np.full((3, families.CLAIMS), 0.5)
    p[0, 7], p[1, 3] = 0.9 * FIRST, 1.1 * FIRST
    assert families.any_rejected(p).tolist() == [True, False, False]


def test_a_difference_far_beyond_the_spread_is_found_in_its_direction_only():
    sides = Sides((3, 3), (0.01, 0.01))
    assert families.found(sides, 1.0, 50).all() and not families.found(sides, -1.0, 50).any()
    assert list(RULES) == ["Welch", "fewest", "Behrens–Fisher"]
