"""What a study consists of: one plan a run, found out and checked before anything is trained."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.objectives import OBJECTIVES as BASELINES
from eval.words import dataset_title, slug
from vaegan import config as configuration
from vaegan import data
from vaegan import run as running
from vaegan.config import Config
from vaegan.errors import UsageError, UserError, nearest
from vaegan.objective import OBJECTIVES as VAEGAN
from vaegan.ownership import is_fresh
from vaegan.presets import MODES, PRESETS

OBJECTIVES = VAEGAN | BASELINES
# Settings that go to vaegan.train as flags, when they are given.
PASSED_ON = ("steps", "data_dir", "image_size", "width", "batch_size", "preset")
OWN = configuration.EXECUTION | {"mode", "seed", "discriminator"}  # what runs of one study may differ in


@dataclass(frozen=True)
class Study:
    """Train what is missing of data sets x modes x seeds, then compare each data set's runs and sum up."""

    dataset: tuple[str, ...] = ("synthfaces",)
    """Data sets, as in vaegan.train."""
    modes: tuple[str, ...] = ("vae", "vaegan")
    """Modes to train, as in vaegan.train; vae vae-disl vaegan-pixel vaegan tell which ingredient removes blur."""
    seeds: tuple[int, ...] = (0,)
    """One run of every mode for each seed."""
    steps: int | None = None
    """Updates of every run; this and what follows: vaegan.train's default unless given."""
    data_dir: Path | None = None
    """Where downloaded data sets lie: one folder for all of them."""
    image_size: int | None = None
    """Pixels a side."""
    width: float | None = None
    """Width of the networks."""
    batch_size: int | None = None
    """Images an update."""
    preset: str | None = None
    """Named set of defaults of vaegan.train."""
    out: Path = Path("runs")
    """Where the runs, a report for each data set, study.md and study.json are written."""
    samples: int = 10_000
    """Images a source, as in eval/compare.py."""

    @property
    def given(self) -> dict:
        """The settings of runs that were given."""
        return {name: getattr(self, name) for name in PASSED_ON if getattr(self, name) is not None}


@dataclass(frozen=True)
class Plan:
    """One run of a study: where it lies, its settings, the flags of vaegan.train that make or continue it, how far it
    got."""

    directory: Path
    config: Config
    flags: tuple[str, ...]
    exists: bool = False
    step: int = 0

    @property
    def finished(self) -> bool:
        return self.exists and self.step == self.config.steps

    @property
    def title(self) -> str:
        """The run on a line of progress."""
        return f"{dataset_title(self.config.dataset)} {self.config.mode} seed {self.config.seed}"


def plan(study: Study) -> list[Plan]:
    """All runs in the order of their training, a seed's modes together. Raises UsageError for a study that cannot be,
    UserError where data are missing."""
    check(study)
    plans = []
    for dataset in study.dataset:
        runs = [plan_run(study, dataset, m, seed) for seed in study.seeds for m in training_order(study.modes)]
        check_alike(runs)
        check_data(study, runs[0].config)
        plans += runs
    return plans


def check(study: Study) -> None:
    """Raise UsageError for names and numbers that no study can have."""
    for name in ("dataset", "modes", "seeds"):
        values = getattr(study, name)
        if len(set(values)) < max(len(values), 1):
            raise UsageError(f"--{name} {' '.join(map(str, values))}: give at least one, and each only once")
    _known("mode", study.modes, OBJECTIVES)
    _known("data set", [name for name in study.dataset if ":" not in name], [*data.DATASETS, *_prefixes()])
    _known("preset", [study.preset] if study.preset else [], PRESETS)
    if study.samples < 2:
        raise UsageError(f"--samples {study.samples} is not possible: use 2 or more")
    folders = {}
    for dataset in study.dataset:
        other = folders.setdefault(slug(dataset), dataset)
        if other != dataset:
            raise UsageError(f"--dataset {other} and {dataset} would share their run directories: study them apart")


def _prefixes() -> list[str]:
    return [f"{prefix}:" for prefix in data.PREFIXES]


def _known(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"unknown {what} {name!r}{nearest(name, known)}; known are {', '.join(sorted(known))}")


def needs_donor(mode: str) -> bool:
    """Whether a mode takes its frozen discriminator from another run."""
    return "discriminator" in set(OBJECTIVES[mode].needs) - set(OBJECTIVES[mode].trains)


def donor(modes: Sequence[str]) -> str | None:
    """The mode of the study whose discriminator others use: one trained with Dis_l as its metric, else any."""
    able = [mode for mode in modes if "discriminator" in OBJECTIVES[mode].trains]
    return next((mode for mode in able if OBJECTIVES[mode].reconstruction == "features"), able[0] if able else None)


def training_order(modes: Sequence[str]) -> list[str]:
    """The modes with those that take another run's discriminator last. Raises UsageError when no run can give one."""
    for mode in filter(needs_donor, modes):
        if donor(modes) is None:
            raise UsageError(f"--modes {mode} needs a trained discriminator: add vaegan to --modes")
    return sorted(modes, key=needs_donor)


def run_directory(study: Study, dataset: str, mode: str, seed: int) -> Path:
    """Where a run of the study lies."""
    return study.out / configuration.default_run_dir(Config(dataset=dataset, mode=mode, seed=seed)).name


def plan_run(study: Study, dataset: str, mode: str, seed: int) -> Plan:
    """Find out what is left to do for one run. Raises UsageError for settings that no run can have, and when its
    directory holds something else."""
    directory = run_directory(study, dataset, mode, seed)
    flags = {"mode": mode, "dataset": dataset, "seed": seed, **study.given, "run_dir": directory}
    if needs_donor(mode):
        flags["discriminator"] = run_directory(study, dataset, donor(study.modes), seed)
    if not (directory / "config.json").is_file():
        if not is_fresh(directory):
            raise UsageError(f"{directory} exists and is no run (no config.json): remove it, or choose another --out")
        return Plan(directory, fresh(words(flags)), words(flags))
    stored = configuration.read(directory)
    step = running.stored_step(directory)
    check_same(directory, stored, PRESETS.get(study.preset, {}) | flags, step)
    config = dataclasses.replace(stored, steps=study.steps or stored.steps)
    changes = {name: value for name, value in study.given.items() if name in ("steps", "data_dir")}
    return Plan(directory, config, (*words(changes | {"run_dir": directory}), "--resume"), exists=True, step=step)


def words(flags: dict) -> tuple[str, ...]:
    """Settings as a command line."""
    return tuple(word for name, value in flags.items() for word in (f"--{name.replace('_', '-')}", str(value)))


def fresh(flags: Sequence[str]) -> Config:
    """The settings that vaegan.train makes of flags, its errors included."""
    config, _ = running.resolve(flags)
    size = config.image_size or data.native_size(config.dataset, config.data_dir)
    return dataclasses.replace(config, image_size=size)


def check_same(directory: Path, stored: Config, wanted: dict, step: int) -> None:
    """Raise UsageError when a run has other settings than those wanted; its steps may still grow."""
    for name, value in wanted.items():
        found = getattr(stored, name)
        longer = name == "steps" and step <= value and stored.learning_rate_decay == 1  # as vaegan.train --resume
        if name in configuration.EXECUTION or value is None or found == value or longer:
            continue
        if name == "dataset" and found == data.resolved(value):  # a run's own path is absolute
            continue
        if isinstance(value, Path) and found is not None and Path(found).resolve() == value.resolve():
            continue
        flag = f"--{name.replace('_', '-')}"
        raise UsageError(f"{directory} is a run with {flag} {found}, not {value}: choose another --out")


def check_alike(runs: Sequence[Plan]) -> None:
    """Raise UsageError when runs of one data set, trained or to be trained, differ in more than mode and seed."""
    first = runs[0]
    names = [field.name for field in dataclasses.fields(Config) if field.name not in OWN]
    for run in runs[1:]:
        for name in names:
            a, b = (getattr(plan.config, name) for plan in (first, run))
            if a != b and not (set_by_mode(first.config, name) or set_by_mode(run.config, name)):
                flag = f"--{name.replace('_', '-')}"
                remedy = f"give {flag}, or choose another --out" if name in PASSED_ON else "choose another --out"
                raise UsageError(f"{flag} is {a} in {first.directory} and {b} in {run.directory}: {remedy}")


def set_by_mode(config: Config, name: str) -> bool:
    """Whether a setting is what the run's mode needs, and differs from other modes' for that reason alone."""
    needed = MODES.get(config.mode, {})
    return name in needed and getattr(config, name) == needed[name]


def check_data(study: Study, config: Config) -> None:
    """Raise UserError when a data set cannot be read or has too few held-out images to compare with."""
    from eval.sources import runs as sources  # imports torch: names and numbers are checked by now

    try:
        images = data.load(
            config.dataset, "test", image_size=config.image_size, data_dir=study.data_dir or config.data_dir
        )
        sources.held_out(images, study.samples, seed=0)
    except UserError as error:
        if len(study.dataset) == 1:
            raise
        hint = "one --data-dir serves every data set: link them there, or run a study for each with the same --out"
        raise type(error)(f"{config.dataset}: {error}; {hint}") from None
