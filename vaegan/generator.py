"""What generates images: the interface that a trained run, PCA, the linear VAE and stand-ins in tests keep."""

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from vaegan.errors import UsageError, UserError


@runtime_checkable
class Generator(Protocol):
    """Images are uint8 (N, C, S, S), codes float (N, latent_dim). A conditional one takes its labels after them: what
    `told` says, so that nobody else asks."""

    @property
    def latent_dim(self) -> int:
        """Numbers in a code."""

    @property
    def channels(self) -> int:
        """1 or 3."""

    @property
    def has_encoder(self) -> bool:
        """Whether images can be encoded."""

    @property
    def is_conditional(self) -> bool:
        """Whether images are encoded and decoded for given labels."""

    def encode(self, images: Tensor, /) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, both (N, latent_dim)."""

    def decode(self, z: Tensor, /) -> Tensor:
        """Return the images of codes."""

    def reconstruct(self, images: Tensor, /) -> Tensor:
        """Decode the posterior means of images."""

    def sample(self, n: int, seed: int = 0, /) -> Tensor:
        """Decode n codes from N(0, I)."""


def told(generator: Generator, labels: Tensor | None) -> tuple[Tensor, ...]:
    """What follows images or codes: the labels of a conditional generator, nothing for another one."""
    return (labels,) if generator.is_conditional and labels is not None else ()


def check_codes(z: Tensor, latent_dim: int) -> None:
    """Raise UsageError for codes that are not (N, latent_dim)."""
    if z.ndim != 2 or z.shape[1] != latent_dim:
        raise UsageError(f"codes of shape {tuple(z.shape)} do not fit: this model takes (N, {latent_dim})")


def check_images(images: Tensor, shape: tuple[int, int, int]) -> None:
    """Raise UserError for images that are not uint8 (N, C, S, S), `shape` without its N."""
    if images.dtype != torch.uint8 or tuple(images.shape[1:]) != shape:
        given, wanted = f"shape {tuple(images.shape)} and {images.dtype}", ", ".join(map(str, shape))
        raise UserError(f"images of {given} do not fit: need uint8 (N, {wanted})")
