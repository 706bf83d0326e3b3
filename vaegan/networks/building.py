"""Networks from the row of their architecture, each from a seed of its own."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from vaegan.errors import impossible
from vaegan.networks import architectures, plugins
from vaegan.networks.normalisation import CodeNorm, Norm


def build(
    names: tuple[str, ...],
    *,
    channels: int,
    image_size: int,
    width: float,
    latent_dim: int,
    norm: Norm,
    code_norm: CodeNorm = "none",
    colour_gain: float = 1.0,
    minibatch_std: bool = False,
    seed: int,
    architecture: str = "convolutional",
    conditions: int = 0,
) -> dict[str, nn.Module]:
    """Build the named networks, each from its own seeded initialisation, so that modes share starting weights.

    `conditions` is how many numbers each is told beside its input, 0 for unconditional ones. Raises UsageError for an
    architecture that cannot be told any.
    """
    row = architectures.row(architecture)
    if conditions and not row.normalised:
        raise impossible(f"--condition with --architecture {architecture}", "use convolutional")
    told = {"conditions": conditions} if conditions else {}
    shape = {"channels": channels, "image_size": image_size, "width": width} | told
    coder = {**shape, "latent_dim": latent_dim} | ({"norm": norm} if row.normalised else {})
    judge = {**shape, "norm": norm, "colour_gain": colour_gain}
    row_makers = row.networks()
    makers = {
        "encoder": partial(row_makers.encoder, **coder),
        "decoder": partial(row_makers.decoder, **coder, **({"code_norm": code_norm} if row.normalised else {})),
        "discriminator": partial(
            row_makers.discriminator, **judge, **({"minibatch_std": True} if minibatch_std else {})
        ),
    }
    networks = {}
    outlines = torch.get_default_device().type == "meta"  # numbers come later, seeding costs a tenth of loading
    for offset, (name, make) in enumerate(makers.items()):
        if name in names:
            networks[name] = make() if outlines else seeded(make, seed * len(makers) + offset)
    if plugins.is_plugin(architecture) and not outlines:
        plugins.check(architecture, networks, (channels, image_size, image_size), latent_dim)
    return networks


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a network whose starting weights a seed decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make().to(memory_format=torch.channels_last)  # a third faster at 64x64 on a CPU
