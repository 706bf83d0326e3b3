# ruff: noqa: E402
"""python eval/study.py: train what is missing of modes x seeds on one data set, compare the runs, write the report
(a composition root; nothing imports it)."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if not __package__:  # run as a script: sys.path[0] is eval/, from where neither package can be imported
    sys.path[0] = str(ROOT)

from eval.report import directory_name
from eval.sources import OBJECTIVES
from vaegan import checkpoint
from vaegan import config as configuration
from vaegan.commandline import parse
from vaegan.config import Config
from vaegan.errors import UsageError, UserError, exits_cleanly, nearest

# Settings that go to vaegan.train as flags, when they are given.
PASSED_ON = ("steps", "data_dir", "image_size", "width", "batch_size", "preset")


@dataclass(frozen=True)
class Arguments:
    """Train what is missing, then compare everything and write the report."""

    dataset: str = "synthfaces"
    """Data set, as in vaegan.train."""
    modes: tuple[str, ...] = ("vae", "vaegan")
    """Modes to train, as in vaegan.train."""
    seeds: tuple[int, ...] = (0,)
    """One run of every mode for each seed."""
    steps: int | None = None
    """Updates of every run; this and what follows: vaegan.train's default unless given."""
    data_dir: Path | None = None
    """Where downloaded data sets lie."""
    image_size: int | None = None
    """Pixels a side."""
    width: float | None = None
    """Width of the networks."""
    batch_size: int | None = None
    """Images an update."""
    preset: str | None = None
    """Named set of defaults of vaegan.train."""
    out: Path = Path("runs")
    """Where the runs and the report are written."""
    samples: int = 10_000
    """Images a source, as in eval/compare.py."""


@dataclass(frozen=True)
class Plan:
    """One run of the study: where it lies, the flags that make it, how far it got."""

    directory: Path
    flags: tuple[str, ...]
    exists: bool
    step: int
    steps: int | None  # None: vaegan.train decides

    @property
    def finished(self) -> bool:
        return self.exists and self.step == self.steps


@exits_cleanly
def main() -> None:
    """Plan, train, compare."""
    arguments = parse(Arguments, prog="python eval/study.py")
    check(arguments)
    plans = [plan(arguments, mode, seed) for seed in arguments.seeds for mode in training_order(arguments.modes)]
    for i, run in enumerate(plans, 1):
        print(f"[{i}/{len(plans)}] {run.directory}: {describe(run)}", flush=True)
        if not run.finished:
            train(run)
    report = arguments.out / directory_name(arguments.dataset)
    compare(arguments, plans, report)
    print(f"open {report / 'report.html'}")


def check(arguments: Arguments) -> None:
    """Raise UsageError for a study that cannot be, before anything is trained."""
    for mode in arguments.modes:
        if mode not in OBJECTIVES:
            known = ", ".join(sorted(OBJECTIVES))
            raise UsageError(f"unknown mode {mode!r}{nearest(mode, OBJECTIVES)}; known are {known}")
    for name in ("modes", "seeds"):
        values = getattr(arguments, name)
        if len(set(values)) < max(len(values), 1):
            raise UsageError(f"--{name} {' '.join(map(str, values))}: give at least one, and each only once")
    if arguments.samples < 2:
        raise UsageError(f"--samples {arguments.samples} is not possible: use 2 or more")


def needs_donor(mode: str) -> bool:
    """Whether a mode takes its frozen discriminator from another run."""
    return "discriminator" in set(OBJECTIVES[mode].needs) - set(OBJECTIVES[mode].trains)


def training_order(modes: Sequence[str]) -> list[str]:
    """The modes with those that take another run's discriminator last. Raises UsageError when no run can give one."""
    order = sorted(modes, key=needs_donor)
    for mode in filter(needs_donor, order):
        if donor(order) is None:
            raise UsageError(f"--modes {mode} needs a trained discriminator: add vaegan to --modes")
    return order


def donor(modes: Sequence[str]) -> str | None:
    """The mode of the study whose discriminator others use: one trained with Dis_l as its metric, else any."""
    able = [mode for mode in modes if "discriminator" in OBJECTIVES[mode].trains]
    return next((mode for mode in able if OBJECTIVES[mode].reconstruction == "features"), able[0] if able else None)


def plan(arguments: Arguments, mode: str, seed: int) -> Plan:
    """Find out what is left to do for one run. Raises UsageError when its directory holds a run of other settings."""
    config = Config(dataset=arguments.dataset, mode=mode, seed=seed)
    directory = arguments.out / configuration.default_run_dir(config).name
    given = {name: getattr(arguments, name) for name in PASSED_ON if getattr(arguments, name) is not None}
    flags = {"mode": mode, "dataset": arguments.dataset, "seed": seed, **given, "run_dir": directory}
    if needs_donor(mode):
        giver = Config(dataset=arguments.dataset, mode=donor(arguments.modes), seed=seed)
        flags["discriminator"] = arguments.out / configuration.default_run_dir(giver).name
    words = tuple(word for name, value in flags.items() for word in (f"--{name.replace('_', '-')}", str(value)))
    if not (directory / "config.json").is_file():
        return Plan(directory, words, exists=False, step=0, steps=arguments.steps)
    stored = configuration.read(directory)
    step = checkpoint.read(directory)["step"] if checkpoint.path(directory).exists() else 0
    check_same(directory, stored, {k: v for k, v in flags.items() if k not in configuration.EXECUTION}, step)
    return Plan(directory, words, exists=True, step=step, steps=arguments.steps or stored.steps)


def check_same(directory: Path, stored: Config, wanted: dict, step: int) -> None:
    for name, value in wanted.items():
        found = getattr(stored, name)
        longer = name == "steps" and step <= value  # vaegan.train --resume extends a run
        if found != value and not longer:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{directory} is a run with {flag} {found}, not {value}: choose another --out")


def describe(run: Plan) -> str:
    if run.finished:
        return f"finished at step {run.step:,}, kept"
    return f"resuming at step {run.step:,} of {run.steps:,}" if run.exists else "training"


def train(run: Plan) -> None:
    """Train or resume one run in a process of its own, which prints its own progress."""
    resume = ("--resume",) if run.exists else ()
    call([sys.executable, "-m", "vaegan.train", *run.flags, *resume], f"training {run.directory}")


def compare(arguments: Arguments, plans: Sequence[Plan], report: Path) -> None:
    """Compare the runs, in the order of --modes, in a process of its own."""
    by_name = {run.directory.name: run.directory for run in plans}
    order = (
        configuration.default_run_dir(Config(dataset=arguments.dataset, mode=mode, seed=seed)).name
        for mode in arguments.modes
        for seed in arguments.seeds
    )
    flags = ["--out", str(report), "--samples", str(arguments.samples)]
    flags += ["--data-dir", str(arguments.data_dir)] if arguments.data_dir else []
    script = str(Path(__file__).with_name("compare.py"))
    call([sys.executable, script, *(str(by_name[name]) for name in order), *flags], "comparing the runs")


def call(command: Sequence[str], doing: str) -> None:
    """Run a command to its end, handing it our signals. Raises UserError when it fails: its message stands above."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)})
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        code = process.wait()
    except KeyboardInterrupt:  # the terminal sent it to the child too, which saves before it leaves
        process.wait()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
    if code == 2:
        raise UsageError(f"{doing} was refused (see above)")
    if code:
        raise UserError(f"{doing} stopped with exit code {code} (see above); the same command continues")


if __name__ == "__main__":
    main()
