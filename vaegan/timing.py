"""What an update costs, as ratios of medians interleaved in one run."""

import dataclasses
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from tqdm import tqdm

from vaegan import model, run
from vaegan.config import Config
from vaegan.data.synthfaces import renderer as synthfaces
from vaegan.objective import Objective
from vaegan.trainer import Trainer

FACES = 512  # images a timing of the renderer


def figures(config: Config, modes: dict[str, Objective], rounds: int) -> list[dict]:
    """Time all cases in turns, the config saying device, size, width and batch; a figure a case."""
    groups = {"update": updates(config, modes), "gate": gated(config, modes), "precision": precisions(config, modes)}
    groups["renderer"] = {
        f"{size} px": (lambda size=size: synthfaces.render(0, np.arange(FACES), size)) for size in (32, 64)
    }
    cases = {(group, name): case for group, row in groups.items() for name, case in row.items()}
    seconds = time_in_turns(cases, rounds)
    return [describe(config, group, name, seconds) for group, name in cases]


def updates(config: Config, modes: dict[str, Objective]) -> dict[str, Callable]:
    """One update of every mode; the ratio is to a plain VAE's."""
    order = ["vae", *(mode for mode in modes if mode != "vae")]
    return {mode: update(config, modes[mode]) for mode in order}


def gated(config: Config, modes: dict[str, Objective]) -> dict[str, Callable]:
    """A VAE/GAN update in which the gate holds nothing, the discriminator (every cost below), or the decoder, back."""
    open_gate, low, high = (0.68, 1e9), (1e9, 1.0), (-1e9, 1.0)
    cases = {"nobody waits": open_gate, "discriminator waits": low, "decoder waits": high}
    return {name: update(config, modes["vaegan"], gate=gate) for name, gate in cases.items()}


def precisions(config: Config, modes: dict[str, Objective]) -> dict[str, Callable]:
    """A VAE/GAN update in float32 and in bfloat16."""
    return {name: update(dataclasses.replace(config, precision=name), modes["vaegan"]) for name in ("fp32", "bf16")}


def update(config: Config, objective: Objective, gate: tuple[float, float] | None = None) -> Callable:
    """Return a function that makes one update of a new trainer on random images."""
    device = run.torch_device(config)
    trainer = Trainer(config, objective, model.networks_of(config, objective.needs, 3), device)
    trainer.settings = dataclasses.replace(trainer.settings, gate=gate)
    x = torch.rand(config.batch_size, 3, *[config.image_size] * 2, device=device) * 2 - 1
    x = x.contiguous(memory_format=torch.channels_last)
    return lambda: trainer.update(0, x)


def time_in_turns(cases: dict, rounds: int) -> dict:
    """Return the median seconds of each case over interleaved rounds, after one that is not counted."""
    timings = {name: [] for name in cases}
    for i in tqdm(range(rounds + 1), desc="rounds", leave=False):
        for name, case in cases.items():
            begun = time.perf_counter()
            case()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if i > 0:
                timings[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in timings.items()}


def describe(config: Config, group: str, name: str, seconds: dict) -> dict:
    """Return one figure; its ratio is to the first case of its group."""
    first = next(s for (g, _), s in seconds.items() if g == group)
    images = FACES if group == "renderer" else config.batch_size
    own = seconds[group, name]
    return {
        "group": group,
        "name": name,
        "milliseconds": 1000 * own,
        "images_per_second": images / own,
        "ratio": own / first,
    }
