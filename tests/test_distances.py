"""eval.distances against closed forms and a float64 reference of its own."""

import pytest
import torch

from eval import distances
from eval.distances import (
    NEIGHBOURS,
    density_and_coverage,
    frechet,
    mean_pairwise_distance,
    nearest_pair,
    neighbourhood_radii,
)


def whitened(n: int, d: int, seed: int) -> torch.Tensor:
    """Vectors whose sample mean is exactly 0 and whose sample covariance is exactly the identity, in float64."""
    x = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x -= x.mean(dim=0)
    return x @ torch.linalg.inv(torch.linalg.cholesky(x.T @ x / (n - 1))).T


def frechet_by_symmetric_roots(a: torch.Tensor, b: torch.Tensor) -> float:
    """|mu_a - mu_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2), every root by eigh."""
    A, B = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(A)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ B @ root).clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + A.trace() + B.trace() - 2 * cross)


def value(a, b) -> float:
    return frechet(a, b, "noise", "noise").value


def test_equal_covariance_gives_the_squared_distance_of_the_means():
    x, shift = whitened(500, 8, seed=0), torch.linspace(-1, 2, 8, dtype=torch.float64)
    assert value(x + shift, x) == pytest.approx(float(shift.square().sum()), rel=1e-9)


def test_equal_means_and_diagonal_covariances():
    x, y = whitened(500, 8, seed=0), whitened(400, 8, seed=1)
    a, b = torch.linspace(0.5, 3, 8, dtype=torch.float64), torch.linspace(2, 0.1, 8, dtype=torch.float64)
    assert value(x * a, y * b) == pytest.approx(float((a - b).square().sum()), rel=1e-9)


def test_correlated_features_against_another_algorithm():
    mix = torch.randn(8, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x, y = whitened(300, 8, seed=0) @ mix, whitened(200, 8, seed=1) + 0.3
    assert value(x, y) == pytest.approx(frechet_by_symmetric_roots(x, y), rel=1e-9)
    assert value(y, x) == pytest.approx(value(x, y), rel=1e-9)


def test_float32_features_are_accumulated_in_float64():
    x, y = whitened(300, 8, seed=0).float(), (whitened(200, 8, seed=1) + 0.3).float()
    assert value(x, y) == pytest.approx(frechet_by_symmetric_roots(x.double(), y.double()), rel=1e-9)


def test_a_set_has_no_distance_to_itself_in_any_order():
    x = whitened(300, 8, seed=0)
    assert 0 <= value(x, x.flip(0)) < 1e-9


def test_degenerate_features_stay_finite_and_non_negative():
    x = whitened(300, 8, seed=0)
    x[:, 3:] = 1.0
    assert 0 <= value(x, x.clone()) < 1e-6


def test_the_name_states_the_protocol():
    distance = frechet(whitened(1200, 4, 0), whitened(900, 4, 1), "digits (1a2b; 32 px)", "mnist test")
    assert distance.name == "Frechet distance in digits (1a2b; 32 px), 1,200 images against 900 of mnist test"
    assert "FID" not in distance.name and distance.note == ""


@pytest.mark.parametrize(("n", "m"), [(8, 300), (300, 8), (1, 300)])
def test_too_few_images_give_no_number(n, m):
    distance = frechet(torch.rand(n, 8), torch.rand(m, 8), "noise", "noise")
    assert distance.value is None and distance.note == "needs more images than the 8 features"


def test_mean_pairwise_distance_of_the_corners_of_a_square(monkeypatch):
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    expected = (4 + 2 * 2**0.5) / 6
    assert mean_pairwise_distance(corners) == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr(distances, "CHUNK", 3)
    assert mean_pairwise_distance(corners) == pytest.approx(expected, rel=1e-12)


def test_mean_pairwise_distance_in_many_dimensions():
    x = torch.randn(400, 128, generator=torch.Generator().manual_seed(0))
    assert mean_pairwise_distance(x) == pytest.approx(float(torch.pdist(x.double()).mean()), rel=1e-9)
    assert mean_pairwise_distance(x[:1].expand(50, -1)) < 1e-6  # a collapsed generator


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_nearest_pair(monkeypatch, chunk):
    monkeypatch.setattr(distances, "CHUNK", chunk)
    points = torch.tensor([[0.0, 0.0], [5.0, 0.0], [5.0, 9.0], [5.0, 1.5], [0.0, 9.0]])
    distance, first, second = nearest_pair(points)
    assert (first, second) == (1, 3) and distance == pytest.approx(1.5)
    points[4] = points[2]
    distance, first, second = nearest_pair(points)
    assert (first, second) == (2, 4) and distance < 1e-6


@pytest.mark.parametrize("measure", [mean_pairwise_distance, nearest_pair])
def test_one_image_has_no_pair(measure):
    with pytest.raises(ValueError, match="at least two"):
        measure(torch.rand(1, 4))


def gaussian(n: int, seed: int, d: int = 16) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def filling(features, reference) -> tuple[float, float]:
    return density_and_coverage(features, reference, neighbourhood_radii(reference))


def test_radii_of_points_on_a_line(monkeypatch):
    points = torch.tensor([0.0, 1, 3, 6, 10, 15, 21])[:, None]
    monkeypatch.setattr(distances, "CHUNK", 3)
    assert neighbourhood_radii(points).tolist() == pytest.approx([15, 14, 12, 9, 10, 14, 20])


def test_a_set_covers_itself():
    x = gaussian(700, seed=0)
    density, coverage = filling(x, x)
    assert coverage == 1
    assert density == pytest.approx(1 + 1 / NEIGHBOURS)  # k neighbours lie in each neighbourhood, and its centre


def test_density_and_coverage_by_counting():
    reference = torch.tensor([0.0, 1, 2, 3, 4, 5, 100])[:, None]
    radii = torch.full((7,), 0.5, dtype=torch.float64)
    features = torch.tensor([0.1, 0.2, 3.4, 3.55, 50.0])[:, None]
    density, coverage = density_and_coverage(features, reference, radii)
    assert density == pytest.approx(4 / (NEIGHBOURS * 5)) and coverage == pytest.approx(3 / 7)


def test_other_images_of_the_same_kind_cover_what_theory_expects():
    density, coverage = filling(gaussian(2000, seed=1), gaussian(2000, seed=0))
    assert density == pytest.approx(1, abs=0.1)
    assert coverage == pytest.approx(1 - 2**-NEIGHBOURS, abs=0.02)  # Naeem et al., Eq. 9 with as many on both sides


def test_a_generator_that_repeats_ten_images_covers_almost_nothing():
    few = gaussian(10, seed=1).repeat(100, 1)
    assert filling(few, gaussian(1000, seed=0))[1] < 0.06


def test_images_of_another_kind_cover_nothing():
    assert filling(gaussian(500, seed=1) + 50, gaussian(500, seed=0)) == (0, 0)


def test_density_and_coverage_do_not_depend_on_the_block(monkeypatch):
    x, y = gaussian(130, seed=1), gaussian(150, seed=0)
    whole = filling(x, y)
    monkeypatch.setattr(distances, "CHUNK", 40)
    assert filling(x, y) == whole and 0 < whole[1] < 1


def test_blocks_never_hold_the_whole_matrix(monkeypatch):
    sizes, measured = [], torch.cdist
    monkeypatch.setattr(distances, "CHUNK", 40)
    monkeypatch.setattr(torch, "cdist", lambda a, b, **how: sizes.append(len(a) * len(b)) or measured(a, b, **how))
    filling(gaussian(300, seed=1), gaussian(200, seed=0))
    assert max(sizes) == 40 * 300


def test_too_few_images_have_no_neighbourhood():
    with pytest.raises(ValueError, match="more than 5"):
        neighbourhood_radii(gaussian(NEIGHBOURS, seed=0))
