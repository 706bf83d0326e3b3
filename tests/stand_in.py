"""Stand-ins for trained runs: objects with the interface of vaegan.load's, which blur by a known sigma."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from eval.blur.measures import gaussian_blur
from vaegan.config import Config
from vaegan.config_json import to_dict


def dead_leaves(count: int, size: int = 32, channels: int = 1, seed: int = 0) -> Tensor:
    """uint8 (count, channels, size, size): opaque discs on top of each other, the simplest model of natural images."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.arange(size)[:, None], torch.arange(size)[None]
    x = 255 * torch.rand(count, channels, 1, 1, generator=generator).expand(-1, -1, size, size)
    for _ in range(20):
        row, column, radius, *level = torch.rand(3 + channels, count, 1, 1, generator=generator)
        distance = torch.hypot(rows - size * row, columns - size * column)
        cover = (size * (0.05 + 0.2 * radius) - distance + 0.5).clamp(0, 1)[:, None]  # one pixel of antialiasing
        x = x + cover * (255 * torch.stack(level, dim=1) - x)
    return x.round().byte()


def photographs(count: int, size: tuple[int, int] = (32, 32), channels: int = 1, seed: int = 0) -> Tensor:
    """The same of any height and width."""
    return dead_leaves(count, size=max(size), channels=channels, seed=seed)[..., : size[0], : size[1]]


def random_images(n: int = 6, channels: int = 1, size: int = 32, seed: int = 0) -> Tensor:
    """uint8 (n, channels, size, size): noise."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, size, size), generator=generator, dtype=torch.uint8)


def save_npz(path: Path, images: Tensor) -> str:
    """Write images as an npz data set and return its --dataset name."""
    np.savez(path, images=images.permute(0, 2, 3, 1).numpy())
    return f"npz:{path}"


class Blurrer:
    """A "model" that reconstructs by blurring and whose prior samples are blurred too."""

    latent_dim, channels, has_encoder, is_conditional = 8, 1, True, False

    def __init__(self, config: Config, sigma: float, step: int | None = None):
        self.config, self.sigma, self.step = config, sigma, config.steps if step is None else step
        self.networks = {}

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        mu = images.flatten(1)[:, : self.latent_dim].float() / 255
        return mu, torch.full_like(mu, -2.0)

    def reconstruct(self, images: Tensor) -> Tensor:
        return gaussian_blur(images, self.sigma)

    def decode(self, z: Tensor) -> Tensor:
        seed = int((z.double().abs().sum() * 1000).item())
        return gaussian_blur(dead_leaves(len(z), self.config.image_size, seed=seed), self.sigma)

    def decode_mean(self, z: Tensor) -> Tensor:
        return torch.zeros(1).expand(len(z), self.channels, *[self.config.image_size] * 2)

    def sample(self, n: int, seed: int = 0) -> Tensor:
        return gaussian_blur(dead_leaves(n, self.config.image_size, seed=1000 + seed), self.sigma)


def save_run(directory: Path, config: Config, rows: list[dict] | None = None) -> Path:
    """A run directory as far as eval reads it itself: config.json and metrics.jsonl."""
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(to_dict(config)))
    if rows is not None:
        (directory / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return directory
