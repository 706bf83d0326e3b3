"""A study's grid: which values of the swept settings a mode is trained with, and what its runs are called."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from baselines.objectives import OBJECTIVES as BASELINES
from eval.studies.asked import Study
from vaegan import config as configuration
from vaegan.commandline.arguments import flag
from vaegan.config import Config
from vaegan.errors import UsageError
from vaegan.objective import OBJECTIVES as VAEGAN
from vaegan.objective import Objective

OBJECTIVES = VAEGAN | BASELINES
MOST = 200  # runs that are trained without --yes


def _adversarial(row: Objective) -> bool:
    return row.adversarial


def _judged(row: Objective) -> bool:
    return "discriminator" in row.needs


def _both(row: Objective) -> bool:
    return row.adversarial and row.reconstruction is not None


# Settings that only some objectives look at; of every other mode a grid has no copies that differ in nothing.
USED_BY: dict[str, Callable[[Objective], bool]] = {
    "beta": lambda row: row.prior,
    "likelihood": lambda row: row.reconstruction == "pixels" and row.likelihood is None,
    "feature_precision": lambda row: row.reconstruction == "features",
    "pixel_weight": lambda row: row.reconstruction == "features",
    "gamma": _both,
    "schedule": _both,
    "adversarial_loss": _adversarial,
    "fakes": _both,
    "gate_equilibrium": _adversarial,
    "gate_margin": _adversarial,
    "discriminator_learning_rate": _adversarial,
    "minibatch_std": _judged,
    "augment": _judged,
    "colour_gain": _judged,
}


def needs_donor(mode: str) -> bool:
    """Whether a mode takes its frozen discriminator from another run."""
    return "discriminator" in set(OBJECTIVES[mode].needs) - set(OBJECTIVES[mode].trains)


def donor(modes: Sequence[str]) -> str | None:
    """The mode of the study whose discriminator others use: one trained with Dis_l as its metric, else any."""
    able = [mode for mode in modes if "discriminator" in OBJECTIVES[mode].trains]
    return next((mode for mode in able if OBJECTIVES[mode].reconstruction == "features"), able[0] if able else None)


def uses(study: Study, mode: str, name: str) -> bool:
    """Whether a setting makes a difference to a mode's runs; what one learns from a discriminator, that one's does."""
    if name == "discriminator":
        return needs_donor(mode)
    giver = donor(study.modes) if needs_donor(mode) and "discriminator" not in study.settings else None
    return name not in USED_BY or USED_BY[name](OBJECTIVES[mode]) or (giver is not None and uses(study, giver, name))


def points(study: Study, mode: str) -> list[dict[str, Any]]:
    """The values of the swept settings with which a mode is trained, in order: the grid of those that it uses."""
    names = [name for name in study.swept if uses(study, mode, name)]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(study.swept[n] for n in names))]


def settings(study: Study, dataset: str, mode: str, point: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting given for a data set's runs of a mode at a point of the grid."""
    values = study.fixed | study.own(dataset, mode)
    return {name: value for name, value in values.items() if uses(study, mode, name)} | dict(point)


def size(study: Study) -> int:
    """How many runs a study has."""
    pairs = itertools.product(study.dataset, study.modes)
    return sum(len(study.seeds_of(dataset, mode)) * len(points(study, mode)) for dataset, mode in pairs)


def check(study: Study) -> None:
    """Raise UsageError for a setting that no mode uses, values given twice, or runs that were not meant to be so many.

    A study that only prints what it would do may be of any size.
    """
    for name, values in study.settings.items():
        if len(set(values)) < len(values):
            raise UsageError(f"{flag(name)} {' '.join(map(str, values))}: give each only once")
        if not any(uses(study, mode, name) for mode in study.modes):
            raise UsageError(f"{flag(name)} has no use in mode {', '.join(study.modes)}: leave it out, or add a mode")
    for own in study.overrides:
        for name in own.settings:
            if name in study.swept:
                raise UsageError(f"{flag(name)} has several values and one of an override: leave out either")
            modes = study.modes if own.modes is None else own.modes
            if not any(uses(study, mode, name) for mode in modes):
                raise UsageError(f"{flag(name)} of an override has no use in mode {', '.join(modes)}: leave it out")
    count = size(study)
    if count > MOST and not (study.yes or study.dry_run or study.commands):
        raise UsageError(f"this study has {count:,} runs: add --yes to train more than {MOST}, or give fewer values")


def name(dataset: str, mode: str, point: Mapping[str, Any], seed: int) -> str:
    """What a run's directory is called: that of vaegan.train, with the swept values before the seed."""
    apart = [re.sub(r"[^A-Za-z0-9.]+", "-", f"{key}-{_short(value)}") for key, value in point.items()]
    whole = configuration.default_run_dir(Config(dataset=dataset, mode=mode, seed=seed)).name
    return "-".join([whole.removesuffix(f"-s{seed}"), *apart, f"s{seed}"])


def words(point: Mapping[str, Any]) -> str:
    """A point of the grid as in a sentence: "beta 0.5, latent dim 32"."""
    return ", ".join(f"{key.replace('_', ' ')} {_short(value)}" for key, value in point.items())


def _short(value: Any) -> str:
    """A number as briefly as it can be told from others."""
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
