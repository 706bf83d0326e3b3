"""What a study will cost, before it: updates that are timed here, and files whose sizes are known."""

import dataclasses
import time
from collections.abc import Sequence

import torch

from eval.studies.grid import OBJECTIVES
from eval.studies.plans import Plan
from vaegan import model, run
from vaegan.config import Config
from vaegan.machine import memory
from vaegan.training.trainer import Trainer

TIMED, WARM = 3, 1  # updates of each kind of run that are timed, and run before that
CHANNELS = 3  # of the images whose updates are timed: grey ones cost a little less
ADAM, RMSPROP = 2, 1  # numbers an optimizer keeps for each weight


def seconds_an_update(config: Config) -> float:
    """Seconds of an update of a run, the fastest of a few on random images: other work only adds to it. Raises
    UsageError for networks that do not fit into memory."""
    config, device = decided(config), run.torch_device(config)
    objective, side = OBJECTIVES[config.mode], config.image_size or 1
    planned = model.outlined(config, objective.needs, CHANNELS, 0)
    memory.check(planned, config.batch_size, (CHANNELS, side, side), config.latent_dim, memory.available(device))
    trainer = Trainer(config, objective, model.networks_of(config, objective.needs, CHANNELS), device)
    x = torch.rand(config.batch_size, CHANNELS, side, side, device=device) * 2 - 1
    x = x.contiguous(memory_format=torch.channels_last)
    taken = []
    for step in range(WARM + TIMED):
        begun = time.perf_counter()
        trainer.update(step, x)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - begun)
    return min(taken[WARM:])


def decided(config: Config) -> Config:
    """A config with what else the images decide, which changes neither time nor size."""
    return dataclasses.replace(config, colour_gain=config.colour_gain or 1.0)


def seconds(planned: Sequence[Plan], at_once: int) -> float:
    """Seconds of the updates that are missing, `at_once` runs side by side with a share of the threads each. Every kind
    of run is timed once."""
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // at_once))
    try:
        timed: dict[object, float] = {}
        for plan in planned:
            if not plan.finished and shape(plan) not in timed:
                timed[shape(plan)] = seconds_an_update(plan.config)
        total = sum(timed[shape(p)] * (p.config.steps - p.step) for p in planned if not p.finished)
    finally:
        torch.set_num_threads(threads)
    return total / at_once


def shape(plan: Plan) -> tuple[object, ...]:
    """What the cost of an update depends on."""
    names = "mode image_size architecture width latent_dim norm schedule batch_size precision condition".split()
    return tuple(getattr(plan.config, name) for name in names)


def size(config: Config) -> int:
    """Bytes of a run's checkpoint and snapshots, which are nearly all that it leaves."""
    objective = OBJECTIVES[config.mode]
    networks = model.outlined(decided(config), objective.needs, CHANNELS, 0)
    numbers = {name: sum(t.numel() for t in part.state_dict().values()) for name, part in networks.items()}
    weights = sum(numbers.values()) + numbers["decoder"]  # its averaged weights too
    moments = (ADAM if config.optimizer == "adam" else RMSPROP) * sum(numbers[name] for name in objective.trains)
    return 4 * (weights * (1 + config.snapshots) + moments)
