"""What generates images keeps one interface: a trained model, PCA and the stand-in of the tests, told labels or not."""

import pytest
import torch
from stand_in import Blurrer, dead_leaves

from baselines import principal
from vaegan.conditions import UNCONDITIONAL, Conditions
from vaegan.config import Config
from vaegan.errors import UserError
from vaegan.generator import Generator, told
from vaegan.model import Model, networks_of

CONFIG = Config(mode="vae", dataset="leaves", image_size=32, latent_dim=8, width=0.0625)


def trained(conditions: Conditions = UNCONDITIONAL) -> Model:
    networks = networks_of(CONFIG, ("encoder", "decoder"), 1, len(conditions.names))
    return Model(CONFIG, networks, 1, 1, "cpu", conditions)


GENERATORS = {
    "Model": trained,
    "Pca": lambda: principal.fit(dead_leaves(40), 8),
    "Blurrer": lambda: Blurrer(CONFIG, 1.0),
}


@pytest.mark.parametrize("make", GENERATORS.values(), ids=list(GENERATORS))
def test_every_generator_keeps_the_interface(make):
    generator, images = make(), dead_leaves(5)
    assert isinstance(generator, Generator)
    assert (generator.latent_dim, generator.channels, generator.has_encoder) == (8, 1, True)
    mu, logvar = generator.encode(images)
    assert mu.shape == logvar.shape == (5, 8) and mu.dtype == torch.float32
    for made in (generator.decode(mu), generator.reconstruct(images), generator.sample(5, 3)):
        assert made.shape == images.shape and made.dtype == torch.uint8
    assert torch.equal(generator.sample(4, 3), generator.sample(4, 3))
    assert told(generator, torch.ones(5, 2)) == ()


@pytest.mark.parametrize("make", [GENERATORS["Model"], GENERATORS["Pca"]])
def test_reconstructions_are_decoded_means(make):
    generator, images = make(), dead_leaves(5)
    assert torch.equal(generator.reconstruct(images), generator.decode(generator.encode(images)[0]))


def test_a_conditional_generator_is_told_labels_and_says_when_it_is_not():
    labels = torch.tensor([[0, 1], [1, 0], [1, 1], [0, 0], [1, 0]], dtype=torch.uint8)
    model, images = trained(Conditions(("a", "b"), labels)), dead_leaves(5)
    assert [part.tolist() for part in told(model, labels)] == [labels.tolist()]
    mu, _ = model.encode(images, *told(model, labels))
    means = [model.decode_mean(mu, *told(model, y)) for y in (labels, 1 - labels)]
    assert not torch.equal(*means)
    with pytest.raises(UserError, match="give attributes"):
        model.encode(images, *told(model, None))


def test_what_lacks_a_method_is_no_generator():
    class Painter:
        latent_dim, channels, has_encoder, is_conditional = 8, 1, False, False

        def sample(self, n: int, seed: int = 0) -> torch.Tensor:
            return dead_leaves(n, seed=seed)

    assert not isinstance(Painter(), Generator)
