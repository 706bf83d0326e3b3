"""python -m vaegan.bench: what an update costs, as ratios of medians interleaved in one run (a composition root)."""

import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

import baselines.objectives
from baselines import updates as alternative_updates
from vaegan import model, run
from vaegan.commandline import parse
from vaegan.config import Config, require
from vaegan.data.synthfaces import renderer as synthfaces
from vaegan.errors import UserError, exits_cleanly
from vaegan.objective import OBJECTIVES
from vaegan.trainer import Trainer

MODES = {**baselines.objectives.OBJECTIVES, **OBJECTIVES}
NOBODY_WAITS = (0.68, 1e9)
FACES = 512  # images a timing of the renderer


@dataclass(frozen=True)
class Arguments:
    """Time updates of every mode and of other projects, what the gate and bfloat16 save, and the renderer of faces."""

    device: str = "auto"
    """auto, cpu or cuda."""
    image_size: int = 32
    """Pixels a side."""
    width: float = 0.25
    """Width of the networks."""
    widths: tuple[float, ...] = (0.25, 0.5)
    """Widths at which other ways to update a VAE/GAN are timed."""
    threads: tuple[int, ...] = (1, 2)
    """Threads with which they are timed; everything else has the threads of this process."""
    batch_size: int = 64
    """Images an update."""
    rounds: int = 7
    """Timings of each case; cases take turns, so that a drift of the machine's speed hits all alike."""
    json: Path | None = None
    """Also write the figures here."""


@exits_cleanly
def main() -> None:
    """Time all cases in turns and print medians and ratios."""
    arguments = parse(Arguments, prog="python -m vaegan.bench")
    check(arguments)
    groups = {"update": updates(arguments), "gate": gated(arguments), "precision": precisions(arguments)}
    groups["renderer"] = {
        f"{size} px": (lambda size=size: synthfaces.render(0, np.arange(FACES), size)) for size in (32, 64)
    }
    for width in arguments.widths:
        row = alternatives(dataclasses.replace(arguments, width=width))
        for n in arguments.threads:
            groups[f"width {width:g}, {n} threads"] = {name: with_threads(n, case) for name, case in row.items()}
    cases = {(group, name): case for group, row in groups.items() for name, case in row.items()}
    seconds = time_in_turns(cases, arguments.rounds)
    peaks = {case: peak_megabytes(run_case) for case, run_case in cases.items()}
    figures = [describe(arguments, group, name, seconds) | {"peak_mb": peaks[group, name]} for group, name in cases]
    line = "{group:>21} {name:<25} {milliseconds:9.1f} ms {images_per_second:7.0f} images/s"
    line += " {peak_mb:6.0f} MB   ratio {ratio:.2f}"
    for figure in figures:
        print(line.format(**figure))
    if arguments.json:
        save(arguments, figures)


def check(arguments: Arguments) -> None:
    """Raise UsageError for numbers that no benchmark can have."""
    require(arguments.rounds >= 1, "rounds", arguments.rounds, "use 1 or more")
    for width in (arguments.width, *arguments.widths):
        require(0 < width < float("inf"), "widths", width, "use positive numbers")
    for n in arguments.threads:
        require(n >= 1, "threads", n, "use 1 or more")


def updates(arguments: Arguments) -> dict[str, Callable]:
    """One update of every mode; the ratio is to a plain VAE's."""
    order = ["vae", *(mode for mode in MODES if mode != "vae")]
    return {mode: update(arguments, mode) for mode in order}


def gated(arguments: Arguments) -> dict[str, Callable]:
    """A VAE/GAN update in which the gate holds nothing, the discriminator (every cost below), or the decoder, back."""
    low, high = (1e9, 1.0), (-1e9, 1.0)
    cases = {"nobody waits": NOBODY_WAITS, "discriminator waits": low, "decoder waits": high}
    return {name: update(arguments, "vaegan", gate=gate) for name, gate in cases.items()}


def precisions(arguments: Arguments) -> dict[str, Callable]:
    """A VAE/GAN update in float32 and in bfloat16."""
    return {name: update(arguments, "vaegan", precision=name) for name in ("fp32", "bf16")}


def update(arguments: Arguments, mode: str, gate: tuple[float, float] | None = None, **settings) -> Callable:
    """Return a function that makes one update of a new trainer on random images."""
    trainer, x = made(arguments, mode, gate, **settings)
    return lambda: trainer.update(0, x)


def made(
    arguments: Arguments, mode: str, gate: tuple[float, float] | None = None, **settings
) -> tuple[Trainer, torch.Tensor]:
    """Return a new trainer and random images for it."""
    shape = {"image_size": arguments.image_size, "width": arguments.width, "batch_size": arguments.batch_size}
    config = dataclasses.replace(Config(), mode=mode, device=arguments.device, **shape, **settings)
    device, objective = run.torch_device(config), MODES[mode]
    trainer = Trainer(config, objective, model.networks_of(config, objective.needs, 3), device)
    trainer.settings = dataclasses.replace(trainer.settings, gate=gate)
    x = torch.rand(arguments.batch_size, 3, *[arguments.image_size] * 2, device=device) * 2 - 1
    return trainer, x.contiguous(memory_format=torch.channels_last)


def alternatives(arguments: Arguments) -> dict[str, Callable]:
    """A VAE/GAN update by this project, and what its users would have instead, with PyTorch's own group norm."""

    def case(change: Callable = alternative_updates.with_plain_norm) -> tuple[Trainer, torch.Tensor]:
        trainer, x = made(arguments, "vaegan", gate=NOBODY_WAITS, norm="group")
        return change(trainer), x

    ours, x = case(lambda trainer: trainer)
    cases = {
        "this project": lambda: ours.update(0, x),
        "a backward pass a network": partial(alternative_updates.apart, *case()),
        "textbook": partial(alternative_updates.textbook, *case()),
    }
    pythae = alternative_updates.pythae_update(*case())
    return cases | ({"pythae": pythae} if pythae else {})


def with_threads(n: int, case: Callable) -> Callable:
    """Return a case that runs with n threads."""

    def run_case() -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(n)
        try:
            case()
        finally:
            torch.set_num_threads(before)

    return run_case


def peak_megabytes(case: Callable) -> float:
    """Return how much memory a case takes for tensors at once, beside what it keeps, in 10^6 bytes."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        kept = torch.cuda.memory_allocated()
        case()
        return (torch.cuda.max_memory_allocated() - kept) / 1e6
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        case()
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    changes = [e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())]
    return max(itertools.accumulate(changes, initial=0)) / 1e6


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


def describe(arguments: Arguments, group: str, name: str, seconds: dict) -> dict:
    """Return one figure; its ratio is to the first case of its group."""
    first = next(s for (g, _), s in seconds.items() if g == group)
    images = FACES if group == "renderer" else arguments.batch_size
    own = seconds[group, name]
    return {
        "group": group,
        "name": name,
        "milliseconds": 1000 * own,
        "images_per_second": images / own,
        "ratio": own / first,
    }


def save(arguments: Arguments, figures: list[dict]) -> None:
    """Write figures, flags and environment as JSON."""
    protocol = {k: str(v) for k, v in dataclasses.asdict(arguments).items()}
    environment = run.environment(dataclasses.replace(Config(), device=arguments.device))
    try:
        run.write_json(arguments.json, {"figures": figures, "protocol": protocol, "environment": environment})
    except OSError as error:
        raise UserError(f"{arguments.json} cannot be written ({error.strerror}): choose another --json") from None


if __name__ == "__main__":
    main()
