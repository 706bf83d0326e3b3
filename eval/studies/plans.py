"""What a study consists of: one plan a run, found out and checked before anything is trained."""

import dataclasses
import functools
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.studies import grid
from eval.studies.asked import Study
from eval.words import dataset_title, slug
from vaegan import config as configuration
from vaegan import config_json, data
from vaegan import run as running
from vaegan.commandline.arguments import as_words, at_least, flag
from vaegan.config import Config
from vaegan.errors import UsageError, UserError, unknown
from vaegan.presets import MODES, PRESETS
from vaegan.storage.ownership import is_fresh

DECIDED = {*configuration.BY_IMAGES.items(), ("precision", "auto")}  # by the data, by the device
OWN = configuration.EXECUTION | {"mode", "seed", "discriminator", "init"}  # what runs of one study may differ in


@dataclass(frozen=True)
class Plan:
    """One run of a study: where it lies, its settings, the flags of vaegan.train that make or continue it, how far it
    got."""

    directory: Path
    config: Config
    flags: tuple[str, ...]
    exists: bool = False
    step: int = 0
    point: Mapping[str, Any] = field(default_factory=dict)  # its values of the settings that the study sweeps

    @property
    def finished(self) -> bool:
        return self.exists and self.step == self.config.steps

    @property
    def title(self) -> str:
        """The run on a line of progress."""
        where = f" {grid.words(self.point)}," if self.point else ""
        return f"{dataset_title(self.config.dataset)} {self.config.mode}{where} seed {self.config.seed}"

    @property
    def kind(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        """What runs of other seeds have in common with it."""
        return self.config.mode, tuple(self.point.items())


def plan(study: Study) -> list[Plan]:
    """All runs in the order of their training, a seed's together, those that take another run's discriminator last.
    Raises UsageError for a study that cannot be, UserError where data are missing."""
    check(study)
    plans = []
    for dataset in study.dataset:
        rows = [(mode, point) for mode in training_order(study) for point in grid.points(study, mode)]
        seeds = dict.fromkeys(seed for mode in study.modes for seed in study.seeds_of(dataset, mode))
        each = [(seed, row) for seed in seeds for row in rows if seed in study.seeds_of(dataset, row[0])]
        runs = [plan_run(study, dataset, mode, seed, point) for seed, (mode, point) in each]
        check_alike(study, dataset, runs)
        for size in dict.fromkeys(run.config.image_size for run in runs):
            check_data(study, next(run.config for run in runs if run.config.image_size == size))
        plans += runs
    check_apart(plans)
    return plans


def check(study: Study) -> None:
    """Raise UsageError for names and numbers that no study can have."""
    for name in ("dataset", "modes", "seeds"):
        values = getattr(study, name)
        if len(set(values)) < max(len(values), 1):
            raise UsageError(f"--{name} {' '.join(map(str, values))}: give at least one, and each only once")
    _known("mode", study.modes, grid.OBJECTIVES)
    _known("data set", [name for name in study.dataset if ":" not in name], [*data.DATASETS, *_prefixes()])
    _known("preset", study.settings.get("preset", ()), PRESETS)
    at_least(study, samples=2, jobs=1)
    grid.check(study)
    folders: dict[str, str] = {}
    for dataset in study.dataset:
        other = folders.setdefault(slug(dataset), dataset)
        if other != dataset:
            raise UsageError(f"--dataset {other} and {dataset} would share their run directories: study them apart")


def check_apart(plans: Sequence[Plan]) -> None:
    """Raise UsageError when two runs would have one directory."""
    seen: dict[Path, Plan] = {}
    for run in plans:
        if (other := seen.setdefault(run.directory, run)) is not run:
            raise UsageError(f"{other.title} and {run.title} would share {run.directory}: study them apart")


def _prefixes() -> list[str]:
    return [f"{prefix}:" for prefix in data.PREFIXES]


def _known(what: str, names: Sequence[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown(what, name, sorted(known))


def training_order(study: Study) -> list[str]:
    """The modes with those that take another run's discriminator last. Raises UsageError when no run can give one."""
    for mode in filter(grid.needs_donor, study.modes):
        if grid.donor(study.modes) is None and "discriminator" not in study.settings:
            raise UsageError(f"--modes {mode} needs a trained discriminator: add vaegan to --modes")
    return sorted(study.modes, key=grid.needs_donor)


def run_directory(study: Study, dataset: str, mode: str, seed: int, point: Mapping[str, Any] | None = None) -> Path:
    """Where a run of the study lies."""
    return study.out / grid.name(dataset, mode, point or {}, seed)


def donor_directory(study: Study, dataset: str, seed: int, point: Mapping[str, Any]) -> Path:
    """Where the run lies whose discriminator a run of the same seed and values takes."""
    mode = grid.donor(study.modes)
    assert mode is not None, "training_order has found one"
    return run_directory(study, dataset, mode, seed, {n: v for n, v in point.items() if grid.uses(study, mode, n)})


def plan_run(study: Study, dataset: str, mode: str, seed: int, point: Mapping[str, Any] | None = None) -> Plan:
    """Find out what is left to do for one run. Raises UsageError for settings that no run can have, and when its
    directory holds something else."""
    point = point or {}
    directory, given = run_directory(study, dataset, mode, seed, point), grid.settings(study, dataset, mode, point)
    flags = {"mode": mode, "dataset": dataset, "seed": seed, **given, "run_dir": directory}
    if grid.needs_donor(mode) and "discriminator" not in given:
        flags["discriminator"] = donor_directory(study, dataset, seed, point)
    if not (directory / "config.json").is_file():
        if not is_fresh(directory):
            raise UsageError(f"{directory} exists and is no run (no config.json): remove it, or choose another --out")
        return Plan(directory, fresh(flags), tuple(as_words(flags)), point=point)
    stored = config_json.read(directory)
    step = running.stored_step(directory)
    check_same(directory, stored, PRESETS.get(given.get("preset", ""), {}) | flags, step)
    config = dataclasses.replace(stored, steps=given.get("steps", stored.steps))
    changes = {name: value for name, value in given.items() if name == "steps" or name in configuration.EXECUTION}
    changes.pop("preset", None)
    return Plan(directory, config, (*as_words(changes | {"run_dir": directory}), "--resume"), True, step, point)


def fresh(flags: Mapping[str, Any]) -> Config:
    """The settings that vaegan.train makes of flags, its errors included."""
    own = {name: flags[name] for name in ("seed", "run_dir", "discriminator") if name in flags}
    shared = {name: value for name, value in flags.items() if name not in own}
    config = dataclasses.replace(_resolved(tuple(as_words(shared)), os.getcwd()), **own)
    configuration.check(config)
    return config


@functools.cache
def _resolved(flags: tuple[str, ...], folder: str) -> Config:
    """A command line is read once for all seeds, it takes 50 ms; `folder` is where its paths begin."""
    config, _ = running.resolve(flags)
    return dataclasses.replace(config, image_size=config.image_size or _native_size(config))


def _native_size(config: Config) -> int:
    return data.native_size(config.dataset, config.data_dir)


def check_same(directory: Path, stored: Config, wanted: dict, step: int) -> None:
    """Raise UsageError when a run has other settings than those wanted; its steps may still grow."""
    for name, value in wanted.items():
        kept = getattr(stored, name)
        longer = name == "steps" and step <= value and stored.may_grow  # as vaegan.train --resume
        decided = value is None or (name, value) in DECIDED
        if name in configuration.EXECUTION or decided or kept == value or longer:
            continue
        if name == "dataset" and kept == data.resolved(value):  # a run's own path is absolute
            continue
        if isinstance(value, Path) and kept is not None and Path(kept).resolve() == value.resolve():
            continue
        raise UsageError(f"{directory} is a run with {flag(name)} {kept}, not {value}: choose another --out")


def check_alike(study: Study, dataset: str, runs: Sequence[Plan]) -> None:
    """Raise UsageError when runs of one data set, trained or to be trained, differ in more than mode, seed and what is
    swept, or, between modes, in what only one of them looks at."""
    names = [f.name for f in dataclasses.fields(Config) if f.name not in OWN]
    first_of_kind: dict[object, Plan] = {}
    for run in runs:
        other = first_of_kind.setdefault(run.kind, run)
        check_pair(other, run, names)
        between = [n for n in names if n not in study.swept and both_use(study, dataset, runs[0], run, n)]
        check_pair(runs[0], run, between)


def both_use(study: Study, dataset: str, a: Plan, b: Plan, name: str) -> bool:
    """Whether a setting must agree between two modes: both look at it, and neither has a value of its own by need or
    by an override."""
    own = any(set_by_mode(run.config, name) or name in study.own(dataset, run.config.mode) for run in (a, b))
    return not own and all(grid.uses(study, run.config.mode, name) for run in (a, b))


def check_pair(a: Plan, b: Plan, names: Sequence[str]) -> None:
    """Raise UsageError when two runs differ in one of the settings named."""
    for name in names:
        values = [getattr(run.config, name) for run in (a, b)]
        open_yet = name in configuration.BY_IMAGES and configuration.BY_IMAGES[name] in values
        if values[0] != values[1] and not open_yet:
            raise UsageError(
                f"{flag(name)} is {values[0]} in {a.directory} and {values[1]} in {b.directory}: "
                f"give {flag(name)}, or choose another --out"
            )


def set_by_mode(config: Config, name: str) -> bool:
    """Whether a setting is what the run's mode needs, and differs from other modes' for that reason alone."""
    needed = MODES.get(config.mode, {})
    return name in needed and getattr(config, name) == needed[name]


def check_data(study: Study, config: Config) -> None:
    """Raise UserError when a data set cannot be read or has too few held-out images to compare with."""
    from eval.sources import runs as sources  # imports torch: names and numbers are checked by now

    try:
        images = data.load(
            config.dataset, "test", image_size=config.image_size, data_dir=study.fixed.get("data_dir", config.data_dir)
        )
        sources.held_out(images, study.samples, seed=0)
    except UserError as error:
        if len(study.dataset) == 1:
            raise
        hint = "one --data-dir serves every data set: link them there, or run a study for each with the same --out"
        raise type(error)(f"{config.dataset}: {error}; {hint}") from None
