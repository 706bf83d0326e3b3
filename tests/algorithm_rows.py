"""Every row of switches with its networks, tiny and in double precision."""

import torch

from baselines.objectives import OBJECTIVES as BASELINES
from vaegan.networks.building import build
from vaegan.objective import OBJECTIVES, Settings

B, D = 6, 4  # images a batch, numbers a code
ROWS = {**OBJECTIVES, **BASELINES}
SETTINGS = Settings(
    beta=0.7, gamma=0.3, likelihood="gaussian", feature_precision=2.0, pixel_weight=0.0,
    adversarial_loss="nonsaturating", fakes="both", gate=None,
)  # fmt: skip


def networks(norm="group", conditions=0, **judge):
    names = ("encoder", "decoder", "discriminator")
    shape = {"channels": 1, "image_size": 32, "width": 0.0625, "latent_dim": D, "conditions": conditions}
    nets = build(names, **shape, norm=norm, seed=0, **judge)
    return {name: net.double() for name, net in nets.items()}


def drawn_batch():
    """Images, noise and prior codes."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(B, 1, 32, 32, generator=generator).double() * 2 - 1
    return x, torch.randn(B, D, generator=generator).double(), torch.randn(B, D, generator=generator).double()
