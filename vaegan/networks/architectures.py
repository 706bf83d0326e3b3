"""The networks by name, a row each: known without torch, which `networks` imports when they are built."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from vaegan.errors import unknown

if TYPE_CHECKING:
    from torch import nn


class Makers(NamedTuple):
    """Makers of the three networks, each of (channels, image_size, width, latent_dim) as far as it needs them."""

    encoder: "Callable[..., nn.Module]"
    decoder: "Callable[..., nn.Module]"
    discriminator: "Callable[..., nn.Module]"


@dataclass(frozen=True)
class Architecture:
    """A row: the image sizes it can do, all for none, and its networks."""

    title: str
    sizes: tuple[int, ...]
    networks: Callable[[], Makers]
    normalised: bool = False  # whether the encoder and decoder have a norm, as the discriminators do
    any_size: bool = False  # whether the decoder draws images of every size, as `decoder(z, size)`


def _released() -> Makers:
    from vaegan.networks import convolutional

    return Makers(convolutional.Encoder, convolutional.Decoder, convolutional.Discriminator)


def _paper() -> Makers:
    from vaegan.networks import convolutional

    return _released()._replace(encoder=partial(convolutional.Encoder, units=convolutional.PAPER_ENCODER_UNITS))


def _kvfrans() -> Makers:
    from vaegan.networks import kvfrans

    return _released()._replace(encoder=kvfrans.Encoder, decoder=kvfrans.Decoder)


def _mlp() -> Makers:
    from vaegan.networks import mlp

    return _released()._replace(encoder=mlp.Encoder, decoder=mlp.Decoder)


def _cppn() -> Makers:
    from vaegan.networks import cppn, mlp

    return Makers(partial(mlp.Encoder, hidden=cppn.ENCODER_UNITS), cppn.Decoder, cppn.Discriminator)


# MNIST's own 28 pixels and a crop of them, which too few powers of two divide for Larsen's decoder.
SMALL = (26, 28)
LARGE = tuple(2**k for k in range(5, 10))  # for which convolutional.stages_of has a rule
ARCHITECTURES = {
    "convolutional": Architecture("Larsen et al., the released code", LARGE, _released, normalised=True),
    "larsen-paper": Architecture("Larsen et al., Table 1 of the paper", LARGE, _paper, normalised=True),
    "kvfrans": Architecture("kvfrans/variational-autoencoder", (28, *LARGE), _kvfrans),
    "mlp": Architecture("jmetzen's VAE", (*SMALL, *LARGE), _mlp),
    "cppn": Architecture("hardmaru/cppn-gan-vae-tensorflow", (*SMALL, *LARGE), _cppn, any_size=True),
}


def row(name: str) -> Architecture:
    """Return the networks of a name: a row of the table, or one's own, `package.module:Name` (vaegan.networks.plugins).

    Raises UsageError for other names, and for networks of one's own that cannot be found.
    """
    from vaegan.networks import plugins

    if plugins.is_plugin(name):
        return plugins.find(name)
    if name not in ARCHITECTURES:
        raise unknown("architecture", name, [*ARCHITECTURES, "your own as package.module:Name"])
    return ARCHITECTURES[name]
