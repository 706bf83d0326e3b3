"""eval.distances.neighbours against closed forms, counting and theory."""

import pytest
import torch

from eval.distances import neighbours
from eval.distances.neighbours import (
    NEIGHBOURS,
    Neighbourhoods,
    expected_coverage,
    mean_pairwise_distance,
    memorisation,
    nearest_distances,
    nearest_pair,
    neighbourhoods,
)


def test_mean_pairwise_distance_of_the_corners_of_a_square(monkeypatch):
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    expected = (4 + 2 * 2**0.5) / 6
    assert mean_pairwise_distance(corners) == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr(neighbours, "CHUNK", 3)
    assert mean_pairwise_distance(corners) == pytest.approx(expected, rel=1e-12)


def test_mean_pairwise_distance_in_many_dimensions():
    x = torch.randn(400, 128, generator=torch.Generator().manual_seed(0))
    assert mean_pairwise_distance(x) == pytest.approx(float(torch.pdist(x.double()).mean()), rel=1e-9)
    assert mean_pairwise_distance(x[:1].expand(50, -1)) < 1e-6  # a collapsed generator


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_nearest_pair(monkeypatch, chunk):
    monkeypatch.setattr(neighbours, "CHUNK", chunk)
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


def filled(features, reference) -> neighbours.Filling:
    return neighbours.filling(neighbourhoods(features), neighbourhoods(reference))


def filling(features, reference) -> tuple[float, float]:
    found = filled(features, reference)
    return found.density, found.coverage


def test_radii_of_points_on_a_line(monkeypatch):
    points = torch.tensor([0.0, 1, 3, 6, 10, 15, 21])[:, None]
    monkeypatch.setattr(neighbours, "CHUNK", 3)
    found = neighbourhoods(points)
    assert found.wide.tolist() == pytest.approx([15, 14, 12, 9, 10, 14, 20])
    assert found.narrow.tolist() == pytest.approx([6, 5, 3, 5, 7, 9, 15])
    assert found.nearest.tolist() == pytest.approx([1, 1, 2, 3, 4, 5, 6])


def test_a_set_covers_itself():
    x = gaussian(700, seed=0)
    density, coverage = filling(x, x)
    assert coverage == 1
    assert density == pytest.approx(1 + 1 / NEIGHBOURS)  # k neighbours lie in each neighbourhood, and its centre


def test_density_and_coverage_by_counting():
    reference = torch.tensor([0.0, 1, 2, 3, 4, 5, 100])[:, None]
    radii = torch.full((7,), 0.5, dtype=torch.float64)
    features = torch.tensor([0.1, 0.2, 3.4, 3.55, 50.0])[:, None]
    own = torch.tensor([1.0, 0.0, 0.0, 0.0, 60.0], dtype=torch.float64)
    found = neighbours.filling(
        Neighbourhoods(features, own, own, own), Neighbourhoods(reference, radii, radii / 2, radii)
    )
    assert found.density == pytest.approx(4 / (NEIGHBOURS * 5)) and found.coverage == pytest.approx(3 / 7)
    assert found.precision == pytest.approx(2 / 5)  # within 0.25 of a real one: 0.1 and 0.2
    assert found.recall == 1  # 0 and 1 near the first, all of them near the last
    assert neighbours.filling(
        Neighbourhoods(features[:4], own[:4], own[:4], own[:4]), Neighbourhoods(reference, radii, radii, radii)
    ).recall == pytest.approx(2 / 7)


@pytest.mark.parametrize(("count", "others"), [(80, 80), (60, 110), (150, 40)])
def test_precision_recall_density_and_coverage_as_their_papers_write_them(monkeypatch, count, others):
    """Dense matrices, loops over nothing: the definitions, computed in another way, for unequal counts too."""
    monkeypatch.setattr(neighbours, "CHUNK", 33)
    x, y = gaussian(count, seed=1).double() * 1.3, gaussian(others, seed=0).double()
    between = (x[:, None] - y[None]).norm(dim=2)

    def radius(points, k):
        return (points[:, None] - points[None]).norm(dim=2).sort(dim=1).values[:, k]

    found = filled(x, y)
    assert found.precision == pytest.approx(float((between <= radius(y, 3)).any(dim=1).double().mean()))
    assert found.recall == pytest.approx(float((between <= radius(x, 3)[:, None]).any(dim=0).double().mean()))
    assert found.density == pytest.approx(float((between <= radius(y, 5)).double().sum(dim=1).mean()) / 5)
    assert found.coverage == pytest.approx(float((between <= radius(y, 5)).any(dim=0).double().mean()))
    assert 0 < found.precision < 1 and 0 < found.recall <= 1


@pytest.mark.parametrize(("count", "others"), [(1500, 1500), (300, 1500), (1500, 300)])
def test_expected_coverage_is_what_images_of_the_same_kind_have(count, others):
    found = filled(gaussian(count, seed=1), gaussian(others, seed=0)).coverage
    assert found == pytest.approx(expected_coverage(count, others), abs=0.03)


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
    monkeypatch.setattr(neighbours, "CHUNK", 40)
    assert filling(x, y) == whole and 0 < whole[1] < 1


def test_blocks_never_hold_the_whole_matrix(monkeypatch):
    sizes, measured = [], torch.cdist
    monkeypatch.setattr(neighbours, "CHUNK", 40)
    monkeypatch.setattr(torch, "cdist", lambda a, b, **how: sizes.append(len(a) * len(b)) or measured(a, b, **how))
    filling(gaussian(300, seed=1), gaussian(200, seed=0))
    assert max(sizes) == 40 * 300 and len(sizes) == 8 + 5 + 5  # within each, and between: once for all four numbers


def test_too_few_images_have_no_neighbourhood():
    with pytest.raises(ValueError, match="more than 5"):
        neighbourhoods(gaussian(NEIGHBOURS, seed=0))


# --- what is copied


@pytest.mark.parametrize("chunk", [5, 1000])
def test_nearest_distances_by_brute_force(monkeypatch, chunk):
    monkeypatch.setattr(neighbours, "CHUNK", chunk)
    x, y = gaussian(60, seed=1), gaussian(90, seed=0)
    expected = torch.cdist(x.double(), y.double()).min(dim=1).values
    torch.testing.assert_close(nearest_distances(x, y), expected, rtol=1e-12, atol=0)


def test_a_copy_is_at_distance_zero_even_far_from_the_origin():
    y = gaussian(90, seed=0) + 1000
    assert torch.equal(nearest_distances(y[:20], y), torch.zeros(20, dtype=torch.float64))


def held_out_distances(training) -> torch.Tensor:
    return nearest_distances(gaussian(1000, seed=5), training)


def test_images_of_the_same_kind_copy_as_often_as_held_out_ones():
    training = gaussian(2000, seed=0)
    found = memorisation(nearest_distances(gaussian(1000, seed=1), training), held_out_distances(training))
    assert found.copies == pytest.approx(neighbours.COPY, abs=0.012) and found.nearer == pytest.approx(0.5, abs=0.03)


def test_a_generator_of_training_images_is_found_out():
    training = gaussian(2000, seed=0)
    found = memorisation(nearest_distances(training[:100].repeat(10, 1), training), held_out_distances(training))
    assert found.copies == found.nearer == 1


def test_one_image_in_five_copied_is_seen_in_the_copies():
    training = gaussian(2000, seed=0)
    mixed = torch.cat([training[:200], gaussian(800, seed=1)])
    assert memorisation(nearest_distances(mixed, training), held_out_distances(training)).copies > 0.19


def test_bad_images_are_far_from_everything():
    training = gaussian(2000, seed=0)
    found = memorisation(nearest_distances(gaussian(100, seed=1) + 9, training), held_out_distances(training))
    assert found.copies == found.nearer == 0
