"""What networks give: a discriminator's judgement, and an image by way of its logit."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Judged(NamedTuple):
    """What a discriminator gives for images (B, C, S, S): Dis_l (B, F, s, s) and the logit of "real" (B,)."""

    features: Tensor
    logit: Tensor


class ImageDecoder(nn.Module):
    """A decoder says the logit of each pixel, the log odds of white against black; its image is their means.

    The Bernoulli likelihood takes the logit, which an image of floats no longer holds where it is black or white.
    `logit` maps codes (B, D) and, in a conditional network, what it is told (B, A), to float32 (B, C, S, S).
    """

    logit: Callable[..., Tensor]

    def forward(self, *code: Tensor, **settings: int) -> Tensor:
        return image_of(self.logit(*code, **settings))


def image_of(logit: Tensor) -> Tensor:
    """Return the sigmoid of a logit on [-1, 1], where images live: 2 sigmoid(a) - 1 = tanh(a / 2)."""
    return torch.tanh(logit / 2)


def widened(t: Tensor) -> Tensor:
    """Return bfloat16 of autocast as float32, in which losses are computed; wider types as they are."""
    return t.float() if t.dtype == torch.bfloat16 else t
