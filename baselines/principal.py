"""PCA as a model: the best linear code of a given size, to hold beside an autoencoder's."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

import vaegan
from vaegan import data
from vaegan.errors import impossible
from vaegan.generator import check_codes, check_images
from vaegan.model import prior_codes
from vaegan.pixels import rms, to_float, to_uint8

FITTED = 20_000  # images at most, at equal distances: 1 GB as numbers at 64 pixels in colour
SPARE, ITERATIONS = 16, 8  # directions beyond those kept, and power iterations: errors within 0.02 % of the exact ones


@dataclass(frozen=True)
class Pca:
    """Mean, directions and spreads of images; it samples, encodes, decodes and reconstructs as a trained run does.

    Codes are whitened: over the images it was fitted to, each number has mean 0 and variance 1.
    """

    shape: tuple[int, int, int]  # C, S, S
    mean: Tensor = field(repr=False)  # (P,) on [-1, 1], P = C * S * S
    directions: Tensor = field(repr=False)  # (D, P), orthonormal, the widest spread first
    spreads: Tensor = field(repr=False)  # (D,) standard deviations along them
    total_variance: float  # over all P directions

    has_encoder, is_conditional = True, False

    @property
    def latent_dim(self) -> int:
        """Numbers in a code."""
        return len(self.directions)

    @property
    def channels(self) -> int:
        """1 or 3."""
        return self.shape[0]

    @property
    def explained(self) -> float:
        """Share of the variance that lies along the directions kept."""
        return float(self.spreads.square().sum()) / self.total_variance

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the codes (N, D) of uint8 images (N, C, S, S), and a log variance of minus infinity: no noise."""
        check_images(images, self.shape)
        codes = (to_float(images).flatten(1) - self.mean) @ self.directions.T / self.spreads
        return codes, torch.full_like(codes, -torch.inf)

    def decode(self, z: Tensor) -> Tensor:
        """Return the uint8 images (N, C, S, S) of codes (N, D)."""
        check_codes(z, self.latent_dim)
        return to_uint8((z * self.spreads) @ self.directions + self.mean).unflatten(1, self.shape)

    def reconstruct(self, images: Tensor) -> Tensor:
        """Project images onto the directions."""
        return self.decode(self.encode(images)[0])

    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Decode n codes from N(0, I): images drawn from the normal distribution fitted to the kept directions."""
        return self.decode(prior_codes(n, self.latent_dim, seed))


def fit(images: Tensor, latent_dim: int) -> Pca:
    """Fit uint8 images (N, C, S, S) by a randomised singular value decomposition (Halko et al., arXiv 0909.4061).

    A sixth of the time that all eigenvectors take at 32 pixels in colour. Raises UsageError when there are fewer images
    or pixels than directions.
    """
    channels, height, width = images.shape[1:]
    pixels = channels * height * width
    if not 1 <= latent_dim <= min(len(images) - 1, pixels):
        most = min(len(images) - 1, pixels)
        raise impossible(f"a PCA of {latent_dim} directions", f"{len(images)} images have {most} at most")
    chosen = torch.linspace(0, len(images) - 1, min(len(images), FITTED)).round().long()
    x = to_float(images[chosen]).flatten(1)
    mean = x.mean(0)
    x -= mean
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _, singular, vectors = torch.svd_lowrank(x, q=min(latent_dim + SPARE, *x.shape), niter=ITERATIONS)
    spreads = (singular[:latent_dim] / len(x) ** 0.5).clamp_min(1e-6)
    variance = float(x.square().sum(dtype=torch.float64)) / len(x)
    return Pca((channels, height, width), mean, vectors[:, :latent_dim].T.contiguous(), spreads, variance)


def beside(directory: Path, data_dir: Path | None, device: str) -> list[str]:
    """Fit a run's training images, reconstruct its held-out ones; return both errors, a line each."""
    model = vaegan.load(directory, device=device)
    config = model.config
    where = data_dir or config.data_dir
    load = partial(data.load, config.dataset, image_size=config.image_size, data_dir=where, trained_on=model.data)
    train, test = load("train").images, load("test").images
    pca = fit(train[config.validation_images :], config.latent_dim)
    drawn = {str(directory): model.reconstruct(test), "PCA": pca.reconstruct(test)}
    what = f"{config.dataset}, {config.image_size} px, {config.latent_dim} numbers a code"
    return [
        f"{len(test):,} held-out images of {what}",
        *(f"{rms(test, images):7.2f} levels of 255 root mean square error   {name}" for name, images in drawn.items()),
        f"PCA keeps {pca.explained:.1%} of the training images' variance",
    ]
