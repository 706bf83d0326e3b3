"""What the health audit says of images whose health is known: `python -m eval.health_controls --dataset mnist`.

Real held-out images stand in for a generator: whole, a little noisy or blurred (as varied as before), or a few of them
repeated (not varied at all). An audit that cannot tell these apart judges nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from eval.blur.damages import COLOUR_DAMAGES
from eval.blur.measures import gaussian_blur
from eval.evidence import health
from eval.features.choice import network_for
from eval.sources.held_out import HeldOutArguments, halves
from vaegan.commandline import parse
from vaegan.errors import UsageError, UserError, exits_cleanly


@dataclass(frozen=True)
class Arguments(HeldOutArguments):
    """Print the audit's figures for real images damaged or repeated on purpose."""

    images: int = 512
    """Images of each condition, and real ones they are compared with; at most half of the held-out ones."""


@exits_cleanly
def main() -> None:
    """Load, look, print."""
    arguments = parse(Arguments, prog="python -m eval.health_controls")
    if arguments.images < health.GRID:
        raise UsageError(f"--images {arguments.images} is not possible: use {health.GRID} or more, one grid")
    found = arguments.load()
    real, others = (found.images[rows] for rows in halves(found, arguments.images, arguments.seed))
    if len(real) < health.GRID:
        count = len(found.images)
        raise UserError(f"{arguments.dataset} has {count} held-out images; the controls need {2 * health.GRID}")
    network, _ = network_for(found)
    reference = health.look(real, network)
    print(f"| held-out images | {' | '.join(title for title, _, _ in health.FIGURES)} | verdict |")
    print(f"| --- |{' ---: |' * len(health.FIGURES)} --- |")
    for title, damage in CONDITIONS.items():
        h = health.examine(health.look(damage(others, arguments.seed), network), reference, [])
        figures = [getattr(h, name) for _, name, _ in health.FIGURES]
        cells = ("-" if figure is None else f"{figure:.2f}" for figure in figures)
        print(f"| {title} | {' | '.join(cells)} | {'; '.join(h.reasons) or 'healthy'} |")


def noisy(sd: float) -> Callable[[Tensor, int], Tensor]:
    """White noise of sd `sd` on [0, 1]."""

    def damage(images: Tensor, seed: int) -> Tensor:
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
        return (images + 255 * sd * noise).round().clamp(0, 255).byte()

    return damage


def repeated(count: int) -> Callable[[Tensor, int], Tensor]:
    """Draws, with replacement, from the first `count` images."""

    def damage(images: Tensor, seed: int) -> Tensor:
        return images[torch.randint(count, (len(images),), generator=torch.Generator().manual_seed(seed))]

    return damage


CONDITIONS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "others, as they are": lambda images, seed: images,
    "noise of sd 0.04": noisy(0.04),
    "noise of sd 0.08": noisy(0.08),
    **COLOUR_DAMAGES,
    "blurred by 1 px": lambda images, seed: gaussian_blur(images, 1.0),
    "blurred by 2 px": lambda images, seed: gaussian_blur(images, 2.0),
    "32 of them, repeated": repeated(32),
    "4 of them, repeated": repeated(4),
    "2 of them, repeated": repeated(2),
}

if __name__ == "__main__":
    main()
