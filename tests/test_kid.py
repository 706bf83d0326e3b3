"""eval.kid against the definition, torchmetrics, and simulated intervals."""

import numpy as np
import pytest
import torch
from torchmetrics.image.kid import KernelInceptionDistance

from eval.distances import kid
from eval.distances.kid import kernel_distance, kernel_of


def vectors(n, seed, shift=0.0, d=8):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)).abs() + shift


def between(x, y):
    return kernel_distance(kernel_of(x), kernel_of(y))


def by_definition(x, y) -> float:
    x, y = x.double(), y.double()
    xx, yy, xy = ((a @ b.T / x.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    return float((xx.sum() - xx.trace()) / (n * (n - 1)) + (yy.sum() - yy.trace()) / (m * (m - 1)) - 2 * xy.mean())


def test_it_is_the_mean_over_all_pairs():
    x, y = vectors(60, 0), vectors(45, 1, 0.1)
    assert between(x, y).value == pytest.approx(by_definition(x, y), rel=1e-11)


def test_blocks_do_not_matter(monkeypatch):
    x, y = vectors(60, 0), vectors(45, 1, 0.1)
    whole = between(x, y)
    monkeypatch.setattr(kid, "CHUNK", 7)
    assert between(x, y).value == pytest.approx(whole.value, rel=1e-11)
    assert between(x, y).error == pytest.approx(whole.error, rel=1e-9)


def test_torchmetrics_agrees_when_its_subset_is_everything():
    class Given(torch.nn.Module):
        num_features = 8

        def forward(self, features):
            return features

    x, y = vectors(100, 0).double(), vectors(100, 1, 0.1).double()
    metric = KernelInceptionDistance(feature=Given(), subsets=1, subset_size=100)
    metric.update(x, real=True)
    metric.update(y, real=False)
    assert between(x, y).value == pytest.approx(metric.compute()[0].item(), rel=1e-6)


def test_the_error_is_the_jackknifes():
    x, y = vectors(30, 0), vectors(20, 1, 0.2)
    without_x = [by_definition(torch.cat([x[:i], x[i + 1 :]]), y) for i in range(30)]
    without_y = [by_definition(x, torch.cat([y[:i], y[i + 1 :]])) for i in range(20)]
    variance = sum((len(w) - 1) * np.var(w) for w in (without_x, without_y))
    assert between(x, y).error == pytest.approx(variance**0.5, rel=1e-9)


def test_images_of_one_kind_have_none_whatever_their_number():
    """Unlike the Frechet distance, which is about 30 / N here."""
    for n in (30, 100):
        values = [between(vectors(n, 2 * s), vectors(n, 2 * s + 1)).value for s in range(60)]
        assert abs(np.mean(values)) < 3 * np.std(values) / 60**0.5


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.2])
def test_the_interval_holds_the_truth(shift):
    truth = between(vectors(3000, 1001), vectors(3000, 1002, shift)).value if shift else 0.0
    found = [between(vectors(100, 2 * s), vectors(100, 2 * s + 1, shift)) for s in range(100)]
    assert np.mean([k.low <= truth <= k.high for k in found]) > 0.9


def test_three_vectors_a_side_are_enough():
    x, y = vectors(3, 0), vectors(3, 1, 0.1)
    assert between(x, y).value == pytest.approx(by_definition(x, y), rel=1e-11) and between(x, y).error > 0


@pytest.mark.parametrize("n", [0, 2])
def test_too_few_vectors(n):
    with pytest.raises(ValueError, match="at least 3"):
        kernel_of(vectors(n, 0))
