"""Held-out images for measuring: two disjoint random halves, some drawn at random."""

from dataclasses import replace

import torch
from torch import Tensor

from vaegan.data import ImageSet
from vaegan.errors import UserError


def shuffled(count: int, seed: int) -> Tensor:
    """Row numbers 0 to count - 1 in an order decided by the seed."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def halves(images: ImageSet, most: int, seed: int) -> tuple[Tensor, Tensor]:
    """Rows of two disjoint random halves, at most `most` each; UserError when there are fewer than four images."""
    half = min(most, len(images.images) // 2)
    if half < 2:
        raise UserError(f"{images.name} has {len(images.images)} held-out image(s); comparing needs at least 4")
    order = shuffled(len(images.images), seed)
    return order[:half], order[half : 2 * half]


def drawn(images: Tensor, count: int, seed: int) -> Tensor:
    """At most `count` images, chosen by the seed: files are often sorted by class, so the first are of one kind."""
    return images[shuffled(len(images), seed)[:count]]


def drawn_set(images: ImageSet, count: int, seed: int) -> ImageSet:
    """The same images as `drawn`, with their labels where there are any."""
    labels = None if images.labels is None else drawn(images.labels, count, seed)
    return replace(images, images=drawn(images.images, count, seed), labels=labels)
