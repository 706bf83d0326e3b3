"""A trained run as an object: sample, encode, decode, reconstruct."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from vaegan import conditions, config_json, pretrained
from vaegan.conditions import UNCONDITIONAL, Conditions
from vaegan.config import Config
from vaegan.data.imageset import ImageSet
from vaegan.errors import UsageError, UserError, impossible, nearest
from vaegan.generator import check_codes, check_images
from vaegan.machine import devices
from vaegan.networks import architectures, plugins
from vaegan.networks.building import build
from vaegan.pixels import to_float, to_uint8
from vaegan.storage import checkpoint, fitting, snapshots

BATCH = 250  # images a pass; bounds memory, and eval mode makes results independent of it


class Model:
    """Networks of one checkpoint in eval mode; images are uint8 (N, C, S, S), codes float (N, latent_dim).

    A conditional model is told `attributes` too, 0 or 1 in the order of `conditions.names`: (N, A), or (A,) for all N;
    one trained on classes takes their numbers, (N,) or one. An unconditional model takes none. Raises UserError.
    """

    def __init__(
        self,
        config: Config,
        networks: dict[str, nn.Module],
        step: int,
        channels: int,
        device: str,
        conditions: Conditions = UNCONDITIONAL,
        data: dict[str, Any] | None = None,
    ):
        self.config, self.networks, self.step, self.channels, self.device = config, networks, step, channels, device
        self.conditions = conditions
        self.data = data  # what it was trained on, for `vaegan.data.load`; None where a checkpoint does not say
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

    @property
    def is_conditional(self) -> bool:
        """Whether images are encoded, decoded and sampled for given attributes or classes."""
        return bool(self.conditions.names)

    def attributes(self, n: int, seed: int = 0, **wanted: int) -> Tensor:
        """Return the labels of n training images drawn at random, with the attributes named in `wanted` set to 0 or 1.

        Raises UserError for an unconditional model, UsageError for a name that the data does not have.
        """
        if not self.is_conditional:
            raise UserError("this run is unconditional and has no attributes: train one with --condition attributes")
        return self.conditions.edited(self.conditions.draw(n, seed), wanted)

    def prior_attributes(self, n: int, seed: int = 0) -> Tensor | None:
        """Return what n prior samples are told, `attributes(n, seed)`, or None where the model is told nothing."""
        return self.attributes(n, seed) if self.is_conditional else None

    def attributes_of(self, images: ImageSet, rows: Tensor) -> Tensor | None:
        """Return what it is told of some images of a data set, their labels, or None where it is told nothing.

        Raises UserError for a conditional model and images without labels.
        """
        return images.known_labels[rows] if self.is_conditional else None

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0, attributes: Tensor | None = None, size: int | None = None) -> Tensor:
        """Decode n codes from N(0, I); the first k images do not depend on n.

        A conditional model that is given no attributes draws them as `attributes(n, seed)` does, so that its samples
        have those of the training images.
        """
        if attributes is None:
            attributes = self.prior_attributes(n, seed)
        return self.decode(prior_codes(n, self.latent_dim, seed), attributes, size)

    def decode(self, z: Tensor, attributes: Tensor | None = None, size: int | None = None) -> Tensor:
        """Decode codes to images, `size` pixels a side where the decoder can draw any size.

        Raises UsageError for codes of another length, or a size that it cannot draw.
        """
        return to_uint8(self.decode_mean(z, attributes, size))

    @torch.no_grad()
    def decode_mean(self, z: Tensor, attributes: Tensor | None = None, size: int | None = None) -> Tensor:
        """Decode codes to what the decoder gives before it is quantised, the mean of p(x|z): float (N, C, S, S) in
        [-1, 1]; errors as `decode`."""
        check_codes(z, self.latent_dim)
        side = self.config.side
        size = size or side
        decoder: Callable[..., Tensor] = self.networks["decoder"]
        if architectures.row(self.config.architecture).any_size:
            decoder = partial(decoder, size=size)
        elif size != side:
            drawn = f"a {self.config.architecture} decoder draws {side} x {side} pixels"
            raise impossible(f"--size {size}", f"{drawn}; --architecture cppn draws any size")
        if not len(z):
            return torch.empty(0, self.channels, size, size)
        batch = max(1, BATCH * side**2 // max(size, side) ** 2)
        return torch.cat([decoder(*part).cpu() for part in self._batches(z, attributes, batch)])

    @torch.no_grad()
    def encode(self, images: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return mu and logvar, both (N, latent_dim). Raises UserError without an encoder or for other shapes."""
        if not self.has_encoder:
            raise UserError(f"a run of mode {self.config.mode} has no encoder: it can only sample")
        check_images(images, (self.channels, self.config.side, self.config.side))
        batches = self._batches(images, attributes)
        parts = [self.networks["encoder"](to_float(part), *told) for part, *told in batches]
        mu, logvar = zip(*parts, strict=True)
        return torch.cat(mu).cpu(), torch.cat(logvar).cpu()

    def reconstruct(self, images: Tensor, attributes: Tensor | None = None) -> Tensor:
        """Decode the posterior means of images."""
        return self.decode(self.encode(images, attributes)[0], attributes)

    def _batches(self, inputs: Tensor, attributes: Tensor | None, size: int = BATCH) -> Iterator[tuple[Tensor, ...]]:
        """Yield what a network takes at a time: its input and, for a conditional model, what it is told."""
        told: tuple[Tensor, ...] = ()
        if attributes is not None:
            told = (self.conditions.numbers(self.conditions.checked(attributes, len(inputs))),)
        elif self.is_conditional:
            names = ", ".join(self.conditions.names)
            raise UserError(f"this run was trained with --condition {self.config.condition}: give attributes ({names})")
        for parts in zip(*(t.split(size) for t in (inputs, *told)), strict=True):
            yield tuple(part.to(self.device) for part in parts)


def prior_codes(n: int, latent_dim: int, seed: int | tuple[int, ...]) -> Tensor:
    """Return n codes (n, latent_dim) from N(0, I), drawn on the CPU so that every device gets the same; seeds that are
    tuples give streams apart from those of single numbers."""
    # NumPy fills in order; torch.randn redraws its tail, so a longer draw would change earlier codes.
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, latent_dim), dtype=np.float32))


def load(
    run_dir: str | Path, weights: Literal["raw", "ema"] = "raw", device: str = "cpu", snapshot: int | None = None
) -> Model:
    """Load a run from its checkpoint alone; `ema` takes the decoder's averaged weights, which blur (docs/choices.md).

    `run_dir` may also be a folder of `vaegan.export --part all`, or the name of one that ships with the project:
    synthfaces-vaegan, for example (`vaegan.pretrained.NAMES`). `snapshot` takes one of the weights kept from the last
    tenth of training: 1 is the earliest, the highest number the last. `device` is auto, cpu, cuda, cuda:1 or mps.
    Raises UserError when there is no such checkpoint, or it is damaged or of another version, UsageError for a device
    that is not there.
    """
    place = str(devices.own(device))
    run_dir = pretrained.located(run_dir)
    state, source = stored(run_dir, snapshot)
    config = config_json.from_dict(state["config"], str(source))
    config_json.compare(run_dir, config)
    told = conditions.restored(state.get("conditions"))  # checkpoints from before there were any have none
    networks = outlined(config, tuple(state["networks"]), state["channels"], len(told.names))
    check_fit(networks, state, source)
    for name, network in networks.items():
        averaged = weights == "ema" and name == "decoder"
        network.load_state_dict(state["decoder_ema"] if averaged else state["networks"][name], assign=True)
    return Model(config, networks, state["step"], state["channels"], place, told, state.get("data"))


def stored(run_dir: Path, snapshot: int | None) -> tuple[dict[str, Any], Path]:
    """Read a run's state and say from which file. Raises UserError when there is none."""
    if not run_dir.exists() and (meant := nearest(str(run_dir), pretrained.NAMES)):
        raise UserError(f"no such run: {run_dir}{meant}")
    if snapshot is not None:
        return snapshots.read(run_dir, snapshot), checkpoint.path(run_dir, snapshots.name(snapshot))
    if pretrained.is_pretrained(run_dir):
        return pretrained.read(run_dir), run_dir / pretrained.WEIGHTS
    return checkpoint.read(run_dir), checkpoint.path(run_dir)


def check_fit(expected: dict[str, nn.Module], state: dict[str, Any], source: Path) -> None:
    """Raise UserError for weights that do not fit the networks of the config beside them, or are not finite."""
    if expected.keys() != state["networks"].keys():
        raise UserError(f"{source} has networks of unknown names: restore it or train the run again")
    weights = {name: network.state_dict() for name, network in expected.items()}
    pairs = [(name, weights[name], state["networks"][name]) for name in weights]
    for name, wanted, given in [*pairs, ("decoder_ema", weights["decoder"], state["decoder_ema"])]:
        if why := fitting.misfit(wanted, given):
            raise UserError(
                f"{source} does not fit its own config: its {name} {why}; restore it or train the run again"
            )


def outlined(config: Config, names: tuple[str, ...], channels: int, conditions: int) -> dict[str, nn.Module]:
    """Build a config's networks without memory for their numbers, which a file's may become.

    Raises UsageError for sizes that no tensor has. Networks of one's own are made with numbers: what their code keeps
    beside its weights is in no file.
    """
    if plugins.is_plugin(config.architecture):
        return networks_of(config, names, channels, conditions)
    try:
        with torch.device("meta"):
            return networks_of(config, names, channels, conditions)
    except (RuntimeError, OverflowError, TypeError):
        sizes = f"--width {config.width:g} and --latent-dim {config.latent_dim}"
        raise UsageError(f"networks of {sizes} cannot be made: use smaller ones") from None


def networks_of(config: Config, names: tuple[str, ...], channels: int, conditions: int = 0) -> dict[str, nn.Module]:
    """Build a config's networks with their seeded starting weights; each is told `conditions` numbers."""
    return build(
        names,
        channels=channels,
        image_size=config.side,
        width=config.width,
        latent_dim=config.latent_dim,
        norm=config.norm,
        code_norm=config.code_norm,
        colour_gain=config.gain,
        minibatch_std=config.minibatch_std == "yes",
        seed=config.seed,
        architecture=config.architecture,
        conditions=conditions,
    )
