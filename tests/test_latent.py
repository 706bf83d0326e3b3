"""vaegan.latent in closed forms: ends and lengths of paths, the manifold's corners, exact attribute directions."""

import math

import numpy as np
import pytest
import torch

from vaegan import latent
from vaegan.errors import UsageError


def test_paths_begin_and_end_where_they_should():
    a, b = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
    for path in (latent.linear(a, b, 7), latent.spherical(a, b, 7)):
        assert path.shape == (7, 16)
        assert torch.allclose(path[0], a, atol=1e-5) and torch.allclose(path[-1], b, atol=1e-5)
    assert torch.allclose(latent.linear(a, b, 3)[1], (a + b) / 2)


def test_the_arc_keeps_the_length_and_turns_evenly_where_the_line_cuts_through():
    a, b = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([0.0, 2.0, 0.0])
    angles = torch.linspace(0, math.pi / 2, 9)
    expected = 2 * torch.stack([angles.cos(), angles.sin(), torch.zeros(9)], dim=1)
    assert torch.allclose(latent.spherical(a, b, 9), expected, atol=1e-6)
    assert latent.linear(a, b, 9)[4].norm() == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 0.0])
def test_codes_on_one_line_are_joined_by_it(factor):
    a = torch.tensor([1.0, 2.0, 2.0])
    assert torch.allclose(latent.spherical(a, factor * a, 5), latent.linear(a, factor * a, 5))


def test_the_manifold_is_a_square_that_is_read_like_a_chart():
    codes = latent.manifold(20)
    assert codes.shape == (400, 2)
    assert codes[[0, 19, 380, 399]].tolist() == [[-3, 3], [3, 3], [-3, -3], [3, -3]]
    assert (codes[1] - codes[0]).tolist() == pytest.approx([6 / 19, 0])


def test_a_traversal_changes_one_number():
    z, values = torch.arange(4.0), torch.tensor([-1.0, 0.0, 9.0])
    codes = latent.traversal(z, 2, values)
    assert codes[:, 2].tolist() == values.tolist()
    assert torch.equal(codes[:, [0, 1, 3]], z[[0, 1, 3]].expand(3, 3)) and z.tolist() == [0, 1, 2, 3]


def test_activity_is_the_variance_of_each_dimension():
    mu = torch.randn(100, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([2.0, 0.0, 1.0])
    assert latent.activity(mu).tolist() == pytest.approx(np.var(mu.numpy(), axis=0).tolist())


def correlated(n: int = 4000) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Codes that are an exact sum of attribute directions, and attributes of which the second follows the first."""
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(n, generator=generator) < 0.5
    second = torch.rand(n, generator=generator) < torch.where(first, 0.9, 0.2)
    attributes = torch.stack([first, second], dim=1).to(torch.uint8)
    directions = torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    return attributes.float() @ directions + 5, attributes, directions


def test_mean_differences_are_means_with_minus_means_without():
    z, attributes, _ = correlated()
    vectors = latent.mean_differences(z, attributes)
    for vector, has in zip(vectors, attributes.bool().T, strict=True):
        assert torch.allclose(vector, z[has].mean(0) - z[~has].mean(0), atol=1e-4)


def test_correlated_attributes_share_directions_in_means_and_not_in_partial_effects():
    z, attributes, directions = correlated()
    assert latent.mean_differences(z, attributes)[0, 1] > 1.5  # some of the second attribute's 3
    assert torch.allclose(latent.partial_effects(z, attributes), directions, atol=1e-4)


def test_calibrated_vectors_move_the_linear_estimate_of_their_attribute_by_one_and_no_other():
    z, attributes, _ = correlated()
    z = z + torch.randn(z.shape, generator=torch.Generator().manual_seed(1))  # codes that hold a part of it
    vectors = latent.calibrated(z, attributes)
    y = attributes.numpy() - attributes.float().mean(0).numpy()
    readout = np.linalg.lstsq(z.numpy() - z.mean(0).numpy(), y, rcond=None)[0]
    assert np.allclose(vectors.numpy() @ readout, np.eye(2), atol=1e-4)
    moved = latent.mean_differences(z, attributes).numpy() @ readout
    assert 0.3 < moved[0, 0] < 0.95 and moved[0, 1] > 0.1  # means: too short, and along the other


def test_all_vectors_agree_where_codes_hold_independent_attributes_exactly():
    attributes = torch.cartesian_prod(*[torch.tensor([0, 1])] * 3).to(torch.uint8)
    directions = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    for method in latent.VECTORS.values():
        assert torch.allclose(method(attributes.float() @ directions, attributes), directions, atol=1e-4)


@pytest.mark.parametrize("method", latent.VECTORS)
def test_an_attribute_that_never_varies_has_no_direction(method):
    attributes = torch.tensor([[0, 1], [1, 1], [0, 1]], dtype=torch.uint8)
    with pytest.raises(UsageError, match="attribute 1 is the same in all 3 images"):
        latent.VECTORS[method](torch.randn(3, 2), attributes)


def test_attribute_vectors_are_made_of_images_at_equal_distances():
    class Recorder:
        def encode(self, images):
            self.seen = images.flatten()
            return torch.randn(len(images), 2), torch.zeros(len(images), 2)

    recorder, images = Recorder(), torch.arange(25_000, dtype=torch.int32)[:, None, None, None]
    vectors = latent.attribute_vectors(recorder, images, (torch.arange(25_000) % 2)[:, None])
    assert vectors.shape == (1, 2) and len(recorder.seen) == latent.VECTOR_IMAGES
    assert recorder.seen[0] == 0 and recorder.seen[-1] == 24_999
    assert set(recorder.seen.diff().tolist()) == {2, 3}
