"""eval.frechet against closed forms, torchmetrics, SciPy, and Gaussians whose true distance is known."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from eval.distances.frechet import curve, frechet, intercept, root, singular
from eval.distances.moments import blocks_of, moments


def whitened(n: int, d: int, seed: int) -> torch.Tensor:
    """Vectors whose sample mean is exactly 0 and whose sample covariance is exactly the identity, in float64."""
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x -= x.mean(dim=0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(x.T @ x / (n - 1))).T


def between(x: torch.Tensor, y: torch.Tensor) -> float:
    return frechet(moments(x), moments(y))


def by_scipy(x: torch.Tensor, y: torch.Tensor) -> float:
    """The formula as it is written, with a matrix square root."""
    x, y = x.double().numpy(), y.double().numpy()
    A, B = np.cov(x.T), np.cov(y.T)
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(A + B - 2 * scipy.linalg.sqrtm(A @ B).real))


def by_torchmetrics(x: torch.Tensor, y: torch.Tensor) -> float:
    class Given(torch.nn.Module):
        num_features = x.shape[1]

        def forward(self, features):
            return features

    metric = FrechetInceptionDistance(feature=Given())
    metric.update(x.double(), real=True)
    metric.update(y.double(), real=False)
    return metric.compute().item()


def features_like_real_ones(n: int, seed: int, d: int = 64) -> torch.Tensor:
    """Rectified and correlated, with a spectrum that falls over two decades, as a network's features are."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=torch.Generator().manual_seed(99)) * torch.logspace(0, -2, d)
    return (torch.randn(n, d, generator=generator) @ mix + 0.1 * seed).relu()


def test_equal_covariance_gives_the_squared_distance_of_the_means():
    x, shift = whitened(500, 8, seed=0), torch.linspace(-1, 2, 8, dtype=torch.float64)
    assert between(x + shift, x) == pytest.approx(float(shift.square().sum()), rel=1e-9)


def test_equal_means_and_diagonal_covariances():
    x, y = whitened(500, 8, seed=0), whitened(400, 8, seed=1)
    a, b = torch.linspace(0.5, 3, 8, dtype=torch.float64), torch.linspace(2, 0.1, 8, dtype=torch.float64)
    assert between(x * a, y * b) == pytest.approx(float((a - b).square().sum()), rel=1e-9)


def test_rotated_gaussians_with_known_covariances():
    """A = Q diag(a) Q^T and B = Q diag(b) Q^T commute, so the distance is that of their spectra."""
    Q = torch.linalg.qr(whitened(64, 16, 3)[:16])[0]
    a, b = torch.logspace(0, -6, 16, dtype=torch.float64), torch.logspace(-3, 0, 16, dtype=torch.float64)
    x, y = whitened(500, 16, seed=0) * a.sqrt() @ Q.T, whitened(400, 16, seed=1) * b.sqrt() @ Q.T
    assert between(x, y) == pytest.approx(float((a.sqrt() - b.sqrt()).square().sum()), rel=1e-9)


def test_it_is_symmetric():
    x, y = features_like_real_ones(700, 0), features_like_real_ones(900, 1)
    assert between(x, y) == pytest.approx(between(y, x), rel=1e-10)


@pytest.mark.parametrize("reference", [by_scipy, by_torchmetrics])
def test_features_like_real_ones_against_other_implementations(reference):
    x, y = features_like_real_ones(700, 0), features_like_real_ones(900, 1)
    assert between(x, y) == pytest.approx(reference(x, y), rel=1e-7)


def test_real_features_against_other_implementations(shared_data):
    from eval.features.choice import for_dataset
    from vaegan.data import load

    network, digits = for_dataset("mnist"), load("mnist", "test", data_dir=shared_data).images
    x, y = network.features(digits[:1000]), network.features(digits[5000:6000])
    assert between(x, y) == pytest.approx(by_scipy(x, y), rel=1e-7)
    assert between(x, y) == pytest.approx(by_torchmetrics(x, y), rel=1e-7)


def test_a_set_has_no_distance_to_itself_in_any_order():
    x = features_like_real_ones(700, 0)
    assert between(x, x.flip(0)) < 1e-12


@pytest.mark.parametrize("n", [2, 5, 20])
def test_fewer_images_than_features_is_exact_and_not_negative(n):
    """The overlap of two singular covariances is the nuclear norm of the centred vectors' products."""
    x, y = features_like_real_ones(n, 0).double(), features_like_real_ones(n, 1).double()
    assert between(x, x) < 1e-12
    centred = [(v - v.mean(dim=0)) / (n - 1) ** 0.5 for v in (x, y)]
    overlap = torch.linalg.svdvals(centred[0] @ centred[1].T).sum()
    spread = sum(c.square().sum() for c in centred)
    expected = float((x.mean(0) - y.mean(0)).square().sum() + spread - 2 * overlap)
    assert between(x, y) == pytest.approx(expected, rel=1e-9)
    assert singular(moments(x), moments(y))


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e6])
@pytest.mark.parametrize("spectrum", [(3, 2, 1, 0, 0, 0, 0, 0), (1,) + (0,) * 7, (0,) * 8], ids=["3", "1", "0"])
def test_the_root_of_a_covariance_has_as_many_columns_as_its_rank(spectrum, scale):
    """What rounding leaves of a zero is no direction."""
    Q = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64))[0]
    covariance = scale * (Q * torch.tensor(spectrum, dtype=torch.float64)) @ Q.T
    found = root((covariance + covariance.T) / 2)
    assert found.shape == (8, sum(value > 0 for value in spectrum))
    torch.testing.assert_close(found @ found.T, covariance, rtol=1e-12, atol=1e-14 * scale)


def test_constant_features_have_a_distance_too():
    x = torch.ones(10, 4, dtype=torch.float64)
    assert between(x, x) == 0 and between(x, 3 * x) == pytest.approx(16)


# --- the N-curve


def gaussians(n: int, d: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Two samples and the true distance of what they were drawn from."""
    generator = torch.Generator().manual_seed(seed)
    sd = torch.logspace(0, -1.5, d, dtype=torch.float64)
    x, y = (torch.randn(n, d, generator=generator, dtype=torch.float64) * sd for _ in range(2))
    return x, 1.1 * y + 0.05, float(d * 0.05**2 + (0.1 * sd).square().sum())


def test_the_limit_is_unbiased_where_the_distance_at_n_is_far_too_large():
    found = [gaussians(1000, 48, seed) for seed in range(12)]
    curves = [curve(blocks_of(x), blocks_of(y)) for x, y, _ in found]
    truth = found[0][2]
    limits, largest = np.array([c.limit for c in curves]), np.array([c.values[-1] for c in curves])
    assert largest.mean() > 1.2 * truth
    assert abs(limits.mean() - truth) < 3 * limits.std(ddof=1) / 12**0.5 < 0.1 * truth


def test_the_curve_falls_with_n_and_ends_at_the_distance_of_all():
    x, y, _ = gaussians(1000, 48, 0)
    found = curve(blocks_of(x), blocks_of(y))
    assert found.counts == (125, 250, 500, 1000)
    assert list(found.values) == sorted(found.values, reverse=True)
    assert found.values[-1] == pytest.approx(between(x, y), rel=1e-10)


def test_points_with_singular_covariances_are_left_out():
    x, y, _ = gaussians(400, 64, 0)
    assert curve(blocks_of(x), blocks_of(y)).counts == (100, 200, 400)
    few = curve(blocks_of(x[:50]), blocks_of(y[:50]))
    assert few.counts == (50,) and few.limit is None
    two = curve(blocks_of(x[:200]), blocks_of(y[:200]))
    assert two.counts == (100, 200) and two.limit == pytest.approx(max(0.0, 2 * two.values[1] - two.values[0]))


def test_as_many_images_as_features_are_too_few():
    """The mean takes one: 64 vectors have a covariance of rank 63."""
    x, y, _ = gaussians(64, 64, 0)
    more, again, _ = gaussians(65, 64, 0)
    assert singular(moments(x), moments(again)) and singular(moments(more), moments(y))
    assert not singular(moments(more), moments(again))


def test_a_straight_line_is_met_exactly_and_never_below_zero():
    x = np.array([1 / 100, 1 / 200, 1 / 400])
    assert intercept(x, 3 + 50 * x) == pytest.approx(3)
    assert intercept(x, 50 * x - 0.1) == 0
