"""What the health audit says of images whose health is known.

Real held-out images stand in for a generator: whole, a little noisy or blurred (as varied as before), or a few of them
repeated (not varied at all). An audit that cannot tell these apart judges nothing.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from eval.blur.damages import COLOUR_DAMAGES, add_noise
from eval.blur.measures import gaussian_blur
from eval.evidence import audit
from eval.features.choice import network_for
from eval.sources.held_out import halves
from vaegan.data import ImageSet
from vaegan.errors import UserError, impossible
from vaegan.machine import devices


def report(held_out: ImageSet, images: int, seed: int, device: str = "cpu") -> Iterator[str]:
    """The audit's table, a line at a time. Raises UsageError and UserError for too few images."""
    if images < audit.GRID:
        raise impossible(f"--images {images}", f"use {audit.GRID} or more, one grid")
    real, others = (held_out.images[rows] for rows in halves(held_out, images, seed))
    if len(real) < audit.GRID:
        raise UserError(
            f"{held_out.name} has {len(held_out.images)} held-out images; the controls need {2 * audit.GRID}"
        )
    network = network_for(held_out)[0].to(devices.own(device))
    reference = audit.look(real, network)
    yield f"| held-out images | {' | '.join(title for title, _, _ in audit.FIGURES)} | verdict |"
    yield f"| --- |{' ---: |' * len(audit.FIGURES)} --- |"
    for title, damage in CONDITIONS.items():
        h = audit.examine(audit.look(damage(others, seed), network), reference, [])
        figures = [getattr(h, name) for _, name, _ in audit.FIGURES]
        cells = ("-" if figure is None else f"{figure:.2f}" for figure in figures)
        yield f"| {title} | {' | '.join(cells)} | {'; '.join(h.reasons) or 'healthy'} |"


def repeated(count: int) -> Callable[[Tensor, int], Tensor]:
    """Draws, with replacement, from the first `count` images."""

    def damage(images: Tensor, seed: int) -> Tensor:
        return images[torch.randint(count, (len(images),), generator=torch.Generator().manual_seed(seed))]

    return damage


CONDITIONS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "others, as they are": lambda images, seed: images,
    "noise of sd 0.04": partial(add_noise, sd=0.04),
    "noise of sd 0.08": partial(add_noise, sd=0.08),
    **COLOUR_DAMAGES,
    "blurred by 1 px": lambda images, seed: gaussian_blur(images, 1.0),
    "blurred by 2 px": lambda images, seed: gaussian_blur(images, 2.0),
    "32 of them, repeated": repeated(32),
    "4 of them, repeated": repeated(4),
    "2 of them, repeated": repeated(2),
}
