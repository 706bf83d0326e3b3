"""What networks give: a discriminator's judgement, and an image by way of its logit.

Every decoder has `logit`, of the arguments of the decoder itself: the log odds of white against black of each pixel,
float32 (B, C, S, S). Its image is their means. The Bernoulli likelihood takes the logit, which an image of floats no
longer holds where it is black or white.
"""

from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn


class Judged(NamedTuple):
    """What a discriminator gives for images (B, C, S, S): Dis_l (B, F, s, s) and the logit of "real" (B,)."""

    features: Tensor
    logit: Tensor


class Decodes(Protocol):
    """What every decoder has besides being a module."""

    def logit(self, z: Tensor, *told: Tensor) -> Tensor: ...


class Judges(Protocol):
    """What every discriminator has besides being a module: how many numbers Dis_l holds."""

    feature_count: int


def logit_of(decoder: nn.Module, z: Tensor, *told: Tensor) -> Tensor:
    """Return the logit of codes' images."""
    return cast(Decodes, decoder).logit(z, *told)  # modules in a dict have no types of their own


def image_of(logit: Tensor) -> Tensor:
    """Return the sigmoid of a logit on [-1, 1], where images live: 2 sigmoid(a) - 1 = tanh(a / 2)."""
    return torch.tanh(logit / 2)


def widened(t: Tensor) -> Tensor:
    """Return bfloat16 of autocast as float32, in which losses are computed; wider types as they are."""
    return t.float() if t.dtype == torch.bfloat16 else t
