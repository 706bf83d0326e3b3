"""How little damage does a feature network notice, and of how many images?

Random images of one half of real held-out ones are set against as many damaged ones of the other half, again and again:
a step counts as noticed where the whole 95 % interval of the kernel distance, which is 0 for images of one kind
whatever their number, lies above 0. Undamaged images show how often that happens by chance.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from eval.blur.damages import add_noise
from eval.blur.measures import gaussian_blur
from eval.distances.kid import kernel_distance, kernel_of
from eval.experiments.distance_controls import BLURS, MISSING, NOISES, missing
from eval.features.choice import Extractor
from eval.sources.held_out import halves
from eval.words import markdown_table
from vaegan.data import ImageSet

DRAWS = 40  # of each step and number of images


def report(test: ImageSet, extractor: Extractor, counts: Sequence[int], most: int, seed: int) -> str:
    """For every number of images, out of `most` a side, the share of draws that notice each step, in Markdown."""
    real, steps = prepared(test, extractor, most, seed)
    lines = [[title, *(f"{noticed(real, damaged, n, seed):.0%}" for n in counts)] for title, damaged in steps.items()]
    height, width = test.images.shape[2:]
    head = f"{test.name}, {width}x{height}, {extractor.name}: of {DRAWS} draws, how many notice it"
    return "\n\n".join([head, markdown_table(["images a side", *(f"{n:,}" for n in counts)], lines)])


def prepared(test: ImageSet, extractor: Extractor, most: int, seed: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Features of one half of real images, and of the other under every step of damage: (N, d) each."""
    first, other = halves(test, most, seed)
    images = test.images[other]
    damaged = {"real": images}
    damaged |= {f"blurred {sigma:g} px": gaussian_blur(images, sigma) for sigma in BLURS}
    damaged |= {f"noise {sd:g}": add_noise(images, seed, sd) for sd in NOISES}
    for n in MISSING if test.labels is not None else ():
        kept = ~missing(test, other, n)
        damaged |= {f"{n} kind{'s' * (n > 1)} missing": images[kept]} if kept.sum() > len(kept) / 4 else {}
    return extractor.features(test.images[first]), {title: extractor.features(x) for title, x in damaged.items()}


def noticed(real: Tensor, damaged: Tensor, count: int, seed: int) -> float:
    """The share of draws of `count` vectors of each in which the kernel distance is above 0 for certain."""
    generator, hits = torch.Generator().manual_seed(seed), 0
    for _ in range(DRAWS):
        a, b = (x[torch.randperm(len(x), generator=generator)[:count]] for x in (real, damaged))
        hits += kernel_distance(kernel_of(a), kernel_of(b)).low > 0
    return hits / DRAWS
