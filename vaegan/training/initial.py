"""Weights out of another run: `--init RUN` starts from them, `--discriminator RUN` keeps them."""

import dataclasses
from pathlib import Path

from torch import nn

from vaegan import config_json, model
from vaegan.conditions import Conditions
from vaegan.config import Config
from vaegan.errors import UsageError
from vaegan.storage import fitting


def take(run: Path, networks: dict[str, nn.Module], trained: tuple[str, ...]) -> str:
    """Give the networks that train the weights of another run's, as far as it has them, and say which; the others keep
    their own. Raises UsageError, before anything is changed, for a run that has none of them or of other shapes."""
    donor = model.load(run).networks
    shared = [name for name in trained if name in donor]
    if not shared:
        raise UsageError(
            f"--init {run} has {', '.join(donor)}, and this mode trains {', '.join(trained)}: leave it out"
        )
    for name in shared:
        if why := fitting.misfit(networks[name].state_dict(), donor[name].state_dict()):
            raise UsageError(
                f"--init {run} does not fit: its {name} {why}; give the --architecture, --width, --latent-dim, "
                "--image-size and --norm that it was trained with"
            )
    for name in shared:
        networks[name].load_state_dict(donor[name].state_dict())
    rest = [name for name in trained if name not in shared]
    return f"{', '.join(shared)} from {run}" + (f"; a new {', '.join(rest)}" if rest else "")


# What a run's own config must say of the discriminator it was given, or its checkpoint could not be opened again.
DISCRIMINATOR_SETTINGS = ("architecture", "width", "norm", "colour_gain", "minibatch_std")


def like_its_discriminator(config: Config) -> Config:
    """Return a config with its discriminator's colours, where it leaves them open, and its look across the batch, which
    no Dis_l depends on."""
    if config.discriminator is None or not (config.discriminator / "config.json").is_file():
        return config
    donor = config_json.read(config.discriminator)
    gain = config.colour_gain or donor.colour_gain
    return dataclasses.replace(config, colour_gain=gain, minibatch_std=donor.minibatch_std)


def frozen_discriminator(config: Config, channels: int, told: Conditions) -> nn.Module:
    """Load the discriminator whose Dis_l is the metric."""
    if config.discriminator is None:
        raise UsageError(f"--mode {config.mode} needs --discriminator RUN, a trained run of mode gan or vaegan")
    donor = model.load(config.discriminator)
    if "discriminator" not in donor.networks:
        raise UsageError(f"--discriminator {config.discriminator} is a run of mode {donor.config.mode}, which has none")
    if (donor.channels, donor.config.image_size) != (channels, config.image_size):
        raise UsageError(
            f"--discriminator {config.discriminator} sees {donor.channels} x {donor.config.image_size} px images, "
            f"this run {channels} x {config.image_size}: train it on the same data set and size"
        )
    if donor.conditions.names != told.names:
        raise UsageError(
            f"--discriminator {config.discriminator} was trained with --condition {donor.config.condition}, this run "
            f"has {config.condition}: give both the same"
        )
    for name in DISCRIMINATOR_SETTINGS:
        theirs, ours = getattr(donor.config, name), getattr(config, name)
        if theirs != ours:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(
                f"--discriminator {config.discriminator} was trained with {flag} {theirs}, this run has {ours}: give "
                f"{flag} {theirs}"
            )
    return donor.networks["discriminator"]
