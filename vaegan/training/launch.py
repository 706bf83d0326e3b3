"""Everything before a run's first update: its data, networks and memory, what is said of it; then the loop."""

import contextlib
import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import nn

from vaegan import conditions, data, model, pretrained, run
from vaegan import config as configuration
from vaegan.conditions import Conditions
from vaegan.config import Config
from vaegan.data import ImageSet, identity
from vaegan.errors import UsageError, UserError
from vaegan.machine import devices, memory, processes
from vaegan.networks.convolutional import parameter_count
from vaegan.networks.normalisation import has_norm
from vaegan.objective import Objective
from vaegan.storage import checkpoint
from vaegan.training import by_images, initial, loop
from vaegan.training.trainer import Trainer

if TYPE_CHECKING:
    from vaegan.training.reporter import Measure


def start(
    config: Config, objective: Objective, notes: list[str], measured: Callable[[Config], "Measure"] | None = None
) -> None:
    """Load, build, train, say what was written; a dry run stops before anything is.

    `measured` makes what reads a learning curve, where a run is to have one: it is none of this package's business.
    """
    if config.resume and pretrained.is_pretrained(config.directory):  # it would begin anew and hide these weights
        raise UsageError(
            f"{config.directory} holds weights alone, and no checkpoint to go on from: start a run with "
            f"--init {config.directory}"
        )
    device = run.torch_device(config)
    processes.start(device)
    config = dataclasses.replace(
        config, image_size=config.image_size or data.native_size(config.dataset, config.data_dir)
    )
    configuration.check_size(config)
    images = training_images(config)
    check_data(config, images)
    config = initial.like_its_discriminator(config)
    config = by_images.decide(config, objective, images)
    told = conditions.of_images(config.condition, images)
    check_memory(config, objective, images, told, device)
    networks = build(config, objective, images.channels, told)
    if config.init and not (config.resume and checkpoint.path(config.directory).exists()):
        notes = [*notes, f"starts with {initial.take(config.init, networks, objective.trains)}"]
    if processes.rank() == 0:
        announce(config, objective, images, told, networks, device, notes)
    if config.dry_run:
        return
    measure = measured(config) if measured and config.measure_every and processes.rank() == 0 else None
    try:
        with run.directory(config) if processes.rank() == 0 else contextlib.nullcontext():
            processes.barrier()
            loop.train(config, images, told, Trainer(config, objective, networks, device), measure)
    except OSError as error:  # a full disk, most often; checkpoints are whole or absent
        raise UserError(
            f"{error.filename or config.directory} cannot be written ({error.strerror or error}); "
            "the last checkpoint is intact: free space, then --resume"
        ) from None
    finally:
        processes.stop()


def training_images(config: Config) -> ImageSet:
    """Load what a run trains on."""
    images = data.load(config.dataset, "train", image_size=config.image_size, data_dir=config.data_dir)
    left_out = config.validation_images
    if left_out >= len(images.images):
        raise UsageError(f"--validation-images {left_out} leaves none of {len(images.images)}: use a smaller number")
    labels = images.labels if images.labels is None else images.labels[left_out:]
    known = data.identities(images, config.data_dir)
    return dataclasses.replace(images, images=images.images[left_out:], labels=labels, identity=known)


def check_memory(
    config: Config, objective: Objective, images: ImageSet, told: Conditions, device: torch.device
) -> None:
    """Raise UsageError for networks or a batch that this machine cannot hold."""
    with torch.device("meta"):
        networks = model.networks_of(config, objective.needs, images.channels, len(told.names))
    share = config.batch_size // processes.count()
    shape = (images.channels, images.image_size, images.image_size)
    memory.check(networks, share, shape, config.latent_dim, memory.available(device))


def check_data(config: Config, images: ImageSet) -> None:
    """Raise UserError when a run would go on with other data than it was begun with."""
    if config.resume and checkpoint.path(config.directory).exists():
        state = checkpoint.read(config.directory)
        if not state.get("data") and state["config"].get("dataset") != config.dataset:
            raise UserError(
                f"{config.directory} does not know its data, so that --dataset cannot say where they lie now"
            )
        identity.check(state.get("data"), images.name, images.identity)


def build(config: Config, objective: Objective, channels: int, told: Conditions) -> dict[str, nn.Module]:
    """Build a mode's networks; vae-disl brings another run's discriminator."""
    if config.schedule != "together" and not (objective.adversarial and objective.reconstruction):
        raise UsageError(
            f"--schedule {config.schedule} has no use in mode {config.mode}: its phases need an encoder and an "
            "adversary; use --mode vaegan-pixel or vaegan"
        )
    networks = model.networks_of(config, objective.needs, channels, len(told.names))
    if "discriminator" in set(objective.needs) - set(objective.trains):
        networks["discriminator"] = initial.frozen_discriminator(config, channels, told)
    elif config.discriminator:
        raise UsageError(f"--discriminator has no use in mode {config.mode}: leave it out, or use --mode vae-disl")
    return networks


def announce(
    config: Config,
    objective: Objective,
    images: ImageSet,
    told: Conditions,
    networks: dict[str, nn.Module],
    device: torch.device,
    notes: list[str],
) -> None:
    """Say what will run."""
    sizes = ", ".join(f"{name} {parameter_count(network):,}" for name, network in networks.items())
    settings = f"{config.architecture}, width {config.width:g}, latent {config.latent_dim}"
    settings += f", {config.norm} norm" if any(map(has_norm, networks.values())) else ""
    settings += f", colours x {config.gain:g} in Dis" if "discriminator" in networks and images.channels > 1 else ""
    altered = "discriminator" in networks and config.augment == "yes"
    settings += ", Dis sees images shifted and recoloured" if altered else ""
    seen = f"{len(images.images):,} images, {images.channels} x {config.image_size} x {config.image_size}"
    where = f"{device}, {devices.described(config.precision, config.device)}, {torch.get_num_threads()} threads"
    if processes.count() > 1:
        where += f" in each of {processes.count()} processes"
    steps = f"{config.steps:,} of {config.batch_size} images, seed {config.seed}"
    if config.resume:
        steps += f", resuming at step {run.stored_step(config.directory):,}"
    lines = {
        "mode": f"{config.mode} ({objective.title})",
        "data": f"{config.dataset}: {seen}" + (f" ({images.note})" if images.note else ""),
        "networks": f"{sizes} parameters; {settings}",
        "steps": steps,
        **({"told": f"{config.condition}: {', '.join(told.names)}"} if told.names else {}),
        "device": where,
        "writes to": str(config.directory),
    }
    for name, text in [*lines.items(), *(("note", note) for note in notes)]:
        print(f"{name:>10}  {text}")
    sys.stdout.flush()
