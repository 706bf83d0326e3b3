"""What an update costs, as ratios of medians interleaved in one run."""

import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from vaegan import model, run
from vaegan.config import Config
from vaegan.data.synthfaces import renderer as synthfaces
from vaegan.machine.progress import Bar
from vaegan.objective import Objective
from vaegan.training.trainer import Trainer

NOBODY_WAITS = (0.68, 1e9)
FACES = 512  # images a timing of the renderer


@dataclasses.dataclass(frozen=True)
class Ways:
    """Other ways to update a VAE/GAN, by name, and the widths and threads with which they are timed; whether networks
    under torch.compile are, too.

    A way makes an update of a new trainer and its images; None where it is not installed.
    """

    make: Mapping[str, Callable[[Trainer, Tensor], Callable | None]]
    widths: tuple[float, ...]
    threads: tuple[int, ...]
    compile: bool = False


def figures(config: Config, modes: dict[str, Objective], rounds: int, ways: Ways) -> list[dict]:
    """Time all cases in turns, the config saying device, size, width and batch; a figure a case."""
    groups = {"update": updates(config, modes), "gate": gated(config, modes), "precision": precisions(config, modes)}
    if ways.compile:
        groups["torch.compile"] = compilations(dataclasses.replace(config, norm="group"), modes)
    groups["renderer"] = {
        f"{size} px": (lambda size=size: synthfaces.render(0, np.arange(FACES), size)) for size in (32, 64)
    }
    for width in ways.widths:
        row = alternatives(dataclasses.replace(config, width=width, norm="group"), modes["vaegan"], ways)
        for n in ways.threads:
            groups[f"width {width:g}, threads {n}"] = {name: with_threads(n, case) for name, case in row.items()}
    cases = {(group, name): case for group, row in groups.items() for name, case in row.items()}
    seconds = time_in_turns(cases, rounds)
    return [describe(config, key, seconds) | {"peak_mb": peak_megabytes(case)} for key, case in cases.items()]


def updates(config: Config, modes: dict[str, Objective]) -> dict[str, Callable]:
    """One update of every mode; the ratio is to a plain VAE's."""
    order = ["vae", *(mode for mode in modes if mode != "vae")]
    return {mode: update(config, modes[mode]) for mode in order}


def gated(config: Config, modes: dict[str, Objective]) -> dict[str, Callable]:
    """A VAE/GAN update in which the gate holds nothing, the discriminator (every cost below), or the decoder, back."""
    low, high = (1e9, 1.0), (-1e9, 1.0)
    cases = {"nobody waits": NOBODY_WAITS, "discriminator waits": low, "decoder waits": high}
    return {name: update(config, modes["vaegan"], gate=gate) for name, gate in cases.items()}


def precisions(config: Config, modes: dict[str, Objective]) -> dict[str, Callable]:
    """A VAE/GAN update in float32 and in bfloat16."""
    return {name: update(dataclasses.replace(config, precision=name), modes["vaegan"]) for name in ("fp32", "bf16")}


def compilations(config: Config, modes: dict[str, Objective]) -> dict[str, Callable]:
    """A VAE/GAN update of networks as they are and compiled; nobody waits, so that all are passed through."""
    cases = {"as they are": False, "compiled": True}
    return {
        name: update(dataclasses.replace(config, compile=value), modes["vaegan"], NOBODY_WAITS)
        for name, value in cases.items()
    }


def alternatives(config: Config, objective: Objective, ways: Ways) -> dict[str, Callable]:
    """A VAE/GAN update by this project and by others; the ratio is how many times as long as ours one takes."""
    made = {name: make(*trained(config, objective, NOBODY_WAITS)) for name, make in ways.make.items()}
    ours = update(config, objective, NOBODY_WAITS)
    return {"this project": ours} | {name: case for name, case in made.items() if case is not None}


def with_threads(n: int, case: Callable) -> Callable:
    """Return a case that runs with n threads."""

    def threaded() -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(n)
        try:
            case()
        finally:
            torch.set_num_threads(before)

    return threaded


def peak_megabytes(case: Callable) -> float:
    """Return how much memory a case takes for tensors at once, beside what was there before it, in 10^6 bytes."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        case()
        return (torch.cuda.max_memory_allocated() - before) / 1e6
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        case()
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes = [e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())]
    return max(itertools.accumulate(changes, initial=0)) / 1e6


def update(config: Config, objective: Objective, gate: tuple[float, float] | None = None) -> Callable:
    """Return a function that makes one update of a new trainer on random images."""
    trainer, x = trained(config, objective, gate)
    return lambda: trainer.update(0, x)


def trained(config: Config, objective: Objective, gate: tuple[float, float] | None = None) -> tuple[Trainer, Tensor]:
    """Return a new trainer and random images for it."""
    device = run.torch_device(config)
    trainer = Trainer(config, objective, model.networks_of(config, objective.needs, 3), device)
    trainer.settings = dataclasses.replace(trainer.settings, gate=gate)
    x = torch.rand(config.batch_size, 3, config.side, config.side, device=device) * 2 - 1
    return trainer, x.contiguous(memory_format=torch.channels_last)


def time_in_turns(cases: dict, rounds: int) -> dict:
    """Return the median seconds of each case over interleaved rounds, after one that is not counted."""
    timings: dict[str, list[float]] = {name: [] for name in cases}
    for i in Bar(range(rounds + 1), desc="rounds", leave=False):
        for name, case in cases.items():
            begun = time.perf_counter()
            case()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if i > 0:
                timings[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in timings.items()}


def describe(config: Config, key: tuple[str, str], seconds: dict) -> dict:
    """Return one figure; its ratio is to the first case of its group."""
    group, name = key
    first = next(s for (g, _), s in seconds.items() if g == group)
    images = FACES if group == "renderer" else config.batch_size
    own = seconds[key]
    return {
        "group": group,
        "name": name,
        "milliseconds": 1000 * own,
        "images_per_second": images / own,
        "ratio": own / first,
    }
