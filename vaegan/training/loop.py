"""One training run from its config: load, build, train, leave a checkpoint behind."""

import contextlib
import dataclasses
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from vaegan import conditions, data, model, run
from vaegan import config as configuration
from vaegan.commandline.commands import spoken
from vaegan.conditions import Conditions
from vaegan.config import Config
from vaegan.data import ImageSet, identity
from vaegan.data.batches import batch_indices
from vaegan.errors import UsageError, UserError
from vaegan.machine import devices, memory, processes
from vaegan.machine.progress import Bar
from vaegan.networks.convolutional import parameter_count
from vaegan.networks.normalisation import has_norm
from vaegan.objective import Objective
from vaegan.pixels import to_float
from vaegan.storage import checkpoint, snapshots
from vaegan.training import collapse, initial
from vaegan.training.interruption import Stop
from vaegan.training.trainer import Trainer

if TYPE_CHECKING:
    from vaegan.training.reporter import Measure

HELD_IN_MEMORY = 4 * 2**30  # bytes of images kept on the device; larger sets are gathered from the memory map


def start(
    config: Config, objective: Objective, notes: list[str], measured: Callable[[Config], "Measure"] | None = None
) -> None:
    """Load, build, train, say what was written; a dry run stops before anything is.

    `measured` makes what reads a learning curve, where a run is to have one: it is none of this package's business.
    """
    device = run.torch_device(config)
    processes.start(device)
    config = dataclasses.replace(
        config, image_size=config.image_size or data.native_size(config.dataset, config.data_dir)
    )
    configuration.check_size(config)
    images = training_images(config)
    check_data(config, images)
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
            train(config, images, told, Trainer(config, objective, networks, device), measure)
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
        networks["discriminator"] = frozen_discriminator(config, channels, told)
    elif config.discriminator:
        raise UsageError(f"--discriminator has no use in mode {config.mode}: leave it out, or use --mode vae-disl")
    return networks


# What a run's own config must say of the discriminator it was given, or its checkpoint could not be opened again.
DISCRIMINATOR_SETTINGS = ("architecture", "width", "norm", "colour_gain")


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


def train(
    config: Config, images: ImageSet, told: Conditions, trainer: Trainer, measure: "Measure | None" = None
) -> None:
    """Run the loop from the last checkpoint to the last step; always leave a checkpoint behind."""
    from vaegan.training.reporter import Reporter  # TensorBoard and torchvision, seconds: a dry run does without

    start = resume(config, trainer)
    begun = time.monotonic()
    taken = snapshots.schedule(config.steps, config.snapshots)
    with Stop() as stop, Reporter(config, told, trainer, start, measure) as reporter:
        batches = load_batches(config, images, told, trainer.device, start)
        for step, x, y in Bar(
            batches, initial=start, total=config.steps, unit_scale=config.batch_size, unit=" images",
            desc=config.mode, disable=processes.rank() > 0, mininterval=1.0,
        ):  # fmt: skip
            done = step + 1
            stopping = processes.any_process(bool(stop.signal), trainer.device)
            saving = stopping or due(config, done, config.save_every)
            drawing, measuring = (due(config, done, n) for n in (config.images_every, config.measure_every))
            # Never save what was not seen to be finite; what is looked at belongs to a line of its own step.
            logging = saving or drawing or measuring or due(config, done, config.log_every)
            reporter.add(trainer.update(step, x, y, measure_routes=logging))
            if drawing or saving or measuring or done in taken:
                require_finite(trainer, done)
            if drawing:
                reporter.look(done)
            if measuring:
                reporter.measure(done)
            if logging:
                reporter.log(done)
            if drawing:
                reporter.draw(done)
            if done in taken:
                save(config, images, told, trainer, done, snapshots.name(taken[done]))
            if saving:
                save(config, images, told, trainer, done)
            if stopping:
                interrupted(config, done, stop.signal or signal.SIGTERM)
        reporter.finish()
    if processes.rank() == 0:
        conclude(config, time.monotonic() - begun)


def due(config: Config, done: int, every: int) -> bool:
    """Return whether something that happens every so many steps, and at the last, happens now; every 0 is never."""
    return every > 0 and (done % every == 0 or done == config.steps)


def resume(config: Config, trainer: Trainer) -> int:
    """Load the last checkpoint into the trainer and return the number of steps done."""
    if not config.resume or not checkpoint.path(config.directory).exists():
        return 0
    state = checkpoint.read(config.directory)
    trained = configuration.from_dict(state["config"], str(checkpoint.path(config.directory)))
    configuration.compare_with(config.directory, trained, config)
    try:
        trainer.load_state(state)
    except ValueError as error:
        source = checkpoint.path(config.directory)
        raise UserError(f"{source} does not fit the run ({error}): restore it or train the run again") from None
    moved = (trained.steps, trained.snapshots) != (config.steps, config.snapshots)
    if moved and state["step"] < config.steps and processes.rank() == 0:
        snapshots.discard(config.directory)
    return state["step"]


def load_batches(
    config: Config, images: ImageSet, told: Conditions, device: torch.device, start: int
) -> Iterator[tuple[int, Tensor, Tensor | None]]:
    """Yield (step, float images, what is told of them) from `start` on; batch i depends only on (seed, i), each process
    takes its share."""
    held = images.images.to(device) if images.images.nbytes <= HELD_IN_MEMORY else images.images
    for step in range(start, config.steps):
        indices = processes.shard(batch_indices(len(held), config.batch_size, config.seed, step))
        x = to_float(held[indices.to(held.device)].to(device))
        y = told.numbers(told.kept[indices]).to(device) if told.names else None
        yield step, x.contiguous(memory_format=torch.channels_last), y


def require_finite(trainer: Trainer, step: int) -> None:
    """Raise UserError for weights that are not finite, though every loss before their last update was."""
    if bad := trainer.not_finite():
        raise collapse.diverged(f"{bad} has weights that are not finite", step)


def save(
    config: Config, images: ImageSet, told: Conditions, trainer: Trainer, step: int, name: str = checkpoint.LAST
) -> None:
    """Write a checkpoint, or a snapshot: one without the optimizers."""
    processes.average_statistics(trainer.networks.values())
    if processes.rank() > 0:
        return
    state = {
        "config": configuration.to_dict(config),
        "step": step,
        "channels": images.channels,
        "conditions": told.state(),
        "data": images.identity,
        "random_state": {"seed": config.seed, "step": step},  # every draw is a function of these two
        **trainer.state(),
    }
    if name != checkpoint.LAST:
        state["optimizers"] = {}
    checkpoint.save(config.directory, state, name)


def interrupted(config: Config, step: int, number: int) -> None:
    """Leave with the signal's exit code and the command that continues."""
    if processes.rank() == 0:
        command = f"{spoken('train')} --resume --run-dir {config.directory}"
        print(f"\ninterrupted: saved {config.directory} at step {step:,}; continue with: {command}", file=sys.stderr)
    raise SystemExit(128 + number)


def conclude(config: Config, seconds: float) -> None:
    """Say what was written and what to run next."""
    other = "vaegan" if config.mode == "vae" else "vae"
    sibling = config.directory.parent / configuration.default_run_dir(dataclasses.replace(config, mode=other)).name
    runs = f"{config.directory} {sibling}" if sibling.is_dir() else f"{config.directory}"
    print(f"wrote {config.directory} ({config.steps:,} steps, {seconds / 60:.1f} min)")
    print(f"next: {spoken('compare')} {runs}, or: tensorboard --logdir {config.directory.parent}")
