"""A trained run as an object: sample, encode, decode, reconstruct."""

from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from vaegan import checkpoint
from vaegan import config as configuration
from vaegan.config import Config
from vaegan.errors import UsageError, UserError
from vaegan.networks.architectures import ARCHITECTURES, build
from vaegan.pixels import to_float, to_uint8

BATCH = 250  # images a pass; bounds memory, and eval mode makes results independent of it


class Model:
    """Networks of one checkpoint in eval mode; images are uint8 (N, C, S, S), codes float (N, latent_dim)."""

    def __init__(self, config: Config, networks: dict[str, nn.Module], step: int, channels: int, device: str):
        self.config, self.networks, self.step, self.channels, self.device = config, networks, step, channels, device
        for network in networks.values():
            network.to(device).eval().requires_grad_(False)

    @property
    def latent_dim(self) -> int:
        """Numbers in a code."""
        return self.config.latent_dim

    @property
    def has_encoder(self) -> bool:
        """Whether images can be encoded; a GAN's cannot."""
        return "encoder" in self.networks

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> Tensor:
        """Decode n codes from N(0, I); the first k images do not depend on n."""
        return self.decode(prior_codes(n, self.latent_dim, seed))

    @torch.no_grad()
    def decode(self, z: Tensor, size: int | None = None) -> Tensor:
        """Decode codes to images, `size` pixels a side where the decoder can draw any size.

        Raises UsageError for codes of another length, or a size that it cannot draw.
        """
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise UsageError(f"codes of shape {tuple(z.shape)} do not fit: this model takes (N, {self.latent_dim})")
        size = size or self.config.image_size
        decoder = self.networks["decoder"]
        if ARCHITECTURES[self.config.architecture].any_size:
            decoder = partial(decoder, size=size)
        elif size != self.config.image_size:
            raise UsageError(
                f"--size {size} is not possible: a {self.config.architecture} decoder draws {self.config.image_size} "
                f"x {self.config.image_size} pixels; --architecture cppn draws any size"
            )
        batch = max(1, BATCH * self.config.image_size**2 // max(size, self.config.image_size) ** 2)
        parts = [to_uint8(decoder(part.to(self.device))).cpu() for part in z.split(batch)]
        return torch.cat(parts) if parts else torch.empty(0, self.channels, size, size, dtype=torch.uint8)

    @torch.no_grad()
    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, both (N, latent_dim). Raises UserError without an encoder or for other shapes."""
        if not self.has_encoder:
            raise UserError(f"a run of mode {self.config.mode} has no encoder: it can only sample")
        expected = (self.channels, self.config.image_size, self.config.image_size)
        if images.dtype != torch.uint8 or tuple(images.shape[1:]) != expected:
            raise UserError(
                f"images of shape {tuple(images.shape)} and {images.dtype} do not fit: need uint8 (N, {expected})"
            )
        parts = [self.networks["encoder"](to_float(part.to(self.device))) for part in images.split(BATCH)]
        mu, logvar = zip(*parts, strict=True)
        return torch.cat(mu).cpu(), torch.cat(logvar).cpu()

    def reconstruct(self, images: Tensor) -> Tensor:
        """Decode the posterior means of images."""
        return self.decode(self.encode(images)[0])


def prior_codes(n: int, latent_dim: int, seed: int) -> Tensor:
    """Return n codes (n, latent_dim) from N(0, I), drawn on the CPU so that every device gets the same."""
    # NumPy fills in order; torch.randn redraws its tail, so a longer draw would change earlier codes.
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, latent_dim), dtype=np.float32))


def load(run_dir: str | Path, weights: Literal["raw", "ema"] = "raw", device: str = "cpu") -> Model:
    """Load a run from its checkpoint alone; `ema` takes the decoder's averaged weights, which blur (docs/choices.md).

    Raises UserError when there is no checkpoint, or it is damaged or of another version.
    """
    run_dir = Path(run_dir)
    state = checkpoint.read(run_dir)
    config = configuration.from_dict(state["config"], str(checkpoint.path(run_dir)))
    networks = networks_of(config, tuple(state["networks"]), state["channels"])
    restore(networks, state["networks"], run_dir)
    if weights == "ema":
        restore({"decoder": networks["decoder"]}, {"decoder": state["decoder_ema"]}, run_dir)
    return Model(config, networks, state["step"], state["channels"], device)


def networks_of(config: Config, names: tuple[str, ...], channels: int) -> dict[str, nn.Module]:
    """Build a config's networks with their seeded starting weights."""
    return build(
        names,
        channels=channels,
        image_size=config.image_size,
        width=config.width,
        latent_dim=config.latent_dim,
        norm=config.norm,
        seed=config.seed,
        architecture=config.architecture,
    )


def restore(networks: dict[str, nn.Module], weights: dict[str, dict[str, Tensor]], run_dir: Path) -> None:
    """Load state dicts into networks. Raises UserError when names or shapes do not fit."""
    try:
        for name, network in networks.items():
            network.load_state_dict(weights[name])
    except (RuntimeError, KeyError, AttributeError, TypeError):
        raise UserError(
            f"{checkpoint.path(run_dir)} does not fit its own config: restore it or train the run again"
        ) from None
