"""The training loop: batches, steps, logging, checkpoints, from the last checkpoint to the last step."""

import dataclasses
import signal
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaegan import config as configuration
from vaegan import config_json
from vaegan.commandline.commands import spoken
from vaegan.conditions import Conditions
from vaegan.config import Config
from vaegan.data import ImageSet
from vaegan.data.batches import batch_indices
from vaegan.errors import UserError
from vaegan.machine import processes
from vaegan.machine.progress import Bar
from vaegan.pixels import to_float
from vaegan.storage import checkpoint, snapshots
from vaegan.training import collapse
from vaegan.training.interruption import Stop
from vaegan.training.trainer import Trainer

if TYPE_CHECKING:
    from vaegan.training.reporter import Measure

HELD_IN_MEMORY = 4 * 2**30  # bytes of images kept on the device; larger sets are gathered from the memory map


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
    trained = config_json.from_dict(state["config"], str(checkpoint.path(config.directory)))
    config_json.compare_with(config.directory, trained, config)
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
        "config": config_json.to_dict(config),
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
