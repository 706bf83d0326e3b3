"""Whether training can fit into memory at all, asked before anything of its size is made.

A lower bound: what is refused could never run, and what is not may still be too large.
"""

import os

import torch
from torch import nn

from vaegan.errors import UsageError

COPIES = 4  # of every weight: itself, its gradient and Adam's two moments


def check(networks: dict[str, nn.Module], batch_size: int, image_shape: tuple[int, ...], codes: int, most: int) -> None:
    """Raise UsageError when networks (on the meta device, which holds no numbers) and a batch of float images and codes
    need more than `most` bytes."""
    weights = 4 * COPIES * sum(p.numel() for network in networks.values() for p in network.parameters())
    batch = 4 * batch_size * (2 * torch.Size(image_shape).numel() + 2 * codes)  # x, x_tilde; noise, prior codes
    for need, remedy in ((weights, "a smaller --width or --latent-dim"), (weights + batch, "a smaller --batch-size")):
        if need > most:
            raise UsageError(
                f"training needs more than {need / 2**30:,.0f} GB and there are {most / 2**30:,.0f} GB: use {remedy}"
            )


def available(device: torch.device) -> int:
    """Return the bytes of memory that a device has, used or not; what is not known limits nothing."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return 2**63
