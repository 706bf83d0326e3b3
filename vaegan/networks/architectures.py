"""The networks by name, a row each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from vaegan.errors import UsageError
from vaegan.networks import convolutional, cppn, kvfrans, mlp
from vaegan.networks.normalisation import CodeNorm, Norm


@dataclass(frozen=True)
class Architecture:
    """A row: the image sizes it can do, and its networks, each made from (channels, image_size, width, latent_dim)."""

    title: str
    sizes: tuple[int, ...]
    encoder: Callable[..., nn.Module]
    decoder: Callable[..., nn.Module]
    discriminator: Callable[..., nn.Module] = convolutional.Discriminator
    normalised: bool = False  # whether the encoder and decoder have a norm, as the discriminators do
    any_size: bool = False  # whether the decoder draws images of every size, as `decoder(z, size)`


# MNIST's own 28 pixels and a crop of them, which too few powers of two divide for Larsen's decoder.
SMALL = (26, 28)
LARGE = tuple(size for size in convolutional.STAGES if size not in SMALL)
ARCHITECTURES = {
    "convolutional": Architecture(
        "Larsen et al., the released code", LARGE, convolutional.Encoder, convolutional.Decoder, normalised=True
    ),
    "larsen-paper": Architecture(
        "Larsen et al., Table 1 of the paper",
        LARGE,
        partial(convolutional.Encoder, units=convolutional.PAPER_ENCODER_UNITS),
        convolutional.Decoder,
        normalised=True,
    ),
    "kvfrans": Architecture("kvfrans/variational-autoencoder", (28, *LARGE), kvfrans.Encoder, kvfrans.Decoder),
    "mlp": Architecture("jmetzen's VAE", (*SMALL, *LARGE), mlp.Encoder, mlp.Decoder),
    "cppn": Architecture(
        "hardmaru/cppn-gan-vae-tensorflow",
        (*SMALL, *LARGE),
        partial(mlp.Encoder, hidden=cppn.ENCODER_UNITS),
        cppn.Decoder,
        cppn.Discriminator,
        any_size=True,
    ),
}


def build(
    names: tuple[str, ...],
    *,
    channels: int,
    image_size: int,
    width: float,
    latent_dim: int,
    norm: Norm,
    code_norm: CodeNorm = "none",
    seed: int,
    architecture: str = "convolutional",
    conditions: int = 0,
) -> dict[str, nn.Module]:
    """Build the named networks, each from its own seeded initialisation, so that modes share starting weights.

    `conditions` is how many numbers each is told beside its input, 0 for unconditional ones. Raises UsageError for an
    architecture that cannot be told any.
    """
    row = ARCHITECTURES[architecture]
    if conditions and not row.normalised:
        raise UsageError(f"--condition is not possible with --architecture {architecture}: use convolutional")
    told = {"conditions": conditions} if conditions else {}
    shape = {"channels": channels, "image_size": image_size, "width": width} | told
    coder = {**shape, "latent_dim": latent_dim} | ({"norm": norm} if row.normalised else {})
    makers = {
        "encoder": partial(row.encoder, **coder),
        "decoder": partial(row.decoder, **coder, **({"code_norm": code_norm} if row.normalised else {})),
        "discriminator": partial(row.discriminator, **shape, norm=norm),
    }
    networks = {}
    for offset, (name, make) in enumerate(makers.items()):
        if name in names:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed * len(makers) + offset)
                networks[name] = make().to(memory_format=torch.channels_last)  # a third faster at 64x64 on a CPU
    return networks
