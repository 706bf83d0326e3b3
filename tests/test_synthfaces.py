"""The procedural faces: pure functions of (seed, index), the same face at every size, exact attributes, fine detail."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d

from vaegan.data.synthfaces import renderer as synthfaces
from vaegan.data.synthfaces.facecode import facecode
from vaegan.data.synthfaces.renderer import ATTRIBUTES, attributes, render
from vaegan.errors import UsageError

HAIR_COLOURS = [ATTRIBUTES.index(name) for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")]

# Canvas rows, from 0 (top) to 1 (bottom), outside of which an attribute may not change a single pixel.
ROWS = {
    "Bangs": (0.0, 0.55),
    "Black_Hair": (0.0, 1.0),
    "Blond_Hair": (0.0, 1.0),
    "Brown_Hair": (0.0, 1.0),
    "Bushy_Eyebrows": (0.2, 0.55),
    "Eyeglasses": (0.2, 0.65),
    "Goatee": (0.5, 0.9),
    "Gray_Hair": (0.0, 1.0),
    "Mouth_Slightly_Open": (0.45, 0.8),
    "Mustache": (0.4, 0.75),
    "Rosy_Cheeks": (0.4, 0.7),
    "Smiling": (0.45, 0.8),
    "Straight_Hair": (0.0, 0.95),
    "Wavy_Hair": (0.0, 0.95),
    "Wearing_Earrings": (0.4, 0.75),
    "Wearing_Hat": (0.0, 0.5),
    "Wearing_Lipstick": (0.45, 0.8),
    "Wearing_Necktie": (0.7, 1.0),
}


def gradient_energy(images: torch.Tensor) -> float:
    """Mean squared difference of neighbouring pixels."""
    x = images.double()
    return float(x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean())


def plain(n: int) -> torch.Tensor:
    """Attributes (n, A) of brown-haired faces with nothing else."""
    labels = torch.zeros(n, len(ATTRIBUTES), dtype=torch.uint8)
    labels[:, ATTRIBUTES.index("Brown_Hair")] = 1
    return labels


def switched(name: str, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Plain attributes without and with `name`; a face has one hair colour."""
    off, column = plain(n), ATTRIBUTES.index(name)
    on = off.clone()
    if column in HAIR_COLOURS:
        on[:, HAIR_COLOURS] = 0
        off[:, HAIR_COLOURS] = 0
    on[:, column] = 1
    return off, on


@pytest.mark.parametrize("size", [16, 28, 33, 64])
def test_shape_and_dtype(size):
    images = render(0, range(3), size)
    assert images.shape == (3, 3, size, size)
    assert images.dtype == torch.uint8
    assert render(0, [], size).shape == (0, 3, size, size)


def test_attributes_are_binary_and_named_once():
    labels = attributes(0, range(100))
    assert labels.shape == (100, len(ATTRIBUTES))
    assert labels.dtype == torch.uint8
    assert labels.max() == 1
    assert len(set(ATTRIBUTES)) == len(ATTRIBUTES) >= 12


@pytest.mark.parametrize("size", [32, 33, 64])
def test_an_image_does_not_depend_on_its_batch(size):
    whole = render(5, range(40), size)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    assert torch.equal(render(5, order, size), whole[order])
    assert torch.equal(render(5, np.arange(20, 31), size), whole[20:31])
    assert torch.equal(torch.cat([render(5, [i], size) for i in range(5)]), whole[:5])
    assert torch.equal(attributes(5, order), attributes(5, range(40))[order])


def test_an_image_does_not_depend_on_the_thread_count():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = render(2, range(40), 64)
        torch.set_num_threads(3)
        assert torch.equal(render(2, range(40), 64), one)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_drawing_leaves_the_random_state_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    render(0, range(2), 32)
    assert torch.equal(torch.get_rng_state(), before)


def test_images_train_like_any_tensor():
    weight = torch.ones(1, requires_grad=True)
    (render(0, range(2), 16).float() * weight).sum().backward()
    assert weight.grad is not None


def test_seeds_and_indices_differ():
    images = torch.cat([render(0, range(200), 16), render(1, range(200), 16)])
    assert len(images.unique(dim=0)) == 400
    large = [2**40, 2**62]
    assert not torch.equal(*render(0, large, 16))
    assert not torch.equal(render(2**63 - 1, [0], 16), render(0, [0], 16))


def test_attribute_frequencies():
    labels = attributes(0, range(20_000))
    share = dict(zip(ATTRIBUTES, labels.double().mean(0).tolist(), strict=True))
    assert all(0.08 < value < 0.65 for value in share.values()), share
    assert share["Black_Hair"] == pytest.approx(0.28, abs=0.012)
    assert share["Smiling"] == pytest.approx(0.53, abs=0.012)
    assert labels[:, HAIR_COLOURS].sum(1).max() == 1
    straight, wavy = labels[:, ATTRIBUTES.index("Straight_Hair")], labels[:, ATTRIBUTES.index("Wavy_Hair")]
    assert not (straight & wavy).any()


def test_drawn_attributes_are_what_is_rendered():
    assert torch.equal(render(4, range(20), 32, attributes(4, range(20))), render(4, range(20), 32))


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_changes_its_region_and_nothing_else(name):
    n, size = 32, 32
    off, on = switched(name, n)
    change = (render(7, range(n), size, on).int() - render(7, range(n), size, off).int()).abs().amax(1)  # (n, h, w)
    top, bottom = (int(edge * size) for edge in ROWS[name])
    assert change[:, :top].max() == 0 if top else True
    assert change[:, bottom:].max() == 0 if bottom < size else True
    visible = (change > 12).flatten(1).sum(1)
    assert visible.min() >= 6, f"{name} changes as few as {visible.min()} pixels of 32 x 32"


def test_no_part_is_cut_off_by_its_rows(monkeypatch):
    """Painting every layer on all rows gives the same pictures: the row windows only save work."""
    labels = attributes(6, range(100))
    labels[:50] = 1
    windowed = render(6, range(100), 48, labels)
    monkeypatch.setattr(synthfaces, "_LAYERS", [replace(x, top=-1.0, bottom=1.0) for x in synthfaces._LAYERS])
    assert torch.equal(render(6, range(100), 48, labels), windowed)


def test_a_bare_face_can_be_given_every_attribute():
    labels = torch.ones(4, len(ATTRIBUTES), dtype=torch.uint8)
    assert render(0, range(4), 32, labels).float().std() > 20


@pytest.fixture(scope="module")
def large_faces() -> torch.Tensor:
    return render(0, range(6), 512)


@pytest.mark.parametrize(("size", "bound"), [(32, 10.0), (64, 6.5), (128, 4.5)])
def test_a_face_is_the_same_at_every_size(size, bound, large_faces):
    """Averaging a large picture's pixels gives the small picture: the shapes' antialiasing is a box filter."""
    small, averaged = render(0, range(6), size), avg_pool2d(large_faces.float(), 512 // size)
    assert (averaged - small.float()).abs().mean() < bound
    assert gradient_energy(small) == pytest.approx(gradient_energy(averaged), rel=0.2)


def test_textures_are_independent_of_every_parameter():
    """Faces with equal attributes, pose and colours, hashed from another seed: they differ all over."""
    indices = np.arange(32)
    code = facecode(0, indices, attributes(0, indices))
    one, other = (synthfaces._draw(replace(code, seed=seed), 32).float() for seed in (0, 1))
    detail = one - other  # only texture: strands, stitches, tiles, freckles
    assert ((detail.abs().amax(1) > 8).float().mean((1, 2)) > 0.35).all()
    assert gradient_energy(detail) > 0.3 * gradient_energy(one)


def test_texture_has_more_entropy_than_a_latent_vector():
    """128 numbers cannot keep it: the best linear code of 1,500 faces blurs the next ones."""
    images = render(0, range(64), 32)
    assert gradient_energy(images) > 600
    low_rank = _linear_reconstruction(render(1, range(1500), 32), images, rank=128)
    assert gradient_energy(low_rank) < 0.7 * gradient_energy(images)


def _linear_reconstruction(train: torch.Tensor, test: torch.Tensor, rank: int) -> torch.Tensor:
    """Reconstruct `test` from its `rank` principal components in `train`."""
    x, y = train.flatten(1).float(), test.flatten(1).float()
    mean = x.mean(0)
    torch.manual_seed(0)
    basis = torch.svd_lowrank(x - mean, rank, niter=2)[2]
    return ((y - mean) @ basis @ basis.T + mean).view(test.shape)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.5, True, None])
def test_a_wrong_seed_is_a_usage_error(seed):
    with pytest.raises(UsageError, match="seed"):
        render(seed, [0], 32)


@pytest.mark.parametrize("size", [15, 0, -64, 32.0])
def test_a_wrong_size_is_a_usage_error(size):
    with pytest.raises(UsageError, match="size"):
        render(0, [0], size)


@pytest.mark.parametrize("indices", [[-1], [0.5], [[0, 1]]])
def test_wrong_indices_are_a_usage_error(indices):
    with pytest.raises(UsageError, match="indices"):
        attributes(0, indices)


def test_wrong_attributes_are_a_usage_error():
    with pytest.raises(UsageError, match=r"attributes of shape \(2, 3\)"):
        render(0, range(2), 32, torch.zeros(2, 3))
